//! When AWS says that a resource was created.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::Observed;

/// Takes the time of a resource's creation from an answer of AWS.
pub trait CreatedAt {
    /// The same resource with the time of its creation, if AWS sent one.
    #[must_use]
    fn created_at(self, at: impl Into<Option<DateTime>>) -> Self;
}

impl<K> CreatedAt for Observed<K> {
    fn created_at(self, at: impl Into<Option<DateTime>>) -> Self {
        // The SDK fills in 0 for a time that is required and missing.
        let at = at.into().filter(|at| at.secs() > 0);
        Self { created: at.and_then(|at| Timestamp::from_second(at.secs()).ok()), ..self }
    }
}
