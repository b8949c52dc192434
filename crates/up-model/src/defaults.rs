//! Values without the parts that have their default.

use std::borrow::Cow;

use serde_json::Value;

use crate::schema::Shape;

/// The value without parts of its tables that have their default value. Documents and references are left whole.
pub fn without_defaults<'a>(value: &'a Value, shape: Shape<'_>) -> Cow<'a, Value> {
    match value {
        Value::Object(map) if !shape.is_document() && !map.contains_key("$ref") && !map.contains_key("$id") => {
            let shape = shape.keys();
            let all = map.iter().map(|(key, value)| (key, value, shape(key)));
            let own = all.filter(|(_, value, shape)| !shape.is_default(value));
            let own: Vec<_> = own.map(|(key, value, shape)| (key, without_defaults(value, shape))).collect();
            let is_whole = own.len() == map.len() && own.iter().all(|(_, value)| matches!(value, Cow::Borrowed(_)));
            match is_whole {
                true => Cow::Borrowed(value),
                false => Cow::Owned(own.into_iter().map(|(key, value)| (key.clone(), value.into_owned())).collect()),
            }
        }
        Value::Array(items) => {
            let shape = shape.item();
            let own: Vec<_> = items.iter().map(|item| without_defaults(item, shape)).collect();
            match own.iter().all(|item| matches!(item, Cow::Borrowed(_))) {
                true => Cow::Borrowed(value),
                false => Cow::Owned(own.into_iter().map(Cow::into_owned).collect()),
            }
        }
        _ => Cow::Borrowed(value),
    }
}
