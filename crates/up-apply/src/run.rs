//! Carries a plan out: which step when.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::watch;
use up_core::{Address, Error};
use up_plan::Plan;

use crate::{Observer, Sink};

/// How far a run may go on: send `Finish` to let calls in flight end and begin nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Begin nothing more, let what is in flight end.
    Finish,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How often each verb ([`up_plan::Step::verb`]) was carried out.
    pub done: BTreeMap<&'static str, usize>,
    /// What failed, and why.
    pub failed: Vec<(Address, Error)>,
    /// What was not begun.
    pub skipped: Vec<Address>,
}

/// Carries out every step of `plan` as soon as what it waits for is done, the longest chain first. A failure stops only
/// what depends on it.
pub async fn apply(_observer: Observer, _plan: &Plan, _sink: Arc<dyn Sink>, _stop: watch::Receiver<Stop>) -> Outcome {
    Outcome::default()
}
