//! Shares observations: all steps that wait for a kind are answered by the same one.

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
    observe::{ArnAndTags, KindResources, RunFindings, Selection},
};

type Look = Result<Arc<Vec<Observed<Value>>>, Error>;

/// The least time between two observations of a kind.
const SHORTEST_PAUSE: Duration = Duration::from_millis(200);
/// The pause between two observations, as a share of the time since the last change: an operation that takes long is
/// noticed late by half of this share. A kind sets the longest pause.
const SHARE: f64 = 0.04;

/// Observes kinds for many steps: one observation answers all requests made before it began.
pub(crate) struct Watch {
    observer: Observer,
    kinds: Mutex<BTreeMap<&'static str, Arc<OneKind>>>,
}

struct OneKind {
    kind: &'static dyn AnyKind,
    state: Mutex<KindState>,
    /// Held while an observation runs, so that the next one begins after it.
    turn: tokio::sync::Mutex<()>,
}

struct KindState {
    /// The next observation, not yet begun: it answers all requests made now.
    next: Option<Shared<BoxFuture<'static, Look>>>,
    /// The ids to observe, unless all are wanted.
    wanted: BTreeSet<String>,
    wants_all: bool,
    /// The ARN and tags of known resources: their tags need not be read again until they are changed.
    tags_of: BTreeMap<String, ArnAndTags>,
    findings: RunFindings,
    /// See [`KindResources::others`]: from the last observation of all resources.
    others: BTreeMap<String, Tags>,
    changed: Instant,
    /// When the last observation began, and how long it took.
    last: Option<(Instant, Duration)>,
}

impl Watch {
    pub(crate) fn new(observer: Observer) -> Self {
        Self { observer, kinds: Mutex::default() }
    }

    /// Records that a resource was created or changed, so that the next observation comes soon.
    pub(crate) fn changed(&self, kind: &'static dyn AnyKind, made: Option<&str>) {
        let one = self.one(kind);
        let mut state = one.state();
        state.findings.made.extend(made.map(str::to_owned));
        state.changed = Instant::now();
    }

    /// Keeps the tags in AWS's answer to a create, so that they need not be read again.
    pub(crate) fn created(&self, kind: &'static dyn AnyKind, observed: &Observed<Value>) {
        self.one(kind).state().remember_tags(observed);
    }

    /// Records a taken name: the next observation of all resources finds its holder.
    pub(crate) fn taken(&self, kind: &'static dyn AnyKind, name: &str) {
        let one = self.one(kind);
        let mut state = one.state();
        state.findings.names.insert(name.to_owned());
        state.changed = Instant::now();
    }

    /// The tags of a resource that has the name and is not the stack's, from the last observation of all resources.
    pub(crate) fn other(&self, kind: &'static dyn AnyKind, name: &str) -> Option<Tags> {
        self.one(kind).state().others.get(name).cloned()
    }

    /// Forgets the tags of a resource whose tags are changed.
    pub(crate) fn retagged(&self, kind: &'static dyn AnyKind, id: &str) {
        self.one(kind).state().tags_of.remove(id);
    }

    /// Observes one resource, or all of a kind, starting after this call. The result may hold more.
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
        let new =
            || Arc::new(OneKind { kind, state: Mutex::new(KindState::new()), turn: tokio::sync::Mutex::default() });
        kinds.entry(kind.name()).or_insert_with(new).clone()
    }
}

impl KindState {
    fn new() -> Self {
        Self {
            next: None,
            wanted: BTreeSet::new(),
            wants_all: false,
            tags_of: BTreeMap::new(),
            findings: RunFindings::default(),
            others: BTreeMap::new(),
            changed: Instant::now(),
            last: None,
        }
    }

    fn remember_tags(&mut self, observed: &Observed<Value>) {
        if let Some(arn) = observed.attrs.get("arn").filter(|_| !self.tags_of.contains_key(&observed.id)) {
            self.tags_of.insert(observed.id.clone(), (arn.clone(), observed.tags.clone()));
        }
    }

    /// Takes the ids wanted so far; later requests wait for the next observation.
    fn take_wanted(&mut self) -> Selection {
        self.next = None;
        let wanted = std::mem::take(&mut self.wanted).into_iter();
        let tags_of = wanted.map(|id| (id.clone(), self.tags_of.get(&id).cloned())).collect();
        if std::mem::take(&mut self.wants_all) { Selection::All } else { Selection::Only(tags_of) }
    }
}

impl OneKind {
    fn state(&self) -> std::sync::MutexGuard<'_, KindState> {
        self.state.lock().expect("no panic while held")
    }

    /// When the next observation may begin. Observing takes at most half of the time.
    fn due(&self) -> Option<Instant> {
        let state = self.state();
        let (began, took) = state.last?;
        let longest = self.kind.info().wait.every.max(SHORTEST_PAUSE);
        let pause = state.changed.elapsed().mul_f64(SHARE).clamp(SHORTEST_PAUSE, longest);
        Some(began + pause.max(took * 2))
    }
}

async fn observation(one: Arc<OneKind>, observer: Observer) -> Look {
    let _turn = one.turn.lock().await;
    if let Some(due) = one.due() {
        tokio::time::sleep_until(due).await;
    }
    let (wanted, findings) = {
        let mut state = one.state();
        (state.take_wanted(), state.findings.clone())
    };
    let (began, is_all) = (Instant::now(), matches!(wanted, Selection::All));
    let looked = observer.look(one.kind, wanted, &findings).await;
    let mut state = one.state();
    state.last = Some((began, began.elapsed()));
    let KindResources { observed, others, .. } = looked?;
    observed.iter().for_each(|observed| state.remember_tags(observed));
    if is_all {
        state.others = others;
    }
    Ok(Arc::new(observed))
}
