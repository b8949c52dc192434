//! `ignore_changes`: fields, paths into fields, and tags.

use std::collections::BTreeSet;

use up_model::{first_field, is_path, schema::Shape};

use crate::{
    declare::ResourceBuilder,
    diagnostic::NewDiagnostic,
    kinds::KnownKind,
    loader::Loader,
    node::{Data, Node},
};

impl ResourceBuilder<'_> {
    /// The checked paths of `ignore_changes`.
    pub(crate) fn ignore_changes(&self) -> BTreeSet<String> {
        let Some(node) = &self.resource.ignore_changes else { return BTreeSet::new() };
        let node = self.scope.evaluate(node);
        let Data::List(items) = &node.data else {
            self.loader.wrong_type(&node, "a list of field names");
            return BTreeSet::new();
        };
        items.iter().filter_map(|item| self.ignored(item)).collect()
    }

    fn ignored(&self, item: &Node) -> Option<String> {
        let Some(text) = item.text() else {
            self.loader.wrong_type(item, "the name of a field");
            return None;
        };
        match self.loader.unknown_path(self.kind, text) {
            None => Some(text.to_owned()),
            Some((message, hint)) => {
                self.loader.report(NewDiagnostic::new(item.span, message).hint(hint));
                None
            }
        }
    }
}

impl Loader {
    /// What is wrong with a path into a kind, and a hint; `None` if it is valid.
    pub(crate) fn unknown_path(&self, kind: &KnownKind, path: &str) -> Option<(String, Option<String>)> {
        if !is_path(path) {
            let message = format!("`{path}` is not a field or a path into one");
            let hint = "such as `desired_count`, `actions[0].forward`, `target_groups[*].weight`, `tags.Owner`";
            return Some((message, Some(hint.into())));
        }
        if path == "tags" || path.starts_with("tags.") {
            return None;
        }
        let fields = || kind.any.fields().iter().map(|field| field.name);
        let first = first_field(path);
        if !fields().any(|field| field == first) {
            let message = format!("{} has no field `{first}`", kind.any.name());
            return Some((message, self.suggestions.hint(first, fields().chain(["tags"]))));
        }
        let mut at = first;
        let mut shape = kind.schema().whole().key(first);
        for step in path[first.len()..].split(['.', '[']).filter(|step| !step.is_empty()) {
            if !is_known(shape) {
                return None;
            }
            let is_item = step.ends_with(']');
            let inner = if is_item { items(shape) } else { field(shape, step) };
            let Some(inner) = inner else {
                let what = if is_item { "items".to_owned() } else { format!("`{step}`") };
                let names =
                    shape.alternatives().into_iter().filter_map(|table| Some(table.fields()?.collect::<Vec<_>>()));
                let names: Vec<_> = names.flatten().collect();
                let hint = (!is_item && !names.is_empty()).then(|| self.suggestions.hint(step, names)).flatten();
                return Some((format!("`{at}` of {} has no {what}", kind.any.name()), hint));
            };
            shape = inner;
            at = &path[..at.len() + path[at.len()..].find(step).unwrap_or(0) + step.len()];
        }
        None
    }
}

/// False if the schema allows any value here.
fn is_known(shape: Shape<'_>) -> bool {
    !shape.is_document() && shape.alternatives().iter().all(|shape| !shape.rules().types.is_empty() || !shape.is_open())
}

fn field<'a>(shape: Shape<'a>, name: &str) -> Option<Shape<'a>> {
    shape.alternatives().iter().find_map(|table| table.field(name).or_else(|| table.other()))
}

fn items(shape: Shape<'_>) -> Option<Shape<'_>> {
    let lists = shape.alternatives();
    lists.iter().find_map(Shape::each).or_else(|| lists.iter().find_map(|list| list.first_items().next()))
}
