//! Taking a stack's lock, and naming who holds it.

use std::time::{Duration, Instant};

use up_state::{Lease, Lock, LockError, LockHolder, StateLocation};

use crate::{DEFAULT_STATE, Engine, Failure, Level, Reason, Session, session::unusable};

/// Takes the lock; waits up to `timeout` while another run holds it.
pub(crate) async fn locked(session: &Session, command: &'static str, timeout: Duration) -> Result<Lock, Failure> {
    let begun = Instant::now();
    loop {
        let state = session.state.clone();
        // A store may answer late, and an interrupt must not wait for it.
        let tried = tokio::task::spawn_blocking(move || state.lock(command)).await;
        let holder = match tried.map_err(|error| Failure::new(Reason::Failed, format!("failed to lock: {error}")))? {
            Ok(lock) => {
                lock.taken_from().into_iter().for_each(|before| tell_of(&session.engine, before));
                return Ok(lock);
            }
            Err(LockError::State(error)) => return Err(unusable(error)),
            Err(LockError::Held(lease)) => self::lease(&lease),
            Err(error @ LockError::Damaged { .. }) => format!("an unknown run: {error}"),
        };
        let waited = begun.elapsed();
        if waited >= timeout {
            let failure = Failure::new(Reason::Locked, format!("the stack is locked by {holder}"));
            return Err(failure.hint(format!(
                "use `--lock-timeout 10m` to wait for that run; if it has ended, `{}` removes the lock",
                unlock(session)
            )));
        }
        if waited < Duration::from_secs(1) {
            session.engine.message(Level::Note, &format!("waiting for {holder}"));
        }
        tokio::time::sleep(Duration::from_secs(1).min(timeout - waited)).await;
    }
}

/// The command that removes the lock.
fn unlock(session: &Session) -> String {
    let name = session.state.stack();
    match &session.location {
        StateLocation::Folder(folder) if folder.as_os_str() == DEFAULT_STATE => format!("bullstra-up unlock {name}"),
        location @ StateLocation::Folder(_) => format!("bullstra-up unlock {name} --state {location}"),
        location @ StateLocation::Bucket { .. } => {
            format!("bullstra-up unlock {name} --state {location} --region {}", session.cx.region())
        }
    }
}

fn tell_of(engine: &Engine, before: &LockHolder) {
    let (level, text) = match before {
        LockHolder::Run(lease) => {
            (Level::Note, format!("took over the lock of {}, which has ended", self::lease(lease)))
        }
        LockHolder::Unreadable(why) => {
            (Level::Warning, format!("took over a damaged lock ({why}), which no run has renewed"))
        }
    };
    engine.message(level, &text);
}

/// Who holds a lock, in words.
pub fn holder(holder: &LockHolder) -> String {
    match holder {
        LockHolder::Run(lease) => self::lease(lease),
        LockHolder::Unreadable(why) => format!("an unknown run (the lock cannot be read: {why})"),
    }
}

/// `apply of me@here (process 12, since 2026-11-23T21:50:01Z, its lease until 2026-11-23T21:51:01Z)`.
fn lease(lease: &Lease) -> String {
    let Lease { owner, command, pid, started, expires, .. } = lease;
    format!("{command} of {owner} (process {pid}, since {started:.0}, its lease until {expires:.0})")
}
