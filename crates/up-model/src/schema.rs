//! A JSON Schema, parsed once: the rules for each part of a spec.
//!
//! Kinds publish their schema as JSON, for editors. The engine looks rules up for every value of every resource, which
//! would be slow on JSON.

use std::sync::LazyLock;

use serde_json::Value;

use crate::diff::same;

/// The parsed schema of a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The rules of all parts; those of the whole spec come first.
    rules: Vec<SchemaRules>,
}

/// An index into [`Schema::rules`].
type At = usize;

/// The rules for one part of a spec. A part without rules may hold any value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SchemaRules {
    /// `$ref`: the name of the definition with the other rules, and its index.
    definition: Option<(String, At)>,
    description: Option<String>,
    default: Option<Value>,
    /// `x-ref`: the kind that is referred to.
    pub kind: Option<String>,
    /// `x-document`: a JSON document, compared as a whole.
    pub is_document: bool,
    /// `format`: a CIDR block.
    pub is_cidr: bool,
    /// `type`: the allowed types; empty for any.
    pub types: Vec<Type>,
    /// `const` or `enum`: the allowed texts.
    pub names: Option<Vec<String>>,
    /// `minimum`, of a number.
    pub least: Option<f64>,
    /// `maximum`, of a number.
    pub most: Option<f64>,
    /// `oneOf` or `anyOf`.
    choices: Option<Vec<At>>,
    /// `allOf`.
    parts: Vec<At>,
    /// `items`.
    items: Option<At>,
    /// `prefixItems`.
    first_items: Vec<At>,
    /// `uniqueItems`: the order does not count, and no item comes twice.
    pub is_set: bool,
    /// `minItems`.
    pub fewest: Option<usize>,
    /// `maxItems`.
    pub most_items: Option<usize>,
    /// `properties`, in order.
    fields: Option<Vec<(String, At)>>,
    /// `additionalProperties`: whether a table may have other keys, and the rules for them.
    others: Others,
    /// `required`.
    pub required: Vec<String>,
    /// `x-complete`: missing fields are null.
    pub is_complete: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Others {
    #[default]
    Unsaid,
    None,
    Each(At),
}

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// Text.
    Text,
    /// A list.
    List,
    /// A table.
    Table,
}

impl Schema {
    /// Parses a schema. Anything that is not a schema has no rules.
    pub fn read(json: &Value) -> Self {
        let mut reader = Reader { json, rules: vec![], named: vec![] };
        reader.add(json);
        Self { rules: reader.rules }
    }

    /// The whole spec.
    pub fn whole(&self) -> Shape<'_> {
        Shape { rules: &self.rules, here: &self.rules[0] }
    }

    /// True if there are no rules.
    pub fn is_any(&self) -> bool {
        self.rules[0] == SchemaRules::default()
    }
}

struct Reader<'a> {
    json: &'a Value,
    rules: Vec<SchemaRules>,
    /// The definitions read so far, with their indices.
    named: Vec<(&'a str, At)>,
}

impl<'a> Reader<'a> {
    fn add(&mut self, json: &'a Value) -> At {
        let at = self.rules.len();
        self.rules.push(SchemaRules::default());
        self.rules[at] = self.read(json);
        at
    }

    fn read(&mut self, json: &'a Value) -> SchemaRules {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let count = |key: &str| json[key].as_u64().and_then(|count| usize::try_from(count).ok());
        let choices = ["oneOf", "anyOf"].iter().find_map(|key| json[key].as_array());
        let fields = json["properties"].as_object();
        let others = match json.get("additionalProperties") {
            None => Others::Unsaid,
            Some(Value::Bool(false)) => Others::None,
            Some(each) => Others::Each(self.add(each)),
        };
        SchemaRules {
            definition: json["$ref"].as_str().and_then(|path| self.definition(path)),
            description: text("description"),
            default: json.get("default").cloned(),
            kind: text("x-ref"),
            is_document: json.get("x-document").is_some(),
            is_cidr: json["format"] == "cidr",
            types: types(&json["type"]),
            names: names(json),
            least: json["minimum"].as_f64(),
            most: json["maximum"].as_f64(),
            choices: choices.map(|choices| self.all(choices)),
            parts: self.all(json["allOf"].as_array().map_or(&[][..], Vec::as_slice)),
            items: json.get("items").map(|each| self.add(each)),
            first_items: self.all(json["prefixItems"].as_array().map_or(&[][..], Vec::as_slice)),
            is_set: json["uniqueItems"] == true,
            fewest: count("minItems"),
            most_items: count("maxItems"),
            fields: fields.map(|fields| fields.iter().map(|(name, it)| (name.clone(), self.add(it))).collect()),
            others,
            required: json["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            is_complete: json.get("x-complete").is_some(),
        }
    }

    fn all(&mut self, json: &'a [Value]) -> Vec<At> {
        json.iter().map(|json| self.add(json)).collect()
    }

    /// A definition is read once for all references to it: it may refer to itself.
    fn definition(&mut self, path: &'a str) -> Option<(String, At)> {
        let name = path.strip_prefix("#/$defs/")?;
        if let Some((_, at)) = self.named.iter().find(|(known, _)| *known == name) {
            return Some((name.to_owned(), *at));
        }
        let json = self.json["$defs"].get(name)?;
        self.named.push((name, self.rules.len()));
        Some((name.to_owned(), self.add(json)))
    }
}

fn types(json: &Value) -> Vec<Type> {
    let named = |name: &str| {
        Some(match name {
            "null" => Type::Null,
            "boolean" => Type::Bool,
            "integer" => Type::Integer,
            "number" => Type::Number,
            "string" => Type::Text,
            "array" => Type::List,
            "object" => Type::Table,
            _ => return None,
        })
    };
    match json {
        Value::String(name) => named(name).into_iter().collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter_map(named).collect(),
        _ => vec![],
    }
}

fn names(json: &Value) -> Option<Vec<String>> {
    match (&json["const"], &json["enum"]) {
        (Value::String(name), _) => Some(vec![name.clone()]),
        (_, Value::Array(names)) => names.iter().map(|name| Some(name.as_str()?.to_owned())).collect(),
        _ => None,
    }
}

/// The rules for a part of a spec, with those of everything inside it.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    rules: &'a [SchemaRules],
    here: &'a SchemaRules,
}

/// A part without rules.
impl Default for Shape<'_> {
    fn default() -> Self {
        static ANY: LazyLock<SchemaRules> = LazyLock::new(SchemaRules::default);
        Self { rules: &[], here: &ANY }
    }
}

impl<'a> Shape<'a> {
    fn at(&self, at: At) -> Self {
        Self { here: &self.rules[at], ..*self }
    }

    /// The rules for the part itself, or those of the definition it refers to.
    pub fn rules(&self) -> &'a SchemaRules {
        self.resolved().here
    }

    /// The definition that the part refers to, or the part itself.
    fn resolved(&self) -> Self {
        let mut shape = *self;
        // No definition refers only to itself; the bound prevents an endless loop.
        for _ in 0..8 {
            let Some((_, at)) = shape.here.definition else { break };
            shape = shape.at(at);
        }
        shape
    }

    /// The name of the type, if it has one.
    pub fn type_name(&self) -> Option<&'a str> {
        self.here.definition.as_ref().map(|(name, _)| name.as_str())
    }

    /// True for a document or a reference, which is one value in several spellings.
    fn is_one(&self) -> bool {
        self.here.is_document || self.here.kind.is_some()
    }

    /// The alternatives listed here, not those of a named type; without `null`.
    pub fn choices(&self) -> Option<Vec<Self>> {
        let SchemaRules { choices, parts, .. } = self.here;
        let choices = choices.as_ref().or(Some(parts).filter(|parts| !parts.is_empty())).filter(|_| !self.is_one())?;
        let all = choices.iter().map(|&at| self.at(at));
        Some(all.filter(|choice| choice.here.types != [Type::Null]).collect())
    }

    /// All schemas of `oneOf` or `anyOf`, of which one must match.
    pub fn branches(&self) -> Option<impl Iterator<Item = Self> + use<'a>> {
        let shape = self.resolved();
        shape.here.choices.as_ref().map(|choices| choices.iter().map(move |&at| shape.at(at).resolved()))
    }

    /// The schemas of `allOf`, which all must match.
    pub fn parts(&self) -> impl Iterator<Item = Self> + use<'a> {
        let shape = self.resolved();
        shape.here.parts.iter().map(move |&at| shape.at(at))
    }

    /// Itself, or all alternatives; without `null`.
    pub fn alternatives(&self) -> Vec<Self> {
        match self.resolved().choices() {
            Some(choices) => choices.iter().flat_map(Self::alternatives).collect(),
            None => vec![*self],
        }
    }

    /// The rules for the items of a list, if there are any.
    pub fn each(&self) -> Option<Self> {
        let shape = self.resolved();
        shape.here.items.map(|at| shape.at(at))
    }

    /// The first items of a list, if they have rules of their own.
    pub fn first_items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let shape = self.resolved();
        shape.here.first_items.iter().map(move |&at| shape.at(at))
    }

    /// A field of a table.
    pub fn field(&self, name: &str) -> Option<Self> {
        let shape = self.resolved();
        shape.here.fields.as_ref()?.iter().find(|(known, _)| known == name).map(|&(_, at)| shape.at(at))
    }

    /// The names of a table's fields, if they are listed.
    pub fn fields(&self) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        self.rules().fields.as_ref().map(|fields| fields.iter().map(|(name, _)| name.as_str()))
    }

    /// The rules for other keys of a table.
    pub fn other(&self) -> Option<Self> {
        let shape = self.resolved();
        match shape.here.others {
            Others::Each(at) => Some(shape.at(at)),
            Others::Unsaid | Others::None => None,
        }
    }

    /// True for a table that allows any key.
    pub fn is_open(&self) -> bool {
        let SchemaRules { fields, others, .. } = self.rules();
        fields.is_none() && *others == Others::Unsaid
    }

    /// The rules for the value of a key.
    pub fn key(&self, key: &str) -> Self {
        self.keys()(key)
    }

    /// The same for many keys of one table.
    pub fn keys(&self) -> impl Fn(&str) -> Self + use<'a> {
        let tables = self.alternatives();
        move |key| tables.iter().find_map(|table| table.field(key).or_else(|| table.other())).unwrap_or_default()
    }

    /// The rules for the items of a list.
    pub fn item(&self) -> Self {
        self.alternatives().iter().find_map(Self::each).unwrap_or_default()
    }

    /// True for a JSON document: compared as a whole, displayed line by line.
    pub fn is_document(&self) -> bool {
        self.alternatives().iter().any(|shape| shape.rules().is_document)
    }

    /// The default value.
    pub fn default_value(&self) -> Option<&'a Value> {
        self.here.default.as_ref()
    }

    /// True if `value` is the default.
    pub fn is_default(&self, value: &Value) -> bool {
        self.default_value().is_some_and(|default| same(default, value))
    }

    /// True if the table must have the field.
    pub fn requires(&self, field: &str) -> bool {
        self.rules().required.iter().any(|required| required == field)
    }

    /// The doc comment of the field, or else of its type.
    pub fn description(&self) -> Option<&'a str> {
        self.own_description().or_else(|| self.type_description())
    }

    /// The doc comment of the field.
    pub fn own_description(&self) -> Option<&'a str> {
        self.here.description.as_deref()
    }

    /// The doc comment of the type.
    pub fn type_description(&self) -> Option<&'a str> {
        self.rules().description.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_may_refer_to_themselves() {
        let tree = json!({ "type": "object", "properties": { "left": { "$ref": "#/$defs/Tree" } } });
        let schema = Schema::read(&json!({ "$ref": "#/$defs/Tree", "$defs": { "Tree": tree } }));
        let left = schema.whole().key("left").key("left");
        assert_eq!((left.type_name(), left.fields().unwrap().collect::<Vec<_>>()), (Some("Tree"), vec!["left"]));
        let schema = Schema::read(&json!({ "$ref": "#/$defs/A", "$defs": { "A": { "$ref": "#/$defs/A" } } }));
        assert!(schema.whole().is_open());
    }

    #[test]
    fn a_schema_without_rules_allows_anything() {
        assert!(Schema::read(&json!(true)).is_any());
        assert!(!Schema::read(&json!({ "type": "string" })).is_any());
        assert!(Shape::default().key("any").item().alternatives().len() == 1);
    }
}
