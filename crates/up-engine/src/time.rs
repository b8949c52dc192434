//! Estimated times, in words.

use std::time::Duration;

/// An estimated time, no more exact than it can be: `5 s`, `14 min`, `1 h 20 min`.
pub fn about(time: Duration) -> String {
    let seconds = time.as_secs();
    let minutes = (seconds + 30) / 60;
    match seconds {
        0..90 => format!("{} s", seconds.max(1)),
        90..5400 => format!("{minutes} min"),
        _ => match (minutes / 60, minutes % 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_no_more_exact_than_it_can_be() {
        let seconds = Duration::from_secs;
        assert_eq!([about(seconds(40)), about(seconds(840)), about(seconds(4800))], ["40 s", "14 min", "80 min"]);
    }
}
