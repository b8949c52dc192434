//! One resource of the simulated AWS, and what it looked like when.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use up_core::{Address, Attrs, Observed, Status, Tags};

use crate::kinds::SimKind;

/// One resource.
#[derive(Clone)]
pub(crate) struct Thing {
    pub(crate) kind: &'static SimKind,
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) token: Option<String>,
    /// From when on those who refer to it find it.
    pub(crate) everywhere: Instant,
    /// What it became, oldest first; never empty.
    pub(crate) lives: Vec<Life>,
}

/// What it is from some moment on.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) from: Instant,
    pub(crate) tags: Tags,
    pub(crate) spec: Value,
    /// What it refers to, and what it has only let go of in order to go.
    pub(crate) held: BTreeSet<String>,
    pub(crate) ready: Instant,
    /// It comes to nothing when it should be ready.
    pub(crate) is_broken: bool,
    /// When it will be gone, once that was asked for.
    pub(crate) gone: Option<Instant>,
}

impl Thing {
    pub(crate) fn now(&self) -> &Life {
        self.lives.last().expect("never empty")
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

    /// Ready at that moment, to somebody with the latest news.
    pub(crate) fn was_ready(&self, at: Instant) -> bool {
        let life = self.lives.iter().rfind(|life| life.from <= at);
        life.is_some_and(|life| life.gone.is_none() && !life.is_broken && life.ready <= at)
    }

    pub(crate) fn address(&self) -> Option<Address> {
        self.now().tags.get(Address::ADDRESS_TAG)?.parse().ok()
    }

    /// The next life, the same until it is changed.
    pub(crate) fn turn(&mut self, change: impl FnOnce(&mut Life)) {
        let mut life = Life { from: Instant::now(), ..self.now().clone() };
        change(&mut life);
        self.lives.push(life);
    }

    /// What somebody sees whose news are `lag` old.
    pub(crate) fn shown(&self, lag: Duration) -> Option<Observed<Value>> {
        let at = Instant::now() - lag;
        let life = self.lives.iter().rfind(|life| life.from <= at)?;
        let status = match life.gone {
            Some(gone) if gone <= at => return None,
            Some(_) => Status::Deleting("deleting".into()),
            None if life.ready > at => Status::Pending("pending".into()),
            None if life.is_broken => Status::Failed("it broke".into()),
            None => Status::Ready,
        };
        let mut attrs = Attrs::from([("arn".to_owned(), format!("arn:{}", self.id))]);
        attrs.extend(self.name.clone().map(|name| ("name".to_owned(), name)));
        Some(Observed { attrs, status, ..Observed::new(self.id.clone(), life.tags.clone(), life.spec.clone()) })
    }

    /// Ids that hold their resources in place.
    pub(crate) fn holds(&self) -> BTreeSet<String> {
        let fields = self.now().spec.as_object().into_iter().flatten();
        let firm = fields.filter(|(field, _)| !self.kind.loose.contains(&field.as_str()));
        firm.flat_map(|(_, value)| ids(value)).collect()
    }
}

/// Every id that a value refers to.
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
