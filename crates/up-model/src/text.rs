//! Text types whose form is checked before any call.

use std::{borrow::Cow, fmt};

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use crate::placeholder;

/// A CIDR block, such as `10.0.0.0/16` or `::/0`.
///
/// It is kept in the spelling that AWS returns (`2001:db8::/32`, however it was written). Invalid blocks are refused,
/// and so are blocks with bits set behind the prefix (`10.0.0.1/16`), which AWS would silently clear.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Cidr(String);

impl Cidr {
    /// A block returned by AWS, unchecked.
    pub fn observed(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for AWS.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parsed block; `None` if it contains a placeholder.
    pub fn net(&self) -> Option<IpNet> {
        self.0.parse().ok()
    }

    fn parse(text: &str) -> Result<Self, String> {
        if placeholder::has_placeholder(text) {
            return Ok(Self(text.into()));
        }
        let net: IpNet = text.parse().map_err(|_| format!("`{text}` is not a CIDR block such as `10.0.0.0/16`"))?;
        if net.trunc() != net {
            return Err(format!("`{text}` has bits set behind its prefix; did you mean `{}`?", net.trunc()));
        }
        Ok(Self(net.to_string()))
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Cidr {
    fn schema_name() -> Cow<'static, str> {
        "Cidr".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "cidr" })
    }
}

/// A JSON document, such as an IAM policy: written as a TOML table, or as text with JSON (`jsonencode(…)`, `file(…)`).
/// Documents are compared by content, not by spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(Value);

impl Document {
    /// Parses a document from AWS.
    pub fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| format!("not a JSON document: {error}"))
    }

    /// The document as text for AWS.
    pub fn text(&self) -> String {
        self.0.to_string()
    }

    /// Its content.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Its content, for changes.
    pub fn into_value(self) -> Value {
        self.0
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        return deserializer.deserialize_any(DocumentVisitor);

        struct DocumentVisitor;

        impl<'de> Visitor<'de> for DocumentVisitor {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON document, as a table or as text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Document, E> {
                Document::parse(text).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(Document)
            }
        }
    }
}

impl JsonSchema for Document {
    fn schema_name() -> Cow<'static, str> {
        "Document".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "type": "string" }, { "type": "object" }], "x-document": true })
    }
}
