//! A simulated AWS: refuses what AWS refuses, is as late and as moody, and notes whoever asks too soon.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_apply::Event;
use up_core::{Address, AnyKind, Context, Error, ErrorKind, Observed, Result, TagChange, Tags};

use crate::{chance::Chance, kinds::SimKind, state::State};

/// How moody it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moods {
    /// The longest way there, and the longest way back.
    pub(crate) latency: Duration,
    /// How old news may be; each look has an age of its own.
    pub(crate) lag: Duration,
    /// Of 100 calls, so many are one too many.
    pub(crate) throttles: u64,
    /// Of 100 answers, so many are lost.
    pub(crate) loses: u64,
    /// How long a role is not known everywhere.
    pub(crate) propagates: Duration,
    /// Slow kinds take up to three times as long as they say.
    pub(crate) drags: bool,
    /// From when on no credentials hold.
    pub(crate) expires: Option<Instant>,
    /// What it refuses to make, for good.
    pub(crate) refuses: BTreeSet<Address>,
    /// What it makes, and what then comes to nothing.
    pub(crate) breaks: BTreeSet<Address>,
}

/// Something that happened, in the order in which it did.
#[derive(Debug, Clone)]
pub(crate) enum Note {
    /// The engine told it.
    Told(Event),
    /// A call went out.
    Sent { verb: &'static str, id: Option<String>, address: Option<Address> },
    /// The run was told to end.
    Stopped,
}

/// The parameters of a create.
#[derive(Clone)]
pub(crate) struct Create {
    pub(crate) kind: &'static SimKind,
    pub(crate) name: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) tags: Tags,
    pub(crate) spec: Value,
}

/// The simulated AWS. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Cloud(Arc<Mutex<State>>);

impl Cloud {
    pub(crate) fn new(chance: Chance, moods: Moods) -> Self {
        Self(Arc::new(Mutex::new(State::new(chance, moods))))
    }

    /// The one of this context: kept where kinds keep their clients.
    pub(crate) fn of(cx: &Context) -> Self {
        cx.client(|_, _| unreachable!("it was put there before"))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }

    pub(crate) fn violated(&self, what: String) {
        self.state().violations.push(what);
    }

    pub(crate) fn note(&self, note: Note) {
        let mut state = self.state();
        state.log.push((Instant::now(), note));
        if state.is_dead() {
            state.dies.notify_one();
        }
    }

    pub(crate) async fn observe(&self, kind: &SimKind, stack: &str) -> Result<Vec<Observed<Value>>> {
        let (there, back) = self.state().way();
        sleep(there).await;
        let observed = {
            let mut state = self.state();
            state.admits()?;
            let most = state.moods.lag;
            let lag = state.chance.upto(most);
            let kinds = state.things.iter().filter(|thing| thing.kind.name() == kind.name());
            let mut observed: Vec<_> = kinds.filter_map(|thing| thing.shown(lag)).collect();
            observed.retain(|observed| observed.tags.get(Address::STACK_TAG).is_some_and(|owner| owner == stack));
            observed
        };
        sleep(back).await;
        Ok(observed)
    }

    pub(crate) async fn create(&self, create: Create) -> Result<String> {
        let address = create.tags.get(Address::ADDRESS_TAG).and_then(|text| text.parse().ok());
        self.send("create", None, address, move |state| state.create(create)).await
    }

    /// What the answer to a create tells of what it made.
    pub(crate) fn told(&self, id: &str) -> Option<Observed<Value>> {
        let state = self.state();
        state.things.iter().find(|thing| thing.id == id)?.shown(Duration::ZERO)
    }

    pub(crate) async fn update(&self, kind: &'static SimKind, observed: Observed<Value>, desired: Value) -> Result<()> {
        let (id, address) = (observed.id.clone(), address(&observed));
        self.send("update", Some(id.clone()), address, move |state| state.update(kind, &id, desired)).await
    }

    pub(crate) async fn tag(&self, observed: Observed<Value>, change: TagChange) -> Result<()> {
        let (id, address) = (observed.id.clone(), address(&observed));
        self.send("tag", Some(id.clone()), address, move |state| state.tag(&id, &change)).await
    }

    pub(crate) async fn delete(&self, observed: Observed<Value>) -> Result<()> {
        let (id, address) = (observed.id.clone(), address(&observed));
        self.send("delete", Some(id.clone()), address, move |state| state.delete(&id)).await
    }

    /// A call that changes something. Once sent it has its effect, whatever becomes of who sent it.
    async fn send<T: Send + 'static>(
        &self,
        verb: &'static str,
        id: Option<String>,
        address: Option<Address>,
        effect: impl FnOnce(&mut State) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.state().is_dead() {
            // A process that was killed sends nothing.
            std::future::pending::<()>().await;
        }
        self.note(Note::Sent { verb, id, address });
        let _flight = Flight::begin(self.clone());
        let ((there, back), fate) = {
            let mut state = self.state();
            (state.way(), state.fate())
        };
        let (cloud, sent) = (self.clone(), Instant::now());
        let served = tokio::spawn(async move {
            sleep(there).await;
            if let Fate::LostOnTheWay = fate {
                return Err(unclear());
            }
            let mut state = cloud.state();
            state.admits()?;
            if let Fate::Throttled = fate {
                return Err(answer(ErrorKind::Throttled, "one call too many"));
            }
            state.sent = sent;
            let done = effect(&mut state);
            if let Fate::AnswerLost = fate { Err(unclear()) } else { done }
        });
        if let Fate::GivenUpOn = fate {
            sleep(there / 2).await;
            return Err(unclear());
        }
        let done = served.await.expect("the simulation does not panic");
        sleep(back).await;
        done
    }

    /// Everything that stands, by address; all of it must say whose it is.
    pub(crate) fn standing(&self) -> BTreeMap<Address, Vec<Observed<Value>>> {
        let state = self.state();
        let mut standing: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for thing in state.things.iter().filter(|thing| thing.is_there()) {
            let address = thing.address().unwrap_or_else(|| Address::root("nobody.s", thing.id.as_str()));
            standing.entry(address).or_default().extend(thing.shown(Duration::ZERO));
        }
        standing
    }
}

/// A call in flight.
struct Flight(Cloud);

impl Flight {
    fn begin(cloud: Cloud) -> Self {
        {
            let mut state = cloud.state();
            state.flying += 1;
            if state.flying > state.parallel {
                let most = state.parallel;
                state.violations.push(format!("more than {most} calls at once"));
            }
        }
        Self(cloud)
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.state().flying -= 1;
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Well,
    Throttled,
    LostOnTheWay,
    AnswerLost,
    /// The caller waits no longer; the call arrives.
    GivenUpOn,
}

fn address(observed: &Observed<Value>) -> Option<Address> {
    observed.tags.get(Address::ADDRESS_TAG)?.parse().ok()
}

pub(crate) fn answer(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error { kind, ..Error::refused(&format!("{kind:?}"), message) }
}

fn unclear() -> Error {
    answer(ErrorKind::Ambiguous, "the answer was lost")
}
