//! What the last run left behind.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use up_core::{Declared, Kept};

use crate::{
    FORMAT, Ids, StateError, Store, When,
    sealed::{self, Opened},
};

/// The file.
pub(crate) const NAME: &str = "snapshot.json";

/// What was wanted last, and what AWS called it.
///
/// It tells drift from a change of mind, and where to look for what is no longer declared. It is written after runs and
/// is not needed for finding what exists. What must not be read by others has to be left out before it gets here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`FORMAT`].
    pub format: u32,
    /// The stack's name.
    pub stack: String,
    /// The account it was applied to.
    pub account: String,
    /// The region it was applied to.
    pub region: String,
    /// When.
    pub at: Timestamp,
    /// What was declared.
    pub resources: Vec<Declared>,
    /// What then existed.
    pub ids: Ids,
    /// What AWS told of that which never changes.
    #[serde(default, skip_serializing_if = "Kept::is_empty")]
    pub kept: Kept,
}

impl Snapshot {
    /// A snapshot of this moment.
    pub fn new(stack: &str, account: &str, region: &str, resources: Vec<Declared>, ids: Ids) -> Self {
        let kept = Kept::new();
        let (stack, account, region) = (stack.to_owned(), account.to_owned(), region.to_owned());
        Self { format: FORMAT, stack, account, region, at: Timestamp::now(), resources, ids, kept }
    }

    /// The kinds of which something was declared, or existed.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let declared = self.resources.iter().map(|declared| declared.address.kind.as_str());
        declared.chain(self.ids.keys().map(String::as_str))
    }
}

/// Reads it; where it is damaged it is done without, and a warning says so.
pub(crate) fn read(store: &dyn Store, stack: &str, warnings: &mut Vec<String>) -> Result<Option<Snapshot>, StateError> {
    let Some(kept) = store.get(NAME)? else { return Ok(None) };
    let why = match sealed::open::<Snapshot>(&kept.bytes) {
        Opened::Whole(snapshot) if snapshot.stack == stack => return Ok(Some(snapshot)),
        Opened::Whole(snapshot) => format!("it is of the stack `{}`", snapshot.stack),
        Opened::Newer(format) => return Err(StateError::Newer { at: store.at(NAME), format }),
        Opened::Damaged(why) => why,
    };
    warnings.push(format!("{} is damaged and done without: {why}", store.at(NAME)));
    Ok(None)
}

/// Writes it in the place of the one before. It is whole at every instant.
pub(crate) fn write(store: &dyn Store, snapshot: &Snapshot) -> Result<(), StateError> {
    let bytes = sealed::page(snapshot).map_err(|error| StateError::json(store, NAME, error))?;
    store.put(NAME, &bytes, &When::Always).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use up_core::Address;

    use super::*;
    use crate::folder::Folder;

    fn snapshot() -> Snapshot {
        let declared = Declared {
            tags: [("team".into(), "logistics".into())].into(),
            prevent_destroy: true,
            ..Declared::new(Address::root("ec2.vpc", "main"), json!({ "cidr_block": "10.0.0.0/16" }))
        };
        let ids = [("ec2.vpc".to_owned(), ["vpc-1".to_owned()].into())].into();
        Snapshot::new("prod", "123456789012", "us-east-1", vec![declared], ids)
    }

    #[test]
    fn reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut warnings) = (Folder::new(folder.path().to_owned()), vec![]);
        assert_eq!(read(&store, "prod", &mut warnings).unwrap(), None);
        write(&store, &snapshot()).unwrap();
        write(&store, &snapshot()).unwrap();
        let back = read(&store, "prod", &mut warnings).unwrap().unwrap();
        assert_eq!((back.resources, back.ids), (snapshot().resources, snapshot().ids));
        assert_eq!((warnings, fs::read_dir(folder.path()).unwrap().count()), (vec![], 1));
    }

    #[test]
    fn does_without_that_of_another_stack() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut warnings) = (Folder::new(folder.path().to_owned()), vec![]);
        write(&store, &snapshot()).unwrap();
        assert_eq!(read(&store, "qa", &mut warnings).unwrap(), None);
        assert!(warnings[0].contains("`prod`"));
    }

    #[test]
    fn refuses_what_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(folder.path().to_owned());
        fs::write(store.file(NAME), r#"{"format": 2, "resources": {}}"#).unwrap();
        let error = read(&store, "prod", &mut vec![]).unwrap_err();
        assert!(error.to_string().contains("newer bullstra-up"), "{error}");
    }
}
