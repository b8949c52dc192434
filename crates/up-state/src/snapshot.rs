//! What the last run left behind.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use up_core::{Address, Declared, ImmutableCache};

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
    #[serde(default, skip_serializing_if = "ImmutableCache::is_empty")]
    pub kept: ImmutableCache,
}

/// The same, of which what was declared is read only when it is asked for: of a large stack it is most of the file, and
/// few plans need it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Last {
    stack: String,
    /// See [`Snapshot::account`].
    pub account: String,
    /// See [`Snapshot::region`].
    pub region: String,
    /// See [`Snapshot::at`].
    pub at: Timestamp,
    /// The kinds of which something was declared.
    #[serde(rename = "resources", deserialize_with = "kinds_of")]
    declared: BTreeSet<String>,
    /// See [`Snapshot::ids`].
    pub ids: Ids,
    /// See [`Snapshot::kept`].
    #[serde(default, with = "up_core::shared")]
    pub kept: Arc<ImmutableCache>,
    #[serde(skip)]
    text: Arc<Vec<u8>>,
}

impl Snapshot {
    /// A snapshot of this moment.
    pub fn new(stack: &str, account: &str, region: &str, resources: Vec<Declared>, ids: Ids) -> Self {
        let kept = ImmutableCache::default();
        let (stack, account, region) = (stack.to_owned(), account.to_owned(), region.to_owned());
        Self { format: FORMAT, stack, account, region, at: Timestamp::now(), resources, ids, kept }
    }
}

impl Last {
    /// The kinds of which something was declared, or existed.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().chain(self.ids.keys()).map(String::as_str)
    }

    /// All of it, as it is written.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What was declared.
    ///
    /// # Errors
    /// When that cannot be read, though all else could.
    pub fn declared(&self) -> Result<Vec<Declared>, StateError> {
        #[derive(Deserialize)]
        struct Part {
            resources: Vec<Declared>,
        }
        let part = serde_json::from_slice(&self.text);
        part.map(|Part { resources }| resources).map_err(StateError::Unreadable)
    }
}

/// The kinds in a list of declarations, and nothing else of it.
fn kinds_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        address: Cow<'a, str>,
    }
    let all = Vec::<Named<'_>>::deserialize(deserializer)?;
    let kinds: BTreeSet<_> = all.iter().filter_map(|named| Address::kind_in(&named.address)).collect();
    Ok(kinds.into_iter().map(str::to_owned).collect())
}

/// Reads it; where it is damaged it is done without, and a warning says so.
pub(crate) fn read(store: &dyn Store, stack: &str, warnings: &mut Vec<String>) -> Result<Option<Last>, StateError> {
    let Some(kept) = store.get(NAME)? else { return Ok(None) };
    let why = match sealed::open::<Last>(&kept.bytes) {
        Opened::ResponseCheck(last) if last.stack != stack => format!("it is of the stack `{}`", last.stack),
        Opened::ResponseCheck(last) => {
            let last = Last { text: kept.bytes, ..last };
            // What people write has no checksum, and may be wrong anywhere.
            let checked = if sealed::is_sealed(&last.text) { Ok(()) } else { last.declared().map(drop) };
            match checked {
                Ok(()) => return Ok(Some(last)),
                Err(error) => error.to_string(),
            }
        }
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
        assert_eq!((back.declared().unwrap(), &back.ids), (snapshot().resources, &snapshot().ids));
        assert_eq!(back.kinds().collect::<Vec<_>>(), ["ec2.vpc", "ec2.vpc"]);
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
