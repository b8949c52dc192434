//! Keeps to AWS's request limits, so that AWS never has to throttle us.
//!
//! AWS gives each account and region a token bucket for each API (or for several together): a burst, and a rate at
//! which it fills again. [`Gate`] keeps the same buckets on this side, in a file that all runs on this machine share,
//! and lets a call be signed when there is a token for it. Others use the account too: where AWS throttles all the same,
//! the bucket is slowed down, and recovers with time.

mod bucket;
mod draws;
mod gate;
mod shared;

pub use bucket::Bucket;
pub use draws::{Drawn, draws};
pub use gate::Gate;
pub use shared::{Place, Shared};
