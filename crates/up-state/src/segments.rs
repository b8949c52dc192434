//! A run's journal in a store that cannot append: a few files, each rewritten with the added lines.
//!
//! Files are named `journal/<run>/<number>.jsonl`. The last file is rewritten until it has [`FULL`] bytes; then the
//! next one begins. All callers that wait for their lines share one write: while it runs, lines gather for the next
//! one.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use crate::{StateError, Store, Version, WriteIf, history::JournalSummary};

/// The prefix of all names.
const UNDER: &str = "journal/";
/// A file of this size, in bytes, is not added to.
const FULL: usize = 64 << 10;
/// How many runs are kept.
const RUNS: usize = 20;

/// The journal of one run, being written.
#[derive(Debug)]
pub(crate) struct Segments {
    store: Arc<dyn Store>,
    run: String,
    header: Vec<u8>,
    queue: Mutex<PendingLines>,
    written: Condvar,
}

#[derive(Debug)]
struct PendingLines {
    /// The text of the last file, and its number.
    text: Vec<u8>,
    number: usize,
    version: Option<Version>,
    /// The number of lines added, and the number of lines written.
    taken: u64,
    kept: u64,
    /// The last line whose write failed, and the error.
    failed: u64,
    why: String,
    is_writing: bool,
}

impl Segments {
    pub(crate) fn new(store: Arc<dyn Store>, run: &str, header: Vec<u8>) -> Self {
        let queue = PendingLines {
            text: header.clone(),
            number: 0,
            version: None,
            taken: 0,
            kept: 0,
            failed: 0,
            why: String::new(),
            is_writing: false,
        };
        Self { store, run: run.to_owned(), header, queue: Mutex::new(queue), written: Condvar::new() }
    }

    /// Adds a line: it is written together with the next line that is waited for.
    pub(crate) fn note(&self, line: &[u8]) {
        self.queue().take(line);
    }

    /// Adds a line and returns once it is written.
    pub(crate) fn flush(&self, line: &[u8]) -> io::Result<()> {
        let mut queue = self.queue();
        let mine = queue.take(line);
        loop {
            if queue.kept >= mine {
                return Ok(());
            }
            if queue.failed >= mine {
                return Err(io::Error::other(queue.why.clone()));
            }
            queue = if queue.is_writing {
                self.written.wait(queue).expect("no panic while held")
            } else {
                self.write(queue)
            };
        }
    }

    fn queue(&self) -> MutexGuard<'_, PendingLines> {
        self.queue.lock().expect("no panic while held")
    }

    /// Writes all lines added so far. Other callers may add lines meanwhile.
    fn write<'s>(&'s self, mut queue: MutexGuard<'s, PendingLines>) -> MutexGuard<'s, PendingLines> {
        queue.is_writing = true;
        let (text, upto, number, version) = (queue.text.clone(), queue.taken, queue.number, queue.version.clone());
        drop(queue);
        let written = self.put(number, &text, version);
        let mut queue = self.queue();
        queue.is_writing = false;
        match written {
            Ok(_) if text.len() >= FULL => {
                let added = queue.text.split_off(text.len());
                queue.text = [&self.header[..], &added].concat();
                (queue.number, queue.version, queue.kept) = (number + 1, None, upto);
            }
            Ok(version) => (queue.version, queue.kept) = (Some(version), upto),
            // The lines stay in the queue, and are written with the next write.
            Err(error) => (queue.failed, queue.why) = (upto, error.to_string()),
        }
        self.written.notify_all();
        queue
    }

    /// Each write has the version of the one before as its condition, so that a late one cannot undo another.
    fn put(&self, number: usize, text: &[u8], mut version: Option<Version>) -> Result<Version, StateError> {
        let name = format!("{UNDER}{}/{number:06}.jsonl", self.run);
        for _ in 0..3 {
            let when = version.take().map_or(WriteIf::Absent, WriteIf::Is);
            if let Some(version) = self.store.put(&name, text, &when)? {
                return Ok(version);
            }
            // It was our own write, whose answer was lost: this one, or an earlier one.
            match self.store.get(&name)? {
                Some(kept) if *kept.bytes == text => return Ok(kept.version),
                kept => version = kept.map(|kept| kept.version),
            }
        }
        Err(StateError::Contended(self.store.at(&name)))
    }
}

impl PendingLines {
    fn take(&mut self, line: &[u8]) -> u64 {
        self.text.extend(line);
        self.taken += 1;
        self.taken
    }
}

/// Reads the runs since the last one that ended.
pub(crate) fn read(store: &dyn Store) -> Result<JournalSummary, StateError> {
    let runs = runs(store)?;
    let mut texts: Vec<(&str, Arc<Vec<u8>>)> = vec![];
    for files in runs.iter().rev() {
        // A run's last line is in its last file: if the run has ended, its other files need not be read.
        let (last, others) = files.split_last().expect("a run has a file");
        let text = text(store, last)?;
        let mut history = JournalSummary::default();
        history.read(&text).map_err(|format| StateError::Newer { at: store.at(last), format })?;
        texts.push((last, text));
        if history.ended {
            break;
        }
        for name in others.iter().rev() {
            texts.push((name, self::text(store, name)?));
        }
    }
    let mut history = JournalSummary::default();
    for (name, text) in texts.iter().rev() {
        history.read(text).map_err(|format| StateError::Newer { at: store.at(name), format })?;
    }
    Ok(history)
}

/// Deletes the journals of all runs except the last [`RUNS`].
pub(crate) fn prune(store: &dyn Store) -> Result<(), StateError> {
    let runs = runs(store)?;
    let old: Vec<String> = runs.iter().rev().skip(RUNS).flatten().cloned().collect();
    if old.is_empty() { Ok(()) } else { store.delete(&old) }
}

/// The files of each run, in order.
pub(crate) fn runs(store: &dyn Store) -> Result<Vec<Vec<String>>, StateError> {
    let names = store.list(UNDER)?;
    let run = |name: &str| name.rsplit_once('/').map(|(run, _)| run.to_owned());
    let runs = names.chunk_by(|one, other| run(one) == run(other));
    Ok(runs.map(<[String]>::to_vec).collect())
}

pub(crate) fn text(store: &dyn Store, name: &str) -> Result<Arc<Vec<u8>>, StateError> {
    Ok(store.get(name)?.map(|kept| kept.bytes).unwrap_or_default())
}
