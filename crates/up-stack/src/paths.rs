//! Where modules and files may be read from: the folder of the stack's file, and what `--allow-path` names.

use std::path::{Component, Path, PathBuf};

use crate::{Options, world::World};

/// What a path in a file of the stack is relative to.
pub(crate) const FROM_FILE: &str = "the path is relative to the folder of this file";
/// What the path that a function takes is relative to.
pub(crate) const FROM_ROOT: &str = "the path is relative to the stack's folder";

/// Why a path is not even looked for; it reads on after its name.
pub(crate) fn unfit(path: &str) -> Option<&'static str> {
    if path.contains('\0') {
        return Some("holds a null character");
    }
    match Path::new(path).components().next() {
        None => Some("is empty"),
        Some(Component::RootDir | Component::Prefix(_)) => Some("is absolute"),
        Some(Component::Normal(first)) if first.as_encoded_bytes().starts_with(b"~") => {
            Some("begins with `~`, which stands for nothing here")
        }
        Some(_) => None,
    }
}

/// The folders that `options` allow, links followed. One that is not there opens nothing.
pub(crate) fn allowed(options: &Options) -> Vec<PathBuf> {
    options.allow.iter().filter_map(|folder| folder.canonicalize().ok()).collect()
}

impl World {
    /// True for a place, links followed, that modules and files may be read from.
    pub(crate) fn may_read(&self, at: &Path) -> bool {
        at.starts_with(&self.root) || self.allowed.iter().any(|folder| at.starts_with(folder))
    }

    /// Advice for what lies elsewhere.
    pub(crate) fn readable(&self) -> String {
        let root = self.root.display();
        format!("modules and files are read from {root} and the folders in it; `--allow-path DIR` adds a folder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_are_looked_for() {
        for path in ["", "/etc/passwd", "~/.aws/credentials", "~root/x", "a\0b"] {
            assert!(unfit(path).is_some(), "{path}");
        }
        for path in ["a", "./a", "../a", "a/~b", "a b", ".hidden"] {
            assert!(unfit(path).is_none(), "{path}");
        }
    }
}
