//! Drift detection on a schedule, of many stacks in one process.
//!
//! A [`Watch`] looks at each stack when it is due, remembers what it was told, and tells transitions once. It does not know
//! AWS: a [`Looker`] looks. Nothing is printed: a [`Log`] gets all messages. Time is tokio's, and a [`WallClock`] says what
//! people call it, so that a week can be simulated in seconds.

mod accounts;
mod board;
mod config;
mod log;
mod look;
mod memory;
mod metrics;
mod notify;
mod schedule;
#[cfg(test)]
mod sim;
mod store;
mod timeline;
mod told;
mod watch;
mod web;

pub use crate::{
    board::{Board, Phase, StackStatus, Verdict},
    config::{Config, ConfigError, NotifyKind, NotifyTarget, Secret, WatchedStack},
    log::{Level, Log, SharedLog},
    look::{
        Boxed, Calls, Cause, Found, LastRun, Line, Look, LookFailure, Looker, Looking, Mark, NotRead, fingerprint,
        result,
    },
    memory::{Memory, MemoryFile},
    metrics::{Format, Metrics},
    notify::{Answer, HttpTransport, Message, Outgoing, Transport},
    schedule::{Schedule, When},
    timeline::{Jump, Moment, SystemClock, Timeline, WallClock},
    told::{KnownDrift, Told, Transition, Trouble, happened},
    watch::{Ports, Watch},
    web::serve,
};
