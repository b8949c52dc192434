//! Where the state of stacks is kept.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// A local folder, or a bucket that several machines share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum StateLocation {
    /// A folder, with a folder for each stack in it.
    Folder(PathBuf),
    /// `s3://bucket/prefix`; the objects of a stack begin with `prefix/<stack>/`.
    Bucket {
        /// The bucket's name.
        bucket: String,
        /// The prefix of all keys, without a slash at either end; may be empty.
        prefix: String,
    },
}

impl StateLocation {
    /// The prefix of bucket URLs.
    pub const SCHEME: &str = "s3://";
}

/// Parses `s3://bucket/prefix`; text without `://` is a folder.
impl FromStr for StateLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix(Self::SCHEME) else {
            return match text {
                "" => Err("expected a folder, or `s3://bucket/prefix`".into()),
                other if other.contains("://") => {
                    Err("unknown backend: expected a folder, or `s3://bucket/prefix`".into())
                }
                folder => Ok(Self::Folder(folder.into())),
            };
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').filter(|prefix| !prefix.is_empty()).unwrap_or(prefix);
        if !is_bucket(bucket) {
            let rule = "3 to 63 lower-case letters, digits, `-` and `.`, a letter or digit at both ends";
            return Err(format!("`{bucket}` is not a valid bucket name: {rule}"));
        }
        if !prefix.is_empty() && !prefix.split('/').all(is_part) {
            let rule = "parts of letters, digits, `_`, `-`, `.` and `=`, with one `/` between them";
            return Err(format!("`{prefix}` is not a valid key prefix: {rule}"));
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl TryFrom<String> for StateLocation {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<StateLocation> for String {
    fn from(place: StateLocation) -> Self {
        place.to_string()
    }
}

impl fmt::Display for StateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(f, "{}{bucket}", Self::SCHEME),
            Self::Bucket { bucket, prefix } => write!(f, "{}{bucket}/{prefix}", Self::SCHEME),
        }
    }
}

fn is_bucket(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'-' | b'.'))
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().last().is_some_and(is_plain)
        && !name.contains("..")
}

fn is_part(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_folders_and_buckets_and_writes_them_back() {
        for text in ["state", "/var/state", "../state", "s3://bullstra-state", "s3://bullstra-state/up/prod"] {
            assert_eq!(text.parse::<StateLocation>().unwrap().to_string(), text);
        }
        let bucket = StateLocation::Bucket { bucket: "bullstra-state".into(), prefix: "up".into() };
        assert_eq!("s3://bullstra-state/up/".parse(), Ok(bucket));
    }

    #[test]
    fn refuses_names_that_s3_refuses_and_other_backends() {
        for text in [
            "",
            "s3://",
            "s3:///prefix",
            "s3://Bullstra",
            "s3://ab",
            "s3://-ab",
            "s3://a..b",
            "s3://bucket//",
            "s3://bucket/a//b",
            "s3://bucket/../other",
            "s3://bucket/a b",
            "gs://bucket/prefix",
            "https://bucket",
        ] {
            assert!(text.parse::<StateLocation>().is_err(), "{text}");
        }
    }
}
