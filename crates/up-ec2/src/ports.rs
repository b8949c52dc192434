//! The ports of a rule, in one normal form.

use std::{borrow::Cow, fmt};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserializer, de};
use up_core::{placeholder, prelude::*};

/// One port, or a range: `443`, or `"8000-8100"`. Stored as text; a range of one port is stored as that port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Ports(String);

impl Ports {
    pub(crate) fn new(from: i32, to: i32) -> Self {
        Self(if from == to { from.to_string() } else { format!("{from}-{to}") })
    }

    /// The first and the last port.
    pub(crate) fn range(&self) -> Result<(i32, i32)> {
        Self::parse(&self.0).ok_or_else(|| Error::ours(format!("`{}` are not ports", placeholder::readable(&self.0))))
    }

    fn parse(text: &str) -> Option<(i32, i32)> {
        let port = |text: &str| text.trim().parse::<u16>().ok().map(i32::from);
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (port(from)?, port(to)?);
        (from <= to).then_some((from, to))
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        return deserializer.deserialize_any(PortsVisitor);

        struct PortsVisitor;

        impl de::Visitor<'_> for PortsVisitor {
            type Value = Ports;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port such as 443, or a range such as \"8000-8100\"")
            }

            fn visit_u64<E: de::Error>(self, port: u64) -> Result<Ports, E> {
                let port = u16::try_from(port).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(port), &self))?;
                Ok(Ports(port.to_string()))
            }

            fn visit_i64<E: de::Error>(self, port: i64) -> Result<Ports, E> {
                let port = u16::try_from(port).map_err(|_| E::invalid_value(de::Unexpected::Signed(port), &self))?;
                Ok(Ports(port.to_string()))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ports, E> {
                match Ports::parse(text) {
                    Some((from, to)) => Ok(Ports::new(from, to)),
                    None if placeholder::has_placeholder(text) => Ok(Ports(text.into())),
                    None => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "type": "integer", "minimum": 0, "maximum": 65535 },
                { "type": "string" },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_have_one_normal_form() {
        let read = |json: &str| serde_json::from_str::<Ports>(json).map(|ports| ports.0).ok();
        assert_eq!(read("443"), Some("443".into()));
        assert_eq!(read("\"443\""), Some("443".into()));
        assert_eq!(read("\"443-443\""), Some("443".into()));
        assert_eq!(read("\"8000 - 8100\""), Some("8000-8100".into()));
        for wrong in ["65536", "-1", "\"80-79\"", "\"http\"", "\"1-2-3\"", "[80, 443]", "\"\""] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
