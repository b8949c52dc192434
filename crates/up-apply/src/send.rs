//! One call that changes AWS, and for how long it is sent again.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use up_core::{Created, Error, ErrorKind, Later, with_permit};

use crate::{
    What,
    permit::StepPermit,
    step::{LONGEST_PAUSE, PROPAGATE, StepRunner},
};

impl<'a> StepRunner<'a> {
    /// Sends a call that changes AWS: journaled before and after. Sent again where AWS said that it did nothing, where AWS
    /// is busy, and where the answer was lost to a call that may be done twice as well as once.
    pub(crate) async fn call<T: Told>(&self, verb: &'static str, send: impl Fn() -> Later<'a, T>) -> Result<T, Error> {
        let mut pause = Duration::from_millis(250);
        // What it is sent again for, and since when: another reason has a time of its own.
        let mut again: Option<(ErrorKind, Instant)> = None;
        loop {
            let permit = StepPermit::take(&self.executor.semaphore, self.urgency, self.executor.stop.subscribe()).await;
            self.go_on()?;
            self.say(What::Calling { verb })?;
            let answer = with_permit(permit, send()).await;
            let error = answer.as_ref().err().map(ToString::to_string);
            self.say(What::Answered { verb, id: answer.as_ref().ok().and_then(Told::id), error })?;
            let error = match answer {
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
            again = Some((error.kind, since));
            self.pause(&error, pause).await?;
            pause = (pause * 2).min(longest_pause);
        }
    }

    /// "Not found" of what this run has made, or of what it refers to and this run has made, only says that AWS is late.
    fn propagating(&self, verb: &str, error: Error) -> Error {
        let is_late = error.kind == ErrorKind::NotFound && verb != "delete" && self.executor.has_made(self.step);
        if is_late { Error { kind: ErrorKind::Propagating, ..error } } else { error }
    }
}

/// For how long a call is sent again that AWS has refused.
enum Patience {
    None,
    /// As long as a change takes to be known everywhere.
    Propagation,
    /// As long as AWS may take to show a change.
    Settle,
    /// As long as AWS may be busy with a resource of the kind.
    Kind,
}

/// A create whose answer was lost, and an update of what may look otherwise by now, are sent again only after a look.
fn patience(verb: &str, error: ErrorKind) -> Patience {
    match error {
        ErrorKind::Propagating | ErrorKind::Throttled => Patience::Propagation,
        ErrorKind::Ambiguous if matches!(verb, "tag" | "delete") => Patience::Propagation,
        ErrorKind::Held if verb != "update" => Patience::Settle,
        ErrorKind::Conflict if verb != "update" => Patience::Kind,
        _ => Patience::None,
    }
}

/// What an answer says that the journal keeps.
pub(crate) trait Told {
    fn id(&self) -> Option<String>;
}

impl Told for () {
    fn id(&self) -> Option<String> {
        None
    }
}

impl Told for Created<Value> {
    fn id(&self) -> Option<String> {
        Some(Created::id(self).to_owned())
    }
}
