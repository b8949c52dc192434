//! The journal: what runs did, one line for each event.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use up_core::Address;

use crate::{
    FORMAT, StateError, Store, checksummed,
    folder::{Folder, ReservedSpace, allocate, failed},
    history::JournalSummary,
    segments::Segments,
};

/// The file's name in a folder.
pub(crate) const NAME: &str = "journal.jsonl";
/// How much of the journal's end is read to find the last run: about ten thousand lines.
const TAIL: u64 = 4 << 20;
/// The space in bytes reserved for the lines of a step, and for the other lines of a run.
const STEP: u64 = 4 << 10;
const RUN: u64 = 64 << 10;

/// The journal, open for one run.
#[derive(Debug)]
pub struct Journal {
    run: String,
    destination: Destination,
}

/// Where lines are written.
#[derive(Debug)]
enum Destination {
    /// Appended to the file in a folder.
    File {
        file: Mutex<File>,
        /// Disk space reserved for files written after the run.
        room: Mutex<Option<ReservedSpace>>,
    },
    /// Written to a store that cannot append.
    Segments(Segments),
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Entry {
    /// The run begins.
    Begin {
        /// Who runs it: `user@host`.
        owner: String,
        /// `apply`, `destroy`.
        command: String,
        /// The account.
        account: String,
        /// The region.
        region: String,
        /// The number of steps in the plan.
        steps: usize,
    },
    /// A call that changes AWS is about to be sent.
    Calling {
        /// The resource.
        address: Address,
        /// `create`, `update`, `tag` or `delete`.
        verb: String,
    },
    /// The call has been answered.
    Answered {
        /// The resource.
        address: Address,
        /// The call's verb.
        verb: String,
        /// The resource's id, after a create.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// AWS's error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Another event of a resource.
    Note {
        /// The resource.
        address: Address,
        /// Such as `started`, `waiting: pending` or `done`.
        text: String,
    },
    /// The run has ended, successfully or not.
    End {
        /// The number of steps done.
        done: usize,
        /// The number of failed steps.
        failed: usize,
        /// The number of steps not begun.
        skipped: usize,
    },
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    format: u32,
    stack: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct JournalLine {
    pub(crate) at: Timestamp,
    pub(crate) run: String,
    pub(crate) what: Entry,
}

impl Journal {
    /// Opens the journal in a folder and reserves disk space for the whole run, and `keeps` bytes for files written
    /// after it.
    pub(crate) fn in_folder(folder: &Folder, stack: &str, begin: &Entry, keeps: u64) -> Result<Self, StateError> {
        let path = folder.file(NAME);
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed("open", &path))?;
        if let Some(format) = format(&mut file).map_err(failed("read", &path))?.filter(|format| *format > FORMAT) {
            return Err(StateError::Newer { at: path.display().to_string(), format });
        }
        prepare(&mut file, stack).map_err(failed("write", &path))?;
        let steps = if let Entry::Begin { steps, .. } = begin { *steps as u64 } else { 0 };
        let wanted = RUN + STEP * steps;
        let is_given = allocate(&file, wanted).map_err(failed("reserve space for", &path))?;
        // If space cannot be reserved for the file itself, a separate reserved file at least proves that the space
        // exists.
        let room = folder.room(if is_given { keeps } else { keeps + wanted })?;
        let destination = Destination::File { file: Mutex::new(file), room: Mutex::new(Some(room)) };
        let journal = Self { run: run(), destination };
        let known =
            journal.flush(begin).and_then(|()| path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()));
        known.map_err(failed("write", &path))?;
        Ok(journal)
    }

    /// Opens a journal in a store, in files of its own.
    pub(crate) fn in_store(store: Arc<dyn Store>, stack: &str, begin: &Entry) -> Result<Self, StateError> {
        let at = store.at("journal");
        let failed = |error| StateError::Journal { at: at.clone(), error };
        let (run, header) = (run(), header(stack).map_err(failed)?);
        let journal = Self { destination: Destination::Segments(Segments::new(store, &run, header)), run };
        journal.flush(begin).map_err(failed)?;
        Ok(journal)
    }

    /// Writes an entry and returns once it is durable, on the disk or in the store: for entries that must survive a
    /// crash.
    ///
    /// # Errors
    /// The disk is full or fails, or the store does. The caller must then not do what it could not record.
    pub fn flush(&self, entry: &Entry) -> io::Result<()> {
        let line = self.line(entry)?;
        match &self.destination {
            Destination::File { file, .. } => append(file, &line)?.sync_data(),
            Destination::Segments(segments) => segments.flush(&line),
        }
    }

    /// Writes an entry without waiting for the disk; in a store it is written together with the next entry that is
    /// waited for.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn note(&self, entry: &Entry) -> io::Result<()> {
        let line = self.line(entry)?;
        match &self.destination {
            Destination::File { file, .. } => append(file, &line).map(drop),
            Destination::Segments(segments) => {
                segments.note(&line);
                Ok(())
            }
        }
    }

    /// Releases the disk space that was reserved for files written after the run.
    pub fn release_space(&self) {
        if let Destination::File { room, .. } = &self.destination {
            room.lock().expect("no panic while held").take();
        }
    }

    fn line(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        ended(checksummed::line(&JournalLine { at: Timestamp::now(), run: self.run.clone(), what: entry.clone() }))
    }
}

/// Releases the reserved space behind the end of the file.
impl Drop for Journal {
    fn drop(&mut self) {
        if let Destination::File { file, .. } = &self.destination
            && let Ok(file) = file.lock()
            && let Ok(known) = file.metadata()
        {
            // If this fails, some disk space stays reserved until the next run.
            let _ = file.set_len(known.len());
        }
    }
}

/// Run ids sort by time, and no two are the same: runs of one process that begin in the same millisecond are counted on.
fn run() -> String {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = Timestamp::now().as_millisecond();
    let next = |last: i64| now.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    format!("{:x}-{:x}", last.map_or(now, next), std::process::id())
}

fn header(stack: &str) -> io::Result<Vec<u8>> {
    ended(serde_json::to_vec(&Header { format: FORMAT, stack: stack.to_owned() }))
}

fn ended(line: serde_json::Result<Vec<u8>>) -> io::Result<Vec<u8>> {
    let mut line = line?;
    line.push(b'\n');
    Ok(line)
}

/// One write for each line, so that lines never mix.
fn append<'f>(file: &'f Mutex<File>, line: &[u8]) -> io::Result<MutexGuard<'f, File>> {
    let mut file = file.lock().expect("no panic while held");
    file.write_all(line)?;
    Ok(file)
}

/// The format in the first line; `None` if that is missing or damaged. Later lines may still be good.
fn format(file: &mut File) -> io::Result<Option<u32>> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let mut start = vec![];
    file.seek(SeekFrom::Start(0))?;
    file.take(4096).read_to_end(&mut start)?;
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice::<Versioned>(first).ok().map(|header| header.format))
}

/// Writes the header of a new file; ends a line that was cut off by a crash or a full disk.
fn prepare(file: &mut File, stack: &str) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return file.write_all(&header(stack)?);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Reads the end of a folder's journal. Lines that cannot be read are counted and skipped.
pub(crate) fn read(path: &Path) -> Result<JournalSummary, StateError> {
    let mut history = JournalSummary::default();
    let Some((format, tail)) = tail(path).map_err(failed("read", path))? else { return Ok(history) };
    let newer = |format| StateError::Newer { at: path.display().to_string(), format };
    if let Some(format) = format.filter(|format| *format > FORMAT) {
        return Err(newer(format));
    }
    history.read(&tail).map_err(newer)?;
    Ok(history)
}

/// The format of a journal, and its last lines.
fn tail(path: &Path) -> io::Result<Option<(Option<u32>, Vec<u8>)>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let format = format(&mut file)?;
    let start = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = vec![];
    file.read_to_end(&mut tail)?;
    if start > 0 {
        // The text begins in the middle of a line.
        let whole = tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |end| end + 1);
        tail.drain(..whole);
    }
    Ok(Some((format, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_begin_at_the_same_time_have_ids_of_their_own() {
        let ids: Vec<_> = (0..1000).map(|_| run()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
