//! What runs did, one line each.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use up_core::Address;

use crate::{FORMAT, Ids, StateError, failed};

/// How much of a journal's end is read to find the last run: some ten thousand lines.
const TAIL: u64 = 4 << 20;

/// The journal, open for one run.
#[derive(Debug)]
pub struct Journal {
    run: String,
    file: Mutex<File>,
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

/// A run that never came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOff {
    /// `user@host`.
    pub owner: String,
    /// `apply`, `destroy`.
    pub command: String,
    /// The account it worked on.
    pub account: String,
    /// The region it worked on.
    pub region: String,
    /// When it began.
    pub began: Timestamp,
    /// When it was last heard of.
    pub heard: Timestamp,
    /// What it had made, by kind.
    pub made: Ids,
    /// Calls whose answer was never heard: address and verb.
    pub unanswered: Vec<(Address, String)>,
}

impl CutOff {
    /// The kinds it was at work on.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let unanswered = self.unanswered.iter().map(|(address, _)| address.kind.as_str());
        self.made.keys().map(String::as_str).chain(unanswered)
    }
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    stack: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    run: String,
    what: Entry,
}

impl Journal {
    pub(crate) fn begin(path: &Path, stack: &str, begin: &Entry) -> Result<Self, StateError> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed("open", path))?;
        if let Some(format) = format(&mut file).map_err(failed("read", path))?.filter(|format| *format > FORMAT) {
            return Err(StateError::Newer { path: path.to_owned(), format });
        }
        prepare(&mut file, stack).map_err(failed("write", path))?;
        let run = format!("{:x}-{:x}", Timestamp::now().as_millisecond(), std::process::id());
        let journal = Self { run, file: Mutex::new(file) };
        let known =
            journal.flush(begin).and_then(|()| path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()));
        known.map_err(failed("write", path))?;
        Ok(journal)
    }

    /// Writes an entry and has it on the disk when it returns: for what must be known after a crash.
    ///
    /// # Errors
    /// When the disk is full or fails. What cannot be written down must then not be done.
    pub fn flush(&self, entry: &Entry) -> io::Result<()> {
        self.write(entry)?.sync_data()
    }

    /// Writes an entry, without waiting for the disk.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn note(&self, entry: &Entry) -> io::Result<()> {
        self.write(entry).map(drop)
    }

    /// One write for each line, so that lines never mix.
    fn write(&self, entry: &Entry) -> io::Result<MutexGuard<'_, File>> {
        let line = Line { at: Timestamp::now(), run: self.run.clone(), what: entry.clone() };
        let mut file = self.file.lock().expect("no panic while held");
        file.write_all(&json_line(&line)?)?;
        Ok(file)
    }
}

/// The version in the first line; `None` where that is missing or damaged. Later lines are then still good.
fn format(file: &mut File) -> io::Result<Option<u32>> {
    let mut start = vec![];
    file.seek(SeekFrom::Start(0))?;
    file.take(4096).read_to_end(&mut start)?;
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice::<Header>(first).ok().map(|header| header.format))
}

/// Heads a new file; ends the line that a crash, or a full disk, has cut off.
fn prepare(file: &mut File, stack: &str) -> io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return file.write_all(&json_line(&Header { format: FORMAT, stack: stack.to_owned() })?);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

fn json_line(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

/// What was made by runs since the last one that came to its end. Lines that cannot be read are passed over.
pub(crate) fn cut_off(path: &Path) -> Result<Option<CutOff>, StateError> {
    let Some(tail) = tail(path).map_err(failed("read", path))? else { return Ok(None) };
    let mut found: Option<CutOff> = None;
    for line in tail.split(|byte| *byte == b'\n') {
        let Ok(Line { at, what, .. }) = serde_json::from_slice(line) else { continue };
        found.iter_mut().for_each(|run| run.heard = at);
        match (what, &mut found) {
            (Entry::Begin { owner, command, account, region, .. }, found) => {
                let before = found.take().filter(|before| (&before.account, &before.region) == (&account, &region));
                let (made, unanswered) = before.map(|before| (before.made, before.unanswered)).unwrap_or_default();
                *found = Some(CutOff { owner, command, account, region, began: at, heard: at, made, unanswered });
            }
            (Entry::Calling { address, verb }, Some(found)) => found.unanswered.push((address, verb)),
            (Entry::Answered { address, verb, id, .. }, Some(found)) => {
                if let Some(id) = id {
                    found.made.entry(address.kind.clone()).or_default().insert(id);
                }
                found.unanswered.retain(|call| *call != (address.clone(), verb.clone()));
            }
            (Entry::End { .. }, found) => *found = None,
            _ => {}
        }
    }
    Ok(found)
}

fn tail(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = vec![];
    file.read_to_end(&mut tail)?;
    Ok(Some(tail))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    fn vpc() -> Address {
        Address::root("ec2.vpc", "main")
    }

    fn begin(region: &str) -> Entry {
        let (command, account) = ("apply".to_owned(), "123456789012".to_owned());
        Entry::Begin { owner: "me@here".into(), command, account, region: region.into(), steps: 1 }
    }

    fn calling() -> Entry {
        Entry::Calling { address: vpc(), verb: "create".into() }
    }

    fn answered(id: &str) -> Entry {
        Entry::Answered { address: vpc(), verb: "create".into(), id: Some(id.into()), error: None }
    }

    const END: Entry = Entry::End { done: 1, failed: 0, skipped: 0 };

    fn journal() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        (folder, path)
    }

    fn run(path: &Path, entries: &[Entry]) {
        let journal = Journal::begin(path, "prod", &begin("us-east-1")).unwrap();
        entries.iter().for_each(|entry| journal.flush(entry).unwrap());
    }

    #[test]
    fn knows_what_a_run_had_made_that_never_ended() {
        let (_folder, path) = journal();
        assert_eq!(cut_off(&path).unwrap(), None);
        run(&path, &[calling(), answered("vpc-1"), END]);
        assert_eq!(cut_off(&path).unwrap(), None);
        run(&path, &[calling(), answered("vpc-2")]);
        run(&path, &[calling()]);
        let found = cut_off(&path).unwrap().unwrap();
        assert_eq!(found.made["ec2.vpc"], ["vpc-2".to_owned()].into());
        assert_eq!(found.unanswered, [(vpc(), "create".to_owned())]);
        run(&path, &[END]);
        assert_eq!(cut_off(&path).unwrap(), None);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().next(), Some(r#"{"format":1,"stack":"prod"}"#));
    }

    #[test]
    fn ids_of_another_region_are_not_this_one_s() {
        let (_folder, path) = journal();
        run(&path, &[calling(), answered("vpc-1")]);
        drop(Journal::begin(&path, "prod", &begin("eu-west-1")).unwrap());
        assert_eq!(cut_off(&path).unwrap().unwrap().made, Ids::new());
    }

    #[test]
    fn a_torn_line_and_garbage_cost_nothing_else() {
        let (_folder, path) = journal();
        run(&path, &[calling(), answered("vpc-1")]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..whole.len() - 9], b""].concat()).unwrap();
        assert_eq!(cut_off(&path).unwrap().unwrap().unanswered.len(), 1);
        run(&path, &[answered("vpc-2")]);
        assert_eq!(cut_off(&path).unwrap().unwrap().made["ec2.vpc"], ["vpc-2".to_owned()].into());
        for garbage in [&b"\0\0\0\0"[..], b"\xff\xfe\n\n\n", b"null\n[]\n{}\n"] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(cut_off(&path).unwrap(), None);
            run(&path, &[answered("vpc-3")]);
            assert_eq!(cut_off(&path).unwrap().unwrap().made["ec2.vpc"], ["vpc-3".to_owned()].into());
        }
    }

    #[test]
    fn refuses_to_write_into_what_is_newer() {
        let (_folder, path) = journal();
        fs::write(&path, "{\"format\":2,\"stack\":\"prod\"}\n").unwrap();
        let error = Journal::begin(&path, "prod", &begin("us-east-1")).unwrap_err();
        assert!(error.to_string().contains("newer bullstra-up"), "{error}");
    }
}
