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
use up_core::{AnyKind, Error, Seen};

use crate::Observer;

type Look = Result<Arc<Vec<Seen<Value>>>, Error>;

/// The first pause between two looks at one kind; it grows to what the kind asks for while nothing new is made.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

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
    made: BTreeSet<String>,
    last: Option<Instant>,
    pause: Duration,
}

impl Watch {
    pub(crate) fn new(observer: Observer) -> Self {
        Self { observer, kinds: Mutex::default() }
    }

    /// Notes what has just been made or changed, and looks soon.
    pub(crate) fn stirred(&self, kind: &'static dyn AnyKind, made: Option<&str>) {
        let one = self.one(kind);
        let mut state = one.state.lock().expect("no panic while held");
        state.made.extend(made.map(str::to_owned));
        state.pause = FIRST_PAUSE;
    }

    /// All of a kind, by an observation that begins after this call.
    pub(crate) async fn look(&self, kind: &'static dyn AnyKind) -> Look {
        let one = self.one(kind);
        let look = {
            let mut state = one.state.lock().expect("no panic while held");
            let fresh = || observation(one.clone(), self.observer.clone()).boxed().shared();
            state.next.get_or_insert_with(fresh).clone()
        };
        look.await
    }

    fn one(&self, kind: &'static dyn AnyKind) -> Arc<OneKind> {
        let mut kinds = self.kinds.lock().expect("no panic while held");
        let new = || {
            let state = State { next: None, made: BTreeSet::new(), last: None, pause: FIRST_PAUSE };
            Arc::new(OneKind { kind, state: Mutex::new(state), turn: tokio::sync::Mutex::default() })
        };
        kinds.entry(kind.name()).or_insert_with(new).clone()
    }
}

async fn observation(one: Arc<OneKind>, observer: Observer) -> Look {
    let _turn = one.turn.lock().await;
    let due = {
        let state = one.state.lock().expect("no panic while held");
        state.last.map(|last| last + state.pause)
    };
    if let Some(due) = due {
        tokio::time::sleep_until(due).await;
    }
    let made = {
        let mut state = one.state.lock().expect("no panic while held");
        state.next = None;
        state.last = Some(Instant::now());
        state.pause = state.pause.mul_f64(1.5).min(one.kind.about().wait.every);
        state.made.clone()
    };
    observer.kind(one.kind, &made).await.map(Arc::new)
}
