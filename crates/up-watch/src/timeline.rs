//! Time: the clock on the wall, which people read and which may jump, and steady time, in which ages and delays are measured.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, time::Instant};

/// A smaller difference is how NTP corrects a clock, or how long a thread waited.
const LEAST_JUMP: SignedDuration = SignedDuration::from_secs(10);

/// The clock on the wall.
pub trait WallClock: fmt::Debug + Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// On the wall.
    pub at: Timestamp,
    /// Since the watch began. It never goes backwards, and goes on while the machine is suspended.
    pub steady: SignedDuration,
}

impl Moment {
    /// The time of day without fractions of a second.
    pub fn second(self) -> Timestamp {
        Timestamp::from_second(self.at.as_second()).unwrap_or(self.at)
    }

    /// How long ago `earlier` was.
    pub fn since(self, earlier: Self) -> Duration {
        (self.steady - earlier.steady).try_into().unwrap_or_default()
    }

    /// How long it is until `steady`; zero if that is over.
    pub fn until(self, steady: SignedDuration) -> Duration {
        (steady - self.steady).try_into().unwrap_or_default()
    }

    /// The time of day at `steady`, if the clock does not jump.
    pub fn wall(self, steady: SignedDuration) -> Timestamp {
        self.second().saturating_add(SignedDuration::from_secs((steady - self.steady).as_secs())).unwrap_or(self.at)
    }
}

/// A jump of the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// How far, backwards if negative.
    pub by: SignedDuration,
    /// How many there were until now, with this one.
    pub number: u64,
}

/// Tells the time, and notices when the clock on the wall jumps.
#[derive(Debug)]
pub struct Timeline {
    clock: Arc<dyn WallClock>,
    last: Mutex<Reading>,
    jumps: watch::Sender<Option<Jump>>,
}

/// The clocks as they were read last.
#[derive(Debug, Clone, Copy)]
struct Reading {
    moment: Moment,
    instant: Instant,
}

impl Timeline {
    /// A timeline that begins now.
    pub fn new(clock: Arc<dyn WallClock>) -> Self {
        let moment = Moment { at: clock.now(), steady: SignedDuration::ZERO };
        let last = Mutex::new(Reading { moment, instant: Instant::now() });
        Self { clock, last, jumps: watch::Sender::new(None) }
    }

    /// The time. Notices a jump since the last call.
    pub fn now(&self) -> Moment {
        let (moment, by) = {
            let mut last = self.last();
            let (at, instant) = (self.clock.now(), Instant::now());
            let passed = SignedDuration::try_from(instant - last.instant).unwrap_or(SignedDuration::MAX);
            let by = at.duration_since(last.moment.at) - passed;
            // After a suspension the clock on the wall is right, and steady time must catch up. A clock that is set back
            // makes nothing younger.
            let missed = if by >= LEAST_JUMP { by } else { SignedDuration::ZERO };
            let moment = Moment { at, steady: last.moment.steady + passed + missed };
            *last = Reading { moment, instant };
            (moment, by)
        };
        if by.abs() >= LEAST_JUMP {
            let jump = |before: &mut Option<Jump>| {
                *before = Some(Jump { by, number: before.map_or(0, |before| before.number) + 1 });
            };
            self.jumps.send_modify(jump);
        }
        moment
    }

    /// Tells of jumps, from now on.
    pub fn jumps(&self) -> watch::Receiver<Option<Jump>> {
        self.jumps.subscribe()
    }

    /// When `at` was, for a time that was kept across a restart. A time in the future counts as now.
    pub fn past(&self, at: Timestamp) -> Moment {
        let now = self.now();
        Moment { at, steady: now.steady - now.at.duration_since(at).max(SignedDuration::ZERO) }
    }

    /// Whole even after a panic elsewhere: a reading is replaced at once.
    fn last(&self) -> MutexGuard<'_, Reading> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimulatedClock;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_makes_nothing_younger() {
        let clock = Arc::new(SimulatedClock::default());
        let timeline = Timeline::new(clock.clone());
        let before = timeline.now();
        tokio::time::advance(Duration::from_secs(600)).await;
        clock.jump(SignedDuration::from_hours(-3));
        assert_eq!(timeline.now().since(before), Duration::from_secs(600));
        let jump = timeline.jumps().borrow().unwrap();
        assert_eq!(jump, Jump { by: SignedDuration::from_hours(-3), number: 1 });
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_a_suspended_machine_has_missed_has_passed() {
        let clock = Arc::new(SimulatedClock::default());
        let timeline = Timeline::new(clock.clone());
        let before = timeline.now();
        clock.jump(SignedDuration::from_hours(8));
        assert_eq!(timeline.now().since(before), Duration::from_secs(8 * 3600));
        clock.jump(SignedDuration::from_secs(2));
        timeline.now();
        assert_eq!(timeline.jumps().borrow().unwrap().number, 1, "two seconds are no jump");
    }
}
