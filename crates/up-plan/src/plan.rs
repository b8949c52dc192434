//! A plan is data.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use up_core::{Address, FieldChange, NewResource, Observed, Status, TagChange};

use crate::Fingerprints;

/// The version of a plan as JSON. It rises when a reader of the older form would misread the newer.
pub const FORMAT: u32 = 2;

/// Everything there is to do, and what it is based on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The account it was observed in.
    pub account: String,
    /// The region it was observed in.
    pub region: String,
    /// How many declared resources are as they should be.
    pub unchanged: usize,
    /// Why it must not be carried out; empty for a plan that may be.
    pub refusals: Vec<Refusal>,
    /// What a user should know beside the steps: what is wrong and not mended by them, and what is left alone, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Ids of what carries the stack's tags and is left alone, because it may be a copy that somebody else made.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub copies: BTreeSet<String>,
    /// What to do, in an order that could be followed one by one.
    pub steps: Vec<Step>,
    /// What was observed, so that a moved world is noticed. Empty where there is nothing to do.
    pub observed: Fingerprints,
}

/// A reason not to carry a plan out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The resource that would be lost.
    pub address: Address,
    /// Why that is refused.
    pub message: String,
}

/// Something to know about a resource; it makes no difference to what is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The resource, or the one whose tags something carries.
    pub address: Address,
    /// What to know, as a sentence without a full stop.
    pub message: String,
}

/// One thing to do to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// What to do.
    pub action: Action,
    /// The fields that differ, for people. Empty for a plain create or delete.
    pub changes: Vec<FieldChange>,
    /// Why, where the changes alone do not say it.
    pub why: Option<String>,
    /// Indices of the steps that must be done before; all smaller than its own.
    pub after: Vec<usize>,
    /// How long its kind usually takes, in seconds.
    pub takes: u64,
    /// The calls it may make, as IAM actions.
    pub calls: Vec<String>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Action {
    /// Make it.
    Create {
        /// Tags and names it is born with.
        new: NewResource,
        /// The declared spec, marks and all.
        #[serde(with = "up_core::shared")]
        desired: Arc<Value>,
        /// The fields whose differences are left alone.
        ignore: BTreeSet<String>,
        /// The other half of a replacement stands elsewhere in the plan.
        replaces: bool,
        /// It only creates; an update follows once the resources it names in turn exist.
        partial: bool,
    },
    /// Move it, in place. With no changes: only wait until AWS is done with it.
    Update {
        /// What was seen; absent for the second half of a create, which is only then there to be seen.
        observed: Option<Observed<Value>>,
        /// The declared spec, marks and all.
        #[serde(with = "up_core::shared")]
        desired: Arc<Value>,
        /// The fields whose differences are left alone.
        ignore: BTreeSet<String>,
        /// Tags to change.
        tags: TagChange,
        /// Its address so far, where it has been renamed.
        renamed_from: Option<Address>,
    },
    /// Take it away.
    Delete {
        /// What was seen.
        observed: Observed<Value>,
        /// The other half of a replacement stands elsewhere in the plan.
        replaced: bool,
    },
}

/// What a plan comes to, counted by resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// New resources.
    pub create: usize,
    /// Changed in place.
    pub update: usize,
    /// Replaced by a new one.
    pub replace: usize,
    /// Taken away.
    pub delete: usize,
    /// Renamed: only tags change.
    pub retag: usize,
}

impl Step {
    /// The step as one word: `create`, `update`, `replace`, `delete`, `retag` or `wait`; nothing for the second part of
    /// what another step already says.
    pub fn verb(&self) -> Option<&'static str> {
        match &self.action {
            Action::Create { replaces: true, .. } => Some("replace"),
            Action::Create { .. } => Some("create"),
            Action::Update { observed: None, .. } | Action::Delete { replaced: true, .. } => None,
            Action::Update { renamed_from: Some(_), .. } if self.changes.is_empty() => Some("retag"),
            Action::Update { observed: Some(Observed { status: Status::Pending(_), .. }), tags, .. }
                if self.changes.is_empty() && tags.is_empty() =>
            {
                Some("wait")
            }
            Action::Update { .. } => Some("update"),
            Action::Delete { .. } => Some("delete"),
        }
    }
}

impl Step {
    /// The step without what may differ from one look to the next and is not compared: attributes, such as an endpoint.
    fn essence(&self) -> Self {
        let mut step = self.clone();
        if let Action::Update { observed: Some(observed), .. } | Action::Delete { observed, .. } = &mut step.action {
            observed.attrs.clear();
        }
        step
    }
}

impl Plan {
    /// True where both do the same, to the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let whose =
            |plan: &Self| (plan.stack.clone(), plan.account.clone(), plan.region.clone(), plan.refusals.clone());
        let steps = |plan: &Self| plan.steps.iter().map(Step::essence).collect::<Vec<_>>();
        whose(self) == whose(other) && steps(self) == steps(other)
    }

    /// Counts by resource.
    pub fn summary(&self) -> Summary {
        let count = |verb| self.steps.iter().filter(|step| step.verb() == Some(verb)).count();
        Summary {
            create: count("create"),
            update: count("update"),
            replace: count("replace"),
            delete: count("delete"),
            retag: count("retag"),
        }
    }

    /// True where there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For each step, how long it and the longest chain of steps behind it take: the order in which to start steps that
    /// are ready, and, at its largest, how long the whole takes when nothing waits without need.
    pub fn remaining(&self) -> Vec<Duration> {
        let mut remaining: Vec<_> = self.steps.iter().map(|step| Duration::from_secs(step.takes)).collect();
        for index in (0..self.steps.len()).rev() {
            for &before in &self.steps[index].after {
                let through = Duration::from_secs(self.steps[before].takes) + remaining[index];
                remaining[before] = remaining[before].max(through);
            }
        }
        remaining
    }
}
