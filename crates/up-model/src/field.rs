//! A spec, and the policy of each of its fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Address, placeholder};

/// Looks up a value of another resource of the stack before anything is changed: an attribute of the live one, or a
/// field of the declared one, see [`text_at`].
pub type Asked<'a> = &'a dyn Fn(&Address, &str) -> Option<String>;

/// The text of a field, or of a key in a map field: `parameters.log_output`. The items of a list are separated by commas.
pub fn text_at(spec: &Value, path: &str) -> Option<String> {
    let value = match path.split_once('.') {
        Some((field, key)) => spec.get(field)?.get(key)?,
        None => spec.get(path)?,
    };
    let text = match value {
        Value::Array(items) => items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.join(","),
        value => value.as_str()?.to_owned(),
    };
    (!placeholder::has_placeholder(&text)).then_some(text)
}

/// The typed form of a TOML table. Implemented by `#[spec]` of `up-derive`.
pub trait Spec: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {
    /// The policy of each field, in the order of the struct.
    const FIELDS: &'static [Field];
}

/// What a change to a field costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// AWS changes it in place. The default.
    Update,
    /// The resource is replaced.
    Replace,
    /// Used only when the resource is created, and never compared again (a snapshot to restore from).
    Initial,
    /// The name that the user gives the resource in AWS. A change replaces the resource; and because two resources
    /// cannot share a name, a replacement that keeps the name deletes the old resource first.
    Name,
}

/// The policy of one field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The field's name, in TOML and in JSON.
    pub name: &'static str,
    /// What a change to it costs.
    pub change: Change,
    /// Its references are needed by `update` but not by `create`: so two security groups can refer to each other.
    pub deferred: bool,
    /// Whether its references keep AWS from deleting their targets.
    pub binding: Binding,
    /// A set whose members other resources of the stack use through this one: a member is removed only after these have
    /// been updated or deleted.
    pub is_shared: bool,
    /// AWS never shows the value. It is compared by a salted fingerprint in the state, and sent by every update; it
    /// never appears in a plan, a log, the state or an error.
    pub is_write_only: bool,
    /// All its targets are within one parent (subnets in their VPC), and an update cannot move it to targets in another
    /// parent: then the resource is replaced.
    pub is_confined: bool,
}

impl Field {
    /// A field with the default policy.
    pub const fn new(name: &'static str, change: Change) -> Self {
        Self {
            name,
            change,
            deferred: false,
            binding: Binding::Firm,
            is_shared: false,
            is_write_only: false,
            is_confined: false,
        }
    }
}

/// Whether the references in a field keep AWS from deleting their targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binding {
    /// They do, and an update can only exchange them.
    Firm,
    /// They do, and an update can remove them without a replacement: items of a list that may be empty.
    Detachable,
    /// They do not: AWS deletes a target although such a field refers to it.
    Loose,
}
