//! What is said while a plan is carried out.

use std::time::Duration;

use serde::Serialize;
use up_core::Address;

/// Something that happened to one step.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The step's index in the plan.
    pub step: usize,
    /// The step's resource.
    pub address: Address,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum What {
    /// All it waited for is done.
    Started,
    /// A call that changes AWS is about to be sent: the journal must hold this before it is.
    Calling {
        /// `create`, `update`, `tag` or `delete`.
        verb: &'static str,
    },
    /// The call has been answered.
    Answered {
        /// The call's verb.
        verb: &'static str,
        /// What AWS calls the resource, after a create.
        id: Option<String>,
        /// What AWS refused with.
        error: Option<String>,
    },
    /// AWS is at work on it; said once for each state it goes through.
    Waiting {
        /// AWS's word for the state.
        state: String,
    },
    /// The last call did not do it, and is tried again after a pause.
    Retrying {
        /// Why.
        why: String,
        /// The pause, in seconds.
        #[serde(serialize_with = "seconds")]
        pause: Duration,
    },
    /// Done, and seen to be so.
    Done,
    /// Given up.
    Failed {
        /// In AWS's words.
        error: String,
    },
    /// Not begun, because a step it waits for has failed, or because of an interruption.
    Skipped {
        /// The step it waited for, if it was that.
        because: Option<Address>,
    },
}

fn seconds<S: serde::Serializer>(pause: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(pause.as_secs_f64())
}

/// Where events go: to the journal first, then to whoever watches.
pub trait Sink: Send + Sync {
    /// Takes an event. An error stops the run before its next call: what cannot be journaled is not done.
    fn take(&self, event: &Event) -> std::io::Result<()>;
}
