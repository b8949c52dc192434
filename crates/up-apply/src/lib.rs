//! Observes a stack's resources and applies plans. Makes no decisions.

mod birth;
mod children;
mod event;
mod executor;
mod holders;
mod names;
mod observe;
mod permit;
mod run;
mod send;
mod stacks;
mod step;
mod taken;
mod wait;
mod watch;

pub use birth::Birth;
pub use children::Children;
pub use event::{Event, EventKind, Sink};
pub use holders::Holder;
pub use observe::{Names, ObserveError, Observer};
pub use run::{ApplyOptions, ObservedResources, Outcome, Stop, apply};
pub use stacks::{StackResources, observe_stacks};
