//! The lock of a stack: a lease in a file, renewed by a thread.
//!
//! An empty or missing file means that there is no lease. Each write has the condition that the file is still the one
//! that was read, so that only one of several writers succeeds.

use std::{
    io,
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    StateError, Store, StoredFile, WriteIf,
    checksummed::{self, Checksummed},
    held::{HeldLock, LeaseState, RenewError},
    lease::{LIFE, Lease, SKEW},
};

/// The file's name.
pub(crate) const NAME: &str = "lock";
/// How often taking the lock is tried again because other writers were first.
pub(crate) const TRIES: usize = 20;
/// The pause before a failed renewal is repeated.
const SOON: Duration = Duration::from_secs(2);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<HeldLock>,
    taken_from: Option<LockHolder>,
    /// Dropped to end the thread.
    end: Option<Sender<()>>,
    renewer: Option<JoinHandle<()>>,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockHolder {
    /// A run.
    Run(Box<Lease>),
    /// Unknown: the file is damaged or has a newer format. Holds the reason.
    Unreadable(String),
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is active.
    #[error("held by another run")]
    Held(Box<Lease>),
    /// The file is damaged, and was written so recently that a run may be active.
    #[error("{at} is damaged ({why}), and was written at {written:.0}: a run may be at work")]
    Damaged {
        /// The file.
        at: String,
        /// What is wrong with it.
        why: String,
        /// When it was written.
        written: Timestamp,
    },
    /// The file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Lock {
    /// Takes the lock if it is free. `fresh` is for how long [`Self::check`] may reuse the result of a check.
    pub(crate) fn take(store: Arc<dyn Store>, command: &str, fresh: Duration) -> Result<Self, LockError> {
        let lease = Lease::ours(command);
        let mut taken_from = None;
        for _ in 0..TRIES {
            // Taken before the calls, whose answers may take long.
            let (renewed, looked) = (Instant::now(), Timestamp::now());
            let kept = store.get(NAME)?;
            let version = match &kept {
                // The answer to our own write was lost, and the write was sent again.
                Some(kept) if is_of(kept, &lease) => Some(kept.version.clone()),
                _ => {
                    taken_from = kept.as_ref().map_or(Ok(None), |kept| free(&*store, kept))?;
                    let when = kept.map_or(WriteIf::Absent, |kept| WriteIf::Is(kept.version));
                    store.put(NAME, &page(&*store, &lease)?, &when)?
                }
            };
            if let Some(version) = version {
                let now = LeaseState { lease, version, renewed, looked };
                return Ok(Self::renewing(HeldLock { store, fresh, now: Mutex::new(now) }, taken_from));
            }
        }
        Err(StateError::Contended(store.at(NAME)).into())
    }

    fn renewing(held: HeldLock, taken_from: Option<LockHolder>) -> Self {
        let held = Arc::new(held);
        let (end, ended) = mpsc::channel();
        let renewing = held.clone();
        let renewer = thread::spawn(move || {
            let mut pause = LIFE / 3;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = match renewing.look(&mut renewing.now(), LIFE) {
                    Ok(()) => LIFE / 3,
                    // The check before the next call reports it.
                    Err(RenewError::Taken(_)) => return,
                    Err(RenewError::Unreached(_)) => SOON,
                };
            }
        });
        Self { held, taken_from, end: Some(end), renewer: Some(renewer) }
    }

    /// The earlier holder, if it did not release the lock.
    pub fn taken_from(&self) -> Option<&LockHolder> {
        self.taken_from.as_ref()
    }

    /// Checks that the lock is still ours. Must be called before every call that changes AWS.
    ///
    /// # Errors
    /// Another run has taken the lock, `unlock` has removed it, or it could not be renewed and may soon be taken over.
    pub fn check(&self) -> io::Result<()> {
        self.held.check()
    }
}

/// Releases the lease.
impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(renewer) = self.renewer.take() {
            // The thread returns nothing, and a panic in it cannot be reported from here.
            let _ = renewer.join();
        }
        self.held.give_back();
    }
}

/// The holder of the lock; `None` if the file is missing or empty.
pub(crate) fn holder_in(store: &dyn Store) -> Result<Option<LockHolder>, StateError> {
    Ok(store.get(NAME)?.and_then(|kept| holder(&kept)))
}

/// The holder of the lock, unless the lock may be taken over.
pub(crate) fn running_in(store: &dyn Store) -> Result<Option<LockHolder>, StateError> {
    let Some(kept) = store.get(NAME)? else { return Ok(None) };
    match free(store, &kept) {
        Ok(_) => Ok(None),
        Err(LockError::Held(lease)) => Ok(Some(LockHolder::Run(lease))),
        Err(LockError::Damaged { why, .. }) => Ok(Some(LockHolder::Unreadable(why))),
        Err(LockError::State(error)) => Err(error),
    }
}

/// Removes the lock of `seen`. False if somebody else holds it by now.
pub(crate) fn break_open(store: &dyn Store, seen: &LockHolder) -> Result<bool, StateError> {
    for _ in 0..TRIES {
        let Some(kept) = store.get(NAME)? else { return Ok(true) };
        let is_the_same = match (holder(&kept), seen) {
            (None, _) => return Ok(true),
            (Some(LockHolder::Run(now)), LockHolder::Run(seen)) => now.is(seen),
            (Some(now), seen) => now == *seen,
        };
        if !is_the_same {
            return Ok(false);
        }
        if store.put(NAME, b"", &WriteIf::Is(kept.version))?.is_some() {
            return Ok(true);
        }
    }
    Err(StateError::Contended(store.at(NAME)))
}

/// The earlier holder of a lock that may be taken over.
fn free(store: &dyn Store, kept: &StoredFile) -> Result<Option<LockHolder>, LockError> {
    if kept.bytes.is_empty() {
        return Ok(None);
    }
    match checksummed::open::<Lease>(&kept.bytes) {
        Checksummed::Intact(lease) if !lease.is_over() => Err(LockError::Held(Box::new(lease))),
        Checksummed::Intact(lease) => Ok(Some(LockHolder::Run(Box::new(lease)))),
        Checksummed::Newer(format) => Err(StateError::Newer { at: store.at(NAME), format }.into()),
        // An active run would have written the file since.
        Checksummed::Damaged(why) if Timestamp::now() - LIFE - SKEW >= kept.written => {
            Ok(Some(LockHolder::Unreadable(why)))
        }
        Checksummed::Damaged(why) => Err(LockError::Damaged { at: store.at(NAME), why, written: kept.written }),
    }
}

fn is_of(kept: &StoredFile, lease: &Lease) -> bool {
    matches!(checksummed::open::<Lease>(&kept.bytes), Checksummed::Intact(found) if found.is(lease))
}

pub(crate) fn page(store: &dyn Store, lease: &Lease) -> Result<Vec<u8>, StateError> {
    checksummed::page(lease).map_err(|error| StateError::json(store, NAME, error))
}

pub(crate) fn holder(kept: &StoredFile) -> Option<LockHolder> {
    if kept.bytes.is_empty() {
        return None;
    }
    Some(match checksummed::open(&kept.bytes) {
        Checksummed::Intact(lease) => LockHolder::Run(Box::new(lease)),
        Checksummed::Newer(format) => LockHolder::Unreadable(format!("it has format {format}")),
        Checksummed::Damaged(why) => LockHolder::Unreadable(why),
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::atomic::Ordering};

    use super::*;
    use crate::{folder::Folder, memory::MemoryStore};

    fn stores() -> (tempfile::TempDir, [Arc<dyn Store>; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let stores: [Arc<dyn Store>; 2] =
            [Arc::new(Folder::new(folder.path().to_owned())), Arc::new(MemoryStore::default())];
        (folder, stores)
    }

    fn take(store: &Arc<dyn Store>, command: &str) -> Result<Lock, LockError> {
        Lock::take(store.clone(), command, Duration::ZERO)
    }

    /// Overwrites the lock file without checking its holder.
    fn write(store: &dyn Store, bytes: &[u8]) {
        let when = store.get(NAME).unwrap().map_or(WriteIf::Absent, |kept| WriteIf::Is(kept.version));
        store.put(NAME, bytes, &when).unwrap().unwrap();
    }

    fn lease(lock: &Lock) -> Lease {
        lock.held.now().lease.clone()
    }

    #[test]
    fn only_one_run_holds_the_lock() {
        let (_folder, stores) = stores();
        for store in &stores {
            let first = take(store, "apply").unwrap();
            let Err(LockError::Held(holder)) = take(store, "destroy") else { panic!("both hold the lock") };
            assert_eq!((holder.command.as_str(), holder.pid), ("apply", std::process::id()));
            drop(first);
            assert_eq!(store.get(NAME).unwrap().unwrap().bytes.as_slice(), b"");
            assert_eq!(holder_in(&**store).unwrap(), None);
            assert!(take(store, "destroy").unwrap().taken_from().is_none());
        }
    }

    #[test]
    fn one_of_many_takers_gets_the_lock() {
        let (_folder, stores) = stores();
        for store in &stores {
            write(&**store, &checksummed::page(&Lease::ours("apply").over()).unwrap());
            let taker = |store: Arc<dyn Store>| thread::spawn(move || take(&store, "apply").ok());
            let takers: Vec<_> = (0..16).map(|_| taker(store.clone())).collect();
            let locks: Vec<_> = takers.into_iter().filter_map(|taker| taker.join().unwrap()).collect();
            assert_eq!(locks.len(), 1);
        }
    }

    #[test]
    fn an_expired_lease_is_taken_over_and_its_holder_stops() {
        let (_folder, stores) = stores();
        for store in &stores {
            let first = take(store, "apply").unwrap();
            write(&**store, &checksummed::page(&lease(&first).over()).unwrap());
            let second = take(store, "destroy").unwrap();
            assert!(matches!(second.taken_from(), Some(LockHolder::Run(lease)) if lease.command == "apply"));
            assert!(first.check().unwrap_err().to_string().contains("taken over by"));
            drop(first);
            second.check().unwrap();
        }
    }

    #[test]
    fn a_late_holder_keeps_a_lock_that_nobody_took() {
        let (_folder, stores) = stores();
        for store in &stores {
            let lock = take(store, "apply").unwrap();
            write(&**store, &checksummed::page(&lease(&lock).over()).unwrap());
            lock.check().unwrap();
            assert!(matches!(take(store, "destroy"), Err(LockError::Held(_))));
        }
    }

    #[test]
    fn unlocking_stops_the_holder() {
        let (_folder, stores) = stores();
        for store in &stores {
            let lock = take(store, "apply").unwrap();
            let holder = holder_in(&**store).unwrap().unwrap();
            assert!(break_open(&**store, &holder).unwrap());
            assert!(lock.check().unwrap_err().to_string().contains("unlock"));
            let next = take(store, "apply").unwrap();
            assert!(!break_open(&**store, &holder).unwrap());
            next.check().unwrap();
        }
    }

    #[test]
    fn a_damaged_lock_is_not_taken_over_before_it_would_have_been_renewed() {
        let memory = Arc::new(MemoryStore::default());
        let store: Arc<dyn Store> = memory.clone();
        for torn in [&b"{\"format\": 1, \"own"[..], b"\0\0\0\0", b"\xff\xfe", b"[]", b"{\"format\": 1}"] {
            memory.plant(NAME, torn, Timestamp::now());
            assert!(matches!(take(&store, "apply"), Err(LockError::Damaged { .. })));
            memory.plant(NAME, torn, Timestamp::now() - LIFE - SKEW);
            assert!(matches!(take(&store, "apply").unwrap().taken_from(), Some(LockHolder::Unreadable(_))));
        }
    }

    #[test]
    fn a_newer_lock_is_explained() {
        let (_folder, stores) = stores();
        for store in &stores {
            write(&**store, br#"{"format": 2, "holder": "?"}"#);
            let Err(LockError::State(error)) = take(store, "apply") else { panic!("took a newer lock") };
            assert!(error.to_string().contains("newer bullstra-up"), "{error}");
        }
    }

    #[test]
    fn a_lost_answer_is_not_mistaken_for_another_holder() {
        let memory = Arc::new(MemoryStore::default());
        let store: Arc<dyn Store> = memory.clone();
        memory.loses_answer.store(true, Ordering::SeqCst);
        let lock = take(&store, "apply").unwrap();
        assert!(lock.taken_from().is_none());
        write(&*store, &checksummed::page(&lease(&lock).over()).unwrap());
        memory.loses_answer.store(true, Ordering::SeqCst);
        lock.check().unwrap();
        assert!(matches!(take(&store, "destroy"), Err(LockError::Held(_))));
    }

    #[test]
    fn a_holder_that_cannot_renew_stops_before_another_may_begin() {
        let memory = Arc::new(MemoryStore::default());
        let store: Arc<dyn Store> = memory.clone();
        let lock = take(&store, "apply").unwrap();
        memory.is_gone.store(true, Ordering::SeqCst);
        lock.check().unwrap();
        lock.held.now().lease.expires = Timestamp::now() + SKEW + Duration::from_secs(1);
        lock.check().unwrap();
        lock.held.now().lease.expires = Timestamp::now() + SKEW - Duration::from_secs(1);
        assert!(lock.check().unwrap_err().to_string().contains("could not be renewed"));
        memory.is_gone.store(false, Ordering::SeqCst);
        lock.check().unwrap();
        // The clock was set back: elapsed time counts all the same.
        memory.is_gone.store(true, Ordering::SeqCst);
        lock.held.now().renewed -= LIFE;
        assert!(lock.check().is_err());
        memory.is_gone.store(false, Ordering::SeqCst);
    }

    #[test]
    fn a_check_in_a_store_is_reused_for_a_while() {
        let memory = Arc::new(MemoryStore::default());
        let store: Arc<dyn Store> = memory.clone();
        let lock = Lock::take(store.clone(), "apply", Duration::from_secs(60)).unwrap();
        break_open(&*store, &holder_in(&*store).unwrap().unwrap()).unwrap();
        lock.check().unwrap();
        lock.held.now().looked -= Duration::from_secs(61);
        assert!(lock.check().is_err());
    }

    #[test]
    fn a_lock_that_cannot_be_written_is_an_error() {
        let (folder, [store, _]) = stores();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        assert!(matches!(take(&store, "apply"), Err(LockError::State(StateError::File { .. }))));
    }
}
