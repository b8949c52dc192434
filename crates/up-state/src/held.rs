//! Keeping a lock that is ours: looking at it, and renewing it in time.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    StateError, Store, Version, When,
    lease::{LIFE, Lease, SKEW},
    lock::{Holder, NAME, TRIES, holder, page},
};

/// What keeps the lock ours.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) store: Arc<dyn Store>,
    /// For how long a look at the file is good.
    pub(crate) fresh: Duration,
    pub(crate) now: Mutex<Now>,
}

/// What the file was when we last read or wrote it.
#[derive(Debug)]
pub(crate) struct Now {
    pub(crate) lease: Lease,
    pub(crate) version: Version,
    /// Before the last renewal was sent. Beside the clock's time, which may be set back.
    pub(crate) renewed: Instant,
    pub(crate) looked: Timestamp,
}

/// Why a beat came to nothing.
pub(crate) enum Lost {
    /// The lock is not ours any more.
    Taken(String),
    /// The file cannot be reached just now.
    Unreached(StateError),
}

impl Held {
    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().expect("no panic while held")
    }

    /// See [`crate::Lock::check`].
    pub(crate) fn check(&self) -> io::Result<()> {
        let mut now = self.now();
        let since = Timestamp::now().duration_since(now.looked);
        let is_fresh = !since.is_negative() && since.unsigned_abs() < self.fresh;
        if is_fresh && now.left() >= LIFE / 2 {
            return Ok(());
        }
        match self.look(&mut now, LIFE / 2) {
            Ok(()) => Ok(()),
            // Nobody takes it over before it has run out.
            Err(Lost::Unreached(_)) if now.left() > SKEW => Ok(()),
            Err(Lost::Unreached(error)) => Err(io::Error::other(format!("the lock could not be renewed: {error}"))),
            Err(Lost::Taken(how)) => Err(io::Error::other(how)),
        }
    }

    /// Makes sure that the lease is ours, and renews it where less than `least` is left of it.
    pub(crate) fn look(&self, now: &mut Now, least: Duration) -> Result<(), Lost> {
        for _ in 0..TRIES {
            self.see(now)?;
            if now.left() >= least {
                return Ok(());
            }
            let (renewed, lease) = (Instant::now(), now.lease.renewed());
            let bytes = page(&*self.store, &lease)?;
            if let Some(version) = self.store.put(NAME, &bytes, &When::Is(now.version.clone()))? {
                *now = Now { lease, version, renewed, looked: now.looked };
                return Ok(());
            }
        }
        Err(StateError::Contended(self.store.at(NAME)).into())
    }

    /// Empties the file, where the lease in it is ours. Where that cannot be written, it ends with this process, or runs
    /// out.
    pub(crate) fn give_back(&self) {
        let mut now = self.now();
        if self.see(&mut now).is_ok() {
            let _ = self.store.put(NAME, b"", &When::Is(now.version.clone()));
        }
    }

    /// Reads the file, in which our lease must be.
    fn see(&self, now: &mut Now) -> Result<(), Lost> {
        let looked = Timestamp::now();
        let kept = self.store.get(NAME)?;
        match kept.map(|kept| (holder(&kept), kept.version)) {
            Some((Some(Holder::Run(lease)), version)) if lease.is(&now.lease) => {
                (now.lease, now.version, now.looked) = (*lease, version, looked);
                Ok(())
            }
            Some((Some(Holder::Run(other)), _)) => {
                let Lease { owner, command, pid, .. } = *other;
                Err(Lost::Taken(format!("the lock was taken over by {owner} ({command}, process {pid})")))
            }
            Some((Some(Holder::Unreadable(why)), _)) => {
                Err(Lost::Taken(format!("the lock {} was overwritten: {why}", self.store.at(NAME))))
            }
            Some((None, _)) | None => Err(Lost::Taken("the lock was removed by `bullstra-up unlock`".into())),
        }
    }
}

impl Now {
    /// How long the lease lasts, by the clock and by what has passed.
    fn left(&self) -> Duration {
        let left = self.lease.expires.duration_since(Timestamp::now());
        let left = if left.is_negative() { Duration::ZERO } else { left.unsigned_abs() };
        left.min(LIFE.saturating_sub(self.renewed.elapsed()))
    }
}

impl From<StateError> for Lost {
    fn from(error: StateError) -> Self {
        Self::Unreached(error)
    }
}
