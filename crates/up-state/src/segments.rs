//! A run's journal in a store that cannot append: a few files, each written again with what was added.
//!
//! `journal/<run>/<number>.jsonl`. The last file is written again until it has [`FULL`] bytes; then the next one begins.
//! All who wait for their line to be kept share one write: while it is under way, lines gather for the next.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use crate::{StateError, Store, Version, When, history::History};

/// What all names begin with.
const UNDER: &str = "journal/";
/// A file of this many bytes is not added to.
const FULL: usize = 64 << 10;
/// How many runs are kept.
const RUNS: usize = 20;

/// The journal of one run, being written.
#[derive(Debug)]
pub(crate) struct Segments {
    store: Arc<dyn Store>,
    run: String,
    header: Vec<u8>,
    queue: Mutex<Queue>,
    written: Condvar,
}

#[derive(Debug)]
struct Queue {
    /// What the last file is to hold, and its number.
    text: Vec<u8>,
    number: usize,
    version: Option<Version>,
    /// Lines that were taken on, and how many of them are kept.
    taken: u64,
    kept: u64,
    /// Up to this line, keeping them failed; and why.
    failed: u64,
    why: String,
    is_writing: bool,
}

impl Segments {
    pub(crate) fn new(store: Arc<dyn Store>, run: &str, header: Vec<u8>) -> Self {
        let queue = Queue {
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

    /// Takes a line on: it is kept with the next that is waited for.
    pub(crate) fn note(&self, line: &[u8]) {
        self.queue().take(line);
    }

    /// Has a line kept when it returns.
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

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().expect("no panic while held")
    }

    /// Keeps all that was taken on so far. Others may take lines on meanwhile.
    fn write<'s>(&'s self, mut queue: MutexGuard<'s, Queue>) -> MutexGuard<'s, Queue> {
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
            // The lines stay, and are kept with the next that can be.
            Err(error) => (queue.failed, queue.why) = (upto, error.to_string()),
        }
        self.written.notify_all();
        queue
    }

    /// Each write is made of the one before, so that one which arrives late cannot undo another.
    fn put(&self, number: usize, text: &[u8], mut version: Option<Version>) -> Result<Version, StateError> {
        let name = format!("{UNDER}{}/{number:06}.jsonl", self.run);
        for _ in 0..3 {
            let when = version.take().map_or(When::Absent, When::Is);
            if let Some(version) = self.store.put(&name, text, &when)? {
                return Ok(version);
            }
            // Our own earlier write, whose answer was lost: this one, or one before it.
            match self.store.get(&name)? {
                Some(kept) if *kept.bytes == text => return Ok(kept.version),
                kept => version = kept.map(|kept| kept.version),
            }
        }
        Err(StateError::Contended(self.store.at(&name)))
    }
}

impl Queue {
    fn take(&mut self, line: &[u8]) -> u64 {
        self.text.extend(line);
        self.taken += 1;
        self.taken
    }
}

/// Reads the runs since the last one that came to its end.
pub(crate) fn read(store: &dyn Store) -> Result<History, StateError> {
    let runs = runs(store)?;
    let mut texts: Vec<(&str, Arc<Vec<u8>>)> = vec![];
    for files in runs.iter().rev() {
        // A run's last line is in its last file: where it has ended, the others need not be read.
        let (last, others) = files.split_last().expect("a run has a file");
        let text = text(store, last)?;
        let mut history = History::default();
        history.read(&text).map_err(|format| StateError::Newer { at: store.at(last), format })?;
        texts.push((last, text));
        if history.ended {
            break;
        }
        for name in others.iter().rev() {
            texts.push((name, self::text(store, name)?));
        }
    }
    let mut history = History::default();
    for (name, text) in texts.iter().rev() {
        history.read(text).map_err(|format| StateError::Newer { at: store.at(name), format })?;
    }
    Ok(history)
}

/// Deletes the journals of all runs but the last [`RUNS`].
pub(crate) fn prune(store: &dyn Store) -> Result<(), StateError> {
    let runs = runs(store)?;
    let old: Vec<String> = runs.iter().rev().skip(RUNS).flatten().cloned().collect();
    if old.is_empty() { Ok(()) } else { store.delete(&old) }
}

/// The files of each run, in order.
fn runs(store: &dyn Store) -> Result<Vec<Vec<String>>, StateError> {
    let names = store.list(UNDER)?;
    let run = |name: &str| name.rsplit_once('/').map(|(run, _)| run.to_owned());
    let runs = names.chunk_by(|one, other| run(one) == run(other));
    Ok(runs.map(<[String]>::to_vec).collect())
}

fn text(store: &dyn Store, name: &str) -> Result<Arc<Vec<u8>>, StateError> {
    Ok(store.get(name)?.map(|kept| kept.bytes).unwrap_or_default())
}
