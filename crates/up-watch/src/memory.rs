//! What survives a restart: what is known about the stacks and was told, and notifications that are not delivered yet.

use std::{
    collections::{BTreeMap, VecDeque},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{notify::Message, told::Told};

/// The version of the file.
const FORMAT: u32 = 1;

/// What survives a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    format: u32,
    /// What is known and was told, by stack.
    #[serde(default)]
    pub stacks: BTreeMap<String, Told>,
    /// Messages that are not delivered yet, by target, the oldest first.
    #[serde(default)]
    pub outbox: BTreeMap<String, VecDeque<Message>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { format: FORMAT, stacks: BTreeMap::new(), outbox: BTreeMap::new() }
    }
}

/// The file that keeps a [`Memory`].
#[derive(Debug, Clone)]
pub struct MemoryFile(PathBuf);

impl MemoryFile {
    /// The file at `path`, which need not exist.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Reads it; nothing is known if it does not exist.
    ///
    /// # Errors
    /// When it cannot be read, or is not of this version.
    pub fn read(&self) -> Result<Memory, String> {
        let bytes = match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Memory::default()),
            bytes => bytes.map_err(|error| format!("failed to read {}: {error}", self.0.display()))?,
        };
        let memory: Memory =
            serde_json::from_slice(&bytes).map_err(|error| format!("{} is damaged: {error}", self.0.display()))?;
        match memory.format {
            FORMAT => Ok(memory),
            other => Err(format!("{} has format {other}, and this version knows {FORMAT}", self.0.display())),
        }
    }

    /// Replaces it as a whole: it is never half written. Only the owner can read it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, memory: &Memory) -> Result<(), String> {
        let written = || -> io::Result<()> {
            let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer(&mut file, memory)?;
            file.as_file().sync_all()?;
            file.persist(&self.0)?;
            Ok(())
        };
        written().map_err(|error| format!("failed to write {}: {error}", self.0.display()))
    }
}
