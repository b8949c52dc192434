//! One token bucket: a pure function of time.

use serde::{Deserialize, Serialize};
use up_core::Limit;

/// The state of a bucket. Times are seconds of one clock, any clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Tokens in it at the time `at`; negative while calls wait for tokens that they have taken.
    tokens: f64,
    at: f64,
    /// The share of the refill that we use: less than 1 after AWS has throttled a call.
    share: f64,
    /// When `share` was last lowered.
    lowered: f64,
}

/// AWS throttling a call multiplies our share by this.
const LOWER: f64 = 0.8;
/// The smallest share: some calls must be sent to learn that more are allowed again.
const LEAST: f64 = 0.1;
/// Seconds in which a share of 0 would be 1 again.
const RECOVERY: f64 = 30.0;

impl Bucket {
    /// A full bucket.
    pub fn full(limit: Limit, now: f64) -> Self {
        Self { tokens: limit.capacity, at: now, share: 1.0, lowered: now }
    }

    /// Takes a token, and returns in how many seconds the call may be sent. A later call never gets an earlier time.
    pub fn take(&mut self, limit: Limit, now: f64) -> f64 {
        self.fill(limit, now);
        self.tokens -= 1.0;
        if self.tokens >= 0.0 { 0.0 } else { -self.tokens / (limit.refill * self.share(now)) }
    }

    /// AWS has throttled a call: others have emptied the bucket. From now on we use a smaller share of it.
    pub fn throttled(&mut self, limit: Limit, now: f64) {
        self.fill(limit, now);
        self.tokens = self.tokens.min(0.0);
        // Calls that were sent together are throttled together, and count once.
        if now - self.lowered > 1.0 || self.share >= 1.0 {
            self.share = (self.share(now) * LOWER).max(LEAST);
            self.lowered = now;
        }
    }

    fn fill(&mut self, limit: Limit, now: f64) {
        // A clock that was set back gives no tokens, and takes none.
        let passed = (now - self.at).max(0.0);
        self.tokens = (self.tokens + passed * limit.refill * self.share(now)).min(limit.capacity);
        self.at = now;
    }

    fn share(&self, now: f64) -> f64 {
        (self.share + (now - self.lowered).max(0.0) / RECOVERY).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit::new("*", 4.0, 0.5);

    /// A bucket as AWS keeps it: refuses where nothing is in it.
    fn aws(limit: Limit, calls: &[f64]) -> usize {
        let (mut tokens, mut at, mut refused) = (limit.capacity, 0.0, 0);
        for &now in calls {
            tokens = (tokens + (now - at) * limit.refill).min(limit.capacity);
            at = now;
            if tokens + 1e-9 >= 1.0 { tokens -= 1.0 } else { refused += 1 }
        }
        refused
    }

    #[test]
    fn a_burst_goes_through_and_the_rest_follows_at_the_rate() {
        let mut bucket = Bucket::full(LIMIT, 0.0);
        let waits: Vec<_> = (0..7).map(|_| bucket.take(LIMIT, 0.0)).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn calls_that_wait_as_told_are_never_throttled() {
        for seed in 1..200_u64 {
            let mut random = seed;
            let mut next = || {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) as f64 / f64::from(1_u32 << 31)
            };
            let (mut bucket, mut now, mut calls) = (Bucket::full(LIMIT, 0.0), 0.0, vec![]);
            for _ in 0..100 {
                now += next() * next() * 4.0;
                calls.push(now + bucket.take(LIMIT, now));
            }
            assert!(calls.is_sorted(), "seed {seed}: a later call went first");
            assert_eq!(aws(LIMIT, &calls), 0, "seed {seed}: {calls:?}");
        }
    }

    #[test]
    fn throttling_slows_down_and_time_heals() {
        let limit = Limit::new("*", 10.0, 10.0);
        let mut bucket = Bucket::full(limit, 0.0);
        bucket.throttled(limit, 0.0);
        bucket.throttled(limit, 0.1);
        let slowed = bucket.take(limit, 0.1);
        assert!((0.1..0.2).contains(&slowed), "80 % of the rate is left, whatever was throttled at once: {slowed}");
        bucket.throttled(limit, 5.0);
        assert!(bucket.take(limit, 5.0) > slowed);
        let healed = Bucket { tokens: 0.0, ..bucket }.take(limit, 1000.0);
        assert_eq!(healed, 0.0, "full again");
    }

    #[test]
    fn a_clock_set_back_gives_nothing() {
        let mut bucket = Bucket::full(LIMIT, 1000.0);
        (0..4).for_each(|_| assert_eq!(bucket.take(LIMIT, 1000.0), 0.0));
        assert_eq!(bucket.take(LIMIT, 0.0), 2.0);
        assert_eq!(bucket.take(LIMIT, 2.0), 2.0);
    }
}
