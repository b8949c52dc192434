//! The files of `state/`, spoilt: they are read, done without or refused, and nothing panics.

#[path = "../../../tests/fuzz/mod.rs"]
mod fuzz;

use std::{fs, path::Path};

use fuzz::{spoils, spoilt, tries};
use proptest::prelude::*;
use up_state::{Entry, Snapshot, State};

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "{", "}", "[", "]", "\"", ":", ",", "\n", "null", "true", "-1", "1e999", "99999999999999999999", "\u{0}", "\u{feff}", "\u{1b}[2J",
    "\"format\":2", "\"format\":\"1\"", "\"address\":\"../x\"", "\"pid\":0", "\"expires\":\"9999-12-31T23:59:59Z\"",
    "\"expires\":\"-009999-01-01T00:00:00Z\"", "\\ud800", "\"stack\":\"other\"",
];

fn begin(steps: usize) -> Entry {
    Entry::Begin {
        owner: "me@here".into(),
        command: "apply".into(),
        account: "111122223333".into(),
        region: "us-east-1".into(),
        steps,
    }
}

/// A stack's folder after a run that was cut off.
fn written(dir: &Path) -> State {
    let state = State::in_folder(dir, "prod").unwrap();
    let address = || "network/ec2.vpc.main".parse().unwrap();
    let journal = state.journal(&begin(2), 4096).unwrap();
    journal.flush(&Entry::Calling { address: address(), verb: "create".into() }).unwrap();
    let id = Some("vpc-1".to_owned());
    journal.flush(&Entry::Answered { address: address(), verb: "create".into(), id, error: None }).unwrap();
    journal.flush(&Entry::Calling { address: address(), verb: "update".into() }).unwrap();
    let ids = [("ec2.vpc".to_owned(), ["vpc-1".to_owned()].into())].into();
    state.save(&Snapshot::new("prod", "111122223333", "us-east-1", vec![], ids)).unwrap();
    let lock = state.lock("apply").unwrap();
    let lease = fs::read(dir.join("prod/lock")).unwrap();
    drop(lock);
    // As a run leaves it that was killed.
    fs::write(dir.join("prod/lock"), lease).unwrap();
    state
}

proptest! {
    #![proptest_config(tries(256))]

    #[test]
    fn spoilt_files_are_read_done_without_or_refused(which in 0..3usize, spoils in spoils(WORDS)) {
        let dir = tempfile::tempdir().unwrap();
        let state = written(dir.path());
        let path = dir.path().join("prod").join(["journal.jsonl", "snapshot.json", "lock"][which]);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, spoilt(&bytes, &spoils)).unwrap();
        // What becomes of each depends on what was spoilt; all must come back, and what was not spoilt is still read.
        let past = state.past();
        if which == 2 {
            let past = past.unwrap();
            prop_assert!(past.snapshot.is_some() && past.interrupted_run.is_some());
        }
        drop(state.lock("apply"));
        drop(state.holder().map(|holder| holder.map(|holder| state.unlock(&holder))));
        drop(state.journal(&begin(0), 4096));
        drop(state.past());
    }
}
