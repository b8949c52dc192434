//! How a step sees that what it did has come about, and waits until then.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_core::{Error, FieldChange, NewResource, Observed, Status};

use crate::{
    Stop, What,
    step::{Desired, NOT_SEEN, StepRunner},
};

impl StepRunner<'_> {
    /// The id of what was made for this resource, looked for as long as AWS may take to show it. What counts is when a look
    /// began: one that takes long shows what was there before.
    pub(crate) async fn made_already(&self, new: &NewResource, settle: Duration) -> Result<Option<String>, Error> {
        let since = Instant::now();
        self.executor.watch.stirred(self.kind, None);
        loop {
            let asked = Instant::now();
            let all = self.look(None).await?;
            let made = all.iter().find(|observed| {
                observed.address(&new.stack).as_ref() == Some(&new.address) && observed.generation() == new.generation
            });
            match made {
                Some(observed) => return Ok(Some(observed.id.clone())),
                None if asked - since > settle => return Ok(None),
                None => self.go_on()?,
            }
        }
    }

    /// Looks until AWS is done with it. What is impaired for as long as AWS may take to show a change is given back as well.
    pub(crate) async fn ready(&self, id: &str) -> Result<Observed<Value>, Error> {
        let (since, wait) = (Instant::now(), self.kind.info().wait);
        let (mut last, mut shown) = (String::new(), since);
        loop {
            let asked = Instant::now();
            let all = self.look(Some(id)).await?;
            let found = all.iter().find(|observed| observed.id == id);
            shown = found.map_or(shown, |_| Instant::now());
            let state = match found {
                Some(observed) => match &observed.status {
                    Status::Ready => {
                        self.learn(observed);
                        return Ok(observed.clone());
                    }
                    // It may be on its way out of that.
                    Status::Impaired(_) if asked - since > self.executor.settle => return Ok(observed.clone()),
                    Status::Impaired(trouble) => trouble.why.clone(),
                    Status::Failed(why) => return Err(Error::refused("Failed", why.clone())),
                    Status::Deleting(state) => {
                        return Err(Error::refused("Deleting", format!("AWS is deleting it ({state})")));
                    }
                    Status::Pending(state) => state.clone(),
                },
                // What AWS has shown it may for a while not show again.
                None if asked.saturating_duration_since(shown) > self.executor.settle => {
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
        was: &Observed<Value>,
        before: &[FieldChange],
        desired: &Desired<'_>,
    ) -> Result<Observed<Value>, Error> {
        let since = Instant::now();
        loop {
            let asked = Instant::now();
            let observed = self.ready(&was.id).await?;
            let is_repaired = before.is_empty() && observed.status == Status::Ready;
            if asked - since > self.executor.settle || is_repaired || self.differences(&observed, desired) != before {
                return Ok(observed);
            }
            self.go_on()?;
        }
    }

    /// Looks until it is gone. False where it stands as if nothing had been done, longer than AWS may take to show a change.
    pub(crate) async fn gone(&self, id: &str, began: Instant) -> Result<bool, Error> {
        let (since, wait) = (Instant::now(), self.kind.info().wait);
        self.executor.watch.stirred(self.kind, None);
        let mut last = String::new();
        loop {
            let asked = Instant::now();
            let all = self.look(Some(id)).await?;
            let Some(observed) = all.iter().find(|observed| observed.id == id) else { return Ok(true) };
            if began.elapsed() > wait.at_most {
                let minutes = wait.at_most.as_secs() / 60;
                return Err(Error::refused("NotGone", format!("AWS still shows it after {minutes} minutes")));
            }
            self.go_on()?;
            if let Status::Deleting(state) = &observed.status
                && *state != last
            {
                last.clone_from(state);
                self.say(What::Waiting { state: state.clone() })?;
            }
            if !matches!(observed.status, Status::Deleting(_)) && asked - since > self.executor.settle {
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
    pub(crate) async fn look(&self, id: Option<&str>) -> Result<Arc<Vec<Observed<Value>>>, Error> {
        tokio::select! {
            looked = self.executor.watch.look(self.kind, id) => looked,
            () = self.ending() => Err(Error::interrupted()),
        }
    }

    pub(crate) async fn ending(&self) {
        // The sender is the hand's, which outlives this.
        let _ = self.executor.stop.subscribe().wait_for(|stop| *stop != Stop::No).await;
    }

    /// Ends the step where the run is to end.
    pub(crate) fn go_on(&self) -> Result<(), Error> {
        if self.executor.is_ending() { Err(Error::interrupted()) } else { Ok(()) }
    }
}
