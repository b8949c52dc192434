//! Time ranges of a day or a week, in UTC, in the form in which RDS answers.

use up_core::{Problem, placeholder, problems};

const DAY: u32 = 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Checks the two windows of a DB instance, which may not overlap.
pub(crate) fn check(backup: Option<&String>, maintenance: Option<&String>) -> Vec<Problem> {
    let is_known = |text: &&str| !placeholder::has_placeholder(text);
    let backup = backup.map(String::as_str).filter(is_known);
    let maintenance = maintenance.map(String::as_str).filter(is_known);
    let times = backup.and_then(daily).zip(maintenance.and_then(weekly));
    let day = "expected 30 minutes or more of a day in UTC, such as `03:00-03:30`";
    let week = "expected 30 minutes to 24 hours of a week in UTC, such as `sun:05:00-sun:06:00`";
    let overlap = problems! {
        times.is_some_and(|(daily, weekly)| overlap(daily, weekly)) =>
            "preferred_maintenance_window", "overlaps the backup window";
    };
    let backup = wrong("preferred_backup_window", backup, daily, day);
    let maintenance = wrong("preferred_maintenance_window", maintenance, weekly, week);
    backup.into_iter().chain(maintenance).chain(overlap).collect()
}

/// RDS answers in lower case: a window with capitals would always differ.
fn wrong(field: &str, text: Option<&str>, read: fn(&str) -> Option<Span>, expected: &str) -> Option<Problem> {
    let small = text.filter(|text| read(text).is_none())?.to_lowercase();
    let message = match read(&small) {
        Some(_) => format!("a window is written in lower case; did you mean `{small}`?"),
        None => expected.to_owned(),
    };
    Some(Problem::new(field, message))
}

/// The first minute, and the number of minutes.
type Span = (u32, u32);

/// Reads `hh24:mi-hh24:mi`; the first minute is that of the day.
fn daily(text: &str) -> Option<Span> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    let lasts = (to + DAY - from) % DAY;
    (lasts >= 30).then_some((from, lasts))
}

/// Reads `ddd:hh24:mi-ddd:hh24:mi`; the first minute is that of the week.
fn weekly(text: &str) -> Option<Span> {
    let minute_of_week = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = DAYS.iter().position(|name| *name == day)?;
        Some(u32::try_from(day).ok()? * DAY + minute(time)?)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute_of_week(from)?, minute_of_week(to)?);
    let lasts = (to + 7 * DAY - from) % (7 * DAY);
    (30..=DAY).contains(&lasts).then_some((from, lasts))
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_number && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

fn overlap((backup, backup_lasts): Span, (maintenance, maintenance_lasts): Span) -> bool {
    // Backups are made every day, so that only the maintenance window's time of day counts.
    let starts_within = |from: u32, (start, lasts): Span| (from + DAY - start % DAY) % DAY < lasts;
    starts_within(backup, (maintenance, maintenance_lasts)) || starts_within(maintenance % DAY, (backup, backup_lasts))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(backup: Option<&str>, maintenance: Option<&str>) -> Vec<Problem> {
        super::check(backup.map(str::to_owned).as_ref(), maintenance.map(str::to_owned).as_ref())
    }

    #[test]
    fn windows_have_rds_s_form() {
        assert!(check(Some("03:00-03:30"), Some("sun:05:00-sun:06:00")).is_empty());
        assert!(check(Some("23:45-00:30"), Some("sun:23:00-sun:23:30")).is_empty());
        for wrong in ["3:00-04:00", "03:00", "03:00-03:10", "24:00-24:30", "mon:03:00-mon:04:00"] {
            assert_eq!(check(Some(wrong), None).len(), 1, "{wrong}");
        }
        for wrong in ["Sun:05:00-Sun:06:00", "sun:05:00-sun:05:10", "05:00-06:00", "sun:05:00-tue:05:00"] {
            assert_eq!(check(None, Some(wrong)).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn capitals_get_a_hint() {
        let said = check(None, Some("Sun:05:00-Sun:06:00")).remove(0).message;
        assert!(said.contains("did you mean `sun:05:00-sun:06:00`?"), "{said}");
    }

    #[test]
    fn windows_do_not_overlap() {
        assert_eq!(check(Some("05:30-06:30"), Some("sun:05:00-sun:06:00")).len(), 1);
        assert_eq!(check(Some("04:30-05:30"), Some("sun:05:00-sun:06:00")).len(), 1);
        assert_eq!(check(Some("23:45-00:30"), Some("sun:00:00-sun:01:00")).len(), 1);
        assert!(check(Some("06:00-06:30"), Some("sun:05:00-sun:06:00")).is_empty());
    }
}
