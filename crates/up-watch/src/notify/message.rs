//! A message about the transitions that a look has brought.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{board::StackStatus, look::fingerprint, told::Transition};

/// A message has at most so many transitions; it says how many were left out.
const MOST_TRANSITIONS: usize = 50;

/// A message about the transitions that a look has brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The same for each delivery of the message, so that a receiver can drop a second one.
    pub id: String,
    /// When the look ended.
    pub at: Timestamp,
    /// The stack's name in the watch.
    pub stack: String,
    /// The account, if a look has got so far.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The number of resources that have drifted now.
    pub drifted: usize,
    /// What has changed, the worst first.
    pub transitions: Vec<Transition>,
    /// How many transitions were left out.
    pub left_out: usize,
    /// The stack's page.
    pub url: Option<String>,
}

impl Message {
    pub(super) fn new(
        status: &StackStatus,
        mut transitions: Vec<Transition>,
        at: Timestamp,
        page_url: Option<&str>,
    ) -> Self {
        let said: Vec<_> = transitions.iter().map(|it| (it.word(), it.sentence())).collect();
        let id = format!("msg_{}", fingerprint(&json!([status.name, at, said])));
        let left_out = transitions.len().saturating_sub(MOST_TRANSITIONS);
        transitions.truncate(MOST_TRANSITIONS);
        Self {
            id,
            at,
            stack: status.name.clone(),
            account: status.look.as_ref().map(|look| look.account.clone()),
            region: status.look.as_ref().map(|look| look.region.clone()),
            drifted: status.told.drift.len(),
            transitions,
            left_out,
            url: page_url.map(|url| format!("{url}/stacks/{}", status.name)),
        }
    }
}
