//! TOML with places: what a file says, before and after its expressions are evaluated.

use std::rc::Rc;

use serde_json::{Number, Value};
use up_core::Address;

use crate::{source::Place, template::Template};

/// A value and where it stands. What an expression gave stands where the expression does.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) data: Data,
}

/// A value, of which parts may not be evaluated yet.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Table(Vec<(Key, Node)>),
    /// Text with `${…}`; gone after evaluation.
    Template(Rc<Template>),
    /// Something wrong that has been reported; it fits everywhere.
    Hole,
}

/// A key of a table and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Node {
    /// A value that an expression at `place` gave.
    pub(crate) fn spread(place: Place, value: Value) -> Self {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(value),
            Value::Number(number) => Data::Number(number),
            Value::String(text) => Data::Text(text),
            Value::Array(items) => Data::List(items.into_iter().map(|item| Self::spread(place, item)).collect()),
            Value::Object(map) => {
                let entry = |(text, value)| (Key { text, place }, Self::spread(place, value));
                Data::Table(map.into_iter().map(entry).collect())
            }
        };
        Self { place, data }
    }

    pub(crate) fn hole(place: Place) -> Self {
        Self { place, data: Data::Hole }
    }

    /// The plain value. Only for evaluated nodes; what is wrong in it reads as null.
    pub(crate) fn value(&self) -> Value {
        self.clone().into_value()
    }

    /// The same, of a node that is done with.
    pub(crate) fn into_value(self) -> Value {
        match self.data {
            Data::Null | Data::Hole | Data::Template(_) => Value::Null,
            Data::Bool(value) => Value::Bool(value),
            Data::Number(number) => Value::Number(number),
            Data::Text(text) => Value::String(text),
            Data::List(items) => items.into_iter().map(Self::into_value).collect(),
            Data::Table(entries) => {
                let entries = entries.into_iter().map(|(key, node)| (key.text, node.into_value()));
                Value::Object(entries.collect())
            }
        }
    }

    /// The resource that it is.
    pub(crate) fn resource(&self) -> Option<Address> {
        self.reference()?.parse().ok()
    }

    /// Its address, in text.
    pub(crate) fn reference(&self) -> Option<&str> {
        match &self.data {
            Data::Table(entries) if entries.len() == 1 => self.get("$ref")?.text(),
            _ => None,
        }
    }

    /// True where something in it has been reported as wrong.
    pub(crate) fn has_hole(&self) -> bool {
        match &self.data {
            Data::Hole => true,
            Data::List(items) => items.iter().any(Self::has_hole),
            Data::Table(entries) => entries.iter().any(|(_, node)| node.has_hole()),
            _ => false,
        }
    }

    /// The entry of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Data::Table(entries) = &self.data else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it is, for messages: `text`, `a list`.
    pub(crate) fn described(&self) -> &'static str {
        match &self.data {
            Data::Null => "nothing (null)",
            Data::Bool(_) => "a bool",
            Data::Number(number) if number.is_f64() => "a number with a fraction",
            Data::Number(_) => "a number",
            Data::Text(_) | Data::Template(_) => "text",
            Data::List(_) => "a list",
            Data::Table(_) if self.get("$ref").is_some() || self.get("$id").is_some() => "a resource",
            Data::Table(_) => "a table",
            Data::Hole => "something wrong",
        }
    }

    /// The place of what `path` names, such as `ingress[0].ports`; as near to it as there is something.
    pub(crate) fn find(&self, path: &str) -> Place {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.data, step.strip_suffix(']')) {
                (Data::List(items), Some(index)) => index.parse().ok().and_then(|index: usize| items.get(index)),
                (Data::Table(_), _) => node.get(step),
                _ => None,
            };
            let Some(next) = next else { return node.place };
            node = next;
        }
        node.place
    }
}
