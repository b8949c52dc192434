//! Log files of a load balancer in S3.

use up_core::prelude::*;

use crate::attributes::Attributes;

/// Log files in an S3 bucket.
#[part(Default)]
pub(crate) struct Logs {
    /// The name of the bucket, whose policy must allow Elastic Load Balancing to write. Default: empty, no logs.
    #[spec(default)]
    bucket: String,
    /// The prefix of the log files' keys. Default: empty.
    #[spec(default)]
    prefix: String,
}

impl Logs {
    /// Adds the attributes of these logs, whose keys begin with `key`.
    pub(crate) fn set(&self, key: &str, attributes: &mut Attributes) {
        let wanted = !self.bucket.is_empty();
        attributes.set(&format!("{key}.s3.enabled"), Some(wanted));
        attributes.set(&format!("{key}.s3.bucket"), wanted.then_some(&self.bucket));
        attributes.set(&format!("{key}.s3.prefix"), wanted.then_some(&self.prefix));
    }

    /// AWS keeps the bucket of logs that are disabled: they count as no logs.
    pub(crate) fn observed(key: &str, attributes: &Attributes) -> Self {
        let text = |part| attributes.get(&format!("{key}.s3.{part}")).unwrap_or_default().to_owned();
        match attributes.get(&format!("{key}.s3.enabled")) {
            Some("true") => Self { bucket: text("bucket"), prefix: text("prefix") },
            _ => Self::default(),
        }
    }

    /// A prefix without a bucket has no meaning.
    pub(crate) fn check(&self, field: &str) -> Option<Problem> {
        let stray = self.bucket.is_empty() && !self.prefix.is_empty();
        Problem::when(stray, format!("{field}.bucket"), "missing: the bucket that the prefix is for")
    }
}
