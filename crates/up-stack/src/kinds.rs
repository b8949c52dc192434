//! The kinds there are, by name.

use std::{cell::OnceCell, collections::BTreeMap};

use up_core::{AnyKind, schema::Schema};

use crate::suggest;

/// All kinds, by name.
pub(crate) struct Kinds(BTreeMap<&'static str, KindInfo>);

/// A kind, with its schema once somebody asked for it.
pub(crate) struct KindInfo {
    pub(crate) any: &'static dyn AnyKind,
    schema: OnceCell<Schema>,
}

impl Kinds {
    pub(crate) fn new(kinds: &[&'static dyn AnyKind]) -> Self {
        Self(kinds.iter().map(|&any| (any.name(), KindInfo { any, schema: OnceCell::new() })).collect())
    }

    pub(crate) fn find(&self, name: &str) -> Option<&KindInfo> {
        self.0.get(name)
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Each service once.
    pub(crate) fn services(&self) -> impl Iterator<Item = &'static str> {
        let mut services: Vec<_> = self.0.keys().filter_map(|name| Some(name.split_once('.')?.0)).collect();
        services.dedup();
        services.into_iter()
    }

    pub(crate) fn has_service(&self, name: &str) -> bool {
        self.0.keys().any(|kind| kind.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    }

    /// "Did you mean", for a kind that `service` has not: one of its own, or one of that name elsewhere.
    pub(crate) fn suggest(&self, service: &str, kind: &str) -> Option<String> {
        let of = |name: &'static str| name.strip_prefix(service)?.strip_prefix('.');
        let own: Vec<_> = self.0.keys().copied().filter_map(of).collect();
        let elsewhere = || self.0.keys().find(|name| name.split_once('.').is_some_and(|(_, name)| name == kind));
        match (suggest::closest(kind, &own), elsewhere()) {
            (Some(_), _) | (None, None) => suggest::suggest(kind, own),
            (None, Some(name)) => Some(format!("did you mean `{name}`?")),
        }
    }
}

impl KindInfo {
    pub(crate) fn schema(&self) -> &Schema {
        self.schema.get_or_init(|| Schema::read(self.any.schema().as_value()))
    }

    /// What `${…}` may read of it.
    pub(crate) fn attributes(&self) -> Vec<&'static str> {
        std::iter::once("id").chain(self.any.info().attrs.iter().copied()).collect()
    }
}
