//! Where a sandbox keeps its things, and the locks that keep two starts apart.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::{Error, Result, SandboxOptions};

/// The folder of all environments and instances.
pub(crate) struct SandboxFolder {
    pub(crate) path: PathBuf,
}

impl SandboxFolder {
    /// The home that `options` mean, made if need be.
    pub(crate) fn of(options: &SandboxOptions) -> Result<Self> {
        let path = match &options.home {
            Some(path) => path.clone(),
            None => default_home(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))?,
        };
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        Ok(Self { path })
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

fn default_home(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = variable("BULLSTRA_UP_SANDBOX_HOME") {
        return Ok(path);
    }
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(cache.ok_or(Error::NoHome)?.join("bullstra-up").join("sandbox"))
}

/// Waits for a lock file's lock; it is held until the file is dropped, or its process ends.
pub(crate) async fn lock(path: &Path) -> Result<File> {
    let path = path.to_owned();
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    });
    locked.await.expect("taking a lock does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_variable_wins_over_the_cache_folder() {
        let home = default_home(|name| Some(PathBuf::from("/of").join(name))).unwrap();
        assert_eq!(home, Path::new("/of/BULLSTRA_UP_SANDBOX_HOME"));
        let home = default_home(|name| (name == "HOME").then(|| PathBuf::from("/root"))).unwrap();
        assert_eq!(home, Path::new("/root/.cache/bullstra-up/sandbox"));
        assert!(matches!(default_home(|_| None), Err(Error::NoHome)));
    }
}
