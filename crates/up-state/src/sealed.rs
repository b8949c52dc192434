//! JSON objects with a checksum in them, so that a changed byte shows.
//!
//! The last member is `"sum"`: the beginning of the SHA-256 of all that stands before it. An object without one is taken
//! as it is: people and earlier versions write such.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::FORMAT;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened<T> {
    /// Just what was written.
    Whole(T),
    /// Of this later format.
    Newer(u32),
    /// Torn, changed or something else altogether; why it cannot be read.
    Damaged(String),
}

/// On one line, without its end.
pub(crate) fn line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    Ok(sealed(serde_json::to_vec(value)?, "", ""))
}

/// On many, for people to read.
pub(crate) fn page(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut page = sealed(serde_json::to_vec_pretty(value)?, "\n  ", "\n");
    page.push(b'\n');
    Ok(page)
}

fn sealed(mut json: Vec<u8>, before: &str, after: &str) -> Vec<u8> {
    let body = body(&json).unwrap_or(&json).len();
    json.truncate(body);
    let sum = sum(&json);
    let space = if before.is_empty() { "" } else { " " };
    json.extend(format!(",{before}\"sum\":{space}\"{sum}\"{after}}}").into_bytes());
    json
}

/// Reads what [`line`] or [`page`] wrote. Does not look at a format but one that is too high.
pub(crate) fn open<T: DeserializeOwned>(bytes: &[u8]) -> Opened<T> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    if let Ok(Versioned { format }) = serde_json::from_slice(bytes)
        && format > FORMAT
    {
        return Opened::Newer(format);
    }
    match serde_json::from_slice(bytes) {
        Ok(_) if !is_intact(bytes) => Opened::Damaged("its checksum does not fit".into()),
        Ok(value) => Opened::Whole(value),
        Err(error) => Opened::Damaged(error.to_string()),
    }
}

fn is_intact(bytes: &[u8]) -> bool {
    split(bytes).is_none_or(|(body, found)| sum(body).as_bytes() == found)
}

/// What the checksum is of, and the checksum.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let before = body(bytes)?.strip_suffix(b"\"")?;
    let start = before.iter().rposition(|byte| *byte == b'"')?;
    let key = before[..start].trim_ascii_end().strip_suffix(b"\"sum\":")?;
    Some((key.trim_ascii_end().strip_suffix(b",")?, &before[start + 1..]))
}

/// An object without its last brace.
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
            let Opened::Whole(back) = open::<Value>(&written) else { panic!("{}", String::from_utf8_lossy(&written)) };
            assert_eq!((&back["owner"], &back["ids"]), (&value["owner"], &value["ids"]));
            for (at, bit) in (0..written.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut changed = written.clone();
                changed[at] ^= 1 << bit;
                if let Opened::Whole(back) = open::<Value>(&changed) {
                    let kept = ["format", "owner", "ids"].iter().all(|key| back[key] == value[key]);
                    assert!(kept, "{}", String::from_utf8_lossy(&changed));
                }
            }
        }
    }

    #[test]
    fn takes_what_has_no_checksum() {
        assert_eq!(open::<Value>(b"{\"a\":1}"), Opened::Whole(json!({ "a": 1 })));
    }
}
