//! The plan, as plain data.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use up_model::{Address, FieldChange, NewResource, Observed, Status, TagChange};

use crate::Fingerprints;

/// The version of a plan as JSON. It rises when a reader of the older form would misread the newer.
pub const FORMAT: u32 = 2;

/// All steps of a plan, and what they are based on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The account that was observed.
    pub account: String,
    /// The region that was observed.
    pub region: String,
    /// The number of declared resources that are already as declared.
    pub unchanged: usize,
    /// Reasons not to apply the plan; empty if it can be applied.
    pub refusals: Vec<Refusal>,
    /// Information beside the steps: problems that the steps do not solve, and resources that are left alone, with the
    /// reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// Ids of resources that carry the stack's tags and are left alone, because they may be copies made by others.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub copies: BTreeSet<String>,
    /// The steps, in an order in which they could be done one by one.
    pub steps: Vec<Step>,
    /// Hashes of the observed resources, to detect changes before apply. Empty if there are no steps.
    pub observed: Fingerprints,
}

/// A reason not to apply a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The resource that is concerned.
    pub address: Address,
    /// The reason.
    pub message: String,
}

/// Information about a resource that does not change the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The resource, or the address in the tags that a resource carries.
    pub address: Address,
    /// The information, as a sentence without a full stop.
    pub message: String,
}

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// The action.
    pub action: Action,
    /// The fields that differ, for display. Empty for a plain create or delete.
    pub changes: Vec<FieldChange>,
    /// The reason, if the changes do not show it.
    pub why: Option<String>,
    /// Indices of the steps that must be done before this one; all smaller than its own.
    pub after: Vec<usize>,
    /// How long the kind usually takes, in seconds.
    pub takes: u64,
    /// The calls that the step may make, as IAM actions.
    pub calls: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Action {
    /// Creates the resource.
    Create {
        /// The tags and the name that it is created with.
        new: NewResource,
        /// The declared spec, placeholders included.
        #[serde(with = "up_model::shared")]
        desired: Arc<Value>,
        /// The fields whose differences are ignored.
        ignore: BTreeSet<String>,
        /// True for the new half of a replacement: the delete of the old resource is another step.
        replaces: bool,
        /// True if the step leaves out deferred fields; an update sets them once the resources that they refer to
        /// exist.
        partial: bool,
    },
    /// Updates the resource in place. Without changes, it only waits until AWS has finished with the resource.
    Update {
        /// The observed resource; absent for the second half of a create, which reads it when it starts.
        observed: Option<Observed<Value>>,
        /// The declared spec, placeholders included.
        #[serde(with = "up_model::shared")]
        desired: Arc<Value>,
        /// The fields whose differences are ignored.
        ignore: BTreeSet<String>,
        /// The tags to change.
        tags: TagChange,
        /// Its previous address, if it was renamed.
        renamed_from: Option<Address>,
    },
    /// Deletes the resource.
    Delete {
        /// The observed resource.
        observed: Observed<Value>,
        /// True for the old half of a replacement: the create of the new resource is another step.
        replaced: bool,
    },
}

/// The number of resources by verb.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Created.
    pub create: usize,
    /// Updated in place.
    pub update: usize,
    /// Replaced.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Renamed: only tags change.
    pub retag: usize,
}

impl Step {
    /// The step as one word: `create`, `update`, `replace`, `delete`, `retag` or `wait`. `None` for the second half of
    /// a create or replacement, whose first step has the word.
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
    /// The step without attributes, such as an endpoint, which may differ between two looks, and without what is not kept.
    fn essence(&self) -> Self {
        let mut step = self.clone();
        if let Action::Update { observed: Some(observed), .. } | Action::Delete { observed, .. } = &mut step.action {
            observed.attrs.clear();
            observed.created = None;
        }
        step
    }
}

impl Plan {
    /// True if both plans have the same steps for the same stack, account and region.
    pub fn is_same(&self, other: &Self) -> bool {
        let whose =
            |plan: &Self| (plan.stack.clone(), plan.account.clone(), plan.region.clone(), plan.refusals.clone());
        let steps = |plan: &Self| plan.steps.iter().map(Step::essence).collect::<Vec<_>>();
        whose(self) == whose(other) && steps(self) == steps(other)
    }

    /// Counts the steps by verb.
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

    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// For each step, how long it and the longest chain of steps after it take. Ready steps are started in this order,
    /// longest first; the largest value is how long the whole plan takes.
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
