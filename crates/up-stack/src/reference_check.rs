//! Checks references (`x-ref` in a schema) and documents (`x-document`).

use serde_json::Value;
use up_model::{Address, Document, placeholder};

use crate::{
    check::Checker,
    diagnostic::NewDiagnostic,
    node::{Data, Node},
    value::{self, placeholder_in},
};

impl Checker<'_> {
    /// Checks a document: it may hold anything but references, which nothing would resolve, and null in lists.
    pub(crate) fn document(&self, node: Node) -> Node {
        match &node.data {
            Data::Table(_) => {
                self.no_resource_in(&node);
                self.no_null_in(&node);
                node
            }
            Data::Text(text) => {
                // Its parser has the better message.
                if let Err(error) = Document::parse(text) {
                    self.report(NewDiagnostic::new(node.span, error).expected("a string that holds JSON, or a table"));
                }
                node
            }
            _ => self.wrong(&node, "a document: a table, or a string that holds JSON", None),
        }
    }

    fn no_resource_in(&self, node: &Node) {
        if let Some(address) = node.resource() {
            let diagnostic = NewDiagnostic::new(node.span, format!("a document cannot hold a resource: {address}"));
            self.report(diagnostic.hint("use an attribute of it, such as `.arn`".to_owned()));
            return;
        }
        match &node.data {
            Data::Table(entries) => entries.iter().for_each(|(_, item)| self.no_resource_in(item)),
            Data::List(items) => items.iter().for_each(|item| self.no_resource_in(item)),
            _ => {}
        }
    }

    /// No document of AWS has null in a list: it comes from an expression without a value.
    fn no_null_in(&self, node: &Node) {
        match &node.data {
            Data::Table(entries) => entries.iter().for_each(|(_, item)| self.no_null_in(item)),
            Data::List(items) => items.iter().for_each(|item| match item.data {
                Data::Null => {
                    let diagnostic = NewDiagnostic::new(item.span, "a list in a document cannot hold null");
                    self.report(diagnostic.hint("`compact([…])` removes null".to_owned()));
                }
                _ => self.no_null_in(item),
            }),
            _ => {}
        }
    }

    /// True for a map of references: the instances of a resource with `for_each`.
    pub(crate) fn is_all_resources(&self, node: &Node) -> bool {
        let Data::Table(entries) = &node.data else { return false };
        node.get("$ref").is_none() && entries.iter().all(|(_, item)| item.get("$ref").or(item.get("$id")).is_some())
    }

    /// Resolves a name, a resource or `{ id = "…" }`. Only a list may get several resources.
    pub(crate) fn reference(&self, node: Node, kind: &str, in_list: bool) -> Vec<Node> {
        let expected = || format!("a reference to `{kind}`: a name, or `{{ id = \"…\" }}` for one outside the stack");
        match &node.data {
            Data::Invalid => vec![node],
            Data::Text(text) if placeholder::has_placeholder(text) => vec![self.quoted_reference(&node, text, kind)],
            Data::Text(text) => match self.loader.reference(self.instance, text, kind, in_list) {
                Ok(found) => found.iter().map(|address| Node::spread(node.span, value::resource(address))).collect(),
                Err(error) => {
                    self.is_wrong.set(true);
                    self.loader.report_error(node.span, error);
                    vec![Node::invalid(node.span)]
                }
            },
            Data::List(items) if in_list => {
                items.iter().flat_map(|item| self.reference(item.clone(), kind, false)).collect()
            }
            Data::Table(entries) if in_list && self.is_all_resources(&node) => {
                entries.iter().flat_map(|(_, item)| self.reference(item.clone(), kind, false)).collect()
            }
            Data::Table(entries) => match node.resource() {
                Some(address) => vec![self.of_kind(node, &address, kind)],
                None if node.get("$id").is_some() => match node.get("$kind").and_then(Node::text) {
                    Some(other) if other != kind => {
                        vec![self.wrong(&node, &format!("a resource of kind `{kind}`, not `{other}`"), None)]
                    }
                    _ => vec![node],
                },
                None => match (node.get("id").map(|id| &id.data), entries.len()) {
                    (Some(Data::Text(id)), 1) if !id.is_empty() => {
                        vec![Node::spread(node.span, serde_json::json!({ "$id": id, "$kind": kind }))]
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
        let message = format!("expected a resource of kind `{kind}`, and `{address}` is of kind `{}`", address.kind);
        self.report(NewDiagnostic::new(node.span, message).expected(format!("a resource of kind `{kind}`")));
        Node::invalid(node.span)
    }

    /// Accepts `${ec2.vpc.main.id}` in place of `main`.
    fn quoted_reference(&self, node: &Node, text: &str, kind: &str) -> Node {
        let quote = placeholder_in(&Value::String(text.to_owned()));
        let sole = quote.filter(|quote| quote.mark() == text && matches!(quote.attribute.as_str(), "id" | "arn"));
        match sole.and_then(|quote| quote.address.parse::<Address>().ok()) {
            Some(address) => self.of_kind(Node::spread(node.span, value::resource(&address)), &address, kind),
            None => {
                let message =
                    format!("expected a reference to `{kind}`, found the string {}", placeholder::readable(text));
                let hint = "write the resource without an attribute, such as `\"${ec2.vpc.main}\"`, or its name";
                self.report(NewDiagnostic::new(node.span, message).hint(hint.to_owned()));
                Node::invalid(node.span)
            }
        }
    }
}
