//! Values that AWS never shows.
//!
//! They must not be in a plan, nor in anything that is stored. [`seal`] replaces each by a placeholder with a salt and
//! a fingerprint: the placeholder goes through plan, state and output, and two plans of the same value are equal. The
//! value itself is kept in the `Context` for the call that sends it.

use std::{collections::BTreeMap, process, time::SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Address, Field, placeholder::Placeholder};

/// The address in placeholders of write-only values.
pub const ADDRESS: &str = "write-only";

/// Values by the placeholders' attributes.
pub type WriteOnly = BTreeMap<String, String>;

/// Replaces the write-only values of a spec by placeholders and returns the values. `before` is the spec that was
/// applied last, with its placeholders: their salts are used again, so that an unchanged value has the same
/// placeholder.
pub fn seal(address: &Address, fields: &[Field], spec: &mut Value, before: Option<&Value>) -> WriteOnly {
    let mut values = WriteOnly::new();
    for field in fields.iter().filter(|field| field.is_write_only) {
        let Some(value) = spec[field.name].as_str().filter(|text| sealed(text).is_none()).map(str::to_owned) else {
            continue;
        };
        let name = format!("{address}.{}", field.name);
        let salt = before.and_then(|before| sealed(before[field.name].as_str()?)?.split_once(':'));
        let salt = salt.map_or_else(|| new_salt(&name), |(salt, _)| salt.to_owned());
        let attribute = format!("{salt}:{}", digest(&[&salt, &name, &value]));
        spec[field.name] = Placeholder { address: ADDRESS.into(), attribute: attribute.clone() }.mark().into();
        values.insert(attribute, value);
    }
    values
}

/// The salt and the fingerprint, if the text is the placeholder of a write-only value.
pub fn sealed(text: &str) -> Option<&str> {
    let placeholder = text.strip_prefix(crate::placeholder::OPEN)?.strip_suffix(crate::placeholder::CLOSE)?;
    placeholder.strip_prefix(ADDRESS)?.strip_prefix('#')
}

/// True if a field of the spec holds the placeholder of a write-only value.
pub fn is_sealed(spec: &Value) -> bool {
    spec.as_object().is_some_and(|fields| fields.values().any(|value| value.as_str().and_then(sealed).is_some()))
}

/// A salt need not be secret, only different each time.
fn new_salt(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
    digest(&[name, &process::id().to_string(), &now.to_string()])[..16].to_owned()
}

fn digest(parts: &[&str]) -> String {
    format!("{:x}", Sha256::digest(serde_json::to_vec(parts).expect("text is JSON")))[..32].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Change;

    const FIELDS: &[Field] = &[Field { is_write_only: true, ..Field::new("secret", Change::Update) }];

    fn sealed_spec(value: &str, before: Option<&Value>) -> (Value, WriteOnly) {
        let mut spec = json!({ "name": "a", "secret": value });
        let values = seal(&Address::root("x.store", "a"), FIELDS, &mut spec, before);
        (spec, values)
    }

    #[test]
    fn a_sealed_value_is_in_no_text_and_keeps_its_placeholder_until_it_changes() {
        let (first, values) = sealed_spec("open sesame", None);
        assert!(!first.to_string().contains("sesame") && is_sealed(&first));
        assert_eq!(values.values().collect::<Vec<_>>(), ["open sesame"]);
        let (again, _) = sealed_spec("open sesame", Some(&first));
        assert_eq!(again, first);
        let (other, _) = sealed_spec("open barley", Some(&first));
        assert_ne!(other, first);
        let (salted_anew, _) = sealed_spec("open sesame", None);
        assert_ne!(salted_anew, first);
    }

    #[test]
    fn a_sealed_spec_is_not_sealed_twice() {
        let (mut spec, _) = sealed_spec("open sesame", None);
        let before = spec.clone();
        assert!(seal(&Address::root("x.store", "a"), FIELDS, &mut spec, None).is_empty());
        assert_eq!(spec, before);
    }
}
