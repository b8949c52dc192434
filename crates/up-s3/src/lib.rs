//! The S3 API: a bucket that keeps the state of stacks.

mod backend;
mod refused;

pub use backend::BucketStore;

/// What a backend needs, as IAM names it.
pub const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"];
