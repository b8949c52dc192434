//! The files of a stack, and places in them.

use std::{
    cell::RefCell,
    fs,
    io::{self, Read},
    ops::Range,
    path::Path,
    sync::Arc,
};

/// The largest file that is read, in bytes.
pub(crate) const LARGEST: u64 = 1024 * 1024;

/// One file, or what stands for one: the text of a `--set`.
#[derive(Debug)]
pub(crate) struct Source {
    /// As shown in messages.
    pub(crate) name: String,
    /// Its whole text.
    pub(crate) text: String,
    /// Where each line starts.
    lines: Vec<usize>,
}

/// A range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    source: u32,
    start: u32,
    end: u32,
}

/// All sources of one load. Places refer to them by number.
#[derive(Debug, Default)]
pub(crate) struct Sources(RefCell<Vec<Arc<Source>>>);

impl Source {
    fn new(name: String, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { name, text, lines }
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub(crate) fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1];
        let before = self.text.get(start..byte).map_or(0, |text| text.chars().count());
        (line, before + 1)
    }
}

impl Place {
    /// The place of `range` in the same source.
    pub(crate) fn sibling(self, range: Range<usize>) -> Self {
        Self { source: self.source, start: offset(range.start), end: offset(range.end) }
    }

    /// The bytes it covers.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Sources are at most [`LARGEST`] bytes long.
fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

impl Sources {
    /// Adds a source and returns the place of its very beginning.
    pub(crate) fn add(&self, name: impl Into<String>, text: impl Into<String>) -> Place {
        let mut all = self.0.borrow_mut();
        all.push(Arc::new(Source::new(name.into(), text.into())));
        Place { source: offset(all.len() - 1), start: 0, end: 0 }
    }

    /// The source a place is in.
    pub(crate) fn of(&self, place: Place) -> Arc<Source> {
        self.0.borrow()[place.source as usize].clone()
    }
}

/// Why a file could not be read, as a message and a hint.
pub(crate) type Unreadable = (String, Option<String>);

/// Reads a text file, which must be UTF-8 and not too large.
pub(crate) fn read(path: &Path) -> Result<String, Unreadable> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        (format!("this file is not UTF-8 text: line {line} holds a byte that is none"), Some("save it as UTF-8".into()))
    })
}

/// Reads a file, which must not be too large.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let missing = |error: io::Error| {
        let hint = (error.kind() == io::ErrorKind::NotFound).then(|| "check the path; it is read as written".into());
        (format!("cannot read this file: {error}"), hint)
    };
    let about = fs::metadata(path).map_err(missing)?;
    if about.is_dir() {
        return Err(("this is a folder, not a file".into(), Some("name the stack's file in it".into())));
    }
    if !about.is_file() {
        return Err(("this is not a regular file".into(), None));
    }
    if about.len() > LARGEST {
        let size = about.len() as f64 / LARGEST as f64;
        let message = format!("this file is too large: {size:.1} MiB, and 1 MiB is the limit");
        return Err((message, Some("cut it into modules".into())));
    }
    // Only so much, even where it has grown since.
    let mut bytes = vec![];
    fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(missing)?;
    Ok(bytes)
}
