//! What runs did, one line each.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use up_core::Address;

use crate::{
    FORMAT, StateError, Store,
    folder::{Folder, Room, allocate, failed},
    history::History,
    sealed,
    segments::Segments,
};

/// The file in a folder.
pub(crate) const NAME: &str = "journal.jsonl";
/// How much of a journal's end is read to find the last run: some ten thousand lines.
const TAIL: u64 = 4 << 20;
/// The bytes that the lines of a step come to, generously, and those of a run beside them.
const STEP: u64 = 4 << 10;
const RUN: u64 = 64 << 10;

/// The journal, open for one run.
#[derive(Debug)]
pub struct Journal {
    run: String,
    pen: Pen,
}

/// What lines are written with.
#[derive(Debug)]
enum Pen {
    /// Added to the one file of a folder.
    File {
        file: Mutex<File>,
        /// Room on the disk for what is to be written after the run.
        room: Mutex<Option<Room>>,
    },
    /// Kept in a store that cannot append.
    Segments(Segments),
}

/// Something that a run did, or heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Entry {
    /// The run begins.
    Begin {
        /// Who runs it: `user@host`.
        owner: String,
        /// `apply`, `destroy`.
        command: String,
        /// The account it works on.
        account: String,
        /// The region it works on.
        region: String,
        /// How many steps are to be done.
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
        /// What AWS calls the resource, after a create.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// What AWS refused with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// Anything else there is to know of a resource.
    Note {
        /// The resource.
        address: Address,
        /// Such as `started`, `waiting: pending` or `done`.
        text: String,
    },
    /// The run has come to its end, well or not.
    End {
        /// Steps that were done.
        done: usize,
        /// Steps that failed.
        failed: usize,
        /// Steps that were not begun.
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
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    run: String,
    pub(crate) what: Entry,
}

impl Journal {
    /// Begins in a folder's file, which has room on the disk for all that follows: `keeps` bytes after the run, too.
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
        let is_given = allocate(&file, wanted).map_err(failed("keep room for", &path))?;
        // Where the file cannot be given room, it is seen to be there, at least.
        let room = folder.room(if is_given { keeps } else { keeps + wanted })?;
        let pen = Pen::File { file: Mutex::new(file), room: Mutex::new(Some(room)) };
        let journal = Self { run: run(), pen };
        let known =
            journal.flush(begin).and_then(|()| path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()));
        known.map_err(failed("write", &path))?;
        Ok(journal)
    }

    /// Begins in a store, in files of its own.
    pub(crate) fn in_store(store: Arc<dyn Store>, stack: &str, begin: &Entry) -> Result<Self, StateError> {
        let at = store.at("journal");
        let failed = |error| StateError::Journal { at: at.clone(), error };
        let (run, header) = (run(), header(stack).map_err(failed)?);
        let journal = Self { pen: Pen::Segments(Segments::new(store, &run, header)), run };
        journal.flush(begin).map_err(failed)?;
        Ok(journal)
    }

    /// Writes an entry and has it kept when it returns, on the disk or in the store: for what must be known after a crash.
    ///
    /// # Errors
    /// When the disk is full or fails, or the store does. What cannot be written down must then not be done.
    pub fn flush(&self, entry: &Entry) -> io::Result<()> {
        let line = self.line(entry)?;
        match &self.pen {
            Pen::File { file, .. } => append(file, &line)?.sync_data(),
            Pen::Segments(segments) => segments.flush(&line),
        }
    }

    /// Writes an entry, without waiting for the disk; in a store it is kept with the next that is waited for.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn note(&self, entry: &Entry) -> io::Result<()> {
        let line = self.line(entry)?;
        match &self.pen {
            Pen::File { file, .. } => append(file, &line).map(drop),
            Pen::Segments(segments) => {
                segments.note(&line);
                Ok(())
            }
        }
    }

    /// Gives back the room on the disk that was kept for what is written after the run.
    pub fn give_room(&self) {
        if let Pen::File { room, .. } = &self.pen {
            room.lock().expect("no panic while held").take();
        }
    }

    fn line(&self, entry: &Entry) -> io::Result<Vec<u8>> {
        ended(sealed::line(&Line { at: Timestamp::now(), run: self.run.clone(), what: entry.clone() }))
    }
}

/// The room behind the end that was not needed goes back to the disk.
impl Drop for Journal {
    fn drop(&mut self) {
        if let Pen::File { file, .. } = &self.pen
            && let Ok(file) = file.lock()
            && let Ok(known) = file.metadata()
        {
            // It costs a little of the disk where this fails, until the next run.
            let _ = file.set_len(known.len());
        }
    }
}

/// Later runs sort after earlier ones.
fn run() -> String {
    format!("{:x}-{:x}", Timestamp::now().as_millisecond(), std::process::id())
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

/// The version in the first line; `None` where that is missing or damaged. Later lines are then still good.
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

/// Heads a new file; ends the line that a crash, or a full disk, has cut off.
fn prepare(file: &mut File, stack: &str) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return file.write_all(&header(stack)?);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Reads the end of a folder's journal. Lines that cannot be read are passed over, and counted.
pub(crate) fn read(path: &Path) -> Result<History, StateError> {
    let mut history = History::default();
    let Some((format, tail)) = tail(path).map_err(failed("read", path))? else { return Ok(history) };
    let newer = |format| StateError::Newer { at: path.display().to_string(), format };
    if let Some(format) = format.filter(|format| *format > FORMAT) {
        return Err(newer(format));
    }
    history.read(&tail).map_err(newer)?;
    Ok(history)
}

/// The version of a journal, and its last lines.
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
        // It begins in the middle of a line.
        let whole = tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |end| end + 1);
        tail.drain(..whole);
    }
    Ok(Some((format, tail)))
}
