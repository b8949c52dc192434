//! One step: the verbs it takes. How a call is sent is in `send.rs`, how a step sees that it did what it should in `wait.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use up_core::{
    Address, AnyKind, Change, Context, Created, Error, ErrorKind, FieldChange, Impairment, NewResource, Observed,
    PrioritySemaphore, Status, TagChange, Urgency, diff, is_sealed, name_references, placeholder, visit_named,
    with_ignored,
};
use up_plan::{Action, Step};

use crate::{
    Event, ImmutableSpecs, Sink, Stop, What, holders::Owned, names::Names, observe::known, taken::NameHolder,
    watch::Watch,
};

/// What every step shares.
pub(crate) struct Executor {
    pub(crate) cx: Arc<Context>,
    pub(crate) watch: Watch,
    pub(crate) names: Names,
    pub(crate) owned: Owned,
    /// What AWS has to add about what was made or changed.
    pub(crate) notes: Mutex<BTreeMap<Address, Vec<String>>>,
    pub(crate) semaphore: Arc<PrioritySemaphore>,
    pub(crate) settle: Duration,
    /// What was seen so far of that which never changes.
    pub(crate) immutable: Mutex<ImmutableSpecs>,
    /// The kinds of which the plan deletes some.
    pub(crate) deleted: BTreeSet<String>,
    /// The resources that this run has made.
    pub(crate) made: Mutex<BTreeSet<Address>>,
    pub(crate) sink: Arc<dyn Sink>,
    /// What every step heeds: set from outside, or by the first step that AWS no longer lets in.
    pub(crate) stop: watch::Sender<Stop>,
}

/// How long what a resource needs (a role just made) may take to be known everywhere.
pub(crate) const PROPAGATE: Duration = Duration::from_secs(90);
/// The longest pause before a call is sent again that met something busy.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The code of what was made and is not shown.
pub(crate) const NOT_SEEN: &str = "NotSeen";
/// How often a change that AWS accepted but does not show is sent again.
const TRIES: usize = 3;

impl Executor {
    /// Carries out one step and tells about it.
    pub(crate) async fn take_step(
        &self,
        kind: Option<&'static dyn AnyKind>,
        step: &Step,
        index: usize,
        urgency: Urgency,
    ) -> Result<(), Error> {
        let kind = kind.ok_or_else(|| Error::ours(format!("{} is of no known kind", step.address)))?;
        let runner = StepRunner { executor: self, kind, step, index, urgency };
        runner.say(What::Started)?;
        let result = runner.action().await.map_err(|error| self.locked_out(error));
        match &result {
            Ok(()) => runner.say(What::Done)?,
            Err(error) if error.kind == ErrorKind::Interrupted => runner.say(What::Skipped { because: None })?,
            Err(error) => runner.say(What::Failed { error: error.to_string() })?,
        }
        result
    }

    /// True once nothing more is to begin.
    pub(crate) fn is_ending(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// What was seen so far of that which never changes.
    pub(crate) fn immutable(&self) -> MutexGuard<'_, ImmutableSpecs> {
        self.immutable.lock().expect("no panic while held")
    }

    /// What AWS has to add so far about what was made or changed.
    pub(crate) fn notes(&self) -> MutexGuard<'_, BTreeMap<Address, Vec<String>>> {
        self.notes.lock().expect("no panic while held")
    }

    fn made(&self, address: &Address) {
        self.made.lock().expect("no panic while held").insert(address.clone());
    }

    /// True where this run has made the resource of a step, or one that its spec names.
    pub(crate) fn has_made(&self, step: &Step) -> bool {
        let made = self.made.lock().expect("no panic while held");
        let mut has = made.contains(&step.address);
        if let Action::Create { desired, .. } | Action::Update { desired, .. } = &step.action {
            visit_named(desired, &mut |named| has = has || made.iter().any(|address| address.is_written(named)));
        }
        has
    }

    /// Credentials that no longer hold end the run. One step says so; the others end as if they had been interrupted.
    fn locked_out(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Credentials {
            return error;
        }
        let is_first = self.stop.send_if_modified(|stop| std::mem::replace(stop, Stop::Finish) == Stop::No);
        if is_first { error } else { Error::interrupted() }
    }
}

/// One step at work.
pub(crate) struct StepRunner<'a> {
    pub(crate) executor: &'a Executor,
    pub(crate) kind: &'static dyn AnyKind,
    pub(crate) step: &'a Step,
    index: usize,
    pub(crate) urgency: Urgency,
}

impl<'a> StepRunner<'a> {
    async fn action(&self) -> Result<(), Error> {
        match &self.step.action {
            Action::Create { new, desired, partial, .. } => {
                let desired = Desired { spec: self.resolved(desired)?, ignored: &BTreeSet::new(), partial: *partial };
                let observed = self.make(new, &desired.spec).await?;
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
                let known = known.ok_or_else(|| Error::ours("its first half has not been made"))?;
                let observed = self.ready(&known.id).await?;
                let desired = Desired { spec: self.resolved(desired)?, ignored: ignore, partial: false };
                self.settle(observed, &desired).await
            }
            Action::Delete { observed, .. } => self.delete(observed).await,
        }
    }

    /// Makes it, and waits until it is ready. Nothing is taken for deleted because AWS does not show it yet: only what has
    /// been looked for in vain is, and then the kind takes another client token.
    async fn make(&self, new: &NewResource, desired: &Value) -> Result<Observed<Value>, Error> {
        loop {
            let created = self.create(new, desired).await?;
            self.executor.made(&self.step.address);
            self.executor.watch.stirred(self.kind, Some(created.id()));
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

    /// Makes it, once. After an answer that leaves it open whether it was made, looks before it makes it again. What has
    /// its name may be one of the stack's own that this run deletes, and that AWS is late to forget: then it is tried again
    /// for a while.
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
                    // It may be one that this run deletes: listed still, and its tags gone already.
                    NameHolder::Other(_) if self.is_leaving() && since.elapsed() < PROPAGATE => {}
                    NameHolder::Other(whose) => return Err(error.taken(&whose)),
                    NameHolder::Leaving => {}
                },
                ErrorKind::Ambiguous => {
                    if let Some(id) = self.made_already(new, self.executor.settle).await? {
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

    /// True where this run deletes a resource of the kind.
    fn is_leaving(&self) -> bool {
        self.executor.deleted.contains(self.kind.name())
    }

    /// Changes what still differs, until nothing does, and has AWS do again what it failed to do. What was impaired before, and
    /// no update mends, may stay so: the plan has said it.
    async fn settle(&self, mut observed: Observed<Value>, desired: &Desired<'_>) -> Result<(), Error> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(250);
        let mut tried: Option<(Vec<FieldChange>, usize)> = None;
        let mut is_written = !self.writes();
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
                    Status::Impaired(trouble) if trouble.repair || !self.was(&observed.status) => {
                        return Err(impaired(trouble));
                    }
                    _ => return Ok(()),
                }
            }
            // AWS has tried, and says what is wrong: told once more it would only try once more.
            if let (Status::Impaired(trouble), true) = (&observed.status, tries > 1) {
                return Err(impaired(trouble));
            }
            if tries > TRIES || changes.iter().any(|change| change.change != Change::Update) {
                return Err(ambiguous.unwrap_or_else(|| not_taken(&changes)));
            }
            let live = self.named(&observed);
            let spec = self.acceptable(&live, &desired.spec, desired.ignored);
            ambiguous =
                match self.call("update", || self.kind.update(&self.executor.cx, live.clone(), spec.clone())).await {
                    // What shows then tells whether it was done.
                    Err(error) if error.kind == ErrorKind::Ambiguous => Some(error),
                    // Part of it may be done: what is left is worked out anew.
                    Err(error) if error.kind == ErrorKind::Conflict && since.elapsed() < self.longest() => {
                        self.pause(&error, pause).await?;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        self.executor.watch.stirred(self.kind, None);
                        observed = self.ready(&observed.id).await?;
                        conflicts += 1;
                        match &observed.status {
                            // What AWS refuses in this state it refuses until somebody else mends that.
                            Status::Impaired(trouble) if conflicts > 2 && self.was(&observed.status) => {
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
            self.executor.watch.stirred(self.kind, None);
            observed = self.shown(&observed, &changes, desired).await?;
            tried = Some((changes, tries));
        }
    }

    /// True where the plan sends a write-only value, which no look will show.
    fn writes(&self) -> bool {
        let mut fields = self.kind.fields().iter().filter(|field| field.is_write_only);
        fields.any(|field| self.step.changes.iter().any(|change| change.field == field.name))
    }

    /// True where the plan has seen the resource in this state.
    fn was(&self, status: &Status) -> bool {
        matches!(&self.step.action, Action::Update { observed: Some(observed), .. } if observed.status == *status)
    }

    /// What differs, but for what is ignored, and, in a first half, what can only be set later.
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

    /// What is wanted, with live values in the place of what is ignored and of what the kind accepts.
    fn acceptable(&self, live: &Observed<Value>, desired: &Value, ignored: &BTreeSet<String>) -> Value {
        self.kind.accept(live, with_ignored(desired, &live.spec, ignored).into_owned())
    }

    /// How long AWS may be busy with it.
    pub(crate) fn longest(&self) -> Duration {
        self.kind.info().wait.at_most
    }

    /// What was seen, with references as the stack writes them: then a kind sees which of its fields differ.
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

    /// Takes it away, as soon as nothing holds it any more, and sees that it is gone, where AWS's answer does not say so. "Not
    /// found" may only say that AWS is late: what stands as before is deleted again.
    async fn delete(&self, observed: &Observed<Value>) -> Result<(), Error> {
        let mut since = None;
        loop {
            match self.call("delete", || self.kind.delete(&self.executor.cx, observed.clone())).await {
                Ok(()) if self.kind.info().deletes_at_once => return Ok(()),
                Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            if self.gone(&observed.id, *since.get_or_insert_with(Instant::now)).await? {
                return Ok(());
            }
        }
    }

    /// An error as it is told: with the addresses of the stack's resources that it names.
    pub(crate) fn explained(&self, error: &Error) -> String {
        let holders = self.executor.owned.named(&error.message, &self.step.address, &self.executor.names);
        let holders = holders.iter().map(|holder| {
            let leaves = if holder.leaves { ", which this plan deletes" } else { "" };
            format!("; {} is {}{leaves}", holder.id, holder.address)
        });
        format!("{error}{}", holders.collect::<String>())
    }

    pub(crate) fn learn(&self, observed: &Observed<Value>) {
        if self.kind.info().immutable {
            self.executor.immutable().insert((self.kind.name(), observed.id.clone()), observed.clone());
        }
        self.executor.notes().insert(self.step.address.clone(), observed.notes.clone());
        self.executor.cx.learn(&self.step.address, known(observed));
        self.executor.names.set(&self.step.address, observed);
    }

    /// The spec with all that it quotes, in its normal form.
    fn resolved(&self, desired: &Value) -> Result<Value, Error> {
        let mut desired = desired.clone();
        // A write-only value may hold placeholders of its own.
        for _ in 0..2 {
            placeholder::fill(&mut desired, &|quote| self.executor.cx.answer(quote));
        }
        if let Some(quote) = placeholder::placeholders(&desired).first() {
            return Err(match is_sealed(&desired) {
                true => {
                    Error::refused("WriteOnly", "its write-only value is in no plan: apply the stack's file instead")
                }
                false => Error::ours(format!("{} has no attribute `{}`", quote.address, quote.attribute)),
            });
        }
        self.kind.complete(desired).map_err(|problems| {
            let problems = problems.iter().map(|problem| format!("`{}`: {}", problem.field, problem.message));
            Error::refused("InvalidSpec", problems.collect::<Vec<_>>().join("; "))
        })
    }

    pub(crate) fn say(&self, what: What) -> Result<(), Error> {
        let event = Event { step: self.index, address: self.step.address.clone(), what };
        self.executor.sink.take(&event).map_err(|error| Error::refused("Journal", error.to_string()))
    }
}

/// What a resource is to be like.
pub(crate) struct Desired<'a> {
    /// The spec, resolved.
    spec: Value,
    /// Fields and paths that keep their live values.
    ignored: &'a BTreeSet<String>,
    /// Leaves out what can only be set later.
    partial: bool,
}

fn impaired(trouble: &Impairment) -> Error {
    Error::refused("Impaired", trouble.sentence())
}

fn not_taken(changes: &[FieldChange]) -> Error {
    let fields = changes.iter().map(|change| {
        format!(
            "`{}` is {} and should be {}",
            change.field,
            change.observed,
            placeholder::readable(&change.desired.to_string())
        )
    });
    let fields = fields.collect::<Vec<_>>().join("; ");
    Error::refused("NotTaken", format!("AWS accepted the change and does not show it: {fields}"))
}
