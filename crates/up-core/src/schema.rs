//! A JSON Schema, read once: what may stand at each place of a spec.
//!
//! Kinds say it in JSON, for editors. The engine asks it of every value of every resource, which as JSON would be the most
//! of what checking costs.

use std::sync::LazyLock;

use serde_json::Value;

use crate::diff::same;

/// What may stand at each place of a spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The whole first.
    places: Vec<Place>,
}

/// Which of [`Schema::places`].
type At = usize;

/// What a schema says of one place. Where it says nothing, anything may stand there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Place {
    /// `$ref`: the name of the definition that says all the rest, and where it is.
    definition: Option<(String, At)>,
    description: Option<String>,
    default: Option<Value>,
    /// `x-ref`: the kind that is referred to.
    pub kind: Option<String>,
    /// `x-document`: a JSON document, compared as a whole.
    pub is_document: bool,
    /// `format`: a CIDR block.
    pub is_cidr: bool,
    /// `type`: any of these; where there is none, any at all.
    pub types: Vec<Type>,
    /// `const` or `enum`: the texts that it may be.
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
    /// `uniqueItems`: the order does not count, and nothing stands in it twice.
    pub is_set: bool,
    /// `minItems`.
    pub fewest: Option<usize>,
    /// `maxItems`.
    pub most_items: Option<usize>,
    /// `properties`, in their order.
    fields: Option<Vec<(String, At)>>,
    /// `additionalProperties`: whether a table may have others, and what they are.
    others: Others,
    /// `required`.
    pub required: Vec<String>,
    /// `x-complete`: fields that are left out are null.
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
    /// Nothing.
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
    /// Reads what kinds say of themselves. What is no schema says nothing.
    pub fn read(json: &Value) -> Self {
        let mut reader = Reader { json, places: vec![], named: vec![] };
        reader.place(json);
        Self { places: reader.places }
    }

    /// The whole spec.
    pub fn whole(&self) -> Shape<'_> {
        Shape { places: &self.places, here: &self.places[0] }
    }

    /// True where anything may stand, whatever it is.
    pub fn is_any(&self) -> bool {
        self.places[0] == Place::default()
    }
}

struct Reader<'a> {
    json: &'a Value,
    places: Vec<Place>,
    /// The definitions that have been met, with where each is.
    named: Vec<(&'a str, At)>,
}

impl<'a> Reader<'a> {
    fn place(&mut self, json: &'a Value) -> At {
        let at = self.places.len();
        self.places.push(Place::default());
        self.places[at] = self.read(json);
        at
    }

    fn read(&mut self, json: &'a Value) -> Place {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let count = |key: &str| json[key].as_u64().and_then(|count| usize::try_from(count).ok());
        let choices = ["oneOf", "anyOf"].iter().find_map(|key| json[key].as_array());
        let fields = json["properties"].as_object();
        let others = match json.get("additionalProperties") {
            None => Others::Unsaid,
            Some(Value::Bool(false)) => Others::None,
            Some(each) => Others::Each(self.place(each)),
        };
        Place {
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
            items: json.get("items").map(|each| self.place(each)),
            first_items: self.all(json["prefixItems"].as_array().map_or(&[][..], Vec::as_slice)),
            is_set: json["uniqueItems"] == true,
            fewest: count("minItems"),
            most_items: count("maxItems"),
            fields: fields.map(|fields| fields.iter().map(|(name, it)| (name.clone(), self.place(it))).collect()),
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
        json.iter().map(|json| self.place(json)).collect()
    }

    /// A definition is read once, whoever refers to it: it may refer to itself.
    fn definition(&mut self, path: &'a str) -> Option<(String, At)> {
        let name = path.strip_prefix("#/$defs/")?;
        if let Some((_, at)) = self.named.iter().find(|(known, _)| *known == name) {
            return Some((name.to_owned(), *at));
        }
        let json = self.json["$defs"].get(name)?;
        self.named.push((name, self.places.len()));
        Some((name.to_owned(), self.place(json)))
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

/// A place, with all that stands within.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    places: &'a [Place],
    here: &'a Place,
}

/// Of which nothing is known.
impl Default for Shape<'_> {
    fn default() -> Self {
        static ANY: LazyLock<Place> = LazyLock::new(Place::default);
        Self { places: &[], here: &ANY }
    }
}

impl<'a> Shape<'a> {
    fn at(&self, at: At) -> Self {
        Self { here: &self.places[at], ..*self }
    }

    /// What is said of the place, by the definition it refers to where it does.
    pub fn place(&self) -> &'a Place {
        self.resolved().here
    }

    /// The same place, as the definition says that it refers to.
    fn resolved(&self) -> Self {
        let mut shape = *self;
        // A definition that is only a reference to itself does not occur; the bound keeps it harmless.
        for _ in 0..8 {
            let Some((_, at)) = shape.here.definition else { break };
            shape = shape.at(at);
        }
        shape
    }

    /// The name of the type that stands here, where it has one.
    pub fn type_name(&self) -> Option<&'a str> {
        self.here.definition.as_ref().map(|(name, _)| name.as_str())
    }

    /// True where one thing stands here, in however many ways it may be written: a document or a reference.
    fn is_one(&self) -> bool {
        self.here.is_document || self.here.kind.is_some()
    }

    /// What may stand here, where that is said here and not in a type of its own name; `null` left out.
    pub fn choices(&self) -> Option<Vec<Self>> {
        let Place { choices, parts, .. } = self.here;
        let choices = choices.as_ref().or(Some(parts).filter(|parts| !parts.is_empty())).filter(|_| !self.is_one())?;
        let all = choices.iter().map(|&at| self.at(at));
        Some(all.filter(|choice| choice.here.types != [Type::Null]).collect())
    }

    /// The schemas of which one must fit, `oneOf` or `anyOf`, all of them.
    pub fn branches(&self) -> Option<impl Iterator<Item = Self> + use<'a>> {
        let shape = self.resolved();
        shape.here.choices.as_ref().map(|choices| choices.iter().map(move |&at| shape.at(at).resolved()))
    }

    /// The schemas that all must fit: `allOf`.
    pub fn parts(&self) -> impl Iterator<Item = Self> + use<'a> {
        let shape = self.resolved();
        shape.here.parts.iter().map(move |&at| shape.at(at))
    }

    /// Itself, or each of what may stand here; `null` left out.
    pub fn alternatives(&self) -> Vec<Self> {
        match self.resolved().choices() {
            Some(choices) => choices.iter().flat_map(Self::alternatives).collect(),
            None => vec![*self],
        }
    }

    /// What the item of a list is, where that is said.
    pub fn each(&self) -> Option<Self> {
        let shape = self.resolved();
        shape.here.items.map(|at| shape.at(at))
    }

    /// The first items of a list, where each has a shape of its own.
    pub fn first_items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let shape = self.resolved();
        shape.here.first_items.iter().map(move |&at| shape.at(at))
    }

    /// A field of a table that has some.
    pub fn field(&self, name: &str) -> Option<Self> {
        let shape = self.resolved();
        shape.here.fields.as_ref()?.iter().find(|(known, _)| known == name).map(|&(_, at)| shape.at(at))
    }

    /// The names of a table's fields, where they are said.
    pub fn fields(&self) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        self.place().fields.as_ref().map(|fields| fields.iter().map(|(name, _)| name.as_str()))
    }

    /// What a table has beside its fields.
    pub fn other(&self) -> Option<Self> {
        let shape = self.resolved();
        match shape.here.others {
            Others::Each(at) => Some(shape.at(at)),
            Others::Unsaid | Others::None => None,
        }
    }

    /// True for a table of anything.
    pub fn is_open(&self) -> bool {
        let Place { fields, others, .. } = self.place();
        fields.is_none() && *others == Others::Unsaid
    }

    /// The value of a key of a table.
    pub fn key(&self, key: &str) -> Self {
        self.keys()(key)
    }

    /// The same for many keys of one table.
    pub fn keys(&self) -> impl Fn(&str) -> Self + use<'a> {
        let tables = self.alternatives();
        move |key| tables.iter().find_map(|table| table.field(key).or_else(|| table.other())).unwrap_or_default()
    }

    /// The item of a list.
    pub fn item(&self) -> Self {
        self.alternatives().iter().find_map(Self::each).unwrap_or_default()
    }

    /// True for a JSON document: compared as a whole, read line by line.
    pub fn is_document(&self) -> bool {
        self.alternatives().iter().any(|shape| shape.place().is_document)
    }

    /// What stands here when the user writes nothing.
    pub fn default_value(&self) -> Option<&'a Value> {
        self.here.default.as_ref()
    }

    /// True for what stands here when the user writes nothing.
    pub fn is_default(&self, value: &Value) -> bool {
        self.default_value().is_some_and(|default| same(default, value))
    }

    /// True where the table here must have the field.
    pub fn requires(&self, field: &str) -> bool {
        self.place().required.iter().any(|required| required == field)
    }

    /// What the doc comment says: of the place, or else of what stands there.
    pub fn description(&self) -> Option<&'a str> {
        self.own_description().or_else(|| self.type_description())
    }

    /// What the doc comment of the place says.
    pub fn own_description(&self) -> Option<&'a str> {
        self.here.description.as_deref()
    }

    /// What the doc comment of the type says that stands here.
    pub fn type_description(&self) -> Option<&'a str> {
        self.place().description.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_may_hold_themselves() {
        let tree = json!({ "type": "object", "properties": { "left": { "$ref": "#/$defs/Tree" } } });
        let schema = Schema::read(&json!({ "$ref": "#/$defs/Tree", "$defs": { "Tree": tree } }));
        let left = schema.whole().key("left").key("left");
        assert_eq!((left.type_name(), left.fields().unwrap().collect::<Vec<_>>()), (Some("Tree"), vec!["left"]));
        let schema = Schema::read(&json!({ "$ref": "#/$defs/A", "$defs": { "A": { "$ref": "#/$defs/A" } } }));
        assert!(schema.whole().is_open());
    }

    #[test]
    fn what_says_nothing_allows_anything() {
        assert!(Schema::read(&json!(true)).is_any());
        assert!(!Schema::read(&json!({ "type": "string" })).is_any());
        assert!(Shape::default().key("any").item().alternatives().len() == 1);
    }
}
