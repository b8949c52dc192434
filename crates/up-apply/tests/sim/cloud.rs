//! A simulated AWS. It refuses what AWS refuses, is slow, late and faulty, and records calls that come too early.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;
use tokio::time::{Instant, sleep};
use up_apply::Event;
use up_core::{Address, Context, Error, ErrorKind, Model, Observed, Result, TagChange, Tags};

use crate::{kinds::SimKind, random::Random, state::CloudState};

/// How slow, late and faulty it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// The longest time for a request to arrive, and for its answer.
    pub(crate) latency: Duration,
    /// How old an observed state may be; each observation has an age of its own.
    pub(crate) lag: Duration,
    /// The percentage of calls that are throttled.
    pub(crate) throttles: u64,
    /// The percentage of answers that are lost.
    pub(crate) loses: u64,
    /// How long a new role is not known everywhere.
    pub(crate) propagates: Duration,
    /// Slow kinds take up to three times as long as they say.
    pub(crate) drags: bool,
    /// When the credentials expire.
    pub(crate) expires: Option<Instant>,
    /// Resources whose create is always refused.
    pub(crate) refuses: BTreeSet<Address>,
    /// Resources that are created and then fail.
    pub(crate) breaks: BTreeSet<Address>,
}

/// An entry of the log, in the order of events.
#[derive(Debug, Clone)]
pub(crate) enum LogEntry {
    /// The engine emitted an event.
    Emitted(Event),
    /// A call was sent.
    Sent { verb: &'static str, id: Option<String>, address: Option<Address> },
    /// The run was told to stop.
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

/// The simulated AWS. Clones share one state.
#[derive(Clone)]
pub(crate) struct Cloud(Arc<Mutex<CloudState>>);

impl Cloud {
    pub(crate) fn new(random: Random, faults: Faults) -> Self {
        Self(Arc::new(Mutex::new(CloudState::new(random, faults))))
    }

    /// The simulation of this context, stored where kinds keep their clients.
    pub(crate) fn of(cx: &Context) -> Self {
        cx.client(|_, _| unreachable!("the client is set before"))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, CloudState> {
        self.0.lock().expect("no panic while held")
    }

    pub(crate) fn violated(&self, what: String) {
        self.state().violations.push(what);
    }

    pub(crate) fn note(&self, note: LogEntry) {
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
            let most = state.faults.lag;
            let lag = state.random.upto(most);
            let kinds = state.resources.iter().filter(|resource| resource.kind.name() == kind.name());
            let mut observed: Vec<_> = kinds.filter_map(|resource| resource.shown(lag)).collect();
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

    /// The created resource as the answer to a create describes it.
    pub(crate) fn told(&self, id: &str) -> Option<Observed<Value>> {
        let state = self.state();
        state.resources.iter().find(|resource| resource.id == id)?.shown(Duration::ZERO)
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

    /// Sends a call that changes something. Once sent it has its effect, even if the caller is cancelled.
    async fn send<T: Send + 'static>(
        &self,
        verb: &'static str,
        id: Option<String>,
        address: Option<Address>,
        effect: impl FnOnce(&mut CloudState) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.state().is_dead() {
            // A killed process sends nothing.
            std::future::pending::<()>().await;
        }
        self.note(LogEntry::Sent { verb, id, address });
        let _flight = CallInFlight::begin(self.clone());
        let ((there, back), fate) = {
            let mut state = self.state();
            (state.way(), state.fate())
        };
        let (cloud, sent) = (self.clone(), Instant::now());
        let served = tokio::spawn(async move {
            sleep(there).await;
            if let CallFate::RequestLost = fate {
                return Err(unclear());
            }
            let mut state = cloud.state();
            state.admits()?;
            if let CallFate::Throttled = fate {
                return Err(answer(ErrorKind::Throttled, "rate exceeded"));
            }
            state.sent = sent;
            let done = effect(&mut state);
            if let CallFate::AnswerLost = fate { Err(unclear()) } else { done }
        });
        if let CallFate::CallerGaveUp = fate {
            sleep(there / 2).await;
            return Err(unclear());
        }
        let done = served.await.expect("the simulation does not panic");
        sleep(back).await;
        done
    }

    /// All existing resources, by address; each must have an address.
    pub(crate) fn existing(&self) -> BTreeMap<Address, Vec<Observed<Value>>> {
        let state = self.state();
        let mut existing: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for resource in state.resources.iter().filter(|resource| resource.is_there()) {
            let address = resource.address().unwrap_or_else(|| Address::root("unowned.x", resource.id.as_str()));
            existing.entry(address).or_default().extend(resource.shown(Duration::ZERO));
        }
        existing
    }
}

/// A call in flight.
struct CallInFlight(Cloud);

impl CallInFlight {
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

impl Drop for CallInFlight {
    fn drop(&mut self) {
        self.0.state().flying -= 1;
    }
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CallFate {
    Served,
    Throttled,
    RequestLost,
    AnswerLost,
    /// The caller gives up waiting; the call still arrives.
    CallerGaveUp,
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
