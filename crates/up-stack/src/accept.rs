//! `[[accept]]`: differences to AWS that are accepted for a while.

use jiff::civil::Date;
use up_model::Address;

use crate::{
    declare::CheckedResource, diagnostic::NewDiagnostic, file_reader::TableReader, loader::Loader, node::Node,
};

/// A difference to AWS that is accepted until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The resource.
    pub address: Address,
    /// A field, or a path into one, as `ignore_changes` takes it.
    pub field: String,
    /// Why.
    pub reason: String,
    /// The last day.
    pub until: Date,
}

const KEYS: &[&str] = &["address", "field", "reason", "until"];
const DAY: &str = "a day such as `2027-01-31`";

impl Loader {
    /// The checked tables of `[[accept]]`.
    pub(crate) fn accepted(&self, all: &[CheckedResource]) -> Vec<Accept> {
        self.root().file.accept.iter().filter_map(|table| self.accept(table, all)).collect()
    }

    fn accept(&self, table: &Node, all: &[CheckedResource]) -> Option<Accept> {
        let mut reader = TableReader::new(self, table.clone(), "`[[accept]]`", KEYS);
        let [address, field, reason, until] = ["address", "field", "reason", "until"].map(|name| {
            let node = reader.take(name);
            match &node {
                None if !reader.is_invalid => {
                    let diagnostic = NewDiagnostic::new(table.span, format!("`[[accept]]` has no `{name}`"));
                    self.report(diagnostic.expected("`address`, `field`, `reason` and `until`"));
                }
                Some(node) if node.text().is_none() => self.wrong_type(node, "a string, without `${…}`"),
                _ => {}
            }
            node.filter(|node| node.text().is_some())
        });
        let address = address.and_then(|node| self.declared_address(&node, all));
        let field = field.and_then(|node| self.field_of(&node, address.as_ref()));
        let until = until.and_then(|node| {
            let day = node.text().and_then(|text| text.parse::<Date>().ok());
            if day.is_none() {
                self.report(NewDiagnostic::new(node.span, "not a day").expected(DAY));
            }
            day
        });
        let reason = reason.and_then(|node| node.text().map(str::to_owned));
        Some(Accept { address: address?, field: field?, reason: reason?, until: until? })
    }

    fn declared_address(&self, node: &Node, all: &[CheckedResource]) -> Option<Address> {
        let text = node.text()?;
        let declared = |text: &str| all.iter().find(|it| it.declared.address.is_written(text));
        if let Some(found) = declared(text) {
            return Some(found.declared.address.clone());
        }
        let names: Vec<_> = all.iter().map(|it| it.declared.address.to_string()).collect();
        let hint = self.suggestions.hint(text, names.iter().map(String::as_str));
        self.report(NewDiagnostic::new(node.span, format!("the stack declares no `{text}`")).hint(hint));
        None
    }

    fn field_of(&self, node: &Node, address: Option<&Address>) -> Option<String> {
        let (text, kind) = (node.text()?, self.kinds.find(&address?.kind)?);
        match self.unknown_path(kind, text) {
            None => Some(text.to_owned()),
            Some((message, hint)) => {
                self.report(NewDiagnostic::new(node.span, message).hint(hint));
                None
            }
        }
    }
}
