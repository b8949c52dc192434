//! References to other resources, such as `vpc = "main"`, typed by the kind they refer to.

use std::{borrow::Cow, cmp::Ordering, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::Value;

use crate::Address;

/// The name of a kind. It is in this crate so that `Ref<Vpc>` needs no AWS SDK.
pub trait Name: 'static {
    /// `ec2.vpc`.
    const NAME: &'static str;
}

/// Another resource, of kind `K`.
///
/// Written `"main"` for one in the same module, `"network/main"` for one in another, or `{ id = "vpc-0abc" }` for one
/// outside the stack. It holds no id of a resource of the stack: `Context::id` looks it up when a call needs
/// it.
pub struct Ref<K> {
    target: RefTarget,
    kind: PhantomData<fn() -> K>,
}

/// What a reference leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefTarget {
    /// A resource of the same stack.
    Address(Address),
    /// The id, or the ARN, of another.
    Id(String),
}

impl<K: Name> Ref<K> {
    /// A resource of the same stack.
    pub fn to(address: Address) -> Self {
        Self { target: RefTarget::Address(address), kind: PhantomData }
    }

    /// The target of a live resource's reference. The engine turns it into an address if the target belongs to the
    /// stack.
    pub fn id(id: impl Into<String>) -> Self {
        Self { target: RefTarget::Id(id.into()), kind: PhantomData }
    }

    /// The address of the target; `None` if it is outside the stack.
    pub fn address(&self) -> Option<&Address> {
        match &self.target {
            RefTarget::Address(address) => Some(address),
            RefTarget::Id(_) => None,
        }
    }

    /// What it leads to.
    pub fn target(&self) -> &RefTarget {
        &self.target
    }
}

/// The kind and the id (or ARN), if `value` is a reference by id in JSON.
pub fn by_id(value: &Value) -> Option<(&str, &str)> {
    let map = value.as_object().filter(|map| map.len() == 2)?;
    // With two entries, searching is faster than hashing.
    let text = |key: &str| map.iter().find(|(known, _)| *known == key)?.1.as_str();
    text("$kind").zip(text("$id"))
}

/// In JSON, `{"$ref": "<address>"}` or `{"$id": "vpc-1", "$kind": "ec2.vpc"}`: planning finds references by these keys,
/// without knowing the kind.
impl<K: Name> Serialize for Ref<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let len = if matches!(self.target, RefTarget::Address(_)) { 1 } else { 2 };
        let mut map = serializer.serialize_map(Some(len))?;
        match &self.target {
            RefTarget::Address(address) => map.serialize_entry("$ref", address)?,
            RefTarget::Id(id) => {
                map.serialize_entry("$id", id)?;
                map.serialize_entry("$kind", K::NAME)?;
            }
        }
        map.end()
    }
}

impl<'de, K: Name> Deserialize<'de> for Ref<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        return deserializer.deserialize_any(RefVisitor(PhantomData));

        struct RefVisitor<K>(PhantomData<K>);

        impl<'de, K: Name> Visitor<'de> for RefVisitor<K> {
            type Value = Ref<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a reference to an {}, or {{ id = \"…\" }} for one outside the stack", K::NAME)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ref<K>, A::Error> {
                let mut found = None;
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    match key.as_str() {
                        "id" | "$id" => found = Some(Ref::id(value)),
                        "$ref" => found = Some(Ref::to(value.parse().map_err(de::Error::custom)?)),
                        "$kind" if value == K::NAME => {}
                        "$kind" => return Err(de::Error::custom(format!("an {value} is not an {}", K::NAME))),
                        _ => return Err(de::Error::unknown_field(&key, &["id"])),
                    }
                }
                match found {
                    Some(Ref { target: RefTarget::Address(address), .. }) if address.kind != K::NAME => {
                        Err(de::Error::custom(format!("`{address}` is not an {}", K::NAME)))
                    }
                    Some(found) => Ok(found),
                    None => Err(de::Error::invalid_length(0, &self)),
                }
            }
        }
    }
}

impl<K: Name> JsonSchema for Ref<K> {
    fn schema_name() -> Cow<'static, str> {
        format!("Ref_{}", K::NAME).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "type": "string" },
                { "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"] },
            ],
            "x-ref": K::NAME,
        })
    }
}

impl<K> Clone for Ref<K> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), kind: PhantomData }
    }
}

impl<K> fmt::Debug for Ref<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target.fmt(f)
    }
}

impl<K> PartialEq for Ref<K> {
    fn eq(&self, other: &Self) -> bool {
        self.target == other.target
    }
}

impl<K> Eq for Ref<K> {}

impl<K> PartialOrd for Ref<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Ref<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.target.cmp(&other.target)
    }
}
