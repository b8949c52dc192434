//! One sandbox: its folder, the record of its process, and whether it lives.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::home::SandboxFolder;
use crate::{Error, Result, control, package, process};

/// How long a sandbox may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SandboxStatus {
    /// The name it was started under.
    pub name: String,
    /// The URL that all of AWS's services answer at, e.g. `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// Its process.
    pub pid: u32,
    /// The version of this crate and the content of the package that it was started from.
    pub version: String,
    /// When it began to listen.
    pub started: Timestamp,
    /// The file its process writes its complaints to.
    pub log: PathBuf,
}

impl SandboxStatus {
    /// Whether it was started from this very binary's package; if not, a stop and a start bring it up to date.
    pub fn is_current(&self) -> bool {
        self.version == package::version()
    }
}

/// What the process writes once it listens.
#[derive(Deserialize)]
struct Ready {
    endpoint: String,
    pid: u32,
    version: String,
    started: Timestamp,
}

/// What `/_sandbox/health` answers.
#[derive(Deserialize)]
struct Health {
    pid: u32,
}

/// The folder of one sandbox.
pub(crate) struct SandboxInstance {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

impl SandboxInstance {
    /// The instance called `name`, running or not.
    pub(crate) fn of(home: &SandboxFolder, name: &str) -> Result<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(Error::BadName { name: name.to_owned() });
        }
        let folder = home.join("instances").join(name);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        Ok(Self { name: name.to_owned(), folder })
    }

    pub(crate) fn lock_file(&self) -> PathBuf {
        self.folder.join("lock")
    }

    pub(crate) fn ready_file(&self) -> PathBuf {
        self.folder.join("ready.json")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The running process, if the one on record lives and answers for itself: its number may be another's by now.
    pub(crate) async fn status(&self) -> Result<Option<SandboxStatus>> {
        let Some(recorded) = self.recorded()? else { return Ok(None) };
        if !process::lives(recorded.pid) {
            return Ok(None);
        }
        let health = control::get(&recorded.endpoint, "health").await;
        let health = health.ok().and_then(|health| serde_json::from_value::<Health>(health).ok());
        Ok(health.filter(|health| health.pid == recorded.pid).map(|_| recorded))
    }

    /// The process on record, alive or not; none where there is no record, or one that nobody wrote to the end.
    pub(crate) fn recorded(&self) -> Result<Option<SandboxStatus>> {
        let path = self.ready_file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let ready = serde_json::from_str::<Ready>(&text).ok();
        Ok(ready.map(|Ready { endpoint, pid, version, started }| SandboxStatus {
            name: self.name.clone(),
            endpoint,
            pid,
            version,
            started,
            log: self.log(),
        }))
    }

    /// Ends the process, and says whether there was one.
    pub(crate) async fn stop(&self) -> Result<bool> {
        let Some(recorded) = self.recorded()? else { return Ok(false) };
        let lived = process::is_sandbox(recorded.pid);
        if lived {
            end(recorded.pid).await?;
        }
        self.forget()?;
        Ok(lived)
    }

    /// Removes the record of the process.
    pub(crate) fn forget(&self) -> Result<()> {
        let path = self.ready_file();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

async fn end(pid: u32) -> Result<()> {
    process::ask_to_end(pid);
    let deadline = Instant::now() + PATIENCE;
    while process::is_sandbox(pid) {
        if Instant::now() >= deadline {
            process::kill(pid);
            sleep(Duration::from_millis(100)).await;
            return if process::is_sandbox(pid) { Err(Error::DidNotStop { pid }) } else { Ok(()) };
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SandboxOptions;

    #[test]
    fn name_is_a_folders_name() {
        let folder = tempfile::tempdir().unwrap();
        let home =
            SandboxFolder::of(&SandboxOptions { home: Some(folder.path().to_owned()), ..SandboxOptions::default() })
                .unwrap();
        for name in ["", "..", "a/b", "a b", "ä"] {
            assert!(matches!(SandboxInstance::of(&home, name), Err(Error::BadName { .. })), "{name}");
        }
        assert!(SandboxInstance::of(&home, "test-1_a").is_ok());
    }

    #[tokio::test]
    async fn record_of_a_dead_process_is_no_sandbox() {
        let folder = tempfile::tempdir().unwrap();
        let home = SandboxFolder { path: folder.path().to_owned() };
        let instance = SandboxInstance::of(&home, "default").unwrap();
        assert_eq!(instance.status().await.unwrap(), None);
        let record =
            r#"{"endpoint":"http://127.0.0.1:9","pid":4000000,"version":"0","started":"2026-01-01T00:00:00Z"}"#;
        fs::write(instance.ready_file(), record).unwrap();
        assert_eq!(instance.status().await.unwrap(), None);
        assert!(!instance.stop().await.unwrap());
        assert!(!instance.ready_file().exists());
    }
}
