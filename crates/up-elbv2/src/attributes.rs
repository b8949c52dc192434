//! Attributes: settings that the API has as text under keys such as `idle_timeout.timeout_seconds`.

use std::collections::BTreeMap;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use up_core::{Error, Result};

/// Attributes by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes(BTreeMap<String, String>);

/// The most attributes that one call takes.
pub(crate) const SENT: usize = 20;

/// A field of a spec, and the key of its attribute.
pub(crate) type Row = (&'static str, &'static str);

impl Attributes {
    /// True if there are no attributes.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attributes that the fields of a spec set; a field that is left out sets none.
    pub(crate) fn of(spec: &impl Serialize, rows: &[Row]) -> Self {
        let spec = plain(spec);
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        rows.iter().filter_map(|(field, key)| Some(((*key).to_owned(), text(&spec[*field])?))).collect()
    }

    /// The spec, with the fields of these rows set to the values of the attributes.
    pub(crate) fn fill<T: Serialize + DeserializeOwned>(&self, spec: T, rows: &[Row]) -> Result<T> {
        let mut filled = plain(&spec);
        for (field, key) in rows {
            if let Some(text) = self.get(key) {
                filled[*field] = value(text);
            }
        }
        serde_json::from_value(filled).map_err(|error| Error::absent(&format!("readable attributes: {error}")))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets an attribute to a desired value; without one, nothing is changed.
    pub(crate) fn set(&mut self, key: &str, value: Option<impl ToString>) {
        self.0.extend(value.map(|value| (key.to_owned(), value.to_string())));
    }

    /// The attributes that must be sent to get from `observed` to these, each in the `form` of one API.
    pub(crate) fn beyond<T>(&self, observed: &Self, form: impl Fn(&str, &str) -> T) -> Vec<T> {
        let differ = self.0.iter().filter(|(key, value)| observed.0.get(*key) != Some(value));
        differ.map(|(key, value)| form(key, value)).collect()
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

/// A spec as JSON.
pub(crate) fn plain(spec: &impl Serialize) -> Value {
    serde_json::to_value(spec).expect("a spec is plain data with text for keys")
}

/// Booleans and numbers are written as in JSON; everything else is text.
fn value(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        timeout: i32,
        http2: bool,
        mode: String,
        delay: Option<i32>,
    }

    const ROWS: [Row; 4] = [("timeout", "t.seconds"), ("http2", "h.enabled"), ("mode", "m"), ("delay", "d.seconds")];

    #[test]
    fn a_spec_reads_back_from_the_attributes_it_sets() {
        let settings = Settings { timeout: 60, http2: true, mode: "append".into(), delay: None };
        let attributes = Attributes::of(&settings, &ROWS);
        assert_eq!((attributes.get("t.seconds"), attributes.get("d.seconds")), (Some("60"), None));
        let other = Settings { timeout: 0, http2: false, mode: String::new(), delay: None };
        assert_eq!(attributes.fill(other, &ROWS).unwrap(), settings);
    }

    #[test]
    fn only_what_differs_is_sent() {
        let observed = Settings { timeout: 60, http2: true, mode: "append".into(), delay: Some(1) };
        let desired = Settings { timeout: 30, http2: true, mode: "append".into(), delay: None };
        let form = |key: &str, value: &str| format!("{key}={value}");
        let [observed, desired] = [observed, desired].map(|settings| Attributes::of(&settings, &ROWS));
        assert_eq!(desired.beyond(&observed, form), ["t.seconds=30"]);
        assert!(observed.beyond(&observed, form).is_empty());
    }
}
