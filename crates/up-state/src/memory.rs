//! A store in memory for tests, which fails on request.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;

use crate::{StateError, Store, StoredFile, Version, WriteIf};

#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    pub(crate) files: Mutex<BTreeMap<String, StoredFile>>,
    /// No call is answered.
    pub(crate) is_gone: AtomicBool,
    /// The next write is done, but its answer is lost and the write is sent again.
    pub(crate) loses_answer: AtomicBool,
    /// How long a write takes, in milliseconds.
    pub(crate) slowness: AtomicU64,
    pub(crate) writes: AtomicU64,
}

impl MemoryStore {
    /// Writes a file as another process would, at any time.
    pub(crate) fn plant(&self, name: &str, bytes: &[u8], written: Timestamp) {
        let version = Version(self.writes.fetch_add(1, Ordering::SeqCst).to_string().into_bytes().into());
        let kept = StoredFile { bytes: bytes.to_vec().into(), version, written };
        self.files.lock().unwrap().insert(name.to_owned(), kept);
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        self.files.lock().unwrap()[name].bytes.to_vec()
    }

    fn reached(&self, verb: &'static str, name: &str) -> Result<(), StateError> {
        if !self.is_gone.load(Ordering::SeqCst) {
            return Ok(());
        }
        let error = Box::new(up_core::Error::refused("Unreachable", "nobody answers"));
        Err(StateError::Store { verb, at: self.at(name), error, hint: None })
    }
}

impl Store for MemoryStore {
    fn get(&self, name: &str) -> Result<Option<StoredFile>, StateError> {
        self.reached("read", name)?;
        Ok(self.files.lock().unwrap().get(name).cloned())
    }

    fn put(&self, name: &str, bytes: &[u8], when: &WriteIf) -> Result<Option<Version>, StateError> {
        self.reached("write", name)?;
        std::thread::sleep(Duration::from_millis(self.slowness.load(Ordering::SeqCst)));
        let mut files = self.files.lock().unwrap();
        let before = files.get(name).map(|kept| &kept.version);
        let holds = match when {
            WriteIf::Always => true,
            WriteIf::Absent => before.is_none(),
            WriteIf::Is(version) => before == Some(version),
        };
        if !holds {
            return Ok(None);
        }
        let version = Version(self.writes.fetch_add(1, Ordering::SeqCst).to_string().into_bytes().into());
        let kept = StoredFile { bytes: bytes.to_vec().into(), version: version.clone(), written: Timestamp::now() };
        files.insert(name.to_owned(), kept);
        let is_lost = self.loses_answer.swap(false, Ordering::SeqCst);
        Ok((!is_lost).then_some(version))
    }

    fn delete(&self, names: &[String]) -> Result<(), StateError> {
        self.reached("delete", &names[0])?;
        self.files.lock().unwrap().retain(|name, _| !names.contains(name));
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        self.reached("list", prefix)?;
        Ok(self.files.lock().unwrap().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }

    fn at(&self, name: &str) -> String {
        format!("memory/{name}")
    }
}
