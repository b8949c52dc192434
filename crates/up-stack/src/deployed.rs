//! `deployed(default)`: a text that deployments change, and that `apply` leaves as it runs.
//!
//! The function marks its argument. The mark is taken off where the text stands in the field that the kind names
//! ([`KindInfo::deployed`](up_model::KindInfo::deployed)), and is an error everywhere else.

use std::collections::BTreeSet;

use serde_json::Value;
use up_model::{DeployedField, placeholder::Placeholder};

use crate::{
    declare::ResourceBuilder,
    diagnostic::NewDiagnostic,
    functions::Arguments,
    node::{Data, Node},
    value::EvalResult,
};

/// Stands in front of the argument of `deployed`.
fn mark() -> String {
    Placeholder { address: "deployed".to_owned(), attribute: "default".to_owned() }.mark()
}

/// The function.
pub(crate) fn deployed(arguments: &Arguments<'_>) -> EvalResult {
    let text = arguments.text_or_placeholder(0)?;
    let mark = mark();
    Ok(Value::String(format!("{mark}{}", text.strip_prefix(&mark).unwrap_or(&text))))
}

impl ResourceBuilder<'_> {
    /// Takes the marks off, and returns the names of the items that have them.
    pub(crate) fn deployed(&self, node: &mut Node) -> BTreeSet<String> {
        let mark = mark();
        let field = self.kind.any.info().deployed;
        let items = field.map(|field| unmarked(node, field, &mark)).unwrap_or_default();
        self.refuse_marks(node, &mark, field);
        items
    }

    fn refuse_marks(&self, node: &mut Node, mark: &str, field: Option<DeployedField>) {
        match &mut node.data {
            Data::Text(text) if text.contains(mark) => {
                *text = text.replace(mark, "");
                let message = "`deployed` is only for what deployments change";
                let name = self.kind.any.name();
                let hint = match field {
                    Some(DeployedField { list, field, .. }) => format!("in {name}, that is `{field}` in `{list}`"),
                    None => format!("{name} has nothing of that sort: the images of a task definition are"),
                };
                self.loader.report(NewDiagnostic::new(node.span, message).hint(hint));
            }
            Data::List(items) => items.iter_mut().for_each(|item| self.refuse_marks(item, mark, field)),
            Data::Table(entries) => entries.iter_mut().for_each(|(_, item)| self.refuse_marks(item, mark, field)),
            _ => {}
        }
    }
}

/// Takes the marks off the field of each item.
fn unmarked(node: &mut Node, field: DeployedField, mark: &str) -> BTreeSet<String> {
    let DeployedField { list, key, field } = field;
    let mut found = BTreeSet::new();
    let Some(Data::List(items)) = entry(&mut node.data, list) else { return found };
    for item in items {
        let name = item.get(key).and_then(Node::text).map(str::to_owned);
        if let (Some(Data::Text(text)), Some(name)) = (entry(&mut item.data, field), name)
            && let Some(default) = text.strip_prefix(mark)
        {
            *text = default.to_owned();
            found.insert(name);
        }
    }
    found
}

fn entry<'n>(data: &'n mut Data, key: &str) -> Option<&'n mut Data> {
    let Data::Table(entries) = data else { return None };
    entries.iter_mut().find(|(known, _)| known.text == key).map(|(_, node)| &mut node.data)
}
