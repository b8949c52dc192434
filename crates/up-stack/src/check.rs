//! Checks values against a schema, and resolves names of resources to references.

use std::{cell::Cell, collections::HashSet, rc::Rc};

use up_model::{
    Cidr, placeholder,
    schema::{Schema, Shape, Type},
};

use crate::{
    diagnostic::NewDiagnostic,
    expected::{expected, hint_for},
    file::COMMON,
    loader::{Loader, ModuleInstance},
    node::{Data, Node, TableKey},
    suggest::listed,
    value::{not_known_yet, placeholder_in},
};

/// Checks the values of one resource or one input.
pub(crate) struct Checker<'a> {
    pub(crate) loader: &'a Loader,
    /// The module instance in which names of resources are looked up.
    pub(crate) instance: &'a Rc<ModuleInstance>,
    schema: &'a Schema,
    /// The owner of the top-level fields, for messages: `ec2.vpc`.
    what: &'a str,
    pub(crate) is_wrong: Cell<bool>,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(loader: &'a Loader, instance: &'a Rc<ModuleInstance>, schema: &'a Schema, what: &'a str) -> Self {
        Self { loader, instance, schema, what, is_wrong: Cell::new(false) }
    }

    /// The value with its references resolved; `None` if it is invalid, which has been reported.
    pub(crate) fn check(&self, node: Node) -> Option<Node> {
        let node = self.node(node, self.schema.whole(), true);
        (!self.is_wrong.get() && !node.has_invalid()).then_some(node)
    }

    pub(crate) fn report(&self, diagnostic: NewDiagnostic) {
        self.is_wrong.set(true);
        self.loader.report(diagnostic);
    }

    pub(crate) fn wrong(&self, node: &Node, wanted: &str, hint: Option<String>) -> Node {
        let expected = format!("expected {wanted}");
        let diagnostic = match placeholder_in(&node.value()).filter(|_| node.text().is_some()) {
            Some(quote) => NewDiagnostic::new(node.span, format!("{expected}: {}", not_known_yet(&quote))),
            None => NewDiagnostic::new(node.span, format!("{expected}, found {}", node.described())).hint(hint),
        };
        self.report(diagnostic.expected(wanted));
        Node::invalid(node.span)
    }

    fn node(&self, node: Node, shape: Shape<'a>, is_top: bool) -> Node {
        if matches!(node.data, Data::Invalid) {
            return node;
        }
        let rules = shape.rules();
        if let Some(kind) = &rules.kind {
            return self.reference(node, kind, false).into_iter().next().unwrap_or_else(|| Node::invalid(self.whole()));
        }
        if rules.is_document {
            return self.document(node);
        }
        if let Some(branches) = shape.branches() {
            return self.one_of(node, branches.collect());
        }
        let node = shape.parts().fold(node, |node, part| self.node(node, part, is_top));
        if let Some(names) = &rules.names {
            return self.name(node, &names.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let is = |ty| rules.types.contains(&ty);
        match &node.data {
            _ if rules.types.is_empty() => node,
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

    fn whole(&self) -> crate::source::SourceSpan {
        self.instance.file.start
    }

    fn text(&self, node: Node, shape: Shape<'_>) -> Node {
        if let Some(text) = node.text().filter(|_| shape.rules().is_cidr) {
            // Its parser has the better message.
            if let Err(error) = serde_json::from_value::<Cidr>(text.into()) {
                self.report(NewDiagnostic::new(node.span, error.to_string()).expected("a CIDR block"));
            }
        }
        node
    }

    fn number(&self, node: Node, shape: Shape<'_>) -> Node {
        let (least, most) = (shape.rules().least, shape.rules().most);
        if let Data::Number(number) = &node.data {
            let number = number.as_f64().unwrap_or(f64::MAX);
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                let wanted = expected(shape);
                let message = format!("expected {wanted}, found {number}");
                self.report(NewDiagnostic::new(node.span, message).expected(wanted));
            }
        }
        node
    }

    /// Checks a string against a list of allowed values.
    fn name(&self, node: Node, names: &[&str]) -> Node {
        let expected = if names.len() == 1 { listed(names) } else { format!("one of {}", listed(names)) };
        match node.text() {
            Some(text) if names.contains(&text) || placeholder::has_placeholder(text) => node,
            Some(text) => {
                let hint = self.loader.suggestions.closest(text, names).map(|name| format!("did you mean `{name}`?"));
                let diagnostic =
                    NewDiagnostic::new(node.span, format!("expected {expected}, found `{text}`")).hint(hint);
                self.report(diagnostic.expected(expected));
                Node::invalid(node.span)
            }
            None => self.wrong(&node, &expected, None),
        }
    }

    fn list(&self, node: Node, shape: Shape<'a>) -> Node {
        let span = node.span;
        let items = match node.data {
            Data::List(items) => items,
            Data::Table(entries) => entries.into_iter().map(|(_, item)| item).collect(),
            _ => vec![],
        };
        let each = shape.each();
        let kind = each.and_then(|each| each.rules().kind.as_deref());
        let mut first = shape.first_items();
        let mut checked = Vec::with_capacity(items.len());
        for item in items {
            match (first.next().or(each), kind) {
                (_, Some(kind)) => checked.extend(self.reference(item, kind, true)),
                (Some(shape), None) => checked.push(self.node(item, shape, false)),
                (None, None) => checked.push(item),
            }
        }
        if shape.rules().is_set && checked.len() > 1 {
            let mut known = HashSet::new();
            checked.retain(|item| item.has_invalid() || known.insert(item.value().to_string()));
        }
        let node = Node { span, data: Data::List(checked) };
        self.list_rules(&node, shape);
        node
    }

    /// Checks the length of a list.
    fn list_rules(&self, node: &Node, shape: Shape<'_>) {
        let Data::List(items) = &node.data else { return };
        let (least, most) = (shape.rules().fewest, shape.rules().most_items);
        if least.is_some_and(|least| items.len() < least) || most.is_some_and(|most| items.len() > most) {
            let expected = match (least, most) {
                (Some(least), Some(most)) if least == most => format!("{least} items"),
                (Some(least), None) => format!("at least {least}"),
                (None, Some(most)) => format!("at most {most} items"),
                (least, most) => format!("{} to {} items", least.unwrap_or(0), most.unwrap_or(0)),
            };
            let diagnostic = NewDiagnostic::new(node.span, format!("expected {expected}, found {}", items.len()));
            self.report(diagnostic.expected(expected));
        }
    }

    fn table(&self, node: Node, shape: Shape<'a>, is_top: bool) -> Node {
        let span = node.span;
        let Data::Table(entries) = node.data else { return node };
        let rest = shape.other();
        let mut checked: Vec<(TableKey, Node)> = Vec::with_capacity(entries.len());
        let mut misspelt: Vec<&str> = vec![];
        for (key, item) in entries {
            match shape.field(&key.text).or(rest) {
                Some(shape) => {
                    let item = self.node(item, shape, false);
                    checked.push((key, item));
                }
                // The schema allows any field.
                None if shape.is_open() => checked.push((key, item)),
                None => misspelt.extend(self.unknown(&key, shape, is_top)),
            }
        }
        for name in &shape.rules().required {
            if !misspelt.contains(&name.as_str()) && !checked.iter().any(|(key, _)| key.text == *name) {
                let what = if is_top { format!("{} ", self.what) } else { String::new() };
                let about = shape.field(name).and_then(|field| field.own_description()?.lines().next());
                let about = about.map(|about| format!("`{name}`: {about}"));
                let message = format!("{what}`{name}` is missing");
                self.report(NewDiagnostic::new(span, message).expected(format!("`{name}`")).hint(about));
            }
        }
        if shape.rules().is_complete {
            for name in shape.fields().into_iter().flatten() {
                if !checked.iter().any(|(key, _)| key.text == *name) {
                    checked.push((TableKey { text: name.to_owned(), span }, Node { span, data: Data::Null }));
                }
            }
        }
        Node { span, data: Data::Table(checked) }
    }

    /// Reports an unknown key. Returns the field that was probably meant.
    fn unknown(&self, key: &TableKey, shape: Shape<'a>, is_top: bool) -> Option<&'a str> {
        let common = COMMON.iter().copied().filter(|_| is_top && self.what.contains('.'));
        let what = if is_top { self.what } else { "this table" };
        let names: Vec<&'a str> = shape.fields().into_iter().flatten().chain(common).collect();
        let hint = self.loader.suggestions.hint(&key.text, names.iter().copied());
        self.report(NewDiagnostic::new(key.span, format!("{what} has no `{}`", key.text)).hint(hint));
        self.loader.suggestions.closest(&key.text, &names)
    }

    /// Checks a value against alternatives; the one that fits best reports the errors.
    fn one_of(&self, node: Node, mut branches: Vec<Shape<'a>>) -> Node {
        if matches!(node.data, Data::Null) && branches.iter().any(|branch| branch.rules().types.contains(&Type::Null)) {
            return node;
        }
        branches.retain(|branch| branch.rules().types != [Type::Null]);
        let fitting: Vec<Shape<'a>> = branches.iter().copied().filter(|branch| self.fits(&node, *branch)).collect();
        if node.text().is_some() && fitting.iter().all(|branch| branch.rules().names.is_some()) {
            let names = branches.iter().filter_map(|branch| branch.rules().names.as_ref());
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
                // Of several kinds, take the one that has a resource of this name.
                let named = fitting.iter().find(|branch| {
                    let found = branch.rules().kind.as_ref().zip(node.text());
                    found.is_some_and(|(kind, text)| self.loader.reference(self.instance, text, kind, false).is_ok())
                });
                let plain = fitting.iter().find(|branch| {
                    let names = branch.rules().names.as_ref();
                    let is_one =
                        names.zip(node.text()).is_none_or(|(names, text)| names.iter().any(|name| name == text));
                    branch.rules().kind.is_none() && is_one
                });
                self.node(node, *named.or(plain).unwrap_or(&fitting[0]), false)
            }
        }
    }

    /// Checks a table against the alternative that has most of its keys.
    fn variant(&self, node: Node, branches: &[Shape<'a>]) -> Node {
        let Data::Table(entries) = &node.data else { return node };
        let known = |branch: &Shape<'_>| entries.iter().filter(|(key, _)| branch.field(&key.text).is_some()).count();
        let tagged = |branch: &Shape<'_>| {
            entries.iter().all(|(key, item)| {
                let names = branch.field(&key.text).and_then(|field| field.rules().names.as_ref());
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
            let diagnostic = NewDiagnostic::new(key.span, format!("unknown field `{}`", key.text));
            let diagnostic = diagnostic.expected(format!("one of {}", listed(&keys)));
            self.report(diagnostic.hint(self.loader.suggestions.hint(&key.text, keys.iter().copied())));
        }
        Node::invalid(node.span)
    }

    /// True if the type of a value fits.
    fn fits(&self, node: &Node, shape: Shape<'_>) -> bool {
        let rules = shape.rules();
        let is = |ty| rules.types.contains(&ty) || rules.types.is_empty();
        match &node.data {
            Data::Null | Data::Invalid | Data::Template(_) => true,
            Data::Table(_) | Data::Text(_) if rules.kind.is_some() => true,
            _ if rules.is_document => true,
            _ if rules.kind.is_some() => false,
            Data::Text(_) => is(Type::Text) || rules.names.is_some(),
            Data::Bool(_) => is(Type::Bool),
            Data::Number(number) => is(Type::Number) || (is(Type::Integer) && !number.is_f64()),
            Data::List(_) => is(Type::List),
            Data::Table(_) => is(Type::Table) || is(Type::List) && self.is_all_resources(node),
        }
    }
}
