//! Sends one call that changes AWS, and decides for how long it is repeated.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use up_core::{Created, Error, ErrorKind, Later, with_permit};

use crate::{
    EventKind,
    executor::{LONGEST_PAUSE, PROPAGATE},
    permit::StepPermit,
    step::StepRunner,
};

impl<'a> StepRunner<'a> {
    /// Sends a call that changes AWS, with journal entries before and after. Repeats it if AWS says that it did
    /// nothing, if AWS is busy, or if the answer was lost and the call may be done twice.
    pub(crate) async fn call<T: ResponseId>(
        &self,
        verb: &'static str,
        send: impl Fn() -> Later<'a, T>,
    ) -> Result<T, Error> {
        let mut pause = Duration::from_millis(250);
        // The reason for repeating the call, and since when it holds: each reason has a time limit of its own.
        let mut again: Option<(ErrorKind, Instant)> = None;
        loop {
            let permit = StepPermit::take(&self.executor.semaphore, self.urgency, self.executor.stop.subscribe()).await;
            self.check_not_stopped()?;
            self.emit(EventKind::Calling { verb })?;
            let answer = with_permit(permit, send()).await;
            let error = answer.as_ref().err().map(ToString::to_string);
            self.emit(EventKind::Answered { verb, id: answer.as_ref().ok().and_then(ResponseId::id), error })?;
            let (error, may_pass) = match answer {
                Err(error) => self.propagating(verb, error),
                answer => return answer,
            };
            let (longest, longest_pause) = match patience(verb, error.kind) {
                Patience::None => return Err(error),
                Patience::Propagation => (PROPAGATE, Duration::from_secs(2)),
                Patience::Settle => (self.executor.settle, Duration::from_secs(2)),
                Patience::Kind => (self.longest(), LONGEST_PAUSE),
            };
            let since = again.filter(|(kind, _)| *kind == error.kind).map_or_else(Instant::now, |(_, since)| since);
            if since.elapsed() >= longest {
                return Err(error);
            }
            if !may_pass && self.quiet_since(since).elapsed() >= self.executor.settle {
                // What it refers to is not new: AWS's message says what is wrong with it.
                return Err(Error { kind: ErrorKind::Other, ..error });
            }
            again = Some((error.kind, since));
            self.pause(&error, pause).await?;
            pause = (pause * 2).min(longest_pause);
        }
    }

    /// True if AWS may not know the resource yet, or one that the call refers to. A tag and a delete are of the resource alone.
    fn is_new(&self, verb: &str) -> bool {
        match verb {
            "tag" | "delete" => self.executor.has_created(self.step),
            _ => self.executor.refers_to_new(self.step),
        }
    }

    /// Since when this run has created nothing that a call, first refused at `since`, may need without referring to it: an
    /// internet gateway, a role that AWS's services make for themselves.
    fn quiet_since(&self, since: Instant) -> Instant {
        self.executor.last_created().map_or(since, |last| last.max(since))
    }

    /// AWS may not know a resource yet that this run has created: "not found" for it, or for what it refers to, means
    /// propagating. False for an error that says propagating although nothing that the call refers to is new.
    fn propagating(&self, verb: &str, error: Error) -> (Error, bool) {
        match error.kind {
            ErrorKind::NotFound if verb != "delete" && self.executor.has_created(self.step) => {
                (Error { kind: ErrorKind::Propagating, ..error }, true)
            }
            ErrorKind::Propagating => (error, self.is_new(verb)),
            _ => (error, true),
        }
    }
}

/// For how long a refused call is repeated.
enum Patience {
    None,
    /// As long as a change takes to be known in all of AWS.
    Propagation,
    /// As long as AWS may take to show a change.
    Settle,
    /// As long as AWS may be busy with a resource of the kind.
    Kind,
}

/// A create whose answer was lost, and an update whose resource may have changed, are repeated only after observing
/// again.
fn patience(verb: &str, error: ErrorKind) -> Patience {
    match error {
        ErrorKind::Propagating | ErrorKind::Throttled => Patience::Propagation,
        ErrorKind::Ambiguous if matches!(verb, "tag" | "delete") => Patience::Propagation,
        ErrorKind::Held if verb != "update" => Patience::Settle,
        ErrorKind::Conflict if verb != "update" => Patience::Kind,
        _ => Patience::None,
    }
}

/// The part of an answer that the journal keeps.
pub(crate) trait ResponseId {
    fn id(&self) -> Option<String>;
}

impl ResponseId for () {
    fn id(&self) -> Option<String> {
        None
    }
}

impl ResponseId for Created<Value> {
    fn id(&self) -> Option<String> {
        Some(Created::id(self).to_owned())
    }
}
