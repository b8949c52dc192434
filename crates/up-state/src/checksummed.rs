//! JSON objects with a checksum, which detects changed bytes.
//!
//! The last member is `"sum"`: the beginning of the SHA-256 of everything before it. An object without a checksum is
//! accepted: people and earlier versions write such files.

use std::io;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::ser::{Formatter, Serializer};
use sha2::{Digest, Sha256};

use crate::FORMAT;

/// The result of reading.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checksummed<T> {
    /// Read, and unchanged since it was written.
    Intact(T),
    /// Written with this newer format.
    Newer(u32),
    /// Damaged; holds the reason.
    Damaged(String),
}

/// The value on one line, without a line end.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    Ok(with_checksum(serde_json::to_vec(value)?, ""))
}

/// The value on several lines: one for each member, and for each item of those.
pub(crate) fn page(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut page = vec![];
    value.serialize(&mut Serializer::with_formatter(&mut page, LineFormatter { depth: 0 }))?;
    let mut page = with_checksum(page, "\n");
    page.push(b'\n');
    Ok(page)
}

/// Writes JSON in lines, see [`page`]. Indenting all of it would double the time to write and to read it.
struct LineFormatter {
    depth: usize,
}

impl LineFormatter {
    fn bracket<W: io::Write + ?Sized>(&mut self, to: &mut W, bracket: u8) -> io::Result<()> {
        self.depth = if matches!(bracket, b'[' | b'{') { self.depth + 1 } else { self.depth - 1 };
        to.write_all(&[bracket])
    }

    fn item<W: io::Write + ?Sized>(&self, to: &mut W, first: bool) -> io::Result<()> {
        let comma: &[u8] = if first { b"" } else { b"," };
        let line: &[u8] = if self.depth > 2 { b"" } else { b"\n" };
        to.write_all(comma)?;
        to.write_all(line)
    }
}

impl Formatter for LineFormatter {
    fn begin_array<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.bracket(to, b'[')
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first)
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.bracket(to, b']')
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.bracket(to, b'{')
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        self.item(to, first)
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, to: &mut W) -> io::Result<()> {
        self.bracket(to, b'}')
    }
}

fn with_checksum(mut json: Vec<u8>, end: &str) -> Vec<u8> {
    let body = body(&json).unwrap_or(&json).len();
    json.truncate(body);
    let sum = sum(&json);
    json.extend(format!(",{end}\"sum\":\"{sum}\"{end}}}").into_bytes());
    json
}

/// Reads what [`line`] or [`page`] wrote. Refuses only newer formats.
pub(crate) fn open<T: DeserializeOwned>(bytes: &[u8]) -> Checksummed<T> {
    if let Some(format) = format(bytes).filter(|format| *format > FORMAT) {
        return Checksummed::Newer(format);
    }
    match serde_json::from_slice(bytes) {
        Ok(_) if !is_intact(bytes) => Checksummed::Damaged("its checksum does not match".into()),
        Ok(value) => Checksummed::Intact(value),
        Err(error) => Checksummed::Damaged(error.to_string()),
    }
}

/// The format. Files written here begin with it, so that only the beginning has to be read.
fn format(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let first = bytes.strip_prefix(b"{").and_then(|rest| rest.trim_ascii_start().strip_prefix(b"\"format\":"));
    let number = first.and_then(|rest| rest.trim_ascii_start().split(|byte| !byte.is_ascii_digit()).next());
    let written = number.and_then(|number| str::from_utf8(number).ok()?.parse().ok());
    written.or_else(|| serde_json::from_slice(bytes).ok().map(|Versioned { format }| format))
}

/// True if the object has a checksum.
pub(crate) fn has_checksum(bytes: &[u8]) -> bool {
    split(bytes).is_some()
}

fn is_intact(bytes: &[u8]) -> bool {
    split(bytes).is_none_or(|(body, found)| sum(body).as_bytes() == found)
}

/// The text that the checksum covers, and the checksum.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let before = body(bytes)?.strip_suffix(b"\"")?;
    let start = before.iter().rposition(|byte| *byte == b'"')?;
    let key = before[..start].trim_ascii_end().strip_suffix(b"\"sum\":")?;
    Some((key.trim_ascii_end().strip_suffix(b",")?, &before[start + 1..]))
}

/// An object without its closing brace.
fn body(json: &[u8]) -> Option<&[u8]> {
    Some(json.trim_ascii_end().strip_suffix(b"}")?.trim_ascii_end())
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn notices_every_changed_byte() {
        let value = json!({ "format": 1, "owner": "me@here", "ids": ["vpc-1"] });
        for written in [line(&value).unwrap(), page(&value).unwrap()] {
            let Checksummed::Intact(back) = open::<Value>(&written) else {
                panic!("{}", String::from_utf8_lossy(&written))
            };
            assert_eq!((&back["owner"], &back["ids"]), (&value["owner"], &value["ids"]));
            for (at, bit) in (0..written.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut changed = written.clone();
                changed[at] ^= 1 << bit;
                if let Checksummed::Intact(back) = open::<Value>(&changed) {
                    let kept = ["format", "owner", "ids"].iter().all(|key| back[key] == value[key]);
                    assert!(kept, "{}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }

    #[test]
    fn a_page_has_a_line_for_each_item() {
        let value = json!({ "format": 1, "resources": [{ "a": [1, { "b": [] }] }, {}], "ids": { "x": ["1", "2"] }, "none": [] });
        let page = String::from_utf8(page(&value).unwrap()).unwrap();
        let lines: Vec<_> = page.lines().collect();
        let sum = lines[lines.len() - 2];
        #[rustfmt::skip]
        let expected = [
            "{", "\"format\":1,", "\"resources\":[", "{\"a\":[1,{\"b\":[]}]},", "{}],",
            "\"ids\":{", "\"x\":[\"1\",\"2\"]},", "\"none\":[],", sum, "}",
        ];
        assert_eq!(lines, expected);
        assert!(sum.starts_with("\"sum\":\""), "{sum}");
    }

    #[test]
    fn reads_an_object_without_a_checksum() {
        assert_eq!(open::<Value>(b"{\"a\":1}"), Checksummed::Intact(json!({ "a": 1 })));
    }
}
