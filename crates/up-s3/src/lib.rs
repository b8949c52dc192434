//! The S3 API: a bucket that keeps the state of stacks.

mod backend;
mod refused;

use up_core::Service;

pub use backend::BucketStore;

/// S3. It has no kinds.
pub static SERVICE: Service = Service::new("s3");

/// What a backend needs, as IAM names it.
pub const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"];
