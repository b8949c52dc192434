//! The Python package inside the binary, and its copy on disk.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::home::{self, SandboxFolder};
use crate::{Error, Result};

/// Every file of the package: its path and its text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/package_files.rs"));

/// What pip installs, pinned and hashed.
pub(crate) const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// Unpacks the package, once for each content, and gives the folder Python has to look in.
pub(crate) async fn unpack(home: &SandboxFolder) -> Result<PathBuf> {
    let folder = home.join(format!("package-{}", id()));
    if folder.exists() {
        return Ok(folder);
    }
    let _lock = home::lock(&home.join("lock")).await?;
    if !folder.exists() {
        // Renamed into place when complete: a start that is killed here leaves nothing that looks like a package.
        let partial = folder.with_extension("partial");
        write_all(&partial)?;
        fs::rename(&partial, &folder).map_err(Error::io("create", &folder))?;
    }
    Ok(folder)
}

fn write_all(folder: &Path) -> Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        let parent = path.parent().expect("every file is inside the package");
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        fs::write(&path, text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}

/// The version of a sandbox started from this binary: the crate's, and the package's content.
pub(crate) fn version() -> String {
    format!("{}+{}", env!("CARGO_PKG_VERSION"), id())
}

fn id() -> String {
    let parts: Vec<_> = FILES.iter().flat_map(|(name, text)| [*name, *text]).collect();
    digest(&parts)
}

/// Twelve hexadecimal digits that change with any of `parts`.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn package_is_unpacked_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let home = SandboxFolder { path: folder.path().to_owned() };
        let unpacked = unpack(&home).await.unwrap();
        assert!(unpacked.join("bullstra_sandbox/__main__.py").exists());
        assert!(unpacked.join("bullstra_sandbox/services/__init__.py").exists());
        assert_eq!(unpack(&home).await.unwrap(), unpacked);
        assert!(!unpacked.with_extension("partial").exists());
    }

    #[test]
    fn every_requirement_is_pinned_and_hashed() {
        for block in REQUIREMENTS.split("\n").filter(|line| !line.starts_with([' ', '#']) && !line.is_empty()) {
            assert!(block.contains("==") && block.ends_with('\\'), "{block}");
        }
    }
}
