//! What a kind's JSON Schema says of a place in its spec.

use serde_json::Value;

/// A place in a spec, seen through its kind's JSON Schema. Knows nothing where there is no schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    root: &'a Value,
    here: &'a Value,
}

impl<'a> Shape<'a> {
    /// The whole spec.
    pub(crate) fn new(schema: &'a Value) -> Self {
        Self { root: schema, here: schema }
    }

    fn at(&self, here: &'a Value) -> Self {
        Self { root: self.root, here }
    }

    /// The schema here, `$ref` followed.
    pub(crate) fn resolved(&self) -> &'a Value {
        let mut here = self.here;
        while let Some(path) = here["$ref"].as_str() {
            match path.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer)) {
                Some(next) => here = next,
                None => return &Value::Null,
            }
        }
        here
    }

    /// The name of the type that stands here, where it has one.
    pub(crate) fn type_name(&self) -> Option<&'a str> {
        self.here["$ref"].as_str()?.rsplit('/').next()
    }

    /// Itself, or each of what may stand here; `null` left out. What is a document or a reference is one thing, in
    /// however many ways it may be written.
    pub(crate) fn alternatives(&self) -> Vec<Self> {
        let resolved = self.at(self.resolved());
        match resolved.choices() {
            Some(choices) => choices.iter().flat_map(Self::alternatives).collect(),
            None => vec![*self],
        }
    }

    /// What may stand here, where that is said here and not in a type of its own name.
    pub(crate) fn choices(&self) -> Option<Vec<Self>> {
        let is_whole = self.here.get("x-document").is_some() || self.here.get("x-ref").is_some();
        let choices = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|word| self.here[word].as_array());
        let some = choices.filter(|_| !is_whole)?.iter().filter(|choice| choice["type"] != "null");
        Some(some.map(|choice| self.at(choice)).collect())
    }

    /// The value of a key of a table.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.keys()(key)
    }

    /// The same for many keys of one table.
    pub(crate) fn keys(&self) -> impl Fn(&str) -> Self + use<'a> {
        let (whole, none) = (*self, &Value::Null);
        let tables: Vec<_> = self.alternatives().iter().map(Self::resolved).collect();
        move |key| {
            let found = tables.iter().find_map(|table| {
                let own = table["properties"].get(key);
                own.or_else(|| table.get("additionalProperties").filter(|others| others.is_object()))
            });
            whole.at(found.unwrap_or(none))
        }
    }

    /// The item of a list.
    pub(crate) fn item(&self) -> Self {
        let found = self.alternatives().into_iter().find_map(|shape| shape.resolved().get("items"));
        self.at(found.unwrap_or(&Value::Null))
    }

    /// True for a JSON document: compared as a whole, read line by line.
    pub(crate) fn is_document(&self) -> bool {
        self.alternatives().iter().any(|shape| shape.resolved()["x-document"] == true)
    }

    /// What stands here when the user writes nothing.
    pub(crate) fn default(&self) -> Option<&'a Value> {
        self.here.get("default")
    }

    /// True where the table here must have the field.
    pub(crate) fn requires(&self, field: &str) -> bool {
        self.resolved()["required"].as_array().is_some_and(|fields| fields.iter().any(|required| required == field))
    }

    /// What the doc comment says: of the place, or else of what stands there.
    pub(crate) fn description(&self) -> Option<&'a str> {
        self.here["description"].as_str().or_else(|| self.type_description())
    }

    /// What the doc comment of the type says that stands here.
    pub(crate) fn type_description(&self) -> Option<&'a str> {
        self.resolved()["description"].as_str()
    }
}
