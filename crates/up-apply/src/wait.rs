//! How a step sees that what it did has come about, and waits until then.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_core::{Birth, Error, FieldChange, Seen, Status};

use crate::{
    Stop, What,
    step::{NOT_SEEN, Want, Work},
};

impl Work<'_> {
    /// The id of what was made for this birth, looked for as long as AWS may take to show it.
    pub(crate) async fn made_already(&self, birth: &Birth, settle: Duration) -> Result<Option<String>, Error> {
        let since = Instant::now();
        self.hand.watch.stirred(self.kind, None);
        loop {
            let all = self.look(None).await?;
            let made = all.iter().find(|seen| {
                seen.address(&birth.stack).as_ref() == Some(&birth.address) && seen.generation() == birth.generation
            });
            match made {
                Some(seen) => return Ok(Some(seen.id.clone())),
                None if since.elapsed() > settle => return Ok(None),
                None => self.go_on()?,
            }
        }
    }

    /// Looks until AWS is done with it. What is impaired for as long as AWS may take to show a change is given back as well.
    pub(crate) async fn ready(&self, id: &str) -> Result<Seen<Value>, Error> {
        let (since, wait) = (Instant::now(), self.kind.about().wait);
        let (mut last, mut shown) = (String::new(), since);
        loop {
            let all = self.look(Some(id)).await?;
            let found = all.iter().find(|seen| seen.id == id);
            shown = found.map_or(shown, |_| Instant::now());
            let state = match found {
                Some(seen) => match &seen.status {
                    Status::Ready => {
                        self.learn(seen);
                        return Ok(seen.clone());
                    }
                    // It may be on its way out of that.
                    Status::Impaired(_) if since.elapsed() > self.hand.settle => return Ok(seen.clone()),
                    Status::Impaired(trouble) => trouble.why.clone(),
                    Status::Failed(why) => return Err(Error::refused("Failed", why.clone())),
                    Status::Deleting(state) => {
                        return Err(Error::refused("Deleting", format!("AWS is deleting it ({state})")));
                    }
                    Status::Pending(state) => state.clone(),
                },
                // What AWS has shown it may for a while not show again.
                None if shown.elapsed() > self.hand.settle => {
                    return Err(Error::refused(NOT_SEEN, format!("AWS made {id}, and does not show it")));
                }
                None => "not shown yet".into(),
            };
            if since.elapsed() > wait.at_most {
                let minutes = wait.at_most.as_secs() / 60;
                return Err(Error::refused("NotReady", format!("still {state} after {minutes} minutes")));
            }
            self.go_on()?;
            if last != state {
                self.say(What::Waiting { state: state.clone() })?;
                last = state;
            }
        }
    }

    /// Looks until a change just made shows, or for as long as AWS may take to show it.
    pub(crate) async fn shown(
        &self,
        was: &Seen<Value>,
        before: &[FieldChange],
        want: &Want<'_>,
    ) -> Result<Seen<Value>, Error> {
        let since = Instant::now();
        loop {
            let seen = self.ready(&was.id).await?;
            let is_repaired = before.is_empty() && seen.status == Status::Ready;
            if since.elapsed() > self.hand.settle || is_repaired || self.differences(&seen, want) != before {
                return Ok(seen);
            }
            self.go_on()?;
        }
    }

    /// Looks until it is gone. False where it stands as if nothing had been done, longer than AWS may take to show a change.
    pub(crate) async fn gone(&self, id: &str, began: Instant) -> Result<bool, Error> {
        let (since, wait) = (Instant::now(), self.kind.about().wait);
        self.hand.watch.stirred(self.kind, None);
        let mut last = String::new();
        loop {
            let all = self.look(Some(id)).await?;
            let Some(seen) = all.iter().find(|seen| seen.id == id) else { return Ok(true) };
            if began.elapsed() > wait.at_most {
                let minutes = wait.at_most.as_secs() / 60;
                return Err(Error::refused("NotGone", format!("AWS still shows it after {minutes} minutes")));
            }
            self.go_on()?;
            if let Status::Deleting(state) = &seen.status
                && *state != last
            {
                last.clone_from(state);
                self.say(What::Waiting { state: state.clone() })?;
            }
            if !matches!(seen.status, Status::Deleting(_)) && since.elapsed() > self.hand.settle {
                return Ok(false);
            }
        }
    }

    pub(crate) async fn pause(&self, error: &Error, pause: Duration) -> Result<(), Error> {
        self.say(What::Retrying { why: self.explained(error), pause })?;
        tokio::select! {
            () = sleep(pause) => {}
            () = self.ending() => {}
        }
        self.go_on()
    }

    /// One resource of the step's kind, or all, and what else is seen with it. A wait for it ends with the run: the next
    /// one looks again.
    pub(crate) async fn look(&self, id: Option<&str>) -> Result<Arc<Vec<Seen<Value>>>, Error> {
        tokio::select! {
            looked = self.hand.watch.look(self.kind, id) => looked,
            () = self.ending() => Err(Error::interrupted()),
        }
    }

    pub(crate) async fn ending(&self) {
        // The sender is the hand's, which outlives this.
        let _ = self.hand.stop.subscribe().wait_for(|stop| *stop != Stop::No).await;
    }

    /// Ends the step where the run is to end.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        if self.hand.is_ending() { Err(Error::interrupted()) } else { Ok(()) }
    }
}
