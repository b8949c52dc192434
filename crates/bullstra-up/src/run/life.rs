//! Do the credentials last for the plan?

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use up_plan::Plan;

use crate::{
    exit::{Exit, Failure},
    render::{self, Word},
    session::Life,
    terminal,
};

/// The shortest session that AWS gives: for what takes no longer, nothing is said of credentials that may end at any time.
const SHORTEST_SESSION: Duration = Duration::from_secs(15 * 60);

/// Warns where the credentials end before the plan is likely to be done. Where it is to be `strict`, refuses.
pub(super) fn check(life: Life, plan: &Plan, strict: bool) -> Result<(), Failure> {
    let takes = render::estimate(plan);
    match life {
        Life::Renewed => {}
        Life::Unknown if takes <= SHORTEST_SESSION => {}
        Life::Unknown => {
            let takes = render::about(takes);
            let note = format!(
                "this takes about {takes}, and nothing says when the credentials end: AWS_CREDENTIAL_EXPIRATION would"
            );
            terminal::say(render::message(Word::Note, &note));
        }
        Life::Until(end) => {
            if let Some(short) = short(end, Timestamp::now(), takes) {
                return warned(short, strict);
            }
        }
    }
    Ok(())
}

fn warned(short: String, strict: bool) -> Result<(), Failure> {
    let failure = Failure::new(Exit::Access, short);
    if strict {
        return Err(failure.hint("sign in again first; nothing was changed"));
    }
    terminal::say(render::message(Word::Warning, &failure.message));
    let hint = "sign in again first, or do so when it has ended: it ends cleanly, and the same command again goes on";
    terminal::say(render::message(Word::Hint, hint));
    Ok(())
}

/// What is wrong, where they end too soon.
fn short(end: Timestamp, now: Timestamp, takes: Duration) -> Option<String> {
    let done = now.checked_add(SignedDuration::try_from(takes).ok()?).ok()?;
    if end >= done {
        return None;
    }
    let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    let (left, takes) = (render::about(left), render::about(takes));
    Some(format!(
        "the credentials end at {end:.0}, in about {left}, and this takes about {takes}, until {done:.0} or later"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_end_before_the_plan_does_are_too_short() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let takes = Duration::from_secs(1500);
        assert_eq!(short(at(1500), at(0), takes), None);
        assert_eq!(
            short(at(1499), at(0), takes).unwrap(),
            "the credentials end at 1970-01-01T00:24:59Z, in about 25 min, and this takes about 25 min, until \
             1970-01-01T00:25:00Z or later"
        );
        let over = short(at(0), at(100), Duration::from_secs(2)).unwrap();
        assert!(over.contains("in about 1 s, and this takes about 2 s"), "{over}");
    }
}
