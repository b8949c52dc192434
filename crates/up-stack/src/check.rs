//! Checks a value against a schema, all of it, and turns names into references on the way.

use std::{cell::Cell, collections::HashSet, rc::Rc};

use up_core::{
    Cidr, placeholder,
    schema::{Schema, Shape, Type},
};

use crate::{
    diagnostic::Complaint,
    file::COMMON,
    node::{Data, Key, Node},
    shape::{expected, hint_for},
    suggest::{listed, suggest},
    value::{mark_in, not_known},
    world::{Instance, World},
};

/// Checks the values of one resource or one input.
pub(crate) struct Checker<'a> {
    pub(crate) world: &'a World,
    /// Where names of resources are looked up.
    pub(crate) instance: &'a Rc<Instance>,
    schema: &'a Schema,
    /// What has the fields at the top, for messages: `ec2.vpc`.
    what: &'a str,
    pub(crate) is_wrong: Cell<bool>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(world: &'a World, instance: &'a Rc<Instance>, schema: &'a Schema, what: &'a str) -> Self {
        Self { world, instance, schema, what, is_wrong: Cell::new(false) }
    }

    /// The value with its references resolved; `None` where something is wrong, which has been reported.
    pub(crate) fn check(&self, node: Node) -> Option<Node> {
        let node = self.node(node, self.schema.whole(), true);
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

    fn node(&self, node: Node, shape: Shape<'a>, is_top: bool) -> Node {
        if matches!(node.data, Data::Hole) {
            return node;
        }
        let place = shape.place();
        if let Some(kind) = &place.kind {
            return self.reference(node, kind, false).into_iter().next().unwrap_or_else(|| Node::hole(self.whole()));
        }
        if place.is_document {
            return self.document(node);
        }
        if let Some(branches) = shape.branches() {
            return self.one_of(node, branches.collect());
        }
        let node = shape.parts().fold(node, |node, part| self.node(node, part, is_top));
        if let Some(names) = &place.names {
            return self.name(node, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let is = |ty| place.types.contains(&ty);
        match &node.data {
            _ if place.types.is_empty() => node,
            Data::Null if is(Type::Null) => node,
            Data::Table(_) if is(Type::Table) => self.table(node, shape, is_top),
            Data::List(_) if is(Type::List) => self.list(node, shape),
            Data::Table(_) if is(Type::List) && self.is_all_resources(&node) => self.list(node, shape),
            Data::Text(_) if is(Type::Text) => self.text(node, shape),
            Data::Bool(_) if is(Type::Bool) => node,
            Data::Number(number) if is(Type::Number) || (is(Type::Integer) && !number.is_f64()) => {
                self.number(node, shape)
            }
            _ => {
                let hint = hint_for(&node, shape);
                self.wrong(&node, &expected(shape), hint)
            }
        }
    }

    fn whole(&self) -> crate::source::Place {
        self.instance.file.start
    }

    fn text(&self, node: Node, shape: Shape<'_>) -> Node {
        if let Some(text) = node.text().filter(|_| shape.place().is_cidr) {
            // Its own reader has the better words.
            if let Err(error) = serde_json::from_value::<Cidr>(text.into()) {
                self.complain(Complaint::new(node.place, error.to_string()).expected("a CIDR block"));
            }
        }
        node
    }

    fn number(&self, node: Node, shape: Shape<'_>) -> Node {
        let (least, most) = (shape.place().least, shape.place().most);
        if let Data::Number(number) = &node.data {
            let number = number.as_f64().unwrap_or(f64::MAX);
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                let wanted = expected(shape);
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
            Some(text) if names.contains(&text) || placeholder::has_placeholder(text) => node,
            Some(text) => {
                let hint = crate::suggest::closest(text, names).map(|name| format!("did you mean `{name}`?"));
                let complaint = Complaint::new(node.place, format!("expected {expected}, found `{text}`")).hint(hint);
                self.complain(complaint.expected(expected));
                Node::hole(node.place)
            }
            None => self.wrong(&node, &expected, None),
        }
    }

    fn list(&self, node: Node, shape: Shape<'a>) -> Node {
        let place = node.place;
        let items = match node.data {
            Data::List(items) => items,
            Data::Table(entries) => entries.into_iter().map(|(_, item)| item).collect(),
            _ => vec![],
        };
        let each = shape.each();
        let kind = each.and_then(|each| each.place().kind.as_deref());
        let mut first = shape.first_items();
        let mut checked = Vec::with_capacity(items.len());
        for item in items {
            match (first.next().or(each), kind) {
                (_, Some(kind)) => checked.extend(self.reference(item, kind, true)),
                (Some(shape), None) => checked.push(self.node(item, shape, false)),
                (None, None) => checked.push(item),
            }
        }
        if shape.place().is_set && checked.len() > 1 {
            let mut known = HashSet::new();
            checked.retain(|item| item.has_hole() || known.insert(item.value().to_string()));
        }
        let node = Node { place, data: Data::List(checked) };
        self.list_rules(&node, shape);
        node
    }

    /// How many items a list may have.
    fn list_rules(&self, node: &Node, shape: Shape<'_>) {
        let Data::List(items) = &node.data else { return };
        let (least, most) = (shape.place().fewest, shape.place().most_items);
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

    fn table(&self, node: Node, shape: Shape<'a>, is_top: bool) -> Node {
        let place = node.place;
        let Data::Table(entries) = node.data else { return node };
        let rest = shape.other();
        let mut checked: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        let mut misspelt: Vec<&str> = vec![];
        for (key, item) in entries {
            match shape.field(&key.text).or(rest) {
                Some(shape) => {
                    let item = self.node(item, shape, false);
                    checked.push((key, item));
                }
                // Neither fields nor a type for the rest: a table of anything.
                None if shape.is_open() => checked.push((key, item)),
                None => misspelt.extend(self.unknown(&key, shape, is_top)),
            }
        }
        for name in &shape.place().required {
            if !misspelt.contains(&name.as_str()) && !checked.iter().any(|(key, _)| key.text == *name) {
                let what = if is_top { format!("{} ", self.what) } else { String::new() };
                let about = shape.field(name).and_then(|field| field.own_description()?.lines().next());
                let about = about.map(|about| format!("`{name}`: {about}"));
                let message = format!("{what}`{name}` is missing");
                self.complain(Complaint::new(place, message).expected(format!("`{name}`")).hint(about));
            }
        }
        if shape.place().is_complete {
            for name in shape.fields().into_iter().flatten() {
                if !checked.iter().any(|(key, _)| key.text == *name) {
                    checked.push((Key { text: name.to_owned(), place }, Node { place, data: Data::Null }));
                }
            }
        }
        Node { place, data: Data::Table(checked) }
    }

    /// Reports a key that is none, and returns the one that was probably meant.
    fn unknown(&self, key: &Key, shape: Shape<'a>, is_top: bool) -> Option<&'a str> {
        let common = COMMON.iter().copied().filter(|_| is_top && self.what.contains('.'));
        let what = if is_top { self.what } else { "this table" };
        let names: Vec<&'a str> = shape.fields().into_iter().flatten().chain(common).collect();
        let hint = suggest(&key.text, names.iter().copied());
        self.complain(Complaint::new(key.place, format!("{what} has no `{}`", key.text)).hint(hint));
        crate::suggest::closest(&key.text, &names)
    }

    /// A value that may have one of several shapes: the one that fits best says what is wrong with it.
    fn one_of(&self, node: Node, mut branches: Vec<Shape<'a>>) -> Node {
        if matches!(node.data, Data::Null) && branches.iter().any(|branch| branch.place().types.contains(&Type::Null)) {
            return node;
        }
        branches.retain(|branch| branch.place().types != [Type::Null]);
        let fitting: Vec<Shape<'a>> = branches.iter().copied().filter(|branch| self.fits(&node, *branch)).collect();
        if node.text().is_some() && fitting.iter().all(|branch| branch.place().names.is_some()) {
            let names = branches.iter().filter_map(|branch| branch.place().names.as_ref());
            let names: Vec<&str> = names.flatten().map(String::as_str).collect();
            if !names.is_empty() {
                return self.name(node, &names);
            }
        }
        match fitting[..] {
            [] => {
                let mut all: Vec<_> = branches.iter().map(|branch| expected(*branch)).collect();
                all.dedup();
                self.wrong(&node, &all.join(", or "), None)
            }
            [only] => self.node(node, only, false),
            _ if matches!(node.data, Data::Table(_)) => self.variant(node, &fitting),
            _ => {
                // Of several kinds, the one that has a resource of this name.
                let named = fitting.iter().find(|branch| {
                    let found = branch.place().kind.as_ref().zip(node.text());
                    found.is_some_and(|(kind, text)| self.world.reference(self.instance, text, kind, false).is_ok())
                });
                let plain = fitting.iter().find(|branch| {
                    let names = branch.place().names.as_ref();
                    let is_one =
                        names.zip(node.text()).is_none_or(|(names, text)| names.iter().any(|name| name == text));
                    branch.place().kind.is_none() && is_one
                });
                self.node(node, *named.or(plain).unwrap_or(&fitting[0]), false)
            }
        }
    }

    /// Of several tables, the one that knows most of the keys.
    fn variant(&self, node: Node, branches: &[Shape<'a>]) -> Node {
        let Data::Table(entries) = &node.data else { return node };
        let known = |branch: &Shape<'_>| entries.iter().filter(|(key, _)| branch.field(&key.text).is_some()).count();
        let tagged = |branch: &Shape<'_>| {
            entries.iter().all(|(key, item)| {
                let names = branch.field(&key.text).and_then(|field| field.place().names.as_ref());
                names.zip(item.text()).is_none_or(|(names, text)| names.iter().any(|name| name == text))
            })
        };
        let best = branches.iter().rev().max_by_key(|branch| (tagged(branch), known(branch))).copied();
        let Some(best) = best else { return node };
        if known(&best) > 0 || entries.is_empty() {
            return self.node(node, best, false);
        }
        let keys: Vec<&str> = branches.iter().filter_map(Shape::fields).flatten().collect();
        if let Some((key, _)) = entries.first() {
            let complaint = Complaint::new(key.place, format!("there is no `{}` here", key.text));
            let complaint = complaint.expected(format!("one of {}", listed(&keys)));
            self.complain(complaint.hint(suggest(&key.text, keys.iter().copied())));
        }
        Node::hole(node.place)
    }

    /// True where a value is at least of the right sort.
    fn fits(&self, node: &Node, shape: Shape<'_>) -> bool {
        let place = shape.place();
        let is = |ty| place.types.contains(&ty) || place.types.is_empty();
        match &node.data {
            Data::Null | Data::Hole | Data::Template(_) => true,
            Data::Table(_) | Data::Text(_) if place.kind.is_some() => true,
            _ if place.is_document => true,
            _ if place.kind.is_some() => false,
            Data::Text(_) => is(Type::Text) || place.names.is_some(),
            Data::Bool(_) => is(Type::Bool),
            Data::Number(number) => is(Type::Number) || (is(Type::Integer) && !number.is_f64()),
            Data::List(_) => is(Type::List),
            Data::Table(_) => is(Type::Table) || is(Type::List) && self.is_all_resources(node),
        }
    }
}
