//! All kinds, by name.

use std::{cell::OnceCell, collections::BTreeMap};

use up_model::{Model, schema::Schema};

use crate::suggest::Suggestions;

/// All kinds, by name.
pub(crate) struct KindCatalog(BTreeMap<&'static str, KnownKind>);

/// A kind, and its schema, which is read on first use.
pub(crate) struct KnownKind {
    pub(crate) any: &'static dyn Model,
    schema: OnceCell<Schema>,
}

impl KindCatalog {
    pub(crate) fn new(kinds: &[&'static dyn Model]) -> Self {
        Self(kinds.iter().map(|&any| (any.name(), KnownKind { any, schema: OnceCell::new() })).collect())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&KnownKind> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// The names of all services.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> {
        let mut services: Vec<_> = self.0.keys().filter_map(|name| Some(name.split_once('.')?.0)).collect();
        services.dedup();
        services.into_iter()
    }

    pub(crate) fn has_service(&self, name: &str) -> bool {
        self.0.keys().any(|kind| kind.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// A "did you mean" for an unknown kind: a similar kind of the service, or a kind of this name in another.
    pub(crate) fn suggest(&self, suggestions: &Suggestions, service: &str, kind: &str) -> Option<String> {
        let of = |name: &'static str| name.strip_prefix(service)?.strip_prefix('.');
        let own: Vec<_> = self.0.keys().copied().filter_map(of).collect();
        let elsewhere = || self.0.keys().find(|name| name.split_once('.').is_some_and(|(_, name)| name == kind));
        match (suggestions.closest(kind, &own), elsewhere()) {
            (Some(_), _) | (None, None) => suggestions.hint(kind, own),
            (None, Some(name)) => Some(format!("did you mean `{name}`?")),
        }
    }
}

impl KnownKind {
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| Schema::read(self.any.schema().as_value()))
    }

    /// The attributes that expressions can use.
    pub(crate) fn attributes(&self) -> Vec<&'static str> {
        std::iter::once("id").chain(self.any.info().attrs.iter().copied()).collect()
    }
}
