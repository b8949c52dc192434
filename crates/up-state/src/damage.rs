//! Damages every file: cut at every byte, and changed in many. The file is then read with a warning, or refused with a
//! hint.

use std::{fs, path::Path, sync::Arc, thread, time::Duration};

use jiff::Timestamp;

use crate::{
    Entry, Ids, Lease, LockError, LockHolder, Past, Snapshot, State, StateError, Store, checksummed, lease::LIFE, lock,
    memory::MemoryStore, snapshot,
};

/// A stack with a history: one run that ended and one that was interrupted.
struct Fixture {
    folder: tempfile::TempDir,
    memory: Arc<MemoryStore>,
    states: [State; 2],
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let memory = Arc::new(MemoryStore::default());
        let states =
            [State::in_folder(folder.path(), "prod").unwrap(), State::in_store(memory.clone(), "prod").unwrap()];
        for state in &states {
            let ids: Ids = [("ec2.vpc".to_owned(), ["vpc-1".to_owned()].into())].into();
            state.save(&Snapshot::new("prod", "123456789012", "us-east-1", vec![], ids)).unwrap();
            for ends in [true, false] {
                let journal = state.journal(&begin(), 0).unwrap();
                let address: up_core::Address = "ec2.vpc.main".parse().unwrap();
                let verb = "create".to_owned();
                journal.flush(&Entry::Calling { address: address.clone(), verb: verb.clone() }).unwrap();
                let id = Some("vpc-2".to_owned());
                journal.flush(&Entry::Answered { address, verb, id, error: None }).unwrap();
                if ends {
                    journal.flush(&Entry::End { done: 1, failed: 0, skipped: 0 }).unwrap();
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        Self { folder, memory, states }
    }

    /// The files of each state whose names begin with `prefix`, and a function that overwrites each.
    fn files(&self, prefix: &str) -> Vec<File<'_>> {
        let mut files: Vec<File<'_>> = vec![];
        let folder = self.folder.path().join("prod");
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with(prefix) {
                let bytes = fs::read(&path).unwrap();
                files.push((&self.states[0], bytes, Box::new(move |bytes| fs::write(&path, bytes).unwrap())));
            }
        }
        for name in self.memory.list(prefix).unwrap() {
            let bytes = self.memory.read(&name);
            let write = move |bytes: &[u8]| self.memory.plant(&name, bytes, Timestamp::now());
            files.push((&self.states[1], bytes, Box::new(write)));
        }
        assert!(files.len() >= 2, "{prefix}");
        files
    }
}

/// A file of a state: its content, and a function that overwrites it.
type File<'s> = (&'s State, Vec<u8>, Overwrite<'s>);
type Overwrite<'s> = Box<dyn Fn(&[u8]) + 's>;

fn begin() -> Entry {
    let (owner, command) = ("me@here".into(), "apply".into());
    Entry::Begin { owner, command, account: "123456789012".into(), region: "us-east-1".into(), steps: 2 }
}

/// The file cut at every byte, cut and filled with other bytes, and with changed bits in every byte.
fn damaged(whole: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    let zeroed = (0..whole.len()).step_by(5).map(|length| {
        let mut zeroed = whole.to_vec();
        zeroed[length..].fill(0);
        zeroed
    });
    // The same changes in every run: a small generator of our own.
    let mut seed: u64 = 23;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let mut changed: Vec<Vec<u8>> = vec![];
    for at in 0..whole.len() {
        for bit in [next() % 8, next() % 8] {
            let mut one = whole.to_vec();
            one[at] ^= 1 << bit;
            changed.push(one);
        }
    }
    let odd: [&[u8]; 9] = [
        b"\0\0\0\0",
        b"\xff\xfe",
        b"null",
        b"[1]",
        b"{}",
        b"{\"format\":1}",
        b"{\"format\":-1}",
        b"\n\n",
        b"{\"format\":1e9}",
    ];
    cut.chain(zeroed).chain(changed).chain(odd.map(<[u8]>::to_vec)).collect()
}

fn check_explained(error: &StateError) {
    assert!(matches!(error, StateError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("newer bullstra-up"), "{error}");
}

#[test]
fn a_damaged_snapshot_is_ignored_with_a_warning() {
    let fixture = Fixture::new();
    for (state, whole, write) in fixture.files(snapshot::NAME) {
        let said = |past: Past| past.snapshot.map(|last| (last.declared().unwrap(), last.ids, last.kept, last.at));
        let good = said(state.past().unwrap());
        for bytes in damaged(&whole) {
            write(&bytes);
            match state.past() {
                // Only the line end at the end of the file is missing.
                Ok(past) if past.snapshot.is_some() => assert_eq!(said(past), good),
                Ok(past) => assert!(past.warnings.iter().any(|warning| warning.contains("snapshot.json"))),
                Err(error) => check_explained(&error),
            }
        }
        write(&whole);
    }
}

#[test]
fn a_damaged_journal_is_read_as_far_as_possible_with_a_warning() {
    let fixture = Fixture::new();
    let names = fixture.memory.list("").unwrap();
    for (state, whole, write) in fixture.files("journal") {
        let good = state.past().unwrap();
        assert!(good.warnings.is_empty());
        for (number, bytes) in damaged(&whole).into_iter().enumerate() {
            write(&bytes);
            match state.past() {
                Ok(past) => {
                    // Missing lines leave no trace; the remaining lines are as written.
                    let is_cut = whole.starts_with(&bytes);
                    let made = past.interrupted_run.iter().flat_map(|run| run.made.values().flatten());
                    assert!(made.into_iter().all(|id| id == "vpc-2"));
                    let is_same = past.interrupted_run == good.interrupted_run || bytes.trim_ascii().is_empty();
                    assert!(is_same || is_cut || !past.warnings.is_empty(), "{}", String::from_utf8_lossy(&bytes));
                }
                Err(error) => check_explained(&error),
            }
            // Beginning a run waits for the disk, so it is not tried after each change.
            if number % 32 == 0
                && let Err(error) = state.journal(&begin(), 0)
            {
                check_explained(&error);
            }
            write(&whole);
            // In a store, the new run has files of its own.
            fixture.memory.files.lock().unwrap().retain(|name, _| names.contains(name));
        }
    }
}

#[test]
fn a_live_lease_is_never_lost() {
    let fixture = Fixture::new();
    let live = checksummed::page(&Lease::ours("apply")).unwrap();
    let path = fixture.folder.path().join("prod").join(lock::NAME);
    let in_folder = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    let in_store = |bytes: &[u8]| fixture.memory.plant(lock::NAME, bytes, Timestamp::now());
    let plants: [Overwrite<'_>; 2] = [Box::new(in_folder), Box::new(in_store)];
    for (state, plant) in fixture.states.iter().zip(plants) {
        for bytes in damaged(&live) {
            plant(&bytes);
            match state.lock("destroy") {
                Ok(_) => assert!(bytes.is_empty(), "lost a lease: {}", String::from_utf8_lossy(&bytes)),
                Err(LockError::Held(lease)) => assert_eq!(lease.command, "apply"),
                Err(LockError::Damaged { .. }) => {}
                Err(LockError::State(error)) => check_explained(&error),
            }
            // `unlock` reports and removes the lock, whatever it holds.
            plant(&bytes);
            let Some(holder) = state.holder().unwrap() else { continue };
            assert!(state.unlock(&holder).unwrap());
            drop(state.lock("apply").unwrap());
        }
    }
}

#[test]
fn a_damaged_lock_that_nobody_renews_is_taken_over() {
    let fixture = Fixture::new();
    let live = checksummed::page(&Lease::ours("apply")).unwrap();
    let long_ago = Timestamp::now() - 2 * LIFE;
    for bytes in damaged(&live).into_iter().filter(|bytes| !bytes.is_empty()) {
        fixture.memory.plant(lock::NAME, &bytes, long_ago);
        match fixture.states[1].lock("destroy") {
            Ok(lock) => assert!(matches!(lock.taken_from(), Some(LockHolder::Unreadable(_)))),
            Err(LockError::Held(lease)) => assert_eq!(lease.command, "apply"),
            Err(LockError::State(error)) => check_explained(&error),
            Err(error @ LockError::Damaged { .. }) => panic!("{error}"),
        }
    }
    let old = std::time::SystemTime::now() - 2 * LIFE;
    let path = fixture.folder.path().join("prod").join(lock::NAME);
    fs::write(&path, &live[..live.len() / 2]).unwrap();
    touch(&path, old);
    assert!(matches!(fixture.states[0].lock("apply").unwrap().taken_from(), Some(LockHolder::Unreadable(_))));
}

fn touch(path: &Path, at: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}
