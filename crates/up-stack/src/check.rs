//! Checks a value against a JSON Schema, all of it, and turns names into references on the way.

use std::{cell::Cell, rc::Rc};

use serde_json::{Map, Value};
use up_core::{Address, Cidr, Document, quote};

use crate::{
    diagnostic::Complaint,
    file::COMMON,
    node::{Data, Key, Node},
    suggest::{listed, suggest},
    value::{self, mark_in, not_known},
    world::{Instance, World},
};

/// Checks the values of one resource or one input.
pub(crate) struct Checker<'a> {
    world: &'a World,
    /// Where names of resources are looked up.
    instance: &'a Rc<Instance>,
    /// The whole schema, which holds the definitions.
    schema: &'a Value,
    /// What has the fields at the top, for messages: `ec2.vpc`.
    what: &'a str,
    is_wrong: Cell<bool>,
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

    fn complain(&self, complaint: Complaint) {
        self.is_wrong.set(true);
        self.world.complain(complaint);
    }

    fn wrong(&self, node: &Node, wanted: &str, hint: Option<String>) -> Node {
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
        let node = Node { place, data: Data::List(checked) };
        self.list_rules(&node, schema);
        node
    }

    /// How many items a list may have, and whether two may be the same.
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
        if schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut known = std::collections::BTreeSet::new();
            for item in items.iter().filter(|item| !item.has_hole()) {
                if !known.insert(item.value().to_string()) {
                    self.complain(Complaint::new(item.place, "this stands in the set twice"));
                }
            }
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

    /// A document is taken as it is; but a resource in it would be a reference nobody follows.
    fn document(&self, node: Node) -> Node {
        match &node.data {
            Data::Table(_) => {
                self.no_resource_in(&node);
                node
            }
            Data::Text(text) => {
                // Its own reader has the better words.
                if let Err(error) = Document::parse(text) {
                    self.complain(Complaint::new(node.place, error).expected("text that holds JSON, or a table"));
                }
                node
            }
            _ => self.wrong(&node, "a document: a table, or text that holds JSON", None),
        }
    }

    fn no_resource_in(&self, node: &Node) {
        if let Some(address) = value::as_resource(&node.value()).filter(|_| matches!(node.data, Data::Table(_))) {
            let complaint = Complaint::new(node.place, format!("a resource stands in a document: {address}"));
            self.complain(complaint.hint("name the attribute that is meant, such as `.arn`".to_owned()));
            return;
        }
        match &node.data {
            Data::Table(entries) => entries.iter().for_each(|(_, item)| self.no_resource_in(item)),
            Data::List(items) => items.iter().for_each(|item| self.no_resource_in(item)),
            _ => {}
        }
    }

    /// True for what `for_each` makes of a resource: a map of references.
    fn is_all_resources(&self, node: &Node) -> bool {
        let Data::Table(entries) = &node.data else { return false };
        node.get("$ref").is_none() && entries.iter().all(|(_, item)| item.get("$ref").or(item.get("$id")).is_some())
    }

    /// What a name, a resource or `{ id = "…" }` refers to; several only in a list.
    fn reference(&self, node: Node, kind: &str, in_list: bool) -> Vec<Node> {
        let expected = || format!("a reference to `{kind}`: its name, or `{{ id = \"…\" }}` outside the stack");
        match &node.data {
            Data::Hole => vec![node],
            Data::Text(text) if quote::is_quoting(text) => vec![self.quoted_reference(&node, text, kind)],
            Data::Text(text) => match self.world.reference(self.instance, text, kind, in_list) {
                Ok(found) => found.iter().map(|address| Node::spread(node.place, &value::resource(address))).collect(),
                Err(fault) => {
                    self.is_wrong.set(true);
                    self.world.fault(node.place, fault);
                    vec![Node::hole(node.place)]
                }
            },
            Data::List(items) if in_list => {
                items.iter().flat_map(|item| self.reference(item.clone(), kind, false)).collect()
            }
            Data::Table(entries) if in_list && self.is_all_resources(&node) => {
                entries.iter().flat_map(|(_, item)| self.reference(item.clone(), kind, false)).collect()
            }
            Data::Table(entries) => match value::as_resource(&node.value()) {
                Some(address) => vec![self.of_kind(node, &address, kind)],
                None if node.get("$id").is_some() => match node.get("$kind").and_then(Node::text) {
                    Some(other) if other != kind => {
                        vec![self.wrong(&node, &format!("`{kind}`, and this is of kind `{other}`"), None)]
                    }
                    _ => vec![node],
                },
                None => match (node.get("id").map(|id| &id.data), entries.len()) {
                    (Some(Data::Text(id)), 1) if !id.is_empty() => {
                        vec![Node::spread(node.place, &serde_json::json!({ "$id": id, "$kind": kind }))]
                    }
                    _ => vec![self.wrong(&node, &expected(), None)],
                },
            },
            _ => vec![self.wrong(&node, &expected(), None)],
        }
    }

    fn of_kind(&self, node: Node, address: &Address, kind: &str) -> Node {
        if address.kind == kind {
            return node;
        }
        let message = format!("`{address}` is of kind `{}`, and `{kind}` is wanted here", address.kind);
        self.complain(Complaint::new(node.place, message).expected(format!("a resource of kind `{kind}`")));
        Node::hole(node.place)
    }

    /// `${ec2.vpc.main.id}` where the VPC is meant: as good as its name.
    fn quoted_reference(&self, node: &Node, text: &str, kind: &str) -> Node {
        let quote = mark_in(&Value::String(text.to_owned()));
        let sole = quote.filter(|quote| quote.mark() == text && matches!(quote.attribute.as_str(), "id" | "arn"));
        match sole.and_then(|quote| quote.address.parse::<Address>().ok()) {
            Some(address) => self.of_kind(Node::spread(node.place, &value::resource(&address)), &address, kind),
            None => {
                let message = format!("expected a reference to `{kind}`, found text: {}", quote::readable(text));
                let hint = "give the resource itself, without an attribute: `\"${ec2.vpc.main}\"`, or its name";
                self.complain(Complaint::new(node.place, message).hint(hint.to_owned()));
                Node::hole(node.place)
            }
        }
    }
}

/// The kind that a schema wants a reference to.
fn reference_to(schema: &Value) -> Option<&str> {
    schema.get("x-ref")?.as_str()
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    }
}

/// The names a text may be, where a schema lists them.
fn names_of(schema: &Value) -> Option<Vec<&str>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(Value::String(name)), _) => Some(vec![name]),
        (_, Some(Value::Array(names))) => names.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// What a schema wants, in words.
fn expected(schema: &Value, types: &[&str]) -> String {
    if let Some(kind) = reference_to(schema) {
        return format!("a reference to `{kind}`");
    }
    if let Some(names) = names_of(schema) {
        return format!("one of {}", listed(&names));
    }
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let range = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" of at least {least}"),
        (None, Some(most)) => format!(" of at most {most}"),
        (None, None) => String::new(),
    };
    let word = |name: &&str| match *name {
        "string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "integer" => format!("a whole number{range}"),
        "number" => format!("a number{range}"),
        "array" => "a list".to_owned(),
        "object" => "a table".to_owned(),
        other => other.to_owned(),
    };
    types.iter().filter(|name| **name != "null").map(word).collect::<Vec<_>>().join(" or ")
}

/// What often goes wrong with a type, and how it is written.
fn hint_for(node: &Node, types: &[&str], schema: &Value) -> Option<String> {
    let hint = match &node.data {
        Data::Text(text) if types.contains(&"integer") || types.contains(&"number") => match text.parse::<f64>() {
            Ok(_) => format!("write it without quotes: `{text}`; from `${{…}}`, use `tonumber(…)`"),
            Err(_) => return None,
        },
        Data::Text(text) if types.contains(&"boolean") && matches!(text.as_str(), "true" | "false") => {
            format!("write it without quotes: `{text}`; from `${{…}}`, use `tobool(…)`")
        }
        Data::Number(number) if types.contains(&"string") => {
            format!("write it in quotes: `\"{number}\"`; from `${{…}}`, use `tostring(…)`")
        }
        Data::Text(_) if types.contains(&"array") => match schema.get("items").and_then(reference_to) {
            Some(_) => "a list of names stands in brackets: `[\"a\", \"b\"]`".into(),
            None => "a list stands in brackets: `[…]`".into(),
        },
        _ => return None,
    };
    Some(hint)
}
