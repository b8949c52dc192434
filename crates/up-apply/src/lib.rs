//! Observes what a stack owns, and carries a plan out. Decides nothing.

mod children;
mod event;
mod holders;
mod names;
mod observe;
mod permit;
mod run;
mod send;
mod step;
mod taken;
mod wait;
mod watch;

pub use children::Children;
pub use event::{Event, Sink, What};
pub use holders::Holder;
pub use observe::{Names, ObserveError, Observer};
pub use run::{ImmutableSpecs, Options, Outcome, Stop, apply};
