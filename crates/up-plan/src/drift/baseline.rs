//! How resources were seen after they were applied: what AWS chose for fields that are left out, and values that it spells
//! or bounds in its own way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use up_model::{Address, Change, Declared, same};

use super::{FieldDrift, claimed, lost::Lost};
use crate::{Kinds, LiveStack};

/// By address.
pub type Baseline = BTreeMap<Address, BaselineSpec>;

/// How one resource was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineSpec {
    /// The fields whose values were not exactly those that were applied.
    pub fields: Map<String, Value>,
    /// How far that can be relied on.
    #[serde(default, skip_serializing_if = "BaselineSource::is_read")]
    pub source: BaselineSource,
}

/// How far a baseline can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaselineSource {
    /// The resource was read after everything was done.
    #[default]
    Read,
    /// It was read, and others that refer to it were changed later: they may have changed fields of this one too.
    Early,
    /// It was created, and AWS's answer, which need not show all fields, is all that was seen.
    Created,
}

impl BaselineSource {
    /// True for [`Self::Read`].
    pub fn is_read(&self) -> bool {
        *self == Self::Read
    }
}

impl BaselineSpec {
    /// How a field was seen, if that is not what was applied.
    pub(super) fn field(&self, name: &str, lost: &Lost) -> Option<Value> {
        let mut value = self.fields.get(name)?.clone();
        lost.stand_in(&mut value);
        Some(value)
    }

    /// True if a field that may move has moved since.
    pub(super) fn is_moved(&self, drift: &FieldDrift, lost: &Lost) -> bool {
        if self.source == BaselineSource::Created {
            return false;
        }
        let before = self.field(&drift.field, lost).unwrap_or_else(|| drift.applied.clone());
        !same(&before, &drift.live)
    }
}

/// How the resources of `applied` are seen in `live_stack`; `source` says how each was seen.
pub fn baseline(
    stack: &str,
    applied: &[Declared],
    live_stack: &LiveStack,
    source: &dyn Fn(&Address) -> BaselineSource,
    kinds: Kinds<'_>,
) -> Baseline {
    let matcher = claimed(stack, applied, live_stack, kinds);
    let seen = matcher.claims.iter().filter_map(|(address, observed)| {
        let kind = kinds(&address.kind)?;
        let (live, desired) = (matcher.named(observed), matcher.comparable(matcher.declared[address]));
        let fields = kind.fields().iter().filter(|field| field.change != Change::Initial && !field.is_write_only);
        let other = fields.filter(|field| !same(&desired[field.name], &live[field.name]));
        let fields = other.map(|field| (field.name.to_owned(), live[field.name].clone())).collect();
        Some(((*address).clone(), BaselineSpec { fields, source: source(address) }))
    });
    seen.collect()
}
