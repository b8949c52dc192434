//! Values with their source spans, before and after their expressions are evaluated.

use std::rc::Rc;

use serde_json::{Number, Value};
use up_model::Address;

use crate::{source::SourceSpan, template::Template};

/// A value and its source span. The value of an expression has the span of the expression.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: SourceSpan,
    pub(crate) data: Data,
}

/// A value whose parts may not be evaluated yet.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Table(Vec<(TableKey, Node)>),
    /// A string with `${…}`. Evaluation replaces it.
    Template(Rc<Template>),
    /// An invalid value. Its error has been reported, and no further check looks at it.
    Invalid,
}

/// A key of a table, and its source span.
#[derive(Debug, Clone)]
pub(crate) struct TableKey {
    pub(crate) text: String,
    pub(crate) span: SourceSpan,
}

impl Node {
    /// A value that was computed by the expression at `span`.
    pub(crate) fn spread(span: SourceSpan, value: Value) -> Self {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(value),
            Value::Number(number) => Data::Number(number),
            Value::String(text) => Data::Text(text),
            Value::Array(items) => Data::List(items.into_iter().map(|item| Self::spread(span, item)).collect()),
            Value::Object(map) => {
                let entry = |(text, value)| (TableKey { text, span }, Self::spread(span, value));
                Data::Table(map.into_iter().map(entry).collect())
            }
        };
        Self { span, data }
    }

    pub(crate) fn invalid(span: SourceSpan) -> Self {
        Self { span, data: Data::Invalid }
    }

    /// The JSON value of an evaluated node. Invalid parts are null.
    pub(crate) fn value(&self) -> Value {
        self.clone().into_value()
    }

    /// The same, without a copy.
    pub(crate) fn into_value(self) -> Value {
        match self.data {
            Data::Null | Data::Invalid | Data::Template(_) => Value::Null,
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

    /// The resource that it refers to, if it is a reference.
    pub(crate) fn resource(&self) -> Option<Address> {
        self.reference()?.parse().ok()
    }

    /// The address that it refers to, as text.
    pub(crate) fn reference(&self) -> Option<&str> {
        match &self.data {
            Data::Table(entries) if entries.len() == 1 => self.get("$ref")?.text(),
            _ => None,
        }
    }

    /// True if a part of it is invalid.
    pub(crate) fn has_invalid(&self) -> bool {
        match &self.data {
            Data::Invalid => true,
            Data::List(items) => items.iter().any(Self::has_invalid),
            Data::Table(entries) => entries.iter().any(|(_, node)| node.has_invalid()),
            _ => false,
        }
    }

    /// The value of a key, if it is a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Data::Table(entries) = &self.data else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// Its text, if it is a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its type, for messages: `a string`, `a list`.
    pub(crate) fn described(&self) -> &'static str {
        match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a bool",
            Data::Number(number) if number.is_f64() => "a number with a fraction",
            Data::Number(_) => "a number",
            Data::Text(_) | Data::Template(_) => "a string",
            Data::List(_) => "a list",
            Data::Table(_) if self.get("$ref").is_some() || self.get("$id").is_some() => "a resource",
            Data::Table(_) => "a table",
            Data::Invalid => "an invalid value",
        }
    }

    /// The span of a path such as `ingress[0].ports`; if it does not exist, the span of its nearest existing parent.
    pub(crate) fn find(&self, path: &str) -> SourceSpan {
        let mut node = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match (&node.data, step.strip_suffix(']')) {
                (Data::List(items), Some(index)) => index.parse().ok().and_then(|index: usize| items.get(index)),
                (Data::Table(_), _) => node.get(step),
                _ => None,
            };
            let Some(next) = next else { return node.span };
            node = next;
        }
        node.span
    }
}
