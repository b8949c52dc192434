//! What the steps of a run share.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use up_core::{Address, AnyKind, Context, Error, ErrorKind, PrioritySemaphore, Urgency, visit_named};
use up_plan::{Action, Step};

use crate::{
    Birth, EventKind, ObservedResources, Sink, Stop, holders::OwnedResources, names::LiveIds, step::StepRunner,
    watch::Watch,
};

/// What all steps share.
pub(crate) struct Executor {
    pub(crate) cx: Arc<Context>,
    pub(crate) watch: Watch,
    pub(crate) names: LiveIds,
    pub(crate) owned: OwnedResources,
    /// AWS's notes on resources that were created or changed.
    pub(crate) notes: Mutex<BTreeMap<Address, Vec<String>>>,
    pub(crate) semaphore: Arc<PrioritySemaphore>,
    pub(crate) settle: Duration,
    pub(crate) birth: Option<Birth>,
    /// Resources that were created or changed, as observed so far.
    pub(crate) observed: Mutex<ObservedResources>,
    /// The kinds of which the plan deletes resources.
    pub(crate) deleted: BTreeSet<String>,
    /// The resources that this run has created.
    pub(crate) made: Mutex<Made>,
    /// Until when the resources that the run before this one created may not be known in all of AWS.
    pub(crate) spreading: Option<Instant>,
    pub(crate) sink: Arc<dyn Sink>,
    /// Tells all steps to stop: set from outside, or by the first step whose credentials have expired.
    pub(crate) stop: watch::Sender<Stop>,
}

/// How long it may take until a new resource, such as a role, is known in all of AWS.
pub(crate) const PROPAGATE: Duration = Duration::from_secs(90);
/// The longest pause before a call to a busy resource is repeated.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The error code for a created resource that AWS does not show.
pub(crate) const NOT_SEEN: &str = "NotSeen";

/// What a run has created.
#[derive(Debug, Default)]
pub(crate) struct Made {
    addresses: BTreeSet<Address>,
    /// When the last of them was created.
    last: Option<Instant>,
}

impl Executor {
    /// Runs one step and emits its events.
    pub(crate) async fn take_step(
        &self,
        kind: Option<&'static dyn AnyKind>,
        step: &Step,
        index: usize,
        urgency: Urgency,
    ) -> Result<(), Error> {
        let kind = kind.ok_or_else(|| Error::ours(format!("{} is of an unknown kind", step.address)))?;
        let runner = StepRunner { executor: self, kind, step, index, urgency };
        runner.emit(EventKind::Started)?;
        let result = runner.action().await.map_err(|error| self.locked_out(error));
        match &result {
            Ok(()) => runner.emit(EventKind::Done)?,
            Err(error) if error.kind == ErrorKind::Interrupted => runner.emit(EventKind::Skipped { because: None })?,
            Err(error) => runner.emit(EventKind::Failed { error: error.to_string() })?,
        }
        result
    }

    /// True once no more calls may be sent.
    pub(crate) fn is_ending(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Resources that were created or changed, as observed so far.
    pub(crate) fn observed(&self) -> MutexGuard<'_, ObservedResources> {
        self.observed.lock().expect("no panic while held")
    }

    /// AWS's notes so far.
    pub(crate) fn notes(&self) -> MutexGuard<'_, BTreeMap<Address, Vec<String>>> {
        self.notes.lock().expect("no panic while held")
    }

    pub(crate) fn created(&self, address: &Address) {
        let mut made = self.made.lock().expect("no panic while held");
        made.addresses.insert(address.clone());
        made.last = Some(Instant::now());
    }

    /// True if this run has created the step's resource, or one that its spec refers to.
    pub(crate) fn has_created(&self, step: &Step) -> bool {
        let made = || self.made.lock().expect("no panic while held");
        made().addresses.contains(&step.address) || self.refers_to_new(step)
    }

    /// True if the step's spec refers to a resource that this run has created, or that the run before it may have created a
    /// moment ago.
    pub(crate) fn refers_to_new(&self, step: &Step) -> bool {
        let (Action::Create { desired, .. } | Action::Update { desired, .. }) = &step.action else { return false };
        let made = self.made.lock().expect("no panic while held");
        let is_spreading = self.spreading.is_some_and(|until| Instant::now() < until);
        let mut refers = false;
        visit_named(desired, &mut |named| {
            refers = refers || is_spreading || made.addresses.iter().any(|address| address.is_written(named));
        });
        refers
    }

    /// When this run created its last resource.
    pub(crate) fn last_created(&self) -> Option<Instant> {
        self.made.lock().expect("no panic while held").last
    }

    /// Expired credentials end the run. The first step reports them; the others end as interrupted.
    pub(crate) fn locked_out(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Credentials {
            return error;
        }
        let is_first = self.stop.send_if_modified(|stop| std::mem::replace(stop, Stop::Finish) == Stop::No);
        if is_first { error } else { Error::interrupted() }
    }
}
