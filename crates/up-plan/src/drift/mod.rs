//! Drift: what differs between AWS, the stack's files, and what was applied last. Pure and synchronous, as planning is.
//!
//! A plan compares two sides, and says what would be done. Drift compares three, and says what has happened:
//!
//! | live and applied | live and declared | class |
//! | --- | --- | --- |
//! | differ | differ | [`DriftClass::Changed`] |
//! | differ | agree | none: the file has followed |
//! | agree | differ | [`DriftClass::Pending`] |
//! | differ within a bound that AWS may move a value in | | [`DriftClass::Governed`] |
//!
//! Without history, what is declared stands for what was applied.

mod baseline;
mod comparison;
mod fields;
mod lost;
mod severity;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use up_model::{Address, Declared};

pub use self::{
    baseline::{Baseline, BaselineSource, BaselineSpec, baseline},
    severity::Severity,
};
use self::{comparison::Comparison, lost::Lost};
use crate::{Kinds, LiveStack, Wanted, decide::Matcher, graph::ReferenceGraph};

/// What drift is looked for in.
#[derive(Debug, Clone, Copy)]
pub struct DriftInput<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// What is declared now.
    pub declared: &'a [Declared],
    /// What was applied last, with the live stack masked as it is; `None` without history.
    pub applied: Option<(&'a [Declared], &'a LiveStack)>,
    /// How resources were seen after they were applied.
    pub baseline: &'a Baseline,
    /// The live stack.
    pub live_stack: &'a LiveStack,
    /// Kinds that could not be read: nothing is said about their resources.
    pub unread: &'a BTreeSet<String>,
    /// Differences that the user has accepted.
    pub accepted: &'a [Acceptance],
    /// The text that stands for secrets in what was applied.
    pub mask: &'a str,
}

/// A difference that the user has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acceptance {
    /// The resource.
    pub address: Address,
    /// A field, or a path into one, as in `ignore_changes`.
    pub field: String,
    /// Why.
    pub reason: String,
    /// The last day, such as `2027-01-31`.
    pub until: String,
    /// True once that day is over: the difference counts again.
    pub expired: bool,
}

/// What has happened to a resource, or to a field of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftClass {
    /// The live value is not the one that was applied last: it was changed outside.
    Changed,
    /// It was applied, and does not exist any more.
    Missing,
    /// It carries the stack's tags, or belongs to a resource of the stack, and was neither declared nor applied.
    Added,
    /// The file has changed since the last apply.
    Pending,
    /// The value was moved within the allowed bounds: by AWS, or in a field that `ignore_changes` names.
    Governed,
    /// A field that the file leaves out has changed since the last apply.
    Undeclared,
}

impl DriftClass {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Changed, Self::Missing, Self::Added, Self::Pending, Self::Governed, Self::Undeclared];

    /// True for what nobody has declared, applied or allowed.
    pub fn is_drift(self) -> bool {
        matches!(self, Self::Changed | Self::Missing | Self::Added)
    }

    /// `changed`, `missing`, …
    pub fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Pending => "pending",
            Self::Governed => "governed",
            Self::Undeclared => "undeclared",
        }
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDrift {
    /// The field; `tags.Owner` for a tag.
    pub field: String,
    /// What was applied last; for [`DriftClass::Undeclared`], what was seen then.
    pub applied: Value,
    /// What AWS has now.
    pub live: Value,
    /// What the file says now, if that is something else again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Value>,
}

/// One thing that has happened to one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What has happened.
    pub class: DriftClass,
    /// How bad it is.
    pub severity: Severity,
    /// The resource, or the resource of the stack that this one belongs to.
    pub address: Address,
    /// Its id in AWS, if it exists.
    pub id: Option<String>,
    /// The fields, if it is about fields.
    pub fields: Vec<FieldDrift>,
    /// What the fields do not say, as a sentence without a full stop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The user has accepted it, or had until a day that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
}

impl Finding {
    /// True if it counts as drift: its class does, and nobody has accepted it.
    pub fn is_drift(&self) -> bool {
        self.class.is_drift() && self.accepted.as_ref().is_none_or(|accepted| accepted.expired)
    }
}

/// All findings, the worst first.
pub fn drift(input: &DriftInput<'_>, kinds: Kinds<'_>) -> Vec<Finding> {
    let (applied, masked) = input.applied.unwrap_or((input.declared, input.live_stack));
    let comparison = Comparison {
        input,
        kinds,
        was: claimed(input.stack, applied, masked, kinds),
        is: claimed(input.stack, input.declared, input.live_stack, kinds),
        lost: Lost::default(),
    };
    let mut findings = Comparison { lost: Lost::of(&comparison), ..comparison }.findings();
    findings.retain(|finding| finding.note.is_some() || !finding.fields.is_empty());
    let key = |finding: &Finding| {
        (!finding.is_drift(), finding.severity, finding.class, finding.address.clone(), finding.id.clone())
    };
    findings.sort_by_cached_key(key);
    findings
}

/// The live resource of each declaration.
fn claimed<'a, 'k>(
    stack: &'a str,
    resources: &'a [Declared],
    live_stack: &'a LiveStack,
    kinds: Kinds<'k>,
) -> Matcher<'a, 'k> {
    let named = ReferenceGraph::by(resources);
    let mut matcher = Matcher::new(&Wanted::new(stack, resources), live_stack, kinds);
    matcher.rename_in_turn();
    named.targets_first().into_iter().for_each(|place| matcher.claim(named.at(place)));
    matcher
}
