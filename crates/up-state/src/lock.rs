//! One run at a time: a lease in a file, renewed by a thread.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    FORMAT, StateError, failed,
    lease::{LIFE, Lease},
};

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    taken_from: Option<Lease>,
    /// Dropped to end the thread.
    end: Option<Sender<()>>,
    heart: Option<JoinHandle<()>>,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run is at work.
    #[error("held by another run")]
    Held(Box<Lease>),
    /// The file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

#[derive(Debug)]
struct Held {
    path: PathBuf,
    lease: Lease,
}

impl Lock {
    pub(crate) fn take(path: &Path, command: &str) -> Result<Self, LockError> {
        let lease = Lease::ours(command);
        let mut file = alone(path).map_err(failed("open", path))?;
        let before = match content(&mut file).map_err(failed("read", path))? {
            Content::Lease(lease) if !lease.is_over() => return Err(LockError::Held(lease)),
            Content::Lease(lease) => Some(*lease),
            Content::Newer(format) => return Err(StateError::Newer { path: path.to_owned(), format }.into()),
            Content::Nothing => None,
        };
        put(&mut file, Some(&lease)).map_err(failed("write", path))?;
        drop(file);
        let held = Arc::new(Held { path: path.to_owned(), lease });
        let (end, ended) = mpsc::channel();
        let beating = held.clone();
        let heart = thread::spawn(move || {
            // What fails here is tried again at the next beat, and told by the check before the next call.
            while ended.recv_timeout(LIFE / 3) == Err(RecvTimeoutError::Timeout) {
                let _ = beating.keep(LIFE);
            }
        });
        Ok(Self { held, taken_from: before, end: Some(end), heart: Some(heart) })
    }

    /// Whose lease it was before, where that run never gave it back.
    pub fn taken_from(&self) -> Option<&Lease> {
        self.taken_from.as_ref()
    }

    /// Makes sure that the lock is still ours. To be asked before every call that changes AWS.
    ///
    /// # Errors
    /// When another run has it now, it was taken away by `unlock`, or the file cannot be used.
    pub fn check(&self) -> io::Result<()> {
        self.held.keep(LIFE / 2)
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
        // Where the file cannot be written, the lease ends with this process.
        let _ = self.held.give_back();
    }
}

impl Held {
    /// Renews the lease where less than `least` is left of it.
    fn keep(&self, least: Duration) -> io::Result<()> {
        let (mut file, lease) = self.ours()?;
        if lease.expires < Timestamp::now() + least { put(&mut file, Some(&lease.renewed())) } else { Ok(()) }
    }

    fn give_back(&self) -> io::Result<()> {
        put(&mut self.ours()?.0, None)
    }

    /// The file, for us alone, as long as the lease in it is ours.
    fn ours(&self) -> io::Result<(File, Lease)> {
        let mut file = alone(&self.path)?;
        match content(&mut file)? {
            Content::Lease(lease) if lease.is(&self.lease) => Ok((file, *lease)),
            Content::Lease(other) => {
                let Lease { owner, command, pid, .. } = *other;
                Err(io::Error::other(format!("the lock was taken over by {owner} ({command}, process {pid})")))
            }
            _ => Err(io::Error::other("the lock was taken away by `bullstra-up unlock`")),
        }
    }
}

/// Empties the lock, and tells whose it was.
pub(crate) fn break_open(path: &Path) -> Result<Option<Lease>, StateError> {
    if !path.exists() {
        return Ok(None);
    }
    let mut file = alone(path).map_err(failed("open", path))?;
    let content = content(&mut file).map_err(failed("read", path))?;
    put(&mut file, None).map_err(failed("write", path))?;
    Ok(match content {
        Content::Lease(lease) => Some(*lease),
        Content::Nothing | Content::Newer(_) => None,
    })
}

/// Opens the file for us alone: others who look at the lease or change it wait until this is closed. The file is written
/// in place and never removed, so that all lock the same one.
fn alone(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

enum Content {
    Lease(Box<Lease>),
    /// A lease of a later version.
    Newer(u32),
    /// Empty, or torn: whoever wrote it died while writing.
    Nothing,
}

fn content(file: &mut File) -> io::Result<Content> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let mut bytes = vec![];
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    Ok(match (serde_json::from_slice::<Versioned>(&bytes), serde_json::from_slice(&bytes)) {
        (Ok(Versioned { format }), _) if format > FORMAT => Content::Newer(format),
        (Ok(_), Ok(lease)) => Content::Lease(Box::new(lease)),
        _ => Content::Nothing,
    })
}

/// Overwrites before it cuts, so that a full disk leaves the lease that was there.
fn put(file: &mut File, lease: Option<&Lease>) -> io::Result<()> {
    let mut bytes = lease.map(serde_json::to_vec_pretty).transpose()?.unwrap_or_default();
    bytes.extend(lease.map(|_| b'\n'));
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&bytes)?;
    file.set_len(bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        (folder, path)
    }

    fn write(path: &Path, lease: &Lease) {
        fs::write(path, serde_json::to_vec(lease).unwrap()).unwrap();
    }

    #[test]
    fn one_run_at_a_time() {
        let (_folder, path) = folder();
        let first = Lock::take(&path, "apply").unwrap();
        let Err(LockError::Held(holder)) = Lock::take(&path, "destroy") else { panic!("two hold it") };
        assert_eq!((holder.command.as_str(), holder.pid), ("apply", std::process::id()));
        drop(first);
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert!(Lock::take(&path, "destroy").unwrap().taken_from().is_none());
    }

    #[test]
    fn one_of_many_gets_it() {
        let (_folder, path) = folder();
        write(&path, &Lease::ours("apply").over());
        let takers: Vec<_> = (0..16)
            .map(|_| {
                let path = path.clone();
                thread::spawn(move || Lock::take(&path, "apply").ok())
            })
            .collect();
        let locks: Vec<_> = takers.into_iter().filter_map(|taker| taker.join().unwrap()).collect();
        assert_eq!(locks.len(), 1);
    }

    #[test]
    fn a_lease_that_ran_out_is_taken_over_and_its_holder_told() {
        let (_folder, path) = folder();
        let first = Lock::take(&path, "apply").unwrap();
        write(&path, &first.held.lease.over());
        let second = Lock::take(&path, "destroy").unwrap();
        assert_eq!(second.taken_from().unwrap().command, "apply");
        assert!(first.check().unwrap_err().to_string().contains("taken over by"));
        drop(first);
        second.check().unwrap();
    }

    #[test]
    fn a_holder_that_was_late_keeps_what_nobody_took() {
        let (_folder, path) = folder();
        let lock = Lock::take(&path, "apply").unwrap();
        write(&path, &lock.held.lease.over());
        lock.check().unwrap();
        assert!(matches!(Lock::take(&path, "destroy"), Err(LockError::Held(_))));
    }

    #[test]
    fn unlocking_stops_the_holder() {
        let (_folder, path) = folder();
        assert!(break_open(&path).unwrap().is_none());
        let lock = Lock::take(&path, "apply").unwrap();
        assert_eq!(break_open(&path).unwrap().unwrap().command, "apply");
        assert!(lock.check().unwrap_err().to_string().contains("unlock"));
    }

    #[test]
    fn a_torn_lease_is_none_and_a_newer_one_is_explained() {
        let (_folder, path) = folder();
        for torn in [&b"{\"format\": 1, \"own"[..], b"\0\0\0\0", b"\xff\xfe", b"[]", b"{\"format\": 1}"] {
            fs::write(&path, torn).unwrap();
            drop(Lock::take(&path, "apply").unwrap());
        }
        fs::write(&path, r#"{"format": 2, "holder": "?"}"#).unwrap();
        let Err(LockError::State(error)) = Lock::take(&path, "apply") else { panic!("took a newer lock") };
        assert!(error.to_string().contains("newer bullstra-up"), "{error}");
    }
}
