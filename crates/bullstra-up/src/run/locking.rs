//! Getting the lock of a stack, and words about who holds it.

use std::time::{Duration, Instant};

use up_state::{Holder, Lease, Lock, LockError, Place};

use crate::{
    exit::{Exit, Failure},
    render::{self, Word},
    session::{Session, history, unusable},
    terminal,
};

/// The lock, once nobody else has it.
pub(super) async fn locked(session: &Session, command: &'static str, patience: Duration) -> Result<Lock, Failure> {
    let begun = Instant::now();
    loop {
        let state = session.state.clone();
        // A store may be far away, and a Ctrl-C meanwhile must not wait for it.
        let tried = tokio::task::spawn_blocking(move || state.lock(command)).await;
        let holder = match tried.map_err(|error| Failure::new(Exit::Failed, format!("failed to lock: {error}")))? {
            Ok(lock) => {
                lock.taken_from().into_iter().for_each(tell_of);
                return Ok(lock);
            }
            Err(LockError::State(error)) => return Err(unusable(error)),
            Err(LockError::Held(lease)) => self::lease(&lease),
            Err(error @ LockError::Damaged { .. }) => format!("an unknown run: {error}"),
        };
        let waited = begun.elapsed();
        if waited >= patience {
            let failure = Failure::new(Exit::Locked, format!("the stack is locked by {holder}"));
            return Err(failure.hint(format!(
                "wait for it with `--lock-timeout 10m`; if that run has ended, `{}` removes the lock",
                unlock(session)
            )));
        }
        if waited < Duration::from_secs(1) {
            terminal::say(render::message(Word::Note, &format!("waiting for {holder}")));
        }
        tokio::time::sleep(Duration::from_secs(1).min(patience - waited)).await;
    }
}

/// The command that removes the lock.
fn unlock(session: &Session) -> String {
    let name = session.state.stack();
    match &session.place {
        Place::Folder(folder) if folder.as_os_str() == history::DEFAULT => format!("bullstra-up unlock {name}"),
        place @ Place::Folder(_) => format!("bullstra-up unlock {name} --state {place}"),
        place @ Place::Bucket { .. } => {
            format!("bullstra-up unlock {name} --state {place} --region {}", session.cx.region())
        }
    }
}

fn tell_of(before: &Holder) {
    let (word, text) = match before {
        Holder::Run(lease) => (Word::Note, format!("took over the lock of {}, which has ended", self::lease(lease))),
        Holder::Unreadable(why) => {
            (Word::Warning, format!("took over a damaged lock ({why}), which no run has renewed since"))
        }
    };
    terminal::say(render::message(word, &text));
}

/// Who holds the lock, in words.
pub(crate) fn holder(holder: &Holder) -> String {
    match holder {
        Holder::Run(lease) => self::lease(lease),
        Holder::Unreadable(why) => format!("an unknown run (the lock cannot be read: {why})"),
    }
}

/// `apply of me@here (process 12, since 2026-11-23T21:50:01Z, its lease until 2026-11-23T21:51:01Z)`.
fn lease(lease: &Lease) -> String {
    let Lease { owner, command, pid, started, expires, .. } = lease;
    format!("{command} of {owner} (process {pid}, since {started:.0}, its lease until {expires:.0})")
}
