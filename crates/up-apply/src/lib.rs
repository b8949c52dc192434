//! Observes what a stack owns, and carries a plan out. Decides nothing.

mod event;
mod names;
mod observe;
mod place;
mod run;
mod step;
mod wait;
mod watch;

pub use event::{Event, Sink, What};
pub use observe::{ObserveError, Observer};
pub use run::{Constant, Options, Outcome, Stop, apply};
