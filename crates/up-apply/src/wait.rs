//! Waits until a step's effect shows.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_core::{Error, FieldChange, NewResource, Observed, Status};

use crate::{
    EventKind, Stop,
    executor::NOT_SEEN,
    step::{Desired, StepRunner},
};

impl StepRunner<'_> {
    /// Looks for a resource that this step may have created, as long as AWS may take to show it, and returns its id.
    /// The time counts at the start of each look: a long one shows an old state.
    pub(crate) async fn find_created(&self, new: &NewResource, settle: Duration) -> Result<Option<String>, Error> {
        let since = Instant::now();
        self.executor.watch.changed(self.kind, None);
        loop {
            let asked = Instant::now();
            let all = self.look(None).await?;
            let made = all.iter().find(|observed| {
                observed.address(&new.stack).as_ref() == Some(&new.address) && observed.generation() == new.generation
            });
            match made {
                Some(observed) => return Ok(Some(observed.id.clone())),
                None if asked - since > settle => return Ok(None),
                None => self.check_not_stopped()?,
            }
        }
    }

    /// Looks until the resource is ready. Also returns a resource that stays impaired for longer than AWS may take to
    /// show a change.
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
                    // It may just be recovering.
                    Status::Impaired(_) if asked - since > self.executor.settle => return Ok(observed.clone()),
                    Status::Impaired(trouble) => trouble.why.clone(),
                    Status::Failed(why) => return Err(Error::refused("Failed", why.clone())),
                    Status::Deleting(state) => {
                        return Err(Error::refused("Deleting", format!("AWS is deleting it ({state})")));
                    }
                    Status::Pending(state) => state.clone(),
                },
                // AWS may hide a resource for a while that it has shown before.
                None if asked.saturating_duration_since(shown) > self.executor.settle => {
                    return Err(Error::refused(NOT_SEEN, format!("AWS created {id} but does not show it")));
                }
                None => "not shown yet".into(),
            };
            if since.elapsed() > wait.at_most {
                let minutes = wait.at_most.as_secs() / 60;
                return Err(Error::refused("NotReady", format!("still {state} after {minutes} minutes")));
            }
            self.check_not_stopped()?;
            if last != state {
                self.emit(EventKind::Waiting { state: state.clone() })?;
                last = state;
            }
        }
    }

    /// Looks until a change shows, or for as long as AWS may take to show it.
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
            self.check_not_stopped()?;
        }
    }

    /// Looks until the resource no longer exists. False if it remains unchanged for longer than AWS may take to show a
    /// change.
    pub(crate) async fn is_deleted(&self, id: &str, began: Instant) -> Result<bool, Error> {
        let (since, wait) = (Instant::now(), self.kind.info().wait);
        self.executor.watch.changed(self.kind, None);
        let mut last = String::new();
        loop {
            let asked = Instant::now();
            let all = self.look(Some(id)).await?;
            let Some(observed) = all.iter().find(|observed| observed.id == id) else { return Ok(true) };
            if began.elapsed() > wait.at_most {
                let minutes = wait.at_most.as_secs() / 60;
                return Err(Error::refused("NotGone", format!("AWS still shows it after {minutes} minutes")));
            }
            self.check_not_stopped()?;
            if let Status::Deleting(state) = &observed.status
                && *state != last
            {
                last.clone_from(state);
                self.emit(EventKind::Waiting { state: state.clone() })?;
            }
            if !matches!(observed.status, Status::Deleting(_)) && asked - since > self.executor.settle {
                return Ok(false);
            }
        }
    }

    pub(crate) async fn pause(&self, error: &Error, pause: Duration) -> Result<(), Error> {
        self.emit(EventKind::Retrying { why: self.explained(error), pause })?;
        tokio::select! {
            () = sleep(pause) => {}
            () = self.ending() => {}
        }
        self.check_not_stopped()
    }

    /// Observes one resource of the step's kind, or all; the result may hold more. The wait ends with the run.
    pub(crate) async fn look(&self, id: Option<&str>) -> Result<Arc<Vec<Observed<Value>>>, Error> {
        tokio::select! {
            looked = self.executor.watch.look(self.kind, id) => looked,
            () = self.ending() => Err(Error::interrupted()),
        }
    }

    pub(crate) async fn ending(&self) {
        // The executor, which outlives this step, holds the sender.
        let _ = self.executor.stop.subscribe().wait_for(|stop| *stop != Stop::No).await;
    }

    /// Ends the step if the run is stopping.
    pub(crate) fn check_not_stopped(&self) -> Result<(), Error> {
        if self.executor.is_ending() { Err(Error::interrupted()) } else { Ok(()) }
    }
}
