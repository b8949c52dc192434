//! When a stack is looked at.

use std::{cmp::Ordering, fmt, hash::BuildHasher, time::Duration};

use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
    time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday},
};
use foldhash::quality::FixedState;
use jiff::{SignedDuration, Timestamp, ZonedDateTime, civil, tz::TimeZone};

use crate::timeline::Moment;

/// A stack is overdue once so many looks are missing.
const MISSED: u32 = 3;
/// The first look does not wait longer.
const LONGEST_START: Duration = Duration::from_secs(10);
/// The first retry after a failure comes after this time; each further one takes twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(60);
/// No retry takes longer.
pub(crate) const LONGEST_RETRY: Duration = Duration::from_secs(3600);
/// How long until the next look while a run holds the stack's lock.
const BUSY_RETRY: Duration = Duration::from_secs(30);

/// When a stack is looked at.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The rule.
    pub when: When,
    /// Looks are moved by up to this time, so that stacks with the same rule do not all come at once.
    pub jitter: Duration,
}

/// The rule of a schedule.
#[derive(Debug, Clone)]
pub enum When {
    /// So long after the last look began.
    Every(Duration),
    /// At the times of a cron expression.
    Cron(Box<Cron>, TimeZone),
}

impl Schedule {
    /// Reads a cron expression with five fields.
    ///
    /// # Errors
    /// When it is none, or no time ever matches it.
    pub fn cron(text: &str, zone: TimeZone) -> Result<When, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| error.to_string())?;
        let now = At(Timestamp::UNIX_EPOCH.to_zoned_datetime(zone.clone()));
        cron.find_next_occurrence(&now, false).map_err(|_| "no time ever matches it".to_owned())?;
        Ok(When::Cron(Box::new(cron), zone))
    }

    /// How long the first look waits. `draw` is at least 0 and below 1.
    pub(crate) fn first(&self, draw: f64) -> Duration {
        self.jitter.min(LONGEST_START).mul_f64(draw)
    }

    /// When the next look is due after one that `began` then, in steady time.
    pub(crate) fn next(&self, began: Moment, now: Moment, draw: f64) -> SignedDuration {
        let jitter = self.jitter.mul_f64(draw);
        match &self.when {
            // Around the interval, so that it is kept on average.
            When::Every(interval) => began.steady + signed(*interval) + signed(jitter) - signed(self.jitter / 2),
            When::Cron(cron, zone) => {
                let slot = next_slot(cron, zone, now.at).unwrap_or(now.at);
                now.steady + slot.duration_since(now.at) + signed(jitter)
            }
        }
    }

    /// When the next look is due after the `failures`-th failure in a row: soon, and then less and less often.
    pub(crate) fn retry(&self, began: Moment, now: Moment, failures: u32, draw: f64) -> SignedDuration {
        let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16));
        let delay = doubled.min(LONGEST_RETRY).mul_f64(1.0 + draw / 10.0);
        (now.steady + signed(delay)).min(self.next(began, now, draw))
    }

    /// When the next look is due after one that found a run holding the lock.
    pub(crate) fn after_busy(&self, now: Moment) -> SignedDuration {
        now.steady + signed(BUSY_RETRY)
    }

    /// How old a complete check may become until the stack is overdue.
    pub fn patience(&self, checked: Timestamp) -> Duration {
        match &self.when {
            When::Every(interval) => interval.saturating_mul(MISSED) + self.jitter,
            When::Cron(cron, zone) => {
                let last = (0..MISSED).try_fold(checked, |at, _| next_slot(cron, zone, at));
                let until = last.map_or(SignedDuration::MAX, |last| last.duration_since(checked));
                Duration::try_from(until).unwrap_or(Duration::MAX).saturating_add(self.jitter)
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            When::Every(interval) => write!(f, "every {:#}", signed(*interval)),
            When::Cron(cron, zone) => write!(f, "{} ({})", cron.as_str(), zone.iana_name().unwrap_or("UTC")),
        }
    }
}

/// A number of at least 0 and below 1 that depends on `seed`, the stack and the number of the look alone.
pub(crate) fn draw(seed: u64, stack: &str, look: u64) -> f64 {
    let hash = FixedState::with_seed(seed).hash_one((stack, look));
    f64::from(u32::try_from(hash >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

pub(crate) fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

fn next_slot(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let next = cron.find_next_occurrence(&At(after.to_zoned_datetime(zone.clone())), false).ok()?;
    Some(next.0.timestamp())
}

/// What `croner` computes with. It knows older versions of `jiff` alone.
#[derive(Debug, Clone, PartialEq)]
struct At(ZonedDateTime);

impl CronDateTime for At {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |number: i8| u32::try_from(number).unwrap_or_default();
        let date = CivilDate::from_ymd_opt(i32::from(at.year()), part(at.month()), part(at.day()));
        let time = CivilTime::from_hms_opt(part(at.hour()), part(at.minute()), part(at.second()));
        CivilDateTime::new(date.expect("jiff's dates exist"), time.expect("jiff's times exist"))
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::try_from(self.0.weekday().to_sunday_zero_offset()).unwrap_or_default())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |number: u32| i8::try_from(number).map_err(|_| CronError::InvalidTime);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let at = civil::DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)?;
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(at);
        let (earlier, later) = (ambiguous.clone().earlier(), ambiguous.clone().later());
        let (earlier, later) =
            (earlier.map_err(|_| CronError::InvalidTime)?, later.map_err(|_| CronError::InvalidTime)?);
        Ok(match ambiguous.offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { .. } => Resolution::Single(Self(earlier)),
            jiff::tz::AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(Self(earlier), Self(later)),
            jiff::tz::AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment { at: text.parse().unwrap(), steady: SignedDuration::from_hours(100) }
    }

    fn cron(text: &str, zone: &str) -> Schedule {
        let when = Schedule::cron(text, TimeZone::get(zone).unwrap()).unwrap();
        Schedule { when, jitter: Duration::ZERO }
    }

    fn next(schedule: &Schedule, now: &str) -> String {
        let now = at(now);
        now.wall(schedule.next(now, now, 0.0)).to_string()
    }

    #[test]
    fn cron_expressions_are_read_in_their_time_zone() {
        let morning = cron("30 8 * * 1-5", "Europe/Berlin");
        assert_eq!(next(&morning, "2026-11-27T12:00:00Z"), "2026-11-30T07:30:00Z", "after Friday comes Monday");
        // The clocks go forward in the night to 29 March 2026, and back in the night to 25 October.
        let night = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(next(&night, "2026-03-28T22:00:00Z"), "2026-03-29T01:00:00Z", "half past two does not exist");
        assert_eq!(next(&night, "2026-10-24T22:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(&night, "2026-10-25T02:00:00Z"), "2026-10-26T01:30:00Z", "and not twice in that night");
    }

    #[test]
    fn wrong_cron_expressions_are_refused() {
        for wrong in ["", "* * * *", "61 * * * *", "0 0 30 2 *", "* * * * * *", "hourly"] {
            assert!(Schedule::cron(wrong, TimeZone::UTC).is_err(), "{wrong}");
        }
    }

    #[test]
    fn jitter_keeps_the_interval_on_average_and_spreads_stacks() {
        let (interval, jitter) = (Duration::from_secs(3600), Duration::from_secs(360));
        let schedule = Schedule { when: When::Every(interval), jitter };
        let now = at("2026-11-29T00:00:00Z");
        let next = |stack: usize| schedule.next(now, now, draw(7, &format!("stack-{stack}"), 1)) - now.steady;
        let all: Vec<_> = (0..1000).map(|stack| next(stack).as_secs_f64()).collect();
        let mean = all.iter().sum::<f64>() / 1000.0;
        assert!((3590.0..3610.0).contains(&mean), "{mean}");
        assert!(all.iter().all(|next| (3420.0..3780.0).contains(next)));
        assert!(all.iter().any(|next| *next < 3440.0) && all.iter().any(|next| *next > 3760.0));
        assert_eq!(draw(7, "a", 1).to_bits(), draw(7, "a", 1).to_bits());
    }

    #[test]
    fn a_stack_is_overdue_after_three_looks() {
        let hourly = Schedule { when: When::Every(Duration::from_secs(3600)), jitter: Duration::ZERO };
        assert_eq!(hourly.patience(Timestamp::UNIX_EPOCH), Duration::from_secs(3 * 3600));
        let workdays = cron("0 8 * * 1-5", "UTC");
        let thursday = "2026-11-26T08:00:00Z".parse().unwrap();
        assert_eq!(workdays.patience(thursday), Duration::from_secs(5 * 24 * 3600), "Friday, Monday, Tuesday");
    }

    #[test]
    fn failures_are_retried_soon_and_then_less_often() {
        let hourly = Schedule { when: When::Every(Duration::from_secs(3600)), jitter: Duration::ZERO };
        let now = at("2026-11-29T00:00:00Z");
        let delays = (1..9).map(|failures| (hourly.retry(now, now, failures, 0.0) - now.steady).as_mins());
        assert_eq!(delays.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60]);
        let often = Schedule { when: When::Every(Duration::from_secs(30)), jitter: Duration::ZERO };
        assert_eq!((often.retry(now, now, 5, 0.0) - now.steady).as_secs(), 30, "not later than its schedule says");
    }
}
