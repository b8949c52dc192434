//! Reading a journal back: what runs had made that never came to their end.

use jiff::Timestamp;
use up_core::Address;

use crate::{
    Ids,
    journal::{Entry, Header, Line},
    sealed::{self, Opened},
};

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

/// What lines of journals come to, read in their order.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// What was made by runs since the last one that came to its end.
    pub(crate) cut_off: Option<CutOff>,
    /// Lines since then that could not be read, and were passed over.
    pub(crate) damaged: usize,
    /// A run was seen to end.
    pub(crate) ended: bool,
}

impl History {
    /// Reads on; fails with the format of what is of a later one. Nothing before the last end of a run matters.
    pub(crate) fn read(&mut self, text: &[u8]) -> Result<(), u32> {
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
        let last = lines.iter().rposition(|line| is_end(line)).unwrap_or(0);
        for line in &lines[last..] {
            match sealed::open::<Line>(line) {
                Opened::ResponseCheck(Line { at, what, .. }) => self.take(at, what),
                Opened::Newer(format) => return Err(format),
                Opened::Damaged(_) if matches!(sealed::open::<Header>(line), Opened::ResponseCheck(_)) => {}
                Opened::Damaged(_) => self.damaged += 1,
            }
        }
        Ok(())
    }

    fn take(&mut self, at: Timestamp, what: Entry) {
        self.cut_off.iter_mut().for_each(|run| run.heard = at);
        match (what, &mut self.cut_off) {
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
            (Entry::End { .. }, _) => *self = Self { ended: true, ..Self::default() },
            _ => {}
        }
    }
}

fn is_end(line: &[u8]) -> bool {
    matches!(sealed::open::<Line>(line), Opened::ResponseCheck(Line { what: Entry::End { .. }, .. }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::{fs, path::PathBuf, sync::Arc, thread, time::Duration};

    use super::*;
    use crate::{Past, State, Store, memory::Memory};

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

    fn places() -> (tempfile::TempDir, PathBuf, Arc<Memory>, [State; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prod/journal.jsonl");
        let memory = Arc::new(Memory::default());
        let states =
            [State::in_folder(folder.path(), "prod").unwrap(), State::in_store(memory.clone(), "prod").unwrap()];
        (folder, path, memory, states)
    }

    fn run(state: &State, entries: &[Entry]) {
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        entries.iter().for_each(|entry| journal.flush(entry).unwrap());
        // Runs of one process are told apart by their milliseconds.
        thread::sleep(Duration::from_millis(2));
    }

    fn cut_off(state: &State) -> Option<CutOff> {
        let Past { cut_off, warnings, .. } = state.past().unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        cut_off
    }

    #[test]
    fn knows_what_a_run_had_made_that_never_ended() {
        let (_folder, path, memory, states) = places();
        for state in &states {
            assert_eq!(cut_off(state), None);
            run(state, &[calling(), answered("vpc-1"), END]);
            assert_eq!(cut_off(state), None);
            run(state, &[calling(), answered("vpc-2")]);
            run(state, &[calling()]);
            let found = cut_off(state).unwrap();
            assert_eq!(found.made["ec2.vpc"], ["vpc-2".to_owned()].into());
            assert_eq!(found.unanswered, [(vpc(), "create".to_owned())]);
            run(state, &[END]);
            assert_eq!(cut_off(state), None);
        }
        let segment = memory.list("journal/").unwrap()[0].clone();
        for text in [fs::read(&path).unwrap(), memory.read(&segment)] {
            let text = String::from_utf8(text).unwrap();
            assert_eq!(text.lines().next(), Some(r#"{"format":1,"stack":"prod"}"#));
        }
    }

    #[test]
    fn ids_of_another_region_are_not_this_one_s() {
        let (_folder, _, _, states) = places();
        for state in &states {
            run(state, &[calling(), answered("vpc-1")]);
            drop(state.journal(&begin("eu-west-1"), 0).unwrap());
            assert_eq!(cut_off(state).unwrap().made, Ids::new());
        }
    }

    #[test]
    fn a_torn_line_and_garbage_cost_nothing_else() {
        let (_folder, path, _, [state, _]) = places();
        run(&state, &[calling(), answered("vpc-1")]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let past = state.past().unwrap();
        assert_eq!((past.cut_off.unwrap().unanswered.len(), past.warnings.len()), (1, 1));
        run(&state, &[answered("vpc-2")]);
        assert_eq!(state.past().unwrap().cut_off.unwrap().made["ec2.vpc"], ["vpc-2".to_owned()].into());
        for garbage in [&b"\0\0\0\0"[..], b"\xff\xfe\n\n\n", b"null\n[]\n{}\n"] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(state.past().unwrap().cut_off, None);
            run(&state, &[answered("vpc-3")]);
            assert_eq!(state.past().unwrap().cut_off.unwrap().made["ec2.vpc"], ["vpc-3".to_owned()].into());
            run(&state, &[END]);
            assert_eq!(cut_off(&state), None);
        }
    }

    #[test]
    fn refuses_what_is_newer() {
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
    fn those_who_wait_share_a_write() {
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
        assert_eq!(cut_off(&state).unwrap().unanswered.len(), 32);
    }

    #[test]
    fn a_long_journal_is_in_several_files_and_a_lost_answer_doubles_nothing() {
        let (_folder, _, memory, [_, state]) = places();
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        for number in 0..700 {
            memory.loses_answer.store(number % 7 == 0, Ordering::SeqCst);
            journal.note(&calling()).unwrap();
            journal.flush(&answered(&format!("vpc-{number}"))).unwrap();
        }
        let files = memory.list("journal/").unwrap();
        assert!((3..=5).contains(&files.len()), "{files:?}");
        let found = cut_off(&state).unwrap();
        assert_eq!((found.made["ec2.vpc"].len(), found.unanswered.len()), (700, 0));
    }

    #[test]
    fn what_cannot_be_kept_is_said_and_kept_later() {
        let (_folder, _, memory, [_, state]) = places();
        let journal = state.journal(&begin("us-east-1"), 0).unwrap();
        memory.is_gone.store(true, Ordering::SeqCst);
        assert!(journal.flush(&answered("vpc-1")).unwrap_err().to_string().contains("nobody answers"));
        memory.is_gone.store(false, Ordering::SeqCst);
        journal.flush(&answered("vpc-2")).unwrap();
        assert_eq!(cut_off(&state).unwrap().made["ec2.vpc"].len(), 2);
    }

    #[test]
    fn old_runs_go() {
        let (_folder, _, memory, [_, state]) = places();
        for _ in 0..23 {
            run(&state, &[END]);
        }
        state.prune().unwrap();
        assert_eq!(memory.list("journal/").unwrap().len(), 20);
        assert_eq!(cut_off(&state), None);
    }
}
