//! Positions that a schema marks: references (`x-ref`) and documents (`x-document`).

use serde_json::Value;
use up_core::{Address, Document, placeholder};

use crate::{
    check::Checker,
    diagnostic::Complaint,
    node::{Data, Node},
    value::{self, mark_in},
};

impl Checker<'_> {
    /// A document is taken as it is; but a resource in it would be a reference nobody follows.
    pub(crate) fn document(&self, node: Node) -> Node {
        match &node.data {
            Data::Table(_) => {
                self.no_resource_in(&node);
                self.no_null_in(&node);
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
        if let Some(address) = node.resource() {
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

    /// In JSON a list may hold null; no document of AWS's does, and it is an expression without a value that made it.
    fn no_null_in(&self, node: &Node) {
        match &node.data {
            Data::Table(entries) => entries.iter().for_each(|(_, item)| self.no_null_in(item)),
            Data::List(items) => items.iter().for_each(|item| match item.data {
                Data::Null => {
                    let complaint = Complaint::new(item.place, "a list in a document holds nothing (null)");
                    self.complain(complaint.hint("`compact([…])` leaves out what is null".to_owned()));
                }
                _ => self.no_null_in(item),
            }),
            _ => {}
        }
    }

    /// True for what `for_each` makes of a resource: a map of references.
    pub(crate) fn is_all_resources(&self, node: &Node) -> bool {
        let Data::Table(entries) = &node.data else { return false };
        node.get("$ref").is_none() && entries.iter().all(|(_, item)| item.get("$ref").or(item.get("$id")).is_some())
    }

    /// What a name, a resource or `{ id = "…" }` refers to; several only in a list.
    pub(crate) fn reference(&self, node: Node, kind: &str, in_list: bool) -> Vec<Node> {
        let expected = || format!("a reference to `{kind}`: its name, or `{{ id = \"…\" }}` outside the stack");
        match &node.data {
            Data::Hole => vec![node],
            Data::Text(text) if placeholder::has_placeholder(text) => vec![self.quoted_reference(&node, text, kind)],
            Data::Text(text) => match self.world.reference(self.instance, text, kind, in_list) {
                Ok(found) => found.iter().map(|address| Node::spread(node.place, value::resource(address))).collect(),
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
            Data::Table(entries) => match node.resource() {
                Some(address) => vec![self.of_kind(node, &address, kind)],
                None if node.get("$id").is_some() => match node.get("$kind").and_then(Node::text) {
                    Some(other) if other != kind => {
                        vec![self.wrong(&node, &format!("`{kind}`, and this is of kind `{other}`"), None)]
                    }
                    _ => vec![node],
                },
                None => match (node.get("id").map(|id| &id.data), entries.len()) {
                    (Some(Data::Text(id)), 1) if !id.is_empty() => {
                        vec![Node::spread(node.place, serde_json::json!({ "$id": id, "$kind": kind }))]
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
            Some(address) => self.of_kind(Node::spread(node.place, value::resource(&address)), &address, kind),
            None => {
                let message = format!("expected a reference to `{kind}`, found text: {}", placeholder::readable(text));
                let hint = "give the resource itself, without an attribute: `\"${ec2.vpc.main}\"`, or its name";
                self.complain(Complaint::new(node.place, message).hint(hint.to_owned()));
                Node::hole(node.place)
            }
        }
    }
}
