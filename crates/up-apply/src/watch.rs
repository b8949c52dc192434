//! Waiting is looking again, once for all who wait for a kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use serde_json::Value;
use tokio::time::Instant;
use up_core::{AnyKind, Error, Observed, Tags};

use crate::{
    Observer,
    observe::{Looked, Met, Told, Which},
};

type Look = Result<Arc<Vec<Observed<Value>>>, Error>;

/// The least time between two looks at one kind.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// The time between two looks, of the time since something was made or changed: what takes long is seen late by half of
/// this share. A kind sets the most of it.
const SHARE: f64 = 0.04;

/// Looks at kinds on behalf of many steps: one observation answers everybody who asked before it began.
pub(crate) struct Watch {
    observer: Observer,
    kinds: Mutex<BTreeMap<&'static str, Arc<OneKind>>>,
}

struct OneKind {
    kind: &'static dyn AnyKind,
    state: Mutex<State>,
    /// Held while an observation runs, so that the next begins after it.
    turn: tokio::sync::Mutex<()>,
}

struct State {
    /// The observation that has not begun yet: whoever asks now is answered by it.
    next: Option<Shared<BoxFuture<'static, Look>>>,
    /// What it is to be of: these, or, where somebody wants it, all.
    wanted: BTreeSet<String>,
    wants_all: bool,
    /// What AWS has told of each: it need not be asked for tags again while nobody changes them.
    told: BTreeMap<String, Told>,
    met: Met,
    /// See [`Looked::others`]: of the last look at all.
    others: BTreeMap<String, Tags>,
    stirred: Instant,
    /// When the last one began, and how long it took.
    last: Option<(Instant, Duration)>,
}

impl Watch {
    pub(crate) fn new(observer: Observer) -> Self {
        Self { observer, kinds: Mutex::default() }
    }

    /// Notes what has just been made or changed, and looks soon.
    pub(crate) fn stirred(&self, kind: &'static dyn AnyKind, made: Option<&str>) {
        let one = self.one(kind);
        let mut state = one.state();
        state.met.made.extend(made.map(str::to_owned));
        state.stirred = Instant::now();
    }

    /// Notes what AWS's answer to a create tells, so that it need not be asked again for tags.
    pub(crate) fn created(&self, kind: &'static dyn AnyKind, observed: &Observed<Value>) {
        self.one(kind).state().tell(observed);
    }

    /// Notes a name that is taken: the next look at all of the kind finds whose it is.
    pub(crate) fn taken(&self, kind: &'static dyn AnyKind, name: &str) {
        let one = self.one(kind);
        let mut state = one.state();
        state.met.names.insert(name.to_owned());
        state.stirred = Instant::now();
    }

    /// The tags of what has a name and is not the stack's, as the last look at all of the kind has found it.
    pub(crate) fn other(&self, kind: &'static dyn AnyKind, name: &str) -> Option<Tags> {
        self.one(kind).state().others.get(name).cloned()
    }

    /// Forgets the tags of what is tagged anew.
    pub(crate) fn retagged(&self, kind: &'static dyn AnyKind, id: &str) {
        self.one(kind).state().told.remove(id);
    }

    /// One resource, or all of a kind, by an observation that begins after this call. It may have more.
    pub(crate) async fn look(&self, kind: &'static dyn AnyKind, id: Option<&str>) -> Look {
        let one = self.one(kind);
        let look = {
            let mut state = one.state();
            state.wants_all |= id.is_none();
            state.wanted.extend(id.map(str::to_owned));
            let fresh = || observation(one.clone(), self.observer.clone()).boxed().shared();
            state.next.get_or_insert_with(fresh).clone()
        };
        look.await
    }

    fn one(&self, kind: &'static dyn AnyKind) -> Arc<OneKind> {
        let mut kinds = self.kinds.lock().expect("no panic while held");
        let new = || Arc::new(OneKind { kind, state: Mutex::new(State::new()), turn: tokio::sync::Mutex::default() });
        kinds.entry(kind.name()).or_insert_with(new).clone()
    }
}

impl State {
    fn new() -> Self {
        Self {
            next: None,
            wanted: BTreeSet::new(),
            wants_all: false,
            told: BTreeMap::new(),
            met: Met::default(),
            others: BTreeMap::new(),
            stirred: Instant::now(),
            last: None,
        }
    }

    fn tell(&mut self, observed: &Observed<Value>) {
        if let Some(arn) = observed.attrs.get("arn").filter(|_| !self.told.contains_key(&observed.id)) {
            self.told.insert(observed.id.clone(), (arn.clone(), observed.tags.clone()));
        }
    }

    /// What is wanted so far; whoever wants something now is not answered by it.
    fn take_wanted(&mut self) -> Which {
        self.next = None;
        let wanted = std::mem::take(&mut self.wanted).into_iter();
        let told = wanted.map(|id| (id.clone(), self.told.get(&id).cloned())).collect();
        if std::mem::take(&mut self.wants_all) { Which::All } else { Which::Only(told) }
    }
}

impl OneKind {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    /// When the next observation may begin. Looking never takes more than half of the time.
    fn due(&self) -> Option<Instant> {
        let state = self.state();
        let (began, took) = state.last?;
        let longest = self.kind.info().wait.every.max(SHORTEST_PAUSE);
        let pause = state.stirred.elapsed().mul_f64(SHARE).clamp(SHORTEST_PAUSE, longest);
        Some(began + pause.max(took * 2))
    }
}

async fn observation(one: Arc<OneKind>, observer: Observer) -> Look {
    let _turn = one.turn.lock().await;
    if let Some(due) = one.due() {
        tokio::time::sleep_until(due).await;
    }
    let (wanted, met) = {
        let mut state = one.state();
        (state.take_wanted(), state.met.clone())
    };
    let (began, is_all) = (Instant::now(), matches!(wanted, Which::All));
    let looked = observer.look(one.kind, wanted, &met).await;
    let mut state = one.state();
    state.last = Some((began, began.elapsed()));
    let Looked { observed, others } = looked?;
    observed.iter().for_each(|observed| state.tell(observed));
    if is_all {
        state.others = others;
    }
    Ok(Arc::new(observed))
}
