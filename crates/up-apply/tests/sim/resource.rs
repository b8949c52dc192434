//! One resource of the simulated AWS, with its history.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use up_core::{Address, Attrs, Observed, Status, Tags};

use crate::kinds::SimKind;

/// A resource.
#[derive(Clone)]
pub(crate) struct SimResource {
    pub(crate) kind: &'static SimKind,
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) token: Option<String>,
    /// From when on references to it are accepted.
    pub(crate) everywhere: Instant,
    /// Its versions, oldest first; never empty.
    pub(crate) versions: Vec<ResourceVersion>,
}

/// The resource's state from a moment on.
#[derive(Clone)]
pub(crate) struct ResourceVersion {
    pub(crate) from: Instant,
    pub(crate) tags: Tags,
    pub(crate) spec: Value,
    /// The ids it refers to, including references that its own delete removed.
    pub(crate) held: BTreeSet<String>,
    pub(crate) ready: Instant,
    /// True if it fails instead of becoming ready.
    pub(crate) is_broken: bool,
    /// When it will be deleted, once its delete was called.
    pub(crate) gone: Option<Instant>,
}

impl SimResource {
    pub(crate) fn now(&self) -> &ResourceVersion {
        self.versions.last().expect("never empty")
    }

    pub(crate) fn is_there(&self) -> bool {
        self.now().gone.is_none_or(|gone| gone > Instant::now())
    }

    pub(crate) fn is_going(&self) -> bool {
        self.now().gone.is_some()
    }

    pub(crate) fn is_ready(&self) -> bool {
        !self.is_going() && !self.now().is_broken && self.now().ready <= Instant::now()
    }

    /// True if it was ready at that moment, in its latest version.
    pub(crate) fn was_ready(&self, at: Instant) -> bool {
        let version = self.versions.iter().rfind(|version| version.from <= at);
        version.is_some_and(|version| version.gone.is_none() && !version.is_broken && version.ready <= at)
    }

    pub(crate) fn address(&self) -> Option<Address> {
        self.now().tags.get(Address::ADDRESS_TAG)?.parse().ok()
    }

    /// Adds a version, a changed copy of the last one.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut ResourceVersion)) {
        let mut version = ResourceVersion { from: Instant::now(), ..self.now().clone() };
        change(&mut version);
        self.versions.push(version);
    }

    /// What an observation that is `lag` old shows.
    pub(crate) fn shown(&self, lag: Duration) -> Option<Observed<Value>> {
        let at = Instant::now() - lag;
        let version = self.versions.iter().rfind(|version| version.from <= at)?;
        let status = match version.gone {
            Some(gone) if gone <= at => return None,
            Some(_) => Status::Deleting("deleting".into()),
            None if version.ready > at => Status::Pending("pending".into()),
            None if version.is_broken => Status::Failed("it broke".into()),
            None => Status::Ready,
        };
        let mut attrs = Attrs::from([("arn".to_owned(), format!("arn:{}", self.id))]);
        attrs.extend(self.name.clone().map(|name| ("name".to_owned(), name)));
        Some(Observed { attrs, status, ..Observed::new(self.id.clone(), version.tags.clone(), version.spec.clone()) })
    }

    /// The ids whose deletes its references block.
    pub(crate) fn holds(&self) -> BTreeSet<String> {
        let fields = self.now().spec.as_object().into_iter().flatten();
        let firm = fields.filter(|(field, _)| !self.kind.loose.contains(&field.as_str()));
        firm.flat_map(|(_, value)| ids(value)).collect()
    }
}

/// All ids that a value refers to.
pub(crate) fn ids(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => match map.get("$id").and_then(Value::as_str) {
            Some(id) => vec![id.to_owned()],
            None => map.values().flat_map(ids).collect(),
        },
        Value::Array(items) => items.iter().flat_map(ids).collect(),
        _ => vec![],
    }
}
