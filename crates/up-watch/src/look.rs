//! A look at a stack: what it takes, and what it finds.

use std::{collections::BTreeMap, fmt, pin::Pin};

use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use up_plan::drift::{DriftClass, Severity};

use crate::config::WatchedStack;

/// A future that may be sent to other threads.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Looks at stacks.
pub trait Looker: fmt::Debug + Send + Sync {
    /// Begins a look. Reads nothing yet.
    fn begin(&self, stack: &WatchedStack) -> Box<dyn Looking>;

    /// The last run in the stack's history, if there is one. It is asked for often, and costs little.
    fn last_run<'a>(&'a self, stack: &'a WatchedStack) -> Boxed<'a, Result<Option<LastRun>, LookFailure>>;
}

/// One look. It ends when this is dropped, even in the middle.
pub trait Looking: fmt::Debug + Send {
    /// Reads the stack's files and signs in. Returns the account.
    fn open(&mut self) -> Boxed<'_, Result<String, LookFailure>>;

    /// Looks for drift.
    fn look(&mut self) -> Boxed<'_, Result<Look, LookFailure>>;

    /// The calls to AWS until now.
    fn calls(&self) -> Calls;
}

/// The last run of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// Its id.
    pub id: String,
    /// True while it holds the lock.
    pub is_running: bool,
    /// What it was, such as `destroy by alice@laptop`.
    pub what: String,
    /// When it wrote its last entry.
    pub at: Timestamp,
}

/// Calls to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// The number of calls, by service.
    pub by_service: BTreeMap<String, u64>,
    /// How many of them AWS throttled.
    pub throttled: u64,
}

/// What a look has found. Its texts hold no secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// The stack's own name.
    pub stack: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When the stack was last applied, if the history says so.
    pub applied: Option<Timestamp>,
    /// The number of live resources that were read.
    pub read: usize,
    /// The number of resources in each class, `accepted` and `unread` included.
    pub counts: BTreeMap<&'static str, usize>,
    /// What was found, the worst first.
    pub findings: Vec<Found>,
    /// What could not be read.
    pub unread: Vec<NotRead>,
    /// What the reader should know beside that.
    pub notes: Vec<String>,
}

/// One thing that has happened to one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// What has happened.
    pub class: DriftClass,
    /// How bad it is.
    pub severity: Severity,
    /// True if it counts as drift.
    pub is_drift: bool,
    /// The resource, or the resource of the stack that this one belongs to.
    pub address: String,
    /// Its kind.
    pub kind: String,
    /// Its id in AWS, if it exists.
    pub id: Option<String>,
    /// What the lines do not say: a note, and why it was accepted.
    pub remarks: Vec<String>,
    /// The difference.
    pub lines: Vec<Line>,
    /// Differs if the difference is another one.
    pub fingerprint: String,
}

impl Found {
    /// The resource in AWS that it is about.
    pub fn key(&self) -> String {
        format!("{} {}", self.address, self.id.as_deref().unwrap_or_default()).trim_end().to_owned()
    }
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The kind of line.
    pub mark: Mark,
    /// The level of indentation.
    pub depth: usize,
    /// The text.
    pub text: String,
}

/// The kind of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Added.
    Added,
    /// Removed.
    Removed,
    /// Changed.
    Changed,
    /// Unchanged, shown for orientation.
    Context,
}

impl Mark {
    /// The mark as a character.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Added => "+",
            Self::Removed => "−",
            Self::Changed => "~",
            Self::Context => " ",
        }
    }

    /// The mark as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Context => "context",
        }
    }
}

/// A kind that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotRead {
    /// The kind.
    pub kind: String,
    /// AWS's error code.
    pub code: String,
    /// Why.
    pub message: String,
    /// The number of resources of the kind that should exist.
    pub resources: usize,
}

impl Look {
    /// True if everything was read.
    pub fn is_complete(&self) -> bool {
        self.unread.is_empty()
    }

    /// True if the stack does not exist: nothing of it is there, and the history does not say that it should be.
    pub fn is_absent(&self) -> bool {
        let is_missed = self.applied.is_some() && self.findings.iter().any(|found| found.class == DriftClass::Missing);
        self.read == 0 && self.is_complete() && !is_missed
    }

    /// What counts as drift.
    pub fn drift(&self) -> impl Iterator<Item = &Found> {
        self.findings.iter().filter(|found| found.is_drift)
    }
}

/// Why a look has failed. Its texts hold no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookFailure {
    /// What kind of failure it is.
    pub cause: Cause,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What can be done about it.
    pub hint: Option<String>,
}

impl LookFailure {
    /// A failure without a hint.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), hint: None }
    }
}

/// What kind of failure a look has ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A run holds the stack's lock.
    Busy,
    /// The stack's files are wrong or gone.
    Input,
    /// Credentials, account, region or a permission.
    Access,
    /// It did not end in time.
    TimedOut,
    /// Something else.
    Failed,
}

impl Cause {
    /// The cause in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Input => "input",
            Self::Access => "access",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }
}

/// A text that differs if `what` is something else. It is the same in all versions, and survives a restart.
pub fn fingerprint(what: &serde_json::Value) -> String {
    let hash = Sha256::digest(what.to_string());
    hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// The result of a look in a word, as in the metrics.
pub fn result(looked: &Result<Look, LookFailure>) -> &'static str {
    match looked {
        Err(failure) if failure.cause == Cause::Busy => "busy",
        Err(_) => "failed",
        Ok(look) if look.is_absent() => "absent",
        Ok(look) if look.drift().next().is_some() => "drift",
        Ok(look) if !look.is_complete() => "unread",
        Ok(_) => "clean",
    }
}
