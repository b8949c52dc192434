//! What the kinds say of AWS, compared with what AWS publishes. `write.py` brings the published part up to date.

mod actions;
mod enumerations;
mod policies;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, de::DeserializeOwned};
use up_core::AnyKind;

/// One of the files of `write.py`.
fn published<T: DeserializeOwned>(text: &str) -> BTreeMap<String, T> {
    serde_json::from_str(text).expect("write.py wrote it")
}

/// Where a kind differs from what AWS publishes: `aws.toml` of its case, where it has one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Excuses {
    /// Actions that AWS lists as dependent, and that the kind does without, with the reason.
    not_needed: BTreeMap<String, String>,
    /// The paths of properties in CloudFormation, by field, where they do not follow from the field's name.
    properties: BTreeMap<String, String>,
    /// Fields that a change replaces, or does not, otherwise than CloudFormation says, with the reason.
    otherwise: BTreeMap<String, String>,
    /// Paths of properties that only a create sets, and that are no field.
    no_field: BTreeSet<String>,
    /// What AWS calls enumerations of the kind's.
    enumerations: BTreeMap<String, String>,
    /// Enumerations that AWS's models have as free text.
    free_text: BTreeSet<String>,
    left_out: Vec<LeftOut>,
}

/// Words of AWS's that a stack cannot say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    enumeration: String,
    words: BTreeSet<String>,
    #[serde(rename = "reason")]
    _reason: String,
}

impl LeftOut {
    fn entries(self) -> Vec<String> {
        self.words.iter().map(|word| format!("{} {word}", self.enumeration)).collect()
    }
}

impl Excuses {
    fn of(kind: &dyn AnyKind) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kinds").join(kind.name()).join("aws.toml");
        match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display())),
            Err(_) => Self::default(),
        }
    }
}

/// Excuses of a kind that no test came to: what they excuse is mended or gone.
fn stale(kind: &dyn AnyKind, excuses: impl IntoIterator<Item = String>, met: &BTreeSet<String>) -> Vec<String> {
    let stale = excuses.into_iter().filter(|excuse| !met.contains(excuse));
    stale.map(|excuse| format!("{}: {excuse} is excused in its aws.toml, and need not be", kind.name())).collect()
}

/// Fails with everything that is wrong.
#[track_caller]
fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
