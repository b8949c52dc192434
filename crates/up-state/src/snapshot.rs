//! What the last run left behind.

use std::{io::Write, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use up_core::Declared;

use crate::{FORMAT, Ids, StateError, failed, read};

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
}

impl Snapshot {
    /// A snapshot of this moment.
    pub fn new(stack: &str, account: &str, region: &str, resources: Vec<Declared>, ids: Ids) -> Self {
        let (stack, account, region) = (stack.to_owned(), account.to_owned(), region.to_owned());
        Self { format: FORMAT, stack, account, region, at: Timestamp::now(), resources, ids }
    }

    /// The kinds of which something was declared, or existed.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        let declared = self.resources.iter().map(|declared| declared.address.kind.as_str());
        declared.chain(self.ids.keys().map(String::as_str))
    }
}

pub(crate) fn read_from(path: &Path, stack: &str, warnings: &mut Vec<String>) -> Result<Option<Snapshot>, StateError> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let Some(bytes) = read(path)? else { return Ok(None) };
    if let Ok(Versioned { format }) = serde_json::from_slice(&bytes)
        && format > FORMAT
    {
        return Err(StateError::Newer { path: path.to_owned(), format });
    }
    let why = match serde_json::from_slice::<Snapshot>(&bytes) {
        Ok(snapshot) if snapshot.stack == stack => return Ok(Some(snapshot)),
        Ok(snapshot) => format!("it is of the stack `{}`", snapshot.stack),
        Err(error) => error.to_string(),
    };
    warnings.push(format!("{} is damaged and done without: {why}", path.display()));
    Ok(None)
}

/// Written beside it and put in its place: a reader, or a crash, finds the old one or the new one.
pub(crate) fn write(path: &Path, snapshot: &Snapshot) -> Result<(), StateError> {
    let written = || {
        let mut file = NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(&serde_json::to_vec_pretty(snapshot)?)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    written().map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use up_core::{Address, Origin};

    use super::*;

    fn snapshot() -> Snapshot {
        let declared = Declared {
            address: Address::root("ec2.vpc", "main"),
            spec: json!({ "cidr_block": "10.0.0.0/16" }),
            tags: [("team".into(), "logistics".into())].into(),
            depends_on: [].into(),
            prevent_destroy: true,
            ignore_changes: [].into(),
            origin: Origin::default(),
        };
        let ids = [("ec2.vpc".to_owned(), ["vpc-1".to_owned()].into())].into();
        Snapshot::new("prod", "123456789012", "us-east-1", vec![declared], ids)
    }

    #[test]
    fn reads_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut warnings) = (folder.path().join("snapshot.json"), vec![]);
        assert_eq!(read_from(&path, "prod", &mut warnings).unwrap(), None);
        write(&path, &snapshot()).unwrap();
        write(&path, &snapshot()).unwrap();
        let back = read_from(&path, "prod", &mut warnings).unwrap().unwrap();
        assert_eq!((back.resources, back.ids), (snapshot().resources, snapshot().ids));
        assert_eq!((warnings, fs::read_dir(folder.path()).unwrap().count()), (vec![], 1));
    }

    #[test]
    fn does_without_what_is_damaged_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        let whole = serde_json::to_vec(&snapshot()).unwrap();
        let cut = (0..whole.len()).step_by(7).map(|length| whole[..length].to_vec());
        let odd =
            [&b"\0\0\0\0"[..], b"\xff\xfe", b"null", b"[1]", b"{\"format\":1}", b"{\"format\":-1}"].map(<[u8]>::to_vec);
        for bytes in cut.chain(odd) {
            fs::write(&path, bytes).unwrap();
            let mut warnings = vec![];
            assert_eq!(read_from(&path, "prod", &mut warnings).unwrap(), None);
            assert!(matches!(&warnings[..], [warning] if warning.contains("snapshot.json")), "{warnings:?}");
        }
        write(&path, &snapshot()).unwrap();
        let mut warnings = vec![];
        assert_eq!(read_from(&path, "qa", &mut warnings).unwrap(), None);
        assert!(warnings[0].contains("`prod`"));
    }

    #[test]
    fn refuses_what_is_newer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot.json");
        fs::write(&path, r#"{"format": 2, "resources": {}}"#).unwrap();
        let error = read_from(&path, "prod", &mut vec![]).unwrap_err();
        assert!(error.to_string().contains("newer bullstra-up"), "{error}");
    }
}
