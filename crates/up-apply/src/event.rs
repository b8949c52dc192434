//! Events of a run.

use std::time::Duration;

use serde::Serialize;
use up_core::Address;

/// An event of one step.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The step's index in the plan.
    pub step: usize,
    /// The step's resource.
    pub address: Address,
    /// What happened.
    pub what: EventKind,
}

/// What happened to a step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum EventKind {
    /// All steps that it waited for are done.
    Started,
    /// A call that changes AWS is about to be sent. The journal must hold this event before the call is sent.
    Calling {
        /// `create`, `update`, `tag` or `delete`.
        verb: &'static str,
    },
    /// The call has been answered.
    Answered {
        /// The call's verb.
        verb: &'static str,
        /// The resource's id, after a create.
        id: Option<String>,
        /// AWS's error.
        error: Option<String>,
    },
    /// AWS is working on the resource; emitted once for each state.
    Waiting {
        /// The state in AWS's words.
        state: String,
    },
    /// The last call failed and is repeated after a pause.
    Retrying {
        /// The reason.
        why: String,
        /// The pause, in seconds.
        #[serde(serialize_with = "seconds")]
        pause: Duration,
    },
    /// The step is done, and AWS shows its effect.
    Done,
    /// The step failed.
    Failed {
        /// AWS's error.
        error: String,
    },
    /// The step was not begun, because a step it waits for failed or because the run was interrupted.
    Skipped {
        /// The step that failed, if that is the reason.
        because: Option<Address>,
    },
}

fn seconds<S: serde::Serializer>(pause: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(pause.as_secs_f64())
}

/// Receives events: first the journal, then the user interface.
pub trait Sink: Send + Sync {
    /// Takes an event. An error stops the run before its next call: a call that cannot be journaled is not sent.
    fn take(&self, event: &Event) -> std::io::Result<()>;
}
