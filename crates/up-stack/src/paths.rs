//! The folders that modules and files may be read from: the stack's folder, and those of `--allow-path`.

use std::path::{Component, Path, PathBuf};

use crate::{LoadOptions, loader::Loader};

/// Hint for a path in a file of the stack.
pub(crate) const FROM_FILE: &str = "the path is relative to the folder of this file";
/// Hint for a path in the argument of a function.
pub(crate) const FROM_ROOT: &str = "the path is relative to the stack's folder";

/// Why a path is refused before it is looked up. The text continues a sentence whose subject is the path.
pub(crate) fn why_refused(path: &str) -> Option<&'static str> {
    if path.contains('\0') {
        return Some("contains a null character");
    }
    match Path::new(path).components().next() {
        None => Some("is empty"),
        Some(Component::RootDir | Component::Prefix(_)) => Some("is absolute"),
        Some(Component::Normal(first)) if first.as_encoded_bytes().starts_with(b"~") => {
            Some("begins with `~`, which is not expanded")
        }
        Some(_) => None,
    }
}

/// The folders of `--allow-path` in canonical form. Folders that do not exist are left out.
pub(crate) fn allowed(options: &LoadOptions) -> Vec<PathBuf> {
    options.allow.iter().filter_map(|folder| folder.canonicalize().ok()).collect()
}

impl Loader {
    /// True if modules and files may be read from a canonical path.
    pub(crate) fn may_read(&self, at: &Path) -> bool {
        at.starts_with(&self.root) || self.allowed.iter().any(|folder| at.starts_with(folder))
    }

    /// The hint for a path outside these folders.
    pub(crate) fn readable(&self) -> String {
        let root = self.root.display();
        format!("modules and files are read from {root} and the folders in it; `--allow-path DIR` adds a folder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_are_looked_up() {
        for path in ["", "/etc/passwd", "~/.aws/credentials", "~root/x", "a\0b"] {
            assert!(why_refused(path).is_some(), "{path}");
        }
        for path in ["a", "./a", "../a", "a/~b", "a b", ".hidden"] {
            assert!(why_refused(path).is_none(), "{path}");
        }
    }
}
