//! All runs in the journal: who did what, when, and with which result.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use jiff::Timestamp;
use serde::Serialize;
use up_core::Address;

use crate::{
    StateError, Store,
    checksummed::{self, Checksummed},
    folder::failed,
    journal::{Entry, Header, JournalLine},
    segments,
};

/// The runs of a stack.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RunHistory {
    /// The newest first.
    pub runs: Vec<PastRun>,
    /// True if older runs were left out.
    pub has_more: bool,
    /// The number of lines that could not be read.
    pub damaged: usize,
}

/// A run that changed AWS, or was about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastRun {
    /// Its id.
    pub run: String,
    /// How it was begun; `None` if that line of the journal is damaged.
    pub begin: Option<RunBegin>,
    /// The time of its first entry.
    pub began: Timestamp,
    /// The time of its last entry.
    pub heard: Timestamp,
    /// How it ended.
    pub result: RunResult,
    /// The number of steps done, failed and not begun; `None` if it did not end.
    pub steps: Option<RunSteps>,
    /// The resources that calls without an error have changed, by verb: `create`, `update`, `tag`, `delete`. A resource that
    /// the run created is in no other list but `delete`.
    pub changed: BTreeMap<String, BTreeSet<Address>>,
    /// Resources that failed, and why.
    pub errors: Vec<(Address, String)>,
    /// Calls without an answer: address and verb.
    pub unanswered: Vec<(Address, String)>,
}

/// How a run was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunBegin {
    /// `user@host`.
    pub owner: String,
    /// `apply`, `destroy`.
    pub command: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The number of steps in the plan.
    pub steps: usize,
}

/// Numbers of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RunSteps {
    /// Done.
    pub done: usize,
    /// Failed.
    pub failed: usize,
    /// Not begun.
    pub skipped: usize,
}

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// All steps are done.
    Done,
    /// A step failed.
    Failed,
    /// It was interrupted or killed before its last step.
    Interrupted,
    /// It holds the stack's lock.
    Running,
}

/// The prefix of the notes about failed steps.
const FAILED: &str = "failed: ";

/// Reads the last `limit` runs of a folder's journal, line by line: it may be large.
pub(crate) fn in_folder(path: &Path, at: &str, limit: usize) -> Result<RunHistory, StateError> {
    let mut reader = RunReader::new(limit);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RunHistory::default()),
        file => file.map_err(failed("read", path))?,
    };
    let (mut file, mut line) = (BufReader::new(file), vec![]);
    while file.read_until(b'\n', &mut line).map_err(failed("read", path))? > 0 {
        reader.line(&line).map_err(|format| StateError::Newer { at: at.to_owned(), format })?;
        line.clear();
    }
    Ok(reader.end())
}

/// Reads the last `limit` runs of a journal in a store.
pub(crate) fn in_store(store: &dyn Store, limit: usize) -> Result<RunHistory, StateError> {
    let (mut reader, all) = (RunReader::new(limit), segments::runs(store)?);
    for name in all.iter().skip(all.len().saturating_sub(limit)).flatten() {
        for line in segments::text(store, name)?.split(|byte| *byte == b'\n') {
            reader.line(line).map_err(|format| StateError::Newer { at: store.at(name), format })?;
        }
    }
    let history = reader.end();
    Ok(RunHistory { has_more: history.has_more || all.len() > limit, ..history })
}

struct RunReader {
    limit: usize,
    runs: VecDeque<PastRun>,
    has_more: bool,
    damaged: usize,
}

impl RunReader {
    fn new(limit: usize) -> Self {
        Self { limit, runs: VecDeque::new(), has_more: false, damaged: 0 }
    }

    /// Reads a line. Fails with the format of a newer version.
    fn line(&mut self, line: &[u8]) -> Result<(), u32> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        match checksummed::open::<JournalLine>(line) {
            Checksummed::Intact(line) => self.take(line),
            Checksummed::Newer(format) => return Err(format),
            Checksummed::Damaged(_) if matches!(checksummed::open::<Header>(line), Checksummed::Intact(_)) => {}
            Checksummed::Damaged(_) => self.damaged += 1,
        }
        Ok(())
    }

    /// Runs follow each other, because each holds the lock.
    fn take(&mut self, JournalLine { at, run, what }: JournalLine) {
        if self.runs.back().is_none_or(|last| last.run != run) {
            self.runs.push_back(PastRun::new(run, at));
            if self.runs.len() > self.limit {
                self.runs.pop_front();
                self.has_more = true;
            }
        }
        if let Some(run) = self.runs.back_mut() {
            run.take(at, what);
        }
    }

    fn end(self) -> RunHistory {
        let Self { mut runs, has_more, damaged, .. } = self;
        runs.iter_mut().for_each(PastRun::count_once);
        RunHistory { runs: runs.into_iter().rev().collect(), has_more, damaged }
    }
}

impl PastRun {
    fn new(run: String, began: Timestamp) -> Self {
        Self {
            run,
            begin: None,
            began,
            heard: began,
            result: RunResult::Interrupted,
            steps: None,
            changed: BTreeMap::new(),
            errors: vec![],
            unanswered: vec![],
        }
    }

    fn take(&mut self, at: Timestamp, what: Entry) {
        self.heard = at;
        match what {
            Entry::Begin { owner, command, account, region, steps } => {
                self.begin = Some(RunBegin { owner, command, account, region, steps });
            }
            Entry::Calling { address, verb } => self.unanswered.push((address, verb)),
            Entry::Answered { address, verb, error, .. } => {
                self.unanswered.retain(|call| *call != (address.clone(), verb.clone()));
                if error.is_none() {
                    self.changed.entry(verb).or_default().insert(address);
                }
            }
            Entry::Note { address, text } => {
                self.errors.extend(text.strip_prefix(FAILED).map(|error| (address, error.to_owned())));
            }
            Entry::End { done, failed, skipped } => {
                self.steps = Some(RunSteps { done, failed, skipped });
                self.result = match (failed, skipped) {
                    (0, 0) => RunResult::Done,
                    (0, _) => RunResult::Interrupted,
                    _ => RunResult::Failed,
                };
            }
        }
    }

    /// A create may be followed by an update that sets the other fields, and an update by changed tags.
    fn count_once(&mut self) {
        let mut counted = self.changed.get("create").cloned().unwrap_or_default();
        for verb in ["update", "tag"] {
            let Some(changed) = self.changed.get_mut(verb) else { continue };
            changed.retain(|address| !counted.contains(address));
            counted.extend(changed.iter().cloned());
        }
        self.changed.retain(|_, changed| !changed.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::*;
    use crate::{State, memory::MemoryStore};

    fn address(name: &str) -> Address {
        Address::root("ec2.vpc", name)
    }

    fn begin(command: &str) -> Entry {
        let (account, region) = ("123456789012".to_owned(), "us-east-1".to_owned());
        Entry::Begin { owner: "me@here".into(), command: command.into(), account, region, steps: 2 }
    }

    fn call(state: &State, command: &str, answered: &[(&str, &str, Option<&str>)], end: Option<Entry>) {
        let journal = state.journal(&begin(command), 0).unwrap();
        for (name, verb, error) in answered {
            journal.flush(&Entry::Calling { address: address(name), verb: (*verb).into() }).unwrap();
            let error = error.map(str::to_owned);
            journal
                .flush(&Entry::Answered {
                    address: address(name),
                    verb: (*verb).into(),
                    id: None,
                    error: error.clone(),
                })
                .unwrap();
            if let Some(error) = error {
                journal.note(&Entry::Note { address: address(name), text: format!("failed: {error}") }).unwrap();
            }
        }
        match end {
            Some(end) => journal.flush(&end).unwrap(),
            None => journal.flush(&Entry::Calling { address: address("last"), verb: "create".into() }).unwrap(),
        }
    }

    fn end(done: usize, failed: usize, skipped: usize) -> Option<Entry> {
        Some(Entry::End { done, failed, skipped })
    }

    fn both(test: impl Fn(&State)) {
        let dir = tempfile::tempdir().unwrap();
        test(&State::in_folder(dir.path(), "prod").unwrap());
        test(&State::in_store(Arc::new(MemoryStore::default()), "prod").unwrap());
    }

    #[test]
    fn runs_are_told_the_newest_first_with_their_results() {
        both(|state| {
            assert_eq!(state.runs(9).unwrap(), RunHistory::default());
            call(state, "apply", &[("a", "create", None), ("a", "update", None), ("b", "tag", None)], end(2, 0, 0));
            call(state, "apply", &[("c", "create", Some("no room"))], end(0, 1, 1));
            call(state, "apply", &[("d", "create", None)], end(1, 0, 1));
            call(state, "destroy", &[("a", "delete", None)], None);
            let RunHistory { runs, has_more, damaged } = state.runs(9).unwrap();
            assert_eq!((has_more, damaged), (false, 0));
            let results: Vec<_> = runs.iter().map(|run| run.result).collect();
            let expected = [RunResult::Interrupted, RunResult::Interrupted, RunResult::Failed, RunResult::Done];
            assert_eq!(results, expected);
            assert_eq!(runs[0].unanswered, [(address("last"), "create".to_owned())]);
            assert_eq!(runs[0].begin.as_ref().unwrap().command, "destroy");
            assert_eq!(runs[2].errors, [(address("c"), "no room".to_owned())]);
            let one = |name: &str| [address(name)].into();
            assert_eq!(runs[3].changed, [("create".to_owned(), one("a")), ("tag".to_owned(), one("b"))].into());
            let RunHistory { runs, has_more, .. } = state.runs(1).unwrap();
            assert_eq!((runs.len(), has_more, runs[0].steps), (1, true, None));
        });
    }

    #[test]
    fn a_run_that_holds_the_lock_is_running() {
        both(|state| {
            let lock = state.lock("apply").unwrap();
            call(state, "apply", &[], None);
            assert_eq!(state.runs(9).unwrap().runs[0].result, RunResult::Running);
            drop(lock);
            assert_eq!(state.runs(9).unwrap().runs[0].result, RunResult::Interrupted);
        });
    }

    #[test]
    fn the_readable_part_of_a_damaged_journal_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::in_folder(dir.path(), "prod").unwrap();
        call(&state, "apply", &[("a", "create", None)], end(1, 0, 0));
        call(&state, "destroy", &[("a", "delete", None)], end(1, 0, 0));
        let path = dir.path().join("prod/journal.jsonl");
        let text = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.lines().collect();
        lines[1] = "\u{0}\u{0}";
        lines[6] = "{\"at\":";
        fs::write(&path, lines.join("\n")).unwrap();
        let RunHistory { runs, damaged, .. } = state.runs(9).unwrap();
        assert_eq!((runs.len(), damaged), (2, 2));
        assert_eq!((runs[1].begin.is_none(), runs[1].result), (true, RunResult::Done));
        assert_eq!(runs[0].begin.as_ref().unwrap().command, "destroy");
    }
}
