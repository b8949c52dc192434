//! Stacks whose looks end as they are told to.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::{found, look};
use crate::{Boxed, Calls, Cause, LastRun, Look, LookFailure, Looker, Looking, NotRead, WatchedStack};

/// How a stack behaves at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// Addresses that have drifted, with a version of the difference.
    pub(crate) drift: BTreeMap<String, u64>,
    /// Kinds that cannot be read.
    pub(crate) unread: Vec<String>,
    /// The look fails.
    pub(crate) fails: Option<Cause>,
    /// The look does not end.
    pub(crate) hangs: bool,
    /// Signing in does not end.
    pub(crate) hangs_early: bool,
    /// The look panics.
    pub(crate) panics: bool,
    /// AWS throttles so many calls.
    pub(crate) throttled: u64,
    /// The stack does not exist.
    pub(crate) absent: bool,
    /// The number of runs that have ended.
    pub(crate) runs: u64,
}

type Script = dyn Fn(&str, Duration) -> Behaviour + Send + Sync;

/// Looks at stacks that are not there.
pub(crate) struct SimulatedLooker {
    begun: Instant,
    script: Box<Script>,
    /// When looks began: stack, account, time since the beginning.
    pub(crate) looks: Arc<Mutex<Vec<(String, Duration)>>>,
    /// How many looks each account has at the same time, now and at most.
    pub(crate) beside: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
}

impl fmt::Debug for SimulatedLooker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedLooker")
    }
}

impl SimulatedLooker {
    pub(super) fn new(script: impl Fn(&str, Duration) -> Behaviour + Send + Sync + 'static) -> Self {
        let script = Box::new(script);
        Self { begun: Instant::now(), script, looks: Arc::default(), beside: Arc::default() }
    }

    /// When the looks at a stack began, in seconds.
    pub(crate) fn seconds(&self, stack: &str) -> Vec<u64> {
        let looks = self.looks.lock().unwrap();
        looks.iter().filter(|(name, _)| name == stack).map(|(_, at)| at.as_secs()).collect()
    }

    fn now(&self, stack: &str) -> Behaviour {
        (self.script)(stack, self.begun.elapsed())
    }
}

impl Looker for SimulatedLooker {
    fn begin(&self, stack: &WatchedStack) -> Box<dyn Looking> {
        self.looks.lock().unwrap().push((stack.name.clone(), self.begun.elapsed()));
        let behaviour = self.now(&stack.name);
        Box::new(SimulatedLooking { account: account(&stack.name), behaviour, beside: self.beside.clone() })
    }

    fn last_run<'a>(&'a self, stack: &'a WatchedStack) -> Boxed<'a, Result<Option<LastRun>, LookFailure>> {
        let runs = self.now(&stack.name).runs;
        let run = LastRun {
            id: runs.to_string(),
            is_running: false,
            what: "apply by alice".into(),
            at: Timestamp::UNIX_EPOCH,
        };
        Box::pin(async move { Ok((runs > 0).then_some(run)) })
    }
}

/// Stacks with the same last digit share an account.
fn account(stack: &str) -> String {
    format!("00000000000{}", stack.chars().last().filter(char::is_ascii_digit).unwrap_or('0'))
}

#[derive(Debug)]
struct SimulatedLooking {
    account: String,
    behaviour: Behaviour,
    beside: Arc<Mutex<BTreeMap<String, (usize, usize)>>>,
}

/// Counts a look, until it is dropped.
struct Beside<'a>(&'a SimulatedLooking);

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        self.0.beside.lock().unwrap().get_mut(&self.0.account).unwrap().0 -= 1;
    }
}

impl SimulatedLooking {
    fn count(&self) -> Beside<'_> {
        let mut beside = self.beside.lock().unwrap();
        let (now, most) = beside.entry(self.account.clone()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        Beside(self)
    }
}

impl Looking for SimulatedLooking {
    fn open(&mut self) -> Boxed<'_, Result<String, LookFailure>> {
        Box::pin(async {
            if self.behaviour.hangs_early {
                std::future::pending::<()>().await;
            }
            match self.behaviour.fails {
                Some(cause @ (Cause::Input | Cause::Access)) => Err(LookFailure::new(cause, "it is wrong\n  | line 3")),
                _ => Ok(self.account.clone()),
            }
        })
    }

    fn look(&mut self) -> Boxed<'_, Result<Look, LookFailure>> {
        Box::pin(async {
            let _beside = self.count();
            sleep(Duration::from_secs(3)).await;
            if self.behaviour.hangs {
                std::future::pending::<()>().await;
            }
            assert!(!self.behaviour.panics, "told to panic");
            if let Some(cause) = self.behaviour.fails {
                return Err(LookFailure::new(cause, "busy: apply of alice holds the stack's lock"));
            }
            let Behaviour { drift, unread, absent, .. } = &self.behaviour;
            let mut look = Look { account: self.account.clone(), ..look() };
            if *absent {
                return Ok(Look { read: 0, applied: None, ..look });
            }
            let is_read = |kind: &str| !unread.iter().any(|unread| unread == kind);
            let all = drift.iter().map(|(address, version)| found(address, *version));
            look.findings = all.filter(|found| is_read(&found.kind)).collect();
            look.unread = unread.iter().map(|kind| not_read(kind)).collect();
            look.counts.insert("unread", look.unread.len());
            Ok(look)
        })
    }

    fn calls(&self) -> Calls {
        Calls { by_service: [("ec2".to_owned(), 5)].into(), throttled: self.behaviour.throttled }
    }
}

fn not_read(kind: &str) -> NotRead {
    NotRead { kind: kind.to_owned(), code: "AccessDenied".into(), message: "not authorized".into(), resources: 1 }
}
