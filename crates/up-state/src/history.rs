//! Reads journals: finds what interrupted runs have created.

use jiff::Timestamp;
use up_core::Address;

use crate::{
    Ids,
    checksummed::{self, Checksummed},
    journal::{Entry, Header, JournalLine},
};

/// A run that did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptedRun {
    /// `user@host`.
    pub owner: String,
    /// `apply`, `destroy`.
    pub command: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// When the run began.
    pub began: Timestamp,
    /// The time of its last entry.
    pub heard: Timestamp,
    /// Ids of the resources that it created, by kind.
    pub made: Ids,
    /// Calls without an answer: address and verb.
    pub unanswered: Vec<(Address, String)>,
}

impl InterruptedRun {
    /// The kinds of the resources that it worked on.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let unanswered = self.unanswered.iter().map(|(address, _)| address.kind.as_str());
        self.made.keys().map(String::as_str).chain(unanswered)
    }
}

/// The result of reading journal lines in order.
#[derive(Debug, Default)]
pub(crate) struct JournalSummary {
    /// What runs have done since the last one that ended.
    pub(crate) interrupted_run: Option<InterruptedRun>,
    /// The number of lines since then that could not be read.
    pub(crate) damaged: usize,
    /// True if a run ended.
    pub(crate) ended: bool,
}

impl JournalSummary {
    /// Reads more lines. Lines before the last end of a run are ignored. Fails with the format of a newer version.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<(), u32> {
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
        let last = lines.iter().rposition(|line| is_end(line)).unwrap_or(0);
        for line in &lines[last..] {
            match checksummed::open::<JournalLine>(line) {
                Checksummed::Intact(JournalLine { at, what, .. }) => self.take(at, what),
                Checksummed::Newer(format) => return Err(format),
                Checksummed::Damaged(_) if matches!(checksummed::open::<Header>(line), Checksummed::Intact(_)) => {}
                Checksummed::Damaged(_) => self.damaged += 1,
            }
        }
        Ok(())
    }

    fn take(&mut self, at: Timestamp, what: Entry) {
        self.interrupted_run.iter_mut().for_each(|run| run.heard = at);
        match (what, &mut self.interrupted_run) {
            (Entry::Begin { owner, command, account, region, .. }, found) => {
                let before = found.take().filter(|before| (&before.account, &before.region) == (&account, &region));
                let (made, unanswered) = before.map(|before| (before.made, before.unanswered)).unwrap_or_default();
                *found =
                    Some(InterruptedRun { owner, command, account, region, began: at, heard: at, made, unanswered });
            }
            (Entry::Calling { address, verb }, Some(found)) => found.unanswered.push((address, verb)),
            (Entry::Answered { address, verb, id, .. }, Some(found)) => {
                if let Some(id) = id {
                    found.made.entry(address.kind.clone()).or_default().insert(id);
                }
                found.unanswered.retain(|call| *call != (address.clone(), verb.clone()));
            }
            (Entry::End { .. }, _) => *self = Self { ended: true, ..Self::default() },
            _ => {}
        }
    }
}

fn is_end(line: &[u8]) -> bool {
    matches!(checksummed::open::<JournalLine>(line), Checksummed::Intact(JournalLine { what: Entry::End { .. }, .. }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::{fs, path::PathBuf, sync::Arc, thread, time::Duration};

    use super::*;
    use crate::{Past, State, Store, memory::MemoryStore};

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

    fn places() -> (tempfile::TempDir, PathBuf, Arc<MemoryStore>, [State; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prod/journal.jsonl");
        let memory = Arc::new(MemoryStore::default());
        let states =
            [State::in_folder(folder.path(), "prod").unwrap(), State::in_store(memory.clone(), "prod").unwrap()];
        (folder, path, memory, states)
    }

    fn run(state: &State, entries: &[Entry]) {
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        entries.iter().for_each(|entry| journal.flush(entry).unwrap());
        // Runs of one process differ in their milliseconds.
        thread::sleep(Duration::from_millis(2));
    }

    fn interrupted_run(state: &State) -> Option<InterruptedRun> {
        let Past { interrupted_run, warnings, .. } = state.past().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        interrupted_run
    }

    #[test]
    fn knows_what_an_interrupted_run_has_created() {
        let (_folder, path, memory, states) = places();
        for state in &states {
            assert_eq!(interrupted_run(state), None);
            run(state, &[calling(), answered("vpc-1"), END]);
            assert_eq!(interrupted_run(state), None);
            run(state, &[calling(), answered("vpc-2")]);
            run(state, &[calling()]);
            let found = interrupted_run(state).unwrap();
            assert_eq!(found.made["ec2.vpc"], ["vpc-2".to_owned()].into());
            assert_eq!(found.unanswered, [(vpc(), "create".to_owned())]);
            run(state, &[END]);
            assert_eq!(interrupted_run(state), None);
        }
        let segment = memory.list("journal/").unwrap()[0].clone();
        for text in [fs::read(&path).unwrap(), memory.read(&segment)] {
            let text = String::from_utf8(text).unwrap();
            assert_eq!(text.lines().next(), Some(r#"{"format":1,"stack":"prod"}"#));
        }
    }

    #[test]
    fn ids_of_another_region_are_ignored() {
        let (_folder, _, _, states) = places();
        for state in &states {
            run(state, &[calling(), answered("vpc-1")]);
            drop(state.journal(&begin("eu-west-1"), 0).unwrap());
            assert_eq!(interrupted_run(state).unwrap().made, Ids::new());
        }
    }

    #[test]
    fn a_torn_line_and_garbage_affect_no_other_lines() {
        let (_folder, path, _, [state, _]) = places();
        run(&state, &[calling(), answered("vpc-1")]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let past = state.past().unwrap();
        assert_eq!((past.interrupted_run.unwrap().unanswered.len(), past.warnings.len()), (1, 1));
        run(&state, &[answered("vpc-2")]);
        assert_eq!(state.past().unwrap().interrupted_run.unwrap().made["ec2.vpc"], ["vpc-2".to_owned()].into());
        for garbage in [&b"\0\0\0\0"[..], b"\xff\xfe\n\n\n", b"null\n[]\n{}\n"] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(state.past().unwrap().interrupted_run, None);
            run(&state, &[answered("vpc-3")]);
            assert_eq!(state.past().unwrap().interrupted_run.unwrap().made["ec2.vpc"], ["vpc-3".to_owned()].into());
            run(&state, &[END]);
            assert_eq!(interrupted_run(&state), None);
        }
    }

    #[test]
    fn refuses_a_newer_format() {
        let (_folder, path, memory, states) = places();
        let newer = b"{\"format\":2,\"stack\":\"prod\"}\n";
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, newer).unwrap();
        memory.plant("journal/1-1/000000.jsonl", newer, Timestamp::now());
        for state in &states {
            let error = state.past().unwrap_err();
            assert!(error.to_string().contains("newer bullstra-up"), "{error}");
        }
        assert!(states[0].journal(&begin("us-east-1"), 0).is_err());
    }

    #[test]
    fn waiting_callers_share_a_write() {
        let (_folder, _, memory, [_, state]) = places();
        let journal = Arc::new(state.journal(&begin("us-east-1"), 0).unwrap());
        memory.slowness.store(50, Ordering::SeqCst);
        let before = memory.writes.load(Ordering::SeqCst);
        let waiting: Vec<_> = (0..32)
            .map(|_| {
                let journal = journal.clone();
                thread::spawn(move || journal.flush(&calling()).unwrap())
            })
            .collect();
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
        let writes = memory.writes.load(Ordering::SeqCst) - before;
        assert!((1..=4).contains(&writes), "{writes} writes for 32 lines");
        assert_eq!(interrupted_run(&state).unwrap().unanswered.len(), 32);
    }

    #[test]
    fn a_long_journal_has_several_files_and_a_lost_answer_duplicates_nothing() {
        let (_folder, _, memory, [_, state]) = places();
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        for number in 0..700 {
            memory.loses_answer.store(number % 7 == 0, Ordering::SeqCst);
            journal.note(&calling()).unwrap();
            journal.flush(&answered(&format!("vpc-{number}"))).unwrap();
        }
        let files = memory.list("journal/").unwrap();
        assert!((3..=5).contains(&files.len()), "{files:?}");
        let found = interrupted_run(&state).unwrap();
        assert_eq!((found.made["ec2.vpc"].len(), found.unanswered.len()), (700, 0));
    }

    #[test]
    fn a_failed_write_is_reported_and_repeated_later() {
        let (_folder, _, memory, [_, state]) = places();
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        memory.is_gone.store(true, Ordering::SeqCst);
        assert!(journal.flush(&answered("vpc-1")).unwrap_err().to_string().contains("nobody answers"));
        memory.is_gone.store(false, Ordering::SeqCst);
        journal.flush(&answered("vpc-2")).unwrap();
        assert_eq!(interrupted_run(&state).unwrap().made["ec2.vpc"].len(), 2);
    }

    #[test]
    fn old_runs_are_deleted() {
        let (_folder, _, memory, [_, state]) = places();
        for _ in 0..23 {
            run(&state, &[END]);
        }
        state.prune().unwrap();
        assert_eq!(memory.list("journal/").unwrap().len(), 20);
        assert_eq!(interrupted_run(&state), None);
    }
}
