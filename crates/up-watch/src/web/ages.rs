//! Ages and times, as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// `12 s`, `5 min`, `3 h 20 min`, `4 d`.
pub(super) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..36_000 if minutes % 60 > 0 => format!("{hours} h {} min", minutes % 60),
        3600..172_800 => format!("{hours} h"),
        _ => format!("{days} d"),
    }
}

/// `2026-11-29 09:12Z`.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let ages = [0, 59, 60, 3599, 3600, 12_000, 36_000, 100_000, 172_800, 10_000_000];
        let texts = ages.map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(texts, ["0 s", "59 s", "1 min", "59 min", "1 h", "3 h 20 min", "10 h", "27 h", "2 d", "115 d"]);
    }
}
