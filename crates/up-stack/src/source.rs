//! The files of a stack, and spans in them.

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

/// A file, or other text that messages point into, such as the value of a `--set`.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its name in messages.
    pub(crate) name: String,
    /// Its whole text.
    pub(crate) text: String,
    /// The byte at which each line starts.
    lines: Vec<usize>,
}

/// A range of bytes in one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceSpan {
    source: u32,
    start: u32,
    end: u32,
}

/// All sources of one load. Spans refer to them by index.
#[derive(Debug, Default)]
pub(crate) struct Sources(RefCell<Vec<Arc<Source>>>);

impl Source {
    fn new(name: String, text: String) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Self { name, text, lines }
    }

    /// Line and column of a byte, both from 1. The column counts characters.
    pub(crate) fn line_and_column(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1];
        let before = self.text.get(start..byte).map_or(0, |text| text.chars().count());
        (line, before + 1)
    }
}

impl SourceSpan {
    /// The span of `range` in the same source.
    pub(crate) fn sibling(self, range: Range<usize>) -> Self {
        Self { source: self.source, start: offset(range.start), end: offset(range.end) }
    }

    /// The range of bytes that it covers.
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Sources are at most [`LARGEST`] bytes long.
fn offset(byte: usize) -> u32 {
    u32::try_from(byte).unwrap_or(u32::MAX)
}

impl Sources {
    /// Adds a source. Returns the empty span at its start.
    pub(crate) fn add(&self, name: impl Into<String>, text: impl Into<String>) -> SourceSpan {
        let mut all = self.0.borrow_mut();
        all.push(Arc::new(Source::new(name.into(), text.into())));
        SourceSpan { source: offset(all.len() - 1), start: 0, end: 0 }
    }

    /// The source that a span is in.
    pub(crate) fn of(&self, span: SourceSpan) -> Arc<Source> {
        self.0.borrow()[span.source as usize].clone()
    }
}

/// Why a file cannot be read: a message and a hint.
pub(crate) type Unreadable = (String, Option<String>);

/// Reads a text file of at most [`LARGEST`] bytes.
pub(crate) fn read(path: &Path) -> Result<String, Unreadable> {
    String::from_utf8(read_bytes(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
        (format!("this file is not UTF-8: invalid byte in line {line}"), Some("save it as UTF-8".into()))
    })
}

/// Reads a file of at most [`LARGEST`] bytes.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let missing = |error: io::Error| {
        let hint = (error.kind() == io::ErrorKind::NotFound).then(|| "check the path".into());
        (format!("cannot read this file: {error}"), hint)
    };
    let about = fs::metadata(path).map_err(missing)?;
    if about.is_dir() {
        return Err(("this is a folder, not a file".into(), Some("name a file in it".into())));
    }
    if !about.is_file() {
        return Err(("this is not a regular file".into(), None));
    }
    if about.len() > LARGEST {
        let size = about.len() as f64 / LARGEST as f64;
        let message = format!("this file is too large: {size:.1} MiB; the limit is 1 MiB");
        return Err((message, Some("split it into modules".into())));
    }
    // The limit holds even if the file has grown in the meantime.
    let mut bytes = vec![];
    fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(missing)?;
    Ok(bytes)
}
