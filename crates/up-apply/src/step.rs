//! One step: the calls it makes. How it sees that they did what they should is in `wait.rs`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use up_core::{
    Address, AnyKind, Birth, Change, Cx, Error, ErrorKind, FieldChange, Impairment, Later, Seen, Slots, Status,
    TagChange, Urgency, diff, holding, name_references, quote, visit_named, with_ignored,
};
use up_plan::{Action, Step};

use crate::{
    Constant, Event, Sink, Stop, What, holders::Owned, names::Names, observe::known, place::Place, taken::NameHolder,
    watch::Watch,
};

/// What every step shares.
pub(crate) struct Hand {
    pub(crate) cx: Arc<Cx>,
    pub(crate) watch: Watch,
    pub(crate) names: Names,
    pub(crate) owned: Owned,
    /// What AWS has to add about what was made or changed.
    pub(crate) notes: Mutex<BTreeMap<Address, Vec<String>>>,
    pub(crate) slots: Arc<Slots>,
    pub(crate) settle: Duration,
    /// What was seen so far of that which never changes.
    pub(crate) constant: Mutex<Constant>,
    /// The kinds of which the plan deletes some.
    pub(crate) deleted: BTreeSet<String>,
    /// The resources that this run has made.
    pub(crate) made: Mutex<BTreeSet<Address>>,
    pub(crate) sink: Arc<dyn Sink>,
    /// What every step heeds: set from outside, or by the first step that AWS no longer lets in.
    pub(crate) stop: watch::Sender<Stop>,
}

/// How long what a resource needs (a role just made) may take to be known everywhere.
const PROPAGATE: Duration = Duration::from_secs(90);
/// The longest pause before a call is sent again that met something busy.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The code of what was made and is not shown.
pub(crate) const NOT_SEEN: &str = "NotSeen";
/// How often a change that AWS accepted but does not show is sent again.
const TRIES: usize = 3;

impl Hand {
    /// Carries out one step and tells about it.
    pub(crate) async fn take_step(
        &self,
        kind: Option<&'static dyn AnyKind>,
        step: &Step,
        index: usize,
        urgency: Urgency,
    ) -> Result<(), Error> {
        let kind = kind.ok_or_else(|| Error::ours(format!("{} is of no known kind", step.address)))?;
        let work = Work { hand: self, kind, step, index, urgency };
        work.say(What::Started)?;
        let result = work.action().await.map_err(|error| self.locked_out(error));
        match &result {
            Ok(()) => work.say(What::Done)?,
            Err(error) if error.kind == ErrorKind::Interrupted => work.say(What::Skipped { because: None })?,
            Err(error) => work.say(What::Failed { error: error.to_string() })?,
        }
        result
    }

    /// True once nothing more is to begin.
    pub(crate) fn is_ending(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// What was seen so far of that which never changes.
    pub(crate) fn constant(&self) -> MutexGuard<'_, Constant> {
        self.constant.lock().expect("no panic while held")
    }

    /// What AWS has to add so far about what was made or changed.
    pub(crate) fn notes(&self) -> MutexGuard<'_, BTreeMap<Address, Vec<String>>> {
        self.notes.lock().expect("no panic while held")
    }

    fn made(&self, address: &Address) {
        self.made.lock().expect("no panic while held").insert(address.clone());
    }

    /// True where this run has made the resource of a step, or one that its spec names.
    fn has_made(&self, step: &Step) -> bool {
        let made = self.made.lock().expect("no panic while held");
        let mut has = made.contains(&step.address);
        if let Action::Create { want, .. } | Action::Update { want, .. } = &step.action {
            visit_named(want, &mut |named| has = has || made.iter().any(|address| address.is_written(named)));
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
pub(crate) struct Work<'a> {
    pub(crate) hand: &'a Hand,
    pub(crate) kind: &'static dyn AnyKind,
    step: &'a Step,
    index: usize,
    urgency: Urgency,
}

impl<'a> Work<'a> {
    async fn action(&self) -> Result<(), Error> {
        match &self.step.action {
            Action::Create { birth, want, bare, .. } => {
                let want = Want { spec: self.resolved(want)?, ignored: &BTreeSet::new(), bare: *bare };
                let seen = self.make(birth, &want.spec).await?;
                self.settle(seen, &want).await
            }
            Action::Update { seen: Some(seen), want, ignore, tags, .. } => {
                let want = Want { spec: self.resolved(want)?, ignored: ignore, bare: false };
                if !tags.is_empty() {
                    self.tag(seen, tags).await?;
                }
                self.settle(seen.clone(), &want).await
            }
            Action::Update { seen: None, want, ignore, .. } => {
                let known = self.hand.cx.known(&self.step.address);
                let known = known.ok_or_else(|| Error::ours("its first half has not been made"))?;
                let seen = self.ready(&known.id).await?;
                let want = Want { spec: self.resolved(want)?, ignored: ignore, bare: false };
                self.settle(seen, &want).await
            }
            Action::Delete { seen, .. } => self.delete(seen).await,
        }
    }

    /// Makes it, and waits until it is ready. Nothing is taken for deleted because AWS does not show it yet: only what has
    /// been looked for in vain is, and then the kind takes another client token.
    async fn make(&self, birth: &Birth, want: &Value) -> Result<Seen<Value>, Error> {
        loop {
            let id = self.create(birth, want).await?;
            self.hand.made(&self.step.address);
            self.hand.watch.stirred(self.kind, Some(&id));
            match self.ready(&id).await {
                Err(error) if error.code == NOT_SEEN && self.kind.about().client_token => self.hand.cx.lose(&id),
                ready => return ready,
            }
        }
    }

    /// Makes it, once. After an answer that leaves it open whether it was made, looks before it makes it again. What has
    /// its name may be one of the stack's own that this run deletes, and that AWS is late to forget: then it is tried again
    /// for a while.
    async fn create(&self, birth: &Birth, want: &Value) -> Result<String, Error> {
        let since = Instant::now();
        loop {
            let made = self.call("create", || self.kind.create(&self.hand.cx, birth, want.clone())).await;
            let error = match made {
                Ok(id) => return Ok(id),
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Exists => match self.holder(birth, want).await? {
                    NameHolder::Own(id) => return Ok(id),
                    // It may be one that this run deletes: listed still, and its tags gone already.
                    NameHolder::Other(_) if self.is_leaving() && since.elapsed() < PROPAGATE => {}
                    NameHolder::Other(whose) => return Err(error.taken(&whose)),
                    NameHolder::Leaving => {}
                },
                ErrorKind::Ambiguous => {
                    if let Some(id) = self.made_already(birth, self.hand.settle).await? {
                        return Ok(id);
                    }
                }
                _ => return Err(error),
            }
            if since.elapsed() > self.kind.about().wait.at_most {
                return Err(error);
            }
            self.pause(&error, Duration::from_secs(2)).await?;
        }
    }

    /// True where this run deletes a resource of the kind.
    fn is_leaving(&self) -> bool {
        self.hand.deleted.contains(self.kind.name())
    }

    /// Changes what still differs, until nothing does, and has AWS do again what it failed to do. What was impaired before, and
    /// no update mends, may stay so: the plan has said it.
    async fn settle(&self, mut seen: Seen<Value>, want: &Want<'_>) -> Result<(), Error> {
        let since = Instant::now();
        let mut pause = Duration::from_millis(250);
        let mut tried: Option<(Vec<FieldChange>, usize)> = None;
        let (mut ambiguous, mut conflicts) = (None, 0);
        loop {
            if !matches!(seen.status, Status::Ready | Status::Impaired(_)) {
                seen = self.ready(&seen.id).await?;
            }
            self.learn(&seen);
            let changes = self.differences(&seen, want);
            let tries = tried.take().filter(|(before, _)| *before == changes).map_or(1, |(_, tries)| tries + 1);
            if changes.is_empty() {
                match &seen.status {
                    Status::Impaired(trouble) if trouble.repair && tries == 1 => {}
                    Status::Impaired(trouble) if trouble.repair || !self.was(&seen.status) => {
                        return Err(impaired(trouble));
                    }
                    _ => return Ok(()),
                }
            }
            // AWS has tried, and says what is wrong: told once more it would only try once more.
            if let (Status::Impaired(trouble), true) = (&seen.status, tries > 1) {
                return Err(impaired(trouble));
            }
            if tries > TRIES || changes.iter().any(|change| change.change != Change::Update) {
                return Err(ambiguous.unwrap_or_else(|| not_taken(&changes)));
            }
            let live = self.named(&seen);
            let spec = self.acceptable(&live, &want.spec, want.ignored);
            ambiguous = match self.call("update", || self.kind.update(&self.hand.cx, live.clone(), spec.clone())).await
            {
                // What shows then tells whether it was done.
                Err(error) if error.kind == ErrorKind::Ambiguous => Some(error),
                // Part of it may be done: what is left is worked out anew.
                Err(error) if error.kind == ErrorKind::Conflict && since.elapsed() < self.longest() => {
                    self.pause(&error, pause).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    self.hand.watch.stirred(self.kind, None);
                    seen = self.ready(&seen.id).await?;
                    conflicts += 1;
                    match &seen.status {
                        // What AWS refuses in this state it refuses until somebody else mends that.
                        Status::Impaired(trouble) if conflicts > 2 && self.was(&seen.status) => {
                            return Err(impaired(trouble));
                        }
                        _ => continue,
                    }
                }
                answer => answer.map(|()| None)?,
            };
            self.hand.watch.stirred(self.kind, None);
            seen = self.shown(&seen, &changes, want).await?;
            tried = Some((changes, tries));
        }
    }

    /// True where the plan has seen the resource in this state.
    fn was(&self, status: &Status) -> bool {
        matches!(&self.step.action, Action::Update { seen: Some(seen), .. } if seen.status == *status)
    }

    /// What differs, but for what is ignored, and, in a first half, what can only be set later.
    pub(crate) fn differences(&self, seen: &Seen<Value>, want: &Want<'_>) -> Vec<FieldChange> {
        let fields = self.kind.fields();
        let late = |name: &str| fields.iter().any(|field| field.name == name && field.late);
        let address_of = |kind: &str, id: &str| self.hand.names.address(kind, id);
        let spec = self.kind.comparable(want.spec.clone());
        let mut changes = diff(fields, &seen.spec, &spec, &address_of);
        if !changes.is_empty() {
            changes = diff(fields, &seen.spec, &self.acceptable(&self.named(seen), &spec, want.ignored), &address_of);
        }
        changes.retain(|change| !(want.bare && late(&change.field)));
        changes
    }

    /// What is wanted, with live values in the place of what is ignored and of what the kind accepts.
    fn acceptable(&self, live: &Seen<Value>, want: &Value, ignored: &BTreeSet<String>) -> Value {
        self.kind.accept(live, with_ignored(want, &live.spec, ignored).into_owned())
    }

    /// How long AWS may be busy with it.
    fn longest(&self) -> Duration {
        self.kind.about().wait.at_most
    }

    /// What was seen, with references as the stack writes them: then a kind sees which of its fields differ.
    fn named(&self, seen: &Seen<Value>) -> Seen<Value> {
        let mut seen = seen.clone();
        name_references(&mut seen.spec, &|kind, id| self.hand.names.address(kind, id));
        seen
    }

    async fn tag(&self, seen: &Seen<Value>, tags: &TagChange) -> Result<(), Error> {
        let tagged = self.call("tag", || self.kind.tag(&self.hand.cx, seen.clone(), tags)).await;
        self.hand.watch.retagged(self.kind, &seen.id);
        tagged
    }

    /// Takes it away, as soon as nothing holds it any more, and sees that it is gone. "Not found" may only say that AWS is
    /// late: what stands as before is deleted again.
    async fn delete(&self, seen: &Seen<Value>) -> Result<(), Error> {
        let mut since = None;
        loop {
            match self.call("delete", || self.kind.delete(&self.hand.cx, seen.clone())).await {
                Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            if self.gone(&seen.id, *since.get_or_insert_with(Instant::now)).await? {
                return Ok(());
            }
        }
    }

    /// Sends a call that changes AWS: journaled before and after. Sent again where AWS said that it did nothing, where AWS
    /// is busy, and where the answer was lost to a call that may be done twice as well as once.
    async fn call<T: Told>(&self, verb: &'static str, send: impl Fn() -> Later<'a, T>) -> Result<T, Error> {
        let mut pause = Duration::from_millis(250);
        // What it is sent again for, and since when: another reason has a time of its own.
        let mut again: Option<(ErrorKind, Instant)> = None;
        loop {
            let place = Place::take(&self.hand.slots, self.urgency, self.hand.stop.subscribe()).await;
            self.go_on()?;
            self.say(What::Calling { verb })?;
            let answer = holding(place, send()).await;
            let error = answer.as_ref().err().map(ToString::to_string);
            self.say(What::Answered { verb, id: answer.as_ref().ok().and_then(Told::id), error })?;
            let error = match answer {
                Err(error) => self.propagating(verb, error),
                answer => return answer,
            };
            let (longest, longest_pause) = match patience(verb, error.kind) {
                Patience::None => return Err(error),
                Patience::Propagation => (PROPAGATE, Duration::from_secs(2)),
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
        let is_late = error.kind == ErrorKind::NotFound && verb != "delete" && self.hand.has_made(self.step);
        if is_late { Error { kind: ErrorKind::Propagating, ..error } } else { error }
    }

    /// An error as it is told: with the addresses of the stack's resources that it names.
    pub(crate) fn explained(&self, error: &Error) -> String {
        let holders = self.hand.owned.named(&error.message, &self.step.address, &self.hand.names);
        let holders = holders.iter().map(|holder| {
            let leaves = if holder.leaves { ", which this plan deletes" } else { "" };
            format!("; {} is {}{leaves}", holder.id, holder.address)
        });
        format!("{error}{}", holders.collect::<String>())
    }

    pub(crate) fn learn(&self, seen: &Seen<Value>) {
        if self.kind.about().constant {
            self.hand.constant().insert((self.kind.name(), seen.id.clone()), seen.clone());
        }
        self.hand.notes().insert(self.step.address.clone(), seen.notes.clone());
        self.hand.cx.learn(&self.step.address, known(seen));
        self.hand.names.set(&self.step.address, seen);
    }

    /// The spec with all that it quotes, in its normal form.
    fn resolved(&self, want: &Value) -> Result<Value, Error> {
        let mut want = want.clone();
        quote::fill(&mut want, &|quote| self.hand.cx.answer(quote));
        if let Some(quote) = quote::quotes(&want).first() {
            return Err(Error::ours(format!("{} has no attribute `{}`", quote.address, quote.attribute)));
        }
        self.kind.complete(want).map_err(|problems| {
            let problems = problems.iter().map(|problem| format!("`{}`: {}", problem.field, problem.message));
            Error::refused("InvalidSpec", problems.collect::<Vec<_>>().join("; "))
        })
    }

    pub(crate) fn say(&self, what: What) -> Result<(), Error> {
        let event = Event { step: self.index, address: self.step.address.clone(), what };
        self.hand.sink.take(&event).map_err(|error| Error::refused("Journal", error.to_string()))
    }
}

/// What a resource is to be like.
pub(crate) struct Want<'a> {
    /// The spec, resolved.
    spec: Value,
    /// Fields and paths that keep their live values.
    ignored: &'a BTreeSet<String>,
    /// Leaves out what can only be set later.
    bare: bool,
}

/// For how long a call is sent again that AWS has refused.
enum Patience {
    None,
    /// As long as a change takes to be known everywhere.
    Propagation,
    /// As long as AWS may be busy with a resource of the kind.
    Kind,
}

/// A create whose answer was lost, and an update of what may look otherwise by now, are sent again only after a look.
fn patience(verb: &str, error: ErrorKind) -> Patience {
    match error {
        ErrorKind::Propagating | ErrorKind::Throttled => Patience::Propagation,
        ErrorKind::Ambiguous if matches!(verb, "tag" | "delete") => Patience::Propagation,
        ErrorKind::Conflict if verb != "update" => Patience::Kind,
        _ => Patience::None,
    }
}

fn impaired(trouble: &Impairment) -> Error {
    Error::refused("Impaired", trouble.sentence())
}

/// What an answer says that the journal keeps.
trait Told {
    fn id(&self) -> Option<String>;
}

impl Told for () {
    fn id(&self) -> Option<String> {
        None
    }
}

impl Told for String {
    fn id(&self) -> Option<String> {
        Some(self.clone())
    }
}

fn not_taken(changes: &[FieldChange]) -> Error {
    let fields = changes.iter().map(|change| {
        format!("`{}` is {} and should be {}", change.field, change.seen, quote::readable(&change.want.to_string()))
    });
    let fields = fields.collect::<Vec<_>>().join("; ");
    Error::refused("NotTaken", format!("AWS accepted the change and does not show it: {fields}"))
}
