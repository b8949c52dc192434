//! Runs one step. `executor.rs` has what all steps share, `send.rs` sends its calls, `wait.rs` waits for their effects.

use std::{borrow::Cow, collections::BTreeSet, time::Duration};

use serde_json::Value;
use tokio::time::Instant;
use up_core::{
    AnyKind, Change, Created, Error, ErrorKind, FieldChange, Impairment, NewResource, Observed, Status, TagChange,
    Urgency, diff, is_sealed, name_references, placeholder, with_ignored,
};
use up_plan::{Action, Step};

use crate::{
    Event, EventKind,
    executor::{Executor, LONGEST_PAUSE, NOT_SEEN, PROPAGATE},
    observe::known,
    taken::NameHolder,
};

/// How often a change that AWS accepted but does not show is sent.
const TRIES: usize = 3;

/// One running step.
pub(crate) struct StepRunner<'a> {
    pub(crate) executor: &'a Executor,
    pub(crate) kind: &'static dyn AnyKind,
    pub(crate) step: &'a Step,
    pub(crate) index: usize,
    pub(crate) urgency: Urgency,
}

impl<'a> StepRunner<'a> {
    pub(crate) async fn action(&self) -> Result<(), Error> {
        match &self.step.action {
            Action::Create { new, desired, partial, .. } => {
                let desired = Desired { spec: self.resolved(desired)?, ignored: &BTreeSet::new(), partial: *partial };
                let new = self.executor.birth.as_ref().map_or(Cow::Borrowed(new), |birth| birth.stamped(new));
                let observed = self.create_ready(&new, &desired.spec).await?;
                self.settle(observed, &desired).await
            }
            Action::Update { observed: Some(observed), desired, ignore, tags, .. } => {
                let desired = Desired { spec: self.resolved(desired)?, ignored: ignore, partial: false };
                if !tags.is_empty() {
                    self.tag(observed, tags).await?;
                }
                self.settle(observed.clone(), &desired).await
            }
            Action::Update { observed: None, desired, ignore, .. } => {
                let known = self.executor.cx.known(&self.step.address);
                let known = known.ok_or_else(|| Error::ours("the first half of its create is missing"))?;
                let observed = self.ready(&known.id).await?;
                let desired = Desired { spec: self.resolved(desired)?, ignored: ignore, partial: false };
                self.settle(observed, &desired).await
            }
            Action::Delete { observed, .. } => self.delete(observed).await,
        }
    }

    /// Creates the resource and waits until it is ready. A resource that AWS does not show yet is not taken for
    /// deleted: only after looking for it for the whole settle time, and then the kind uses another client token.
    async fn create_ready(&self, new: &NewResource, desired: &Value) -> Result<Observed<Value>, Error> {
        loop {
            let created = self.create(new, desired).await?;
            self.executor.created(&self.step.address);
            self.executor.watch.changed(self.kind, Some(created.id()));
            if let Created::Observed(observed) = &created {
                self.executor.watch.created(self.kind, observed);
            }
            let id = match created {
                Created::Observed(observed) if observed.status == Status::Ready => {
                    self.learn(&observed);
                    return Ok(*observed);
                }
                Created::Observed(observed) => observed.id,
                Created::Id(id) => id,
            };
            match self.ready(&id).await {
                Err(error) if error.code == NOT_SEEN && self.kind.info().client_token => self.executor.cx.lose(&id),
                ready => return ready,
            }
        }
    }

    /// Creates the resource, once. If the answer leaves open whether it was created, looks for it before creating it
    /// again. If the name belongs to a resource of the stack that this run deletes, and AWS is late to release it,
    /// tries again for a while.
    async fn create(&self, new: &NewResource, desired: &Value) -> Result<Created<Value>, Error> {
        let since = Instant::now();
        loop {
            let made = self.call("create", || self.kind.create(&self.executor.cx, new, desired.clone())).await;
            let error = match made {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Exists => match self.holder(new, desired).await? {
                    NameHolder::Own(id) => return Ok(id.into()),
                    // It may be a resource that this run deletes: still listed, but its tags are already removed.
                    NameHolder::Other(_) if self.deletes_kind() && since.elapsed() < PROPAGATE => {}
                    NameHolder::Other(whose) => return Err(error.taken(&whose)),
                    NameHolder::BeingDeleted => {}
                },
                ErrorKind::Ambiguous => {
                    if let Some(id) = self.find_created(new, self.executor.settle).await? {
                        return Ok(id.into());
                    }
                }
                _ => return Err(error),
            }
            if since.elapsed() > self.kind.info().wait.at_most {
                return Err(error);
            }
            self.pause(&error, Duration::from_secs(2)).await?;
        }
    }

    /// True if this run deletes a resource of the kind.
    fn deletes_kind(&self) -> bool {
        self.executor.deleted.contains(self.kind.name())
    }

    /// Updates the resource until no difference is left, and repeats an operation that AWS failed to do. A resource
    /// that was impaired before, which no update can repair, may stay so: the plan has reported it.
    async fn settle(&self, mut observed: Observed<Value>, desired: &Desired<'_>) -> Result<(), Error> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(250);
        let mut tried: Option<(Vec<FieldChange>, usize)> = None;
        let mut is_written = !self.sends_write_only();
        let (mut ambiguous, mut conflicts) = (None, 0);
        loop {
            if !matches!(observed.status, Status::Ready | Status::Impaired(_)) {
                observed = self.ready(&observed.id).await?;
            }
            self.learn(&observed);
            let changes = self.differences(&observed, desired);
            let tries = tried.take().filter(|(before, _)| *before == changes).map_or(1, |(_, tries)| tries + 1);
            if changes.is_empty() && is_written {
                match &observed.status {
                    Status::Impaired(trouble) if trouble.repair && tries == 1 => {}
                    Status::Impaired(trouble) if trouble.repair || !self.had_status(&observed.status) => {
                        return Err(impaired(trouble));
                    }
                    _ => return Ok(()),
                }
            }
            // AWS has tried and reports the problem: repeating the update would only repeat the problem.
            if let (Status::Impaired(trouble), true) = (&observed.status, tries > 1) {
                return Err(impaired(trouble));
            }
            if tries > TRIES || changes.iter().any(|change| change.change != Change::Update) {
                return Err(ambiguous.unwrap_or_else(|| not_shown(&changes)));
            }
            let live = self.named(&observed);
            let spec = self.acceptable(&live, &desired.spec, desired.ignored);
            ambiguous =
                match self.call("update", || self.kind.update(&self.executor.cx, live.clone(), spec.clone())).await {
                    // The next observation shows whether it was done.
                    Err(error) if error.kind == ErrorKind::Ambiguous => Some(error),
                    // A part may be done: the remaining differences are computed again.
                    Err(error) if error.kind == ErrorKind::Conflict && since.elapsed() < self.longest() => {
                        self.pause(&error, pause).await?;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        self.executor.watch.changed(self.kind, None);
                        observed = self.ready(&observed.id).await?;
                        conflicts += 1;
                        match &observed.status {
                            // AWS refuses updates in this state until somebody repairs the resource.
                            Status::Impaired(trouble) if conflicts > 2 && self.had_status(&observed.status) => {
                                return Err(impaired(trouble));
                            }
                            _ => continue,
                        }
                    }
                    answer => {
                        answer?;
                        is_written = true;
                        None
                    }
                };
            self.executor.watch.changed(self.kind, None);
            observed = self.shown(&observed, &changes, desired).await?;
            tried = Some((changes, tries));
        }
    }

    /// True if the plan sends a write-only value, which no observation will show.
    fn sends_write_only(&self) -> bool {
        let mut fields = self.kind.fields().iter().filter(|field| field.is_write_only);
        fields.any(|field| self.step.changes.iter().any(|change| change.field == field.name))
    }

    /// True if the resource already had this status when the plan was made.
    fn had_status(&self, status: &Status) -> bool {
        matches!(&self.step.action, Action::Update { observed: Some(observed), .. } if observed.status == *status)
    }

    /// The differences, without ignored fields and, in a partial create, without deferred fields.
    pub(crate) fn differences(&self, observed: &Observed<Value>, desired: &Desired<'_>) -> Vec<FieldChange> {
        let fields = self.kind.fields();
        let deferred = |name: &str| fields.iter().any(|field| field.name == name && field.deferred);
        let address_of = |kind: &str, id: &str| self.executor.names.address(kind, id);
        let mut spec = self.kind.comparable(desired.spec.clone());
        for field in fields.iter().filter(|field| field.is_write_only) {
            spec[field.name] = observed.spec[field.name].clone();
        }
        let mut changes = diff(fields, &observed.spec, &spec, &address_of);
        if !changes.is_empty() {
            changes = diff(
                fields,
                &observed.spec,
                &self.acceptable(&self.named(observed), &spec, desired.ignored),
                &address_of,
            );
        }
        changes.retain(|change| !(desired.partial && deferred(&change.field)));
        changes
    }

    /// The desired spec, with live values for ignored fields and for differences that the kind accepts.
    fn acceptable(&self, live: &Observed<Value>, desired: &Value, ignored: &BTreeSet<String>) -> Value {
        self.kind.accept(live, with_ignored(desired, &live.spec, ignored).into_owned())
    }

    /// How long AWS may be busy with the resource.
    pub(crate) fn longest(&self) -> Duration {
        self.kind.info().wait.at_most
    }

    /// The observed resource with addresses in place of ids, so that the kind can compare it with the desired spec.
    fn named(&self, observed: &Observed<Value>) -> Observed<Value> {
        let mut observed = observed.clone();
        name_references(&mut observed.spec, &|kind, id| self.executor.names.address(kind, id));
        observed
    }

    async fn tag(&self, observed: &Observed<Value>, tags: &TagChange) -> Result<(), Error> {
        let tagged = self.call("tag", || self.kind.tag(&self.executor.cx, observed.clone(), tags)).await;
        self.executor.watch.retagged(self.kind, &observed.id);
        tagged
    }

    /// Deletes the resource once nothing else holds it, and waits until it no longer exists, unless AWS's answer is
    /// final. "Not found" may mean that AWS is late: a resource that remains unchanged is deleted again.
    async fn delete(&self, observed: &Observed<Value>) -> Result<(), Error> {
        let mut since = None;
        loop {
            match self.call("delete", || self.kind.delete(&self.executor.cx, observed.clone())).await {
                Ok(()) if self.kind.info().deletes_at_once => return Ok(()),
                Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            if self.is_deleted(&observed.id, *since.get_or_insert_with(Instant::now)).await? {
                return Ok(());
            }
        }
    }

    /// The error message, followed by the addresses of the stack's resources that it names.
    pub(crate) fn explained(&self, error: &Error) -> String {
        let holders = self.executor.owned.named(&error.message, &self.step.address, &self.executor.names);
        let holders = holders.iter().map(|holder| {
            let leaves = if holder.leaves { ", which this plan deletes" } else { "" };
            format!("; {} is {}{leaves}", holder.id, holder.address)
        });
        format!("{error}{}", holders.collect::<String>())
    }

    pub(crate) fn learn(&self, observed: &Observed<Value>) {
        self.executor.observed().insert((self.kind.name(), observed.id.clone()), observed.clone());
        self.executor.notes().insert(self.step.address.clone(), observed.notes.clone());
        self.executor.cx.learn(&self.step.address, known(observed));
        self.executor.names.set(&self.step.address, observed);
    }

    /// The spec with all placeholders filled in, in its normal form.
    fn resolved(&self, desired: &Value) -> Result<Value, Error> {
        let mut desired = desired.clone();
        // A write-only value may contain placeholders itself.
        for _ in 0..2 {
            placeholder::fill(&mut desired, &|quote| self.executor.cx.answer(quote));
        }
        if let Some(quote) = placeholder::placeholders(&desired).first() {
            return Err(match is_sealed(&desired) {
                true => Error::refused(
                    "WriteOnly",
                    "a saved plan does not hold its write-only value: apply the stack's file instead",
                ),
                false => Error::ours(format!("{} has no attribute `{}`", quote.address, quote.attribute)),
            });
        }
        self.kind.complete(desired).map_err(|problems| {
            let problems = problems.iter().map(|problem| format!("`{}`: {}", problem.field, problem.message));
            Error::refused("InvalidSpec", problems.collect::<Vec<_>>().join("; "))
        })
    }

    pub(crate) fn emit(&self, what: EventKind) -> Result<(), Error> {
        let event = Event { step: self.index, address: self.step.address.clone(), what };
        self.executor.sink.take(&event).map_err(|error| Error::refused("Journal", error.to_string()))
    }
}

/// The desired resource.
pub(crate) struct Desired<'a> {
    /// The spec, with placeholders filled in.
    spec: Value,
    /// Fields and paths that keep their live values.
    ignored: &'a BTreeSet<String>,
    /// True to leave out deferred fields.
    partial: bool,
}

fn impaired(trouble: &Impairment) -> Error {
    Error::refused("Impaired", trouble.sentence())
}

fn not_shown(changes: &[FieldChange]) -> Error {
    let fields = changes.iter().map(|change| {
        format!(
            "`{}` is {} and should be {}",
            change.field,
            change.observed,
            placeholder::readable(&change.desired.to_string())
        )
    });
    let fields = fields.collect::<Vec<_>>().join("; ");
    Error::refused("NotTaken", format!("AWS accepted the change but does not show it: {fields}"))
}
