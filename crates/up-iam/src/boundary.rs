//! The permissions boundary of a role.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use up_core::{Context, Ref, Result, names};

/// A permissions boundary: a policy, or, as empty text, none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Boundary {
    None,
    Policy(Ref<names::Policy>),
}

impl Boundary {
    /// The policy's ARN; `None` if there is no boundary, or if none is declared.
    pub(crate) fn arn(boundary: &Option<Self>, cx: &Context) -> Result<Option<String>> {
        match boundary {
            Some(Self::Policy(policy)) => cx.attr(policy, "arn").map(Some),
            Some(Self::None) | None => Ok(None),
        }
    }
}

impl Serialize for Boundary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str(""),
            Self::Policy(policy) => policy.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Boundary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        return deserializer.deserialize_any(BoundaryVisitor);

        struct BoundaryVisitor;

        impl<'de> Visitor<'de> for BoundaryVisitor {
            type Value = Boundary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference to an iam.policy, or `\"\"` for none")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Boundary, E> {
                if text.is_empty() {
                    Ok(Boundary::None)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Boundary, A::Error> {
                Ref::deserialize(MapAccessDeserializer::new(map)).map(Boundary::Policy)
            }
        }
    }
}

impl JsonSchema for Boundary {
    fn schema_name() -> Cow<'static, str> {
        "Boundary".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [Ref::<names::Policy>::json_schema(generator), { "type": "string", "const": "" }] })
    }
}
