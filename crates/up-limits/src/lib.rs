//! Keeps to AWS's request limits, so that AWS does not throttle our calls.
//!
//! AWS has a token bucket for each API, or for several APIs together, in each account and region: a number of calls at once, and
//! a rate at which the bucket fills again. [`RateLimiter`] has the same buckets on this side, in a file that all runs on this
//! machine share, and a call is signed when there is a token for it. Which buckets a service has stands in its
//! [`up_core::Service`]. Others use the account too: a bucket that AWS throttles all the same is slowed down, and recovers with
//! time.

mod bucket;
mod draws;
mod rate_limiter;
mod shared_buckets;

pub use bucket::Bucket;
pub use draws::{Drawn, draws};
pub use rate_limiter::RateLimiter;
pub use shared_buckets::SharedBuckets;
