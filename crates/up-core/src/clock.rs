//! The time: AWS's own, as its answers tell it.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::{Timestamp, fmt::rfc2822};

/// Tells the time. Whatever depends on the time of day is given one, so that tests can set it.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that shows `at` now, and goes on from there, whatever is done to the clock of this machine.
    pub fn from(at: Timestamp) -> Self {
        let begun = Instant::now();
        Self::new(move || at.checked_add(begun.elapsed()).unwrap_or(at))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

/// Says nothing of how it is asked.
impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").finish()
    }
}

/// Reads the time from the answers to a client's calls: the header `Date`, which AWS always sends.
#[derive(Debug, Clone, Default)]
pub struct AnswerTime(Arc<OnceLock<Timestamp>>);

impl AnswerTime {
    /// The time of the first answer, if it said one.
    pub fn first(&self) -> Option<Timestamp> {
        self.0.get().copied()
    }
}

impl Intercept for AnswerTime {
    fn name(&self) -> &'static str {
        "bullstra-up time"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(at) = context.response().headers().get("date").and_then(read) {
            self.0.get_or_init(|| at);
        }
        Ok(())
    }
}

/// `Sun, 29 Nov 2026 04:07:00 GMT`.
fn read(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_of_http_is_read() {
        let at = "2026-11-29T04:07:00Z".parse::<Timestamp>().unwrap();
        assert_eq!(read("Sun, 29 Nov 2026 04:07:00 GMT"), Some(at));
        assert_eq!(read("yesterday"), None);
    }

    #[test]
    fn a_clock_goes_on_from_where_it_was_set() {
        let at = "2026-11-29T04:07:00Z".parse::<Timestamp>().unwrap();
        let clock = Clock::from(at);
        let (first, second) = (clock.now(), clock.now());
        assert!(at <= first && first <= second, "{first} {second}");
    }
}
