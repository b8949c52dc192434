//! Checks whether the credentials last as long as the plan takes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use up_plan::Plan;

use crate::{CredentialLifetime, Engine, Failure, Level, Reason, about};

/// The shortest session that AWS issues. For shorter plans, credentials of unknown lifetime are not worth a note.
const SHORTEST_SESSION: Duration = Duration::from_secs(15 * 60);

/// Warns where the credentials expire before the plan is likely to be done; refuses where it is to be `strict`.
pub(super) fn check(engine: &Engine, lifetime: CredentialLifetime, plan: &Plan, strict: bool) -> Result<(), Failure> {
    let takes = plan.remaining().into_iter().max().unwrap_or_default();
    match lifetime {
        CredentialLifetime::Renewed => {}
        CredentialLifetime::Unknown if takes <= SHORTEST_SESSION => {}
        CredentialLifetime::Unknown => {
            let takes = about(takes);
            let note = format!(
                "this takes about {takes}, and it is unknown when the credentials expire: set AWS_CREDENTIAL_EXPIRATION"
            );
            engine.message(Level::Note, &note);
        }
        CredentialLifetime::Until(end) => {
            if let Some(short) = short(end, Timestamp::now(), takes) {
                return warned(engine, short, strict);
            }
        }
    }
    Ok(())
}

fn warned(engine: &Engine, short: String, strict: bool) -> Result<(), Failure> {
    let failure = Failure::new(Reason::Access, short);
    if strict {
        return Err(failure.hint("sign in again first; nothing was changed"));
    }
    engine.message(Level::Warning, &failure.message);
    let hint = "sign in again first; or when the run has ended, which it does cleanly, and run the same command again";
    engine.message(Level::Hint, hint);
    Ok(())
}

/// The message, if they expire too soon.
fn short(end: Timestamp, now: Timestamp, takes: Duration) -> Option<String> {
    let done = now.checked_add(SignedDuration::try_from(takes).ok()?).ok()?;
    if end >= done {
        return None;
    }
    let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    let (left, takes) = (about(left), about(takes));
    Some(format!(
        "the credentials expire at {end:.0}, in about {left}, and this takes about {takes}, until {done:.0} or later"
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
            "the credentials expire at 1970-01-01T00:24:59Z, in about 25 min, and this takes about 25 min, until \
             1970-01-01T00:25:00Z or later"
        );
        let over = short(at(0), at(100), Duration::from_secs(2)).unwrap();
        assert!(over.contains("in about 1 s, and this takes about 2 s"), "{over}");
    }
}
