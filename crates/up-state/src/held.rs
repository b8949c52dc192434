//! Keeps a lock that this process holds: checks and renews it.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    StateError, Store, Version, WriteIf,
    lease::{LIFE, Lease, SKEW},
    lock::{LockHolder, NAME, TRIES, holder, page},
};

/// A lock that this process holds.
#[derive(Debug)]
pub(crate) struct HeldLock {
    pub(crate) store: Arc<dyn Store>,
    /// For how long the result of a check may be reused.
    pub(crate) fresh: Duration,
    pub(crate) now: Mutex<LeaseState>,
}

/// The lock file's content when it was last read or written.
#[derive(Debug)]
pub(crate) struct LeaseState {
    pub(crate) lease: Lease,
    pub(crate) version: Version,
    /// Taken before the last renewal was sent. A monotonic time, because the clock may be set back.
    pub(crate) renewed: Instant,
    pub(crate) looked: Timestamp,
}

/// Why a renewal failed.
pub(crate) enum RenewError {
    /// The lock is no longer ours.
    Taken(String),
    /// The file cannot be reached at the moment.
    Unreached(StateError),
}

impl HeldLock {
    pub(crate) fn now(&self) -> MutexGuard<'_, LeaseState> {
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
            // Nobody takes the lock over before the lease has expired.
            Err(RenewError::Unreached(_)) if now.left() > SKEW => Ok(()),
            Err(RenewError::Unreached(error)) => {
                Err(io::Error::other(format!("the lock could not be renewed: {error}")))
            }
            Err(RenewError::Taken(how)) => Err(io::Error::other(how)),
        }
    }

    /// Checks that the lease is ours, and renews it if less than `least` is left.
    pub(crate) fn look(&self, now: &mut LeaseState, least: Duration) -> Result<(), RenewError> {
        for _ in 0..TRIES {
            self.see(now)?;
            if now.left() >= least {
                return Ok(());
            }
            let (renewed, lease) = (Instant::now(), now.lease.renewed());
            let bytes = page(&*self.store, &lease)?;
            if let Some(version) = self.store.put(NAME, &bytes, &WriteIf::Is(now.version.clone()))? {
                *now = LeaseState { lease, version, renewed, looked: now.looked };
                return Ok(());
            }
        }
        Err(StateError::Contended(self.store.at(NAME)).into())
    }

    /// Empties the file if the lease in it is ours. If that fails, the lease ends with this process, or expires.
    pub(crate) fn give_back(&self) {
        let mut now = self.now();
        if self.see(&mut now).is_ok() {
            let _ = self.store.put(NAME, b"", &WriteIf::Is(now.version.clone()));
        }
    }

    /// Reads the file, which must hold our lease.
    fn see(&self, now: &mut LeaseState) -> Result<(), RenewError> {
        let looked = Timestamp::now();
        let kept = self.store.get(NAME)?;
        match kept.map(|kept| (holder(&kept), kept.version)) {
            Some((Some(LockHolder::Run(lease)), version)) if lease.is(&now.lease) => {
                (now.lease, now.version, now.looked) = (*lease, version, looked);
                Ok(())
            }
            Some((Some(LockHolder::Run(other)), _)) => {
                let Lease { owner, command, pid, .. } = *other;
                Err(RenewError::Taken(format!("the lock was taken over by {owner} ({command}, process {pid})")))
            }
            Some((Some(LockHolder::Unreadable(why)), _)) => {
                Err(RenewError::Taken(format!("the lock {} was overwritten: {why}", self.store.at(NAME))))
            }
            Some((None, _)) | None => Err(RenewError::Taken("the lock was removed by `bullstra-up unlock`".into())),
        }
    }
}

impl LeaseState {
    /// How long the lease still lasts, by the clock and by the elapsed time.
    fn left(&self) -> Duration {
        let left = self.lease.expires.duration_since(Timestamp::now());
        let left = if left.is_negative() { Duration::ZERO } else { left.unsigned_abs() };
        left.min(LIFE.saturating_sub(self.renewed.elapsed()))
    }
}

impl From<StateError> for RenewError {
    fn from(error: StateError) -> Self {
        Self::Unreached(error)
    }
}
