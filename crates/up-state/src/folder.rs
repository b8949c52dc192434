//! The files of a stack in a local folder.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use tempfile::NamedTempFile;

use crate::{StateError, Store, StoredFile, Version, WriteIf};

/// A stack's folder. It is created when a file is first written.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// Reserved disk space.
#[derive(Debug)]
pub(crate) struct ReservedSpace {
    _file: File,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn make(&self) -> Result<(), StateError> {
        fs::create_dir_all(&self.path).map_err(failed("create", &self.path))
    }

    /// Reserves `bytes` of disk space in an unnamed file, which is deleted when it is closed. Also fails if the folder
    /// accepts no new files.
    pub(crate) fn room(&self, bytes: u64) -> Result<ReservedSpace, StateError> {
        let room = || -> io::Result<ReservedSpace> {
            let mut file = tempfile::tempfile_in(&self.path)?;
            if !allocate(&file, bytes)? {
                io::copy(&mut io::repeat(0).take(bytes), &mut file)?;
                file.sync_data()?;
            }
            Ok(ReservedSpace { _file: file })
        };
        room().map_err(failed("reserve space in", &self.path))
    }

    /// Overwrites the file and then truncates it, so that a full disk leaves the old content; other readers and writers
    /// wait meanwhile. The file is never removed, so that all processes lock the same one.
    fn swap(&self, path: &Path, bytes: &[u8], when: &WriteIf) -> Result<Option<Version>, StateError> {
        let swapped = || -> io::Result<bool> {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            file.lock()?;
            let mut before = vec![];
            file.read_to_end(&mut before)?;
            let holds = match when {
                WriteIf::Always => true,
                // Opening has created it: an empty file did not exist before, or holds no lease.
                WriteIf::Absent => before.is_empty(),
                WriteIf::Is(version) => before == *version.0,
            };
            if holds {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(bytes)?;
                file.set_len(bytes.len() as u64)?;
            }
            Ok(holds)
        };
        Ok(swapped().map_err(failed("write", path))?.then(|| Version(Arc::new(bytes.to_vec()))))
    }

    /// Writes a new file and renames it: a reader, or a crash, finds either the old content or the new one.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<Version, StateError> {
        let written = || -> io::Result<()> {
            let mut file = NamedTempFile::new_in(&self.path)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        written().map_err(failed("write", path))?;
        Ok(Version(Arc::new(bytes.to_vec())))
    }
}

impl Store for Folder {
    fn get(&self, name: &str) -> Result<Option<StoredFile>, StateError> {
        let path = self.file(name);
        let read = || -> io::Result<StoredFile> {
            let mut file = File::open(&path)?;
            // If the file system has no locks, reading without one must do; a write is refused there.
            let _ = file.lock_shared();
            let mut bytes = vec![];
            file.read_to_end(&mut bytes)?;
            let written = Timestamp::try_from(file.metadata()?.modified()?).map_err(io::Error::other)?;
            let bytes = Arc::new(bytes);
            Ok(StoredFile { version: Version(bytes.clone()), bytes, written })
        };
        match read() {
            Ok(kept) => Ok(Some(kept)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], when: &WriteIf) -> Result<Option<Version>, StateError> {
        self.make()?;
        match when {
            WriteIf::Always => self.replace(&self.file(name), bytes).map(Some),
            _ => self.swap(&self.file(name), bytes, when),
        }
    }

    fn delete(&self, names: &[String]) -> Result<(), StateError> {
        for path in names.iter().map(|name| self.file(name)) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            entries => entries.map_err(failed("list", &self.path))?,
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: io::Result<Vec<String>> = names.collect();
        let mut names = names.map_err(failed("list", &self.path))?;
        names.retain(|name| name.starts_with(prefix));
        names.sort();
        Ok(names)
    }

    fn at(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }
}

/// Reserves disk space behind the end of a file, into which it grows. False if the file system cannot.
pub(crate) fn allocate(file: &File, bytes: u64) -> io::Result<bool> {
    if bytes == 0 {
        return Ok(true);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::{
            fs::{FallocateFlags, fallocate},
            io::Errno,
        };
        match fallocate(file, FallocateFlags::KEEP_SIZE, file.metadata()?.len(), bytes) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, bytes);
        Ok(false)
    }
}

/// Adds the file's name to an error of the file system.
pub(crate) fn failed(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    move |error| StateError::File { verb, path: path.to_owned(), error }
}
