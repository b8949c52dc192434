//! What the kinds say of AWS, compared with what AWS publishes. `write.py` brings the published part up to date.

mod actions;
mod enumerations;
mod policies;

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

/// One of the files of `write.py`.
fn published<T: DeserializeOwned>(text: &str) -> BTreeMap<String, T> {
    serde_json::from_str(text).expect("write.py wrote it")
}

/// Entries of a list of exceptions that no test came to: what they excuse is mended or gone.
fn stale<'a>(listed: impl Iterator<Item = String> + 'a, met: &'a BTreeSet<String>) -> Vec<String> {
    let stale = listed.filter(|entry| !met.contains(entry));
    stale.map(|entry| format!("{entry} is excused, and need not be")).collect()
}

/// Fails with everything that is wrong.
#[track_caller]
fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
