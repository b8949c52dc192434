//! Checks a value against a JSON Schema, all of it, and turns names into references on the way.

use std::{cell::Cell, collections::HashSet, rc::Rc};

use serde_json::{Map, Value};
use up_core::{Cidr, quote};

use crate::{
    diagnostic::Complaint,
    file::COMMON,
    node::{Data, Key, Node},
    shape::{expected, hint_for, names_of, reference_to, types},
    suggest::{listed, suggest},
    value::{mark_in, not_known},
    world::{Instance, World},
};

/// Checks the values of one resource or one input.
pub(crate) struct Checker<'a> {
    pub(crate) world: &'a World,
    /// Where names of resources are looked up.
    pub(crate) instance: &'a Rc<Instance>,
    /// The whole schema, which holds the definitions.
    schema: &'a Value,
    /// What has the fields at the top, for messages: `ec2.vpc`.
    what: &'a str,
    pub(crate) is_wrong: Cell<bool>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(world: &'a World, instance: &'a Rc<Instance>, schema: &'a Value, what: &'a str) -> Self {
        Self { world, instance, schema, what, is_wrong: Cell::new(false) }
    }

    /// The value with its references resolved; `None` where something is wrong, which has been reported.
    pub(crate) fn check(&self, node: Node) -> Option<Node> {
        let node = self.node(node, self.schema, true);
        (!self.is_wrong.get() && !node.has_hole()).then_some(node)
    }

    pub(crate) fn complain(&self, complaint: Complaint) {
        self.is_wrong.set(true);
        self.world.complain(complaint);
    }

    pub(crate) fn wrong(&self, node: &Node, wanted: &str, hint: Option<String>) -> Node {
        let expected = format!("expected {wanted}");
        let complaint = match mark_in(&node.value()).filter(|_| node.text().is_some()) {
            Some(quote) => Complaint::new(node.place, format!("{expected}, and {}", not_known(&quote))),
            None => Complaint::new(node.place, format!("{expected}, found {}", node.described())).hint(hint),
        };
        self.complain(complaint.expected(wanted));
        Node::hole(node.place)
    }

    /// Follows `$ref` to a definition.
    fn resolved(&self, mut schema: &'a Value) -> &'a Value {
        // A definition that is only a reference to itself does not occur; the bound keeps it harmless.
        for _ in 0..8 {
            let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix("#/$defs/"));
            match name.and_then(|name| self.schema.get("$defs")?.get(name)) {
                Some(definition) => schema = definition,
                None => break,
            }
        }
        schema
    }

    fn node(&self, node: Node, schema: &'a Value, is_top: bool) -> Node {
        let schema = self.resolved(schema);
        if matches!(node.data, Data::Hole) {
            return node;
        }
        if let Some(kind) = reference_to(schema) {
            return self.reference(node, kind, false).into_iter().next().unwrap_or_else(|| Node::hole(self.whole()));
        }
        if schema.get("x-document").is_some() {
            return self.document(node);
        }
        if let Some(branches) = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(key)?.as_array()) {
            return self.one_of(node, branches);
        }
        let node = match schema.get("allOf").and_then(Value::as_array) {
            Some(parts) => parts.iter().fold(node, |node, part| self.node(node, part, is_top)),
            None => node,
        };
        if let Some(names) = names_of(schema) {
            return self.name(node, &names);
        }
        let types = types(schema);
        match &node.data {
            _ if types.is_empty() => node,
            Data::Null if types.contains(&"null") => node,
            Data::Table(_) if types.contains(&"object") => self.table(node, schema, is_top),
            Data::List(_) if types.contains(&"array") => self.list(node, schema),
            Data::Table(_) if types.contains(&"array") && self.is_all_resources(&node) => self.list(node, schema),
            Data::Text(_) if types.contains(&"string") => self.text(node, schema),
            Data::Bool(_) if types.contains(&"boolean") => node,
            Data::Number(number) if types.contains(&"number") || (types.contains(&"integer") && !number.is_f64()) => {
                self.number(node, schema)
            }
            _ => {
                let hint = hint_for(&node, &types, schema);
                self.wrong(&node, &expected(schema, &types), hint)
            }
        }
    }

    fn whole(&self) -> crate::source::Place {
        self.instance.file.start
    }

    fn text(&self, node: Node, schema: &Value) -> Node {
        let text = node.text().unwrap_or_default();
        if schema.get("format").and_then(Value::as_str) == Some("cidr") {
            // Its own reader has the better words.
            if let Err(error) = serde_json::from_value::<Cidr>(text.into()) {
                self.complain(Complaint::new(node.place, error.to_string()).expected("a CIDR block"));
            }
        }
        node
    }

    fn number(&self, node: Node, schema: &Value) -> Node {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let (least, most) = (bound("minimum"), bound("maximum"));
        if let Data::Number(number) = &node.data {
            let number = number.as_f64().unwrap_or(f64::MAX);
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                let wanted = expected(schema, &types(schema));
                let message = format!("expected {wanted}, found {number}");
                self.complain(Complaint::new(node.place, message).expected(wanted));
            }
        }
        node
    }

    /// Text that is one of some names.
    fn name(&self, node: Node, names: &[&str]) -> Node {
        let expected = if names.len() == 1 { listed(names) } else { format!("one of {}", listed(names)) };
        match node.text() {
            Some(text) if names.contains(&text) || quote::is_quoting(text) => node,
            Some(text) => {
                let hint = crate::suggest::closest(text, names).map(|name| format!("did you mean `{name}`?"));
                let complaint = Complaint::new(node.place, format!("expected {expected}, found `{text}`")).hint(hint);
                self.complain(complaint.expected(expected));
                Node::hole(node.place)
            }
            None => self.wrong(&node, &expected, None),
        }
    }

    fn list(&self, node: Node, schema: &'a Value) -> Node {
        let place = node.place;
        let items = match node.data {
            Data::List(items) => items,
            Data::Table(entries) => entries.into_iter().map(|(_, item)| item).collect(),
            _ => vec![],
        };
        let parts = schema.get("prefixItems").and_then(Value::as_array);
        let each = schema.get("items").map(|each| self.resolved(each));
        let mut checked = vec![];
        for (index, item) in items.into_iter().enumerate() {
            match (parts.and_then(|parts| parts.get(index)).or(each), each.and_then(reference_to)) {
                (_, Some(kind)) => checked.extend(self.reference(item, kind, true)),
                (Some(schema), None) => checked.push(self.node(item, schema, false)),
                (None, None) => checked.push(item),
            }
        }
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut known = HashSet::new();
            checked.retain(|item| item.has_hole() || known.insert(item.value().to_string()));
        }
        let node = Node { place, data: Data::List(checked) };
        self.list_rules(&node, schema);
        node
    }

    /// How many items a list may have.
    fn list_rules(&self, node: &Node, schema: &Value) {
        let Data::List(items) = &node.data else { return };
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
        let (least, most) = (bound("minItems"), bound("maxItems"));
        if least.is_some_and(|least| items.len() < least) || most.is_some_and(|most| items.len() > most) {
            let expected = match (least, most) {
                (Some(least), Some(most)) if least == most => format!("{least} items"),
                (Some(least), None) => format!("at least {least}"),
                (None, Some(most)) => format!("at most {most} items"),
                (least, most) => format!("{} to {} items", least.unwrap_or(0), most.unwrap_or(0)),
            };
            let complaint = Complaint::new(node.place, format!("expected {expected}, found {}", items.len()));
            self.complain(complaint.expected(expected));
        }
    }

    fn table(&self, node: Node, schema: &'a Value, is_top: bool) -> Node {
        let place = node.place;
        let Data::Table(entries) = node.data else { return node };
        let properties = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties").filter(|rest| !matches!(rest, Value::Bool(false)));
        let (mut checked, mut misspelt): (Vec<(Key, Node)>, Vec<&str>) = (vec![], vec![]);
        for (key, item) in entries {
            match properties.and_then(|properties| properties.get(&key.text)).or(rest) {
                Some(schema) => {
                    let item = self.node(item, schema, false);
                    checked.push((key, item));
                }
                // Neither fields nor a type for the rest: a table of anything.
                None if properties.is_none() && schema.get("additionalProperties").is_none() => {
                    checked.push((key, item));
                }
                None => misspelt.extend(self.unknown(&key, properties, is_top)),
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !misspelt.contains(&name) && !checked.iter().any(|(key, _)| key.text == name) {
                let what = if is_top { format!("{} ", self.what) } else { String::new() };
                let about = properties.and_then(|properties| properties.get(name)?.get("description")?.as_str());
                let about = about.and_then(|about| about.lines().next()).map(|about| format!("`{name}`: {about}"));
                let message = format!("{what}`{name}` is missing");
                self.complain(Complaint::new(place, message).expected(format!("`{name}`")).hint(about));
            }
        }
        if schema.get("x-complete").is_some() {
            let absent = properties.into_iter().flat_map(Map::keys);
            for name in absent {
                if !checked.iter().any(|(key, _)| key.text == *name) {
                    checked.push((Key { text: name.clone(), place }, Node { place, data: Data::Null }));
                }
            }
        }
        Node { place, data: Data::Table(checked) }
    }

    /// Reports a key that is none, and returns the one that was probably meant.
    fn unknown(&self, key: &Key, properties: Option<&'a Map<String, Value>>, is_top: bool) -> Option<&'a str> {
        let names = properties.into_iter().flat_map(Map::keys).map(String::as_str);
        let common = COMMON.iter().copied().filter(|_| is_top && self.what.contains('.'));
        let what = if is_top { self.what } else { "this table" };
        let names: Vec<&'a str> = names.chain(common).collect();
        let hint = suggest(&key.text, names.iter().copied());
        self.complain(Complaint::new(key.place, format!("{what} has no `{}`", key.text)).hint(hint));
        crate::suggest::closest(&key.text, &names)
    }

    /// A value that may have one of several shapes: the one that fits best says what is wrong with it.
    fn one_of(&self, node: Node, branches: &'a [Value]) -> Node {
        let branches: Vec<&Value> = branches.iter().map(|branch| self.resolved(branch)).collect();
        if matches!(node.data, Data::Null) && branches.iter().any(|branch| types(branch).contains(&"null")) {
            return node;
        }
        let branches: Vec<&Value> = branches.into_iter().filter(|branch| types(branch) != ["null"]).collect();
        let names: Vec<&str> = branches.iter().filter_map(|branch| names_of(branch)).flatten().collect();
        let fitting: Vec<&Value> = branches.iter().copied().filter(|branch| self.fits(&node, branch)).collect();
        if !names.is_empty() && node.text().is_some() && fitting.iter().all(|branch| names_of(branch).is_some()) {
            return self.name(node, &names);
        }
        match fitting[..] {
            [] => {
                let mut all: Vec<_> = branches.iter().map(|branch| expected(branch, &types(branch))).collect();
                all.dedup();
                self.wrong(&node, &all.join(", or "), None)
            }
            [only] => self.node(node, only, false),
            _ if matches!(node.data, Data::Table(_)) => self.variant(node, &fitting),
            _ => {
                // Of several kinds, the one that has a resource of this name.
                let named = fitting.iter().find(|branch| {
                    let found = reference_to(branch).zip(node.text());
                    found.is_some_and(|(kind, text)| self.world.reference(self.instance, text, kind, false).is_ok())
                });
                let plain = fitting.iter().find(|branch| reference_to(branch).is_none());
                self.node(node, named.or(plain).unwrap_or(&fitting[0]), false)
            }
        }
    }

    /// Of several tables, the one that knows most of the keys.
    fn variant(&self, node: Node, branches: &[&'a Value]) -> Node {
        let Data::Table(entries) = &node.data else { return node };
        let known = |branch: &Value| {
            let properties = branch.get("properties");
            entries.iter().filter(|(key, _)| properties.and_then(|known| known.get(&key.text)).is_some()).count()
        };
        let tagged = |branch: &Value| {
            entries.iter().all(|(key, item)| {
                let property = branch.get("properties").and_then(|known| known.get(&key.text));
                property.and_then(names_of).is_none_or(|names| item.text().is_none_or(|text| names.contains(&text)))
            })
        };
        let best = branches.iter().rev().max_by_key(|branch| (tagged(branch), known(branch))).copied();
        let Some(best) = best else { return node };
        if known(best) > 0 || entries.is_empty() {
            return self.node(node, best, false);
        }
        let keys = branches.iter().filter_map(|branch| branch.get("properties")?.as_object());
        let keys: Vec<&str> = keys.flat_map(|properties| properties.keys().map(String::as_str)).collect();
        if let Some((key, _)) = entries.first() {
            let complaint = Complaint::new(key.place, format!("there is no `{}` here", key.text));
            let complaint = complaint.expected(format!("one of {}", listed(&keys)));
            self.complain(complaint.hint(suggest(&key.text, keys.iter().copied())));
        }
        Node::hole(node.place)
    }

    /// True where a value is at least of the right sort.
    fn fits(&self, node: &Node, schema: &Value) -> bool {
        let types = types(schema);
        let is_reference = reference_to(schema).is_some();
        match &node.data {
            Data::Table(_) if is_reference => true,
            Data::Text(_) if is_reference || schema.get("x-document").is_some() => true,
            _ if schema.get("x-document").is_some() => true,
            _ if is_reference => false,
            Data::Text(_) => types.contains(&"string") || names_of(schema).is_some() || types.is_empty(),
            Data::Bool(_) => types.contains(&"boolean") || types.is_empty(),
            Data::Number(number) => {
                types.contains(&"number") || (types.contains(&"integer") && !number.is_f64()) || types.is_empty()
            }
            Data::List(_) => types.contains(&"array") || types.is_empty(),
            Data::Table(_) => {
                types.contains(&"object") || types.is_empty() || types.contains(&"array") && self.is_all_resources(node)
            }
            Data::Null | Data::Hole | Data::Template(_) => true,
        }
    }
}
