//! One run at a time: a lease in a file, renewed by a thread.
//!
//! An empty file, or none, is no lease. Whoever takes, renews or gives back writes on the condition that the file is
//! still the one that was read, so that of any number of writers one succeeds.

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
    StateError, Store, StoredFile, When,
    held::{Held, Lost, Now},
    lease::{LIFE, Lease, SKEW},
    sealed::{self, Opened},
};

/// The file.
pub(crate) const NAME: &str = "lock";
/// How often a taker looks again because others were first, before it gives up.
pub(crate) const TRIES: usize = 20;
/// When the heart beats again after a beat that came to nothing.
const SOON: Duration = Duration::from_secs(2);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    taken_from: Option<Holder>,
    /// Dropped to end the thread.
    end: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

/// Whose lock it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A run.
    Run(Box<Lease>),
    /// Nobody can tell: what is in the file is damaged, or of a later version. Says which.
    Unreadable(String),
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is at work.
    #[error("held by another run")]
    Held(Box<Lease>),
    /// The file is damaged, and was written so lately that a run may be at work.
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
    /// Takes it, where it is free. `fresh` is for how long a look at the file is good enough for [`Self::check`].
    pub(crate) fn take(store: Arc<dyn Store>, command: &str, fresh: Duration) -> Result<Self, LockError> {
        let lease = Lease::ours(command);
        let mut taken_from = None;
        for _ in 0..TRIES {
            // Before the answers: they may have been on their way for long.
            let (renewed, looked) = (Instant::now(), Timestamp::now());
            let kept = store.get(NAME)?;
            let version = match &kept {
                // The answer to our write was lost, and it was sent again.
                Some(kept) if is_of(kept, &lease) => Some(kept.version.clone()),
                _ => {
                    taken_from = kept.as_ref().map_or(Ok(None), |kept| free(&*store, kept))?;
                    let when = kept.map_or(When::Absent, |kept| When::Is(kept.version));
                    store.put(NAME, &page(&*store, &lease)?, &when)?
                }
            };
            if let Some(version) = version {
                let now = Now { lease, version, renewed, looked };
                return Ok(Self::beating(Held { store, fresh, now: Mutex::new(now) }, taken_from));
            }
        }
        Err(StateError::Contended(store.at(NAME)).into())
    }

    fn beating(held: Held, taken_from: Option<Holder>) -> Self {
        let held = Arc::new(held);
        let (end, ended) = mpsc::channel();
        let beating = held.clone();
        let heart = thread::spawn(move || {
            let mut pause = LIFE / 3;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = match beating.look(&mut beating.now(), LIFE) {
                    Ok(()) => LIFE / 3,
                    // It is told by the check before the next call.
                    Err(Lost::Taken(_)) => return,
                    Err(Lost::Unreached(_)) => SOON,
                };
            }
        });
        Self { held, taken_from, end: Some(end), heart: Some(heart) }
    }

    /// Whose it was before, where that run never gave it back.
    pub fn taken_from(&self) -> Option<&Holder> {
        self.taken_from.as_ref()
    }

    /// Makes sure that the lock is still ours. To be asked before every call that changes AWS.
    ///
    /// # Errors
    /// When another run has it now, it was taken away by `unlock`, or it could not be renewed and may soon be another's.
    pub fn check(&self) -> io::Result<()> {
        self.held.check()
    }
}

/// Gives the lease back.
impl Drop for Lock {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(heart) = self.heart.take() {
            // The thread has nothing to tell, and there is nobody to tell of a panic in it.
            let _ = heart.join();
        }
        self.held.give_back();
    }
}

/// Who holds the lock; nobody where the file is not there or empty.
pub(crate) fn holder_in(store: &dyn Store) -> Result<Option<Holder>, StateError> {
    Ok(store.get(NAME)?.and_then(|kept| holder(&kept)))
}

/// Takes the lock away from `seen`. False where somebody else has it by now.
pub(crate) fn break_open(store: &dyn Store, seen: &Holder) -> Result<bool, StateError> {
    for _ in 0..TRIES {
        let Some(kept) = store.get(NAME)? else { return Ok(true) };
        let is_the_same = match (holder(&kept), seen) {
            (None, _) => return Ok(true),
            (Some(Holder::Run(now)), Holder::Run(seen)) => now.is(seen),
            (Some(now), seen) => now == *seen,
        };
        if !is_the_same {
            return Ok(false);
        }
        if store.put(NAME, b"", &When::Is(kept.version))?.is_some() {
            return Ok(true);
        }
    }
    Err(StateError::Contended(store.at(NAME)))
}

/// Whose lock it was, where nobody is behind it any more.
fn free(store: &dyn Store, kept: &StoredFile) -> Result<Option<Holder>, LockError> {
    if kept.bytes.is_empty() {
        return Ok(None);
    }
    match sealed::open::<Lease>(&kept.bytes) {
        Opened::ResponseCheck(lease) if !lease.is_over() => Err(LockError::Held(Box::new(lease))),
        Opened::ResponseCheck(lease) => Ok(Some(Holder::Run(Box::new(lease)))),
        Opened::Newer(format) => Err(StateError::Newer { at: store.at(NAME), format }.into()),
        // A run at work would have written it since.
        Opened::Damaged(why) if Timestamp::now() - LIFE - SKEW >= kept.written => Ok(Some(Holder::Unreadable(why))),
        Opened::Damaged(why) => Err(LockError::Damaged { at: store.at(NAME), why, written: kept.written }),
    }
}

fn is_of(kept: &StoredFile, lease: &Lease) -> bool {
    matches!(sealed::open::<Lease>(&kept.bytes), Opened::ResponseCheck(found) if found.is(lease))
}

pub(crate) fn page(store: &dyn Store, lease: &Lease) -> Result<Vec<u8>, StateError> {
    sealed::page(lease).map_err(|error| StateError::json(store, NAME, error))
}

pub(crate) fn holder(kept: &StoredFile) -> Option<Holder> {
    if kept.bytes.is_empty() {
        return None;
    }
    Some(match sealed::open(&kept.bytes) {
        Opened::ResponseCheck(lease) => Holder::Run(Box::new(lease)),
        Opened::Newer(format) => Holder::Unreadable(format!("it is of format {format}")),
        Opened::Damaged(why) => Holder::Unreadable(why),
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::atomic::Ordering};

    use super::*;
    use crate::{folder::Folder, memory::Memory};

    fn stores() -> (tempfile::TempDir, [Arc<dyn Store>; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let stores: [Arc<dyn Store>; 2] =
            [Arc::new(Folder::new(folder.path().to_owned())), Arc::new(Memory::default())];
        (folder, stores)
    }

    fn take(store: &Arc<dyn Store>, command: &str) -> Result<Lock, LockError> {
        Lock::take(store.clone(), command, Duration::ZERO)
    }

    /// Overwrites, whoever holds it.
    fn write(store: &dyn Store, bytes: &[u8]) {
        let when = store.get(NAME).unwrap().map_or(When::Absent, |kept| When::Is(kept.version));
        store.put(NAME, bytes, &when).unwrap().unwrap();
    }

    fn lease(lock: &Lock) -> Lease {
        lock.held.now().lease.clone()
    }

    #[test]
    fn one_run_at_a_time() {
        let (_folder, stores) = stores();
        for store in &stores {
            let first = take(store, "apply").unwrap();
            let Err(LockError::Held(holder)) = take(store, "destroy") else { panic!("two hold it") };
            assert_eq!((holder.command.as_str(), holder.pid), ("apply", std::process::id()));
            drop(first);
            assert_eq!(store.get(NAME).unwrap().unwrap().bytes.as_slice(), b"");
            assert_eq!(holder_in(&**store).unwrap(), None);
            assert!(take(store, "destroy").unwrap().taken_from().is_none());
        }
    }

    #[test]
    fn one_of_many_gets_it() {
        let (_folder, stores) = stores();
        for store in &stores {
            write(&**store, &sealed::page(&Lease::ours("apply").over()).unwrap());
            let taker = |store: Arc<dyn Store>| thread::spawn(move || take(&store, "apply").ok());
            let takers: Vec<_> = (0..16).map(|_| taker(store.clone())).collect();
            let locks: Vec<_> = takers.into_iter().filter_map(|taker| taker.join().unwrap()).collect();
            assert_eq!(locks.len(), 1);
        }
    }

    #[test]
    fn a_lease_that_ran_out_is_taken_over_and_its_holder_told() {
        let (_folder, stores) = stores();
        for store in &stores {
            let first = take(store, "apply").unwrap();
            write(&**store, &sealed::page(&lease(&first).over()).unwrap());
            let second = take(store, "destroy").unwrap();
            assert!(matches!(second.taken_from(), Some(Holder::Run(lease)) if lease.command == "apply"));
            assert!(first.check().unwrap_err().to_string().contains("taken over by"));
            drop(first);
            second.check().unwrap();
        }
    }

    #[test]
    fn a_holder_that_was_late_keeps_what_nobody_took() {
        let (_folder, stores) = stores();
        for store in &stores {
            let lock = take(store, "apply").unwrap();
            write(&**store, &sealed::page(&lease(&lock).over()).unwrap());
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
    fn a_damaged_lock_may_be_somebody_s_until_it_would_have_been_renewed() {
        let memory = Arc::new(Memory::default());
        let store: Arc<dyn Store> = memory.clone();
        for torn in [&b"{\"format\": 1, \"own"[..], b"\0\0\0\0", b"\xff\xfe", b"[]", b"{\"format\": 1}"] {
            memory.plant(NAME, torn, Timestamp::now());
            assert!(matches!(take(&store, "apply"), Err(LockError::Damaged { .. })));
            memory.plant(NAME, torn, Timestamp::now() - LIFE - SKEW);
            assert!(matches!(take(&store, "apply").unwrap().taken_from(), Some(Holder::Unreadable(_))));
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
    fn a_lost_answer_is_not_taken_for_somebody_else() {
        let memory = Arc::new(Memory::default());
        let store: Arc<dyn Store> = memory.clone();
        memory.loses_answer.store(true, Ordering::SeqCst);
        let lock = take(&store, "apply").unwrap();
        assert!(lock.taken_from().is_none());
        write(&*store, &sealed::page(&lease(&lock).over()).unwrap());
        memory.loses_answer.store(true, Ordering::SeqCst);
        lock.check().unwrap();
        assert!(matches!(take(&store, "destroy"), Err(LockError::Held(_))));
    }

    #[test]
    fn a_holder_that_cannot_renew_stops_before_another_may_begin() {
        let memory = Arc::new(Memory::default());
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
        // The clock was set back: what has passed counts all the same.
        memory.is_gone.store(true, Ordering::SeqCst);
        lock.held.now().renewed -= LIFE;
        assert!(lock.check().is_err());
        memory.is_gone.store(false, Ordering::SeqCst);
    }

    #[test]
    fn a_look_is_good_for_a_while_where_it_costs() {
        let memory = Arc::new(Memory::default());
        let store: Arc<dyn Store> = memory.clone();
        let lock = Lock::take(store.clone(), "apply", Duration::from_secs(60)).unwrap();
        break_open(&*store, &holder_in(&*store).unwrap().unwrap()).unwrap();
        lock.check().unwrap();
        lock.held.now().looked -= Duration::from_secs(61);
        assert!(lock.check().is_err());
    }

    #[test]
    fn a_lock_in_a_folder_that_cannot_be_written_is_no_lock() {
        let (folder, [store, _]) = stores();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        assert!(matches!(take(&store, "apply"), Err(LockError::State(StateError::File { .. }))));
    }
}
