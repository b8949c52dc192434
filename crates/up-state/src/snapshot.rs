//! The snapshot that a run leaves.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use up_core::{Address, Declared, ImmutableCache};

use crate::{
    FORMAT, Ids, StateError, Store, WriteIf,
    checksummed::{self, Checksummed},
};

/// The file's name.
pub(crate) const NAME: &str = "snapshot.json";

/// The last applied declarations, and the ids of their resources.
///
/// It tells drift from changed declarations, and where to look for resources that are no longer declared. It is written
/// after runs, and is not needed to find existing resources. The caller must leave out what others must not read.
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
    /// When it was written.
    pub at: Timestamp,
    /// The declarations.
    pub resources: Vec<Declared>,
    /// The ids of existing resources.
    pub ids: Ids,
    /// Cached specs of live immutable resources.
    #[serde(default, skip_serializing_if = "ImmutableCache::is_empty")]
    pub kept: ImmutableCache,
    /// How the resources were seen after they were applied, as the caller writes it. Snapshots of older versions have none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub baseline: Value,
}

/// A snapshot that was read. Its declarations are parsed on demand: in a large stack they are most of the file, and few
/// plans need them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct LastSnapshot {
    stack: String,
    /// See [`Snapshot::account`].
    pub account: String,
    /// See [`Snapshot::region`].
    pub region: String,
    /// See [`Snapshot::at`].
    pub at: Timestamp,
    /// The kinds of the declarations.
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
    /// A snapshot written now.
    pub fn new(stack: &str, account: &str, region: &str, resources: Vec<Declared>, ids: Ids) -> Self {
        let kept = ImmutableCache::default();
        let (stack, account, region) = (stack.to_owned(), account.to_owned(), region.to_owned());
        let (at, baseline) = (Timestamp::now(), Value::Null);
        Self { format: FORMAT, stack, account, region, at, resources, ids, kept, baseline }
    }
}

impl LastSnapshot {
    /// The kinds of the declarations and of existing resources.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().chain(self.ids.keys()).map(String::as_str)
    }

    /// The whole file as text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The declarations.
    ///
    /// # Errors
    /// They cannot be parsed, although the rest of the file can.
    pub fn declared(&self) -> Result<Vec<Declared>, StateError> {
        #[derive(Deserialize)]
        struct ResourcesOnly {
            resources: Vec<Declared>,
        }
        let part = serde_json::from_slice(&self.text);
        part.map(|ResourcesOnly { resources }| resources).map_err(StateError::Unreadable)
    }

    /// See [`Snapshot::baseline`]; the default for one that is absent or was written in another form.
    pub fn baseline<T: DeserializeOwned + Default>(&self) -> T {
        #[derive(Deserialize)]
        struct BaselineOnly<T> {
            baseline: T,
        }
        serde_json::from_slice(&self.text).map(|BaselineOnly { baseline }| baseline).unwrap_or_default()
    }
}

/// The kinds in a list of declarations; the rest is skipped.
fn kinds_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    #[derive(Deserialize)]
    struct AddressOnly<'a> {
        #[serde(borrow)]
        address: Cow<'a, str>,
    }
    let all = Vec::<AddressOnly<'_>>::deserialize(deserializer)?;
    let kinds: BTreeSet<_> = all.iter().filter_map(|named| Address::kind_in(&named.address)).collect();
    Ok(kinds.into_iter().map(str::to_owned).collect())
}

/// Reads the snapshot; a damaged one is ignored with a warning.
pub(crate) fn read(
    store: &dyn Store,
    stack: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<LastSnapshot>, StateError> {
    let Some(kept) = store.get(NAME)? else { return Ok(None) };
    let why = match checksummed::open::<LastSnapshot>(&kept.bytes) {
        Checksummed::Intact(last) if last.stack != stack => format!("it belongs to the stack `{}`", last.stack),
        Checksummed::Intact(last) => {
            let last = LastSnapshot { text: kept.bytes, ..last };
            // A file written by a person has no checksum, and may be wrong anywhere.
            let checked = if checksummed::has_checksum(&last.text) { Ok(()) } else { last.declared().map(drop) };
            match checked {
                Ok(()) => return Ok(Some(last)),
                Err(error) => error.to_string(),
            }
        }
        Checksummed::Newer(format) => return Err(StateError::Newer { at: store.at(NAME), format }),
        Checksummed::Damaged(why) => why,
    };
    warnings.push(format!("{} is damaged and will be ignored: {why}", store.at(NAME)));
    Ok(None)
}

/// Replaces the snapshot. Readers find either the old one or the new one.
pub(crate) fn write(store: &dyn Store, snapshot: &Snapshot) -> Result<(), StateError> {
    let bytes = checksummed::page(snapshot).map_err(|error| StateError::json(store, NAME, error))?;
    store.put(NAME, &bytes, &WriteIf::Always).map(drop)
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
    fn ignores_a_snapshot_of_another_stack() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut warnings) = (Folder::new(folder.path().to_owned()), vec![]);
        write(&store, &snapshot()).unwrap();
        assert_eq!(read(&store, "qa", &mut warnings).unwrap(), None);
        assert!(warnings[0].contains("`prod`"));
    }

    #[test]
    fn refuses_a_newer_format() {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(folder.path().to_owned());
        fs::write(store.file(NAME), r#"{"format": 2, "resources": {}}"#).unwrap();
        let error = read(&store, "prod", &mut vec![]).unwrap_err();
        assert!(error.to_string().contains("newer bullstra-up"), "{error}");
    }
}
