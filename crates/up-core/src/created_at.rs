//! When a resource was created, as AWS's answers say.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::Observed;

/// Reads the time of creation from an answer.
pub trait CreatedAt {
    /// The same resource with the time of its creation, if AWS sent one.
    #[must_use]
    fn created_at(self, at: impl Into<Option<DateTime>>) -> Self;
}

impl<K> CreatedAt for Observed<K> {
    fn created_at(self, at: impl Into<Option<DateTime>>) -> Self {
        let at = at.into().filter(|at| at.secs() > 0);
        Self { created: at.and_then(|at| Timestamp::from_second(at.secs()).ok()), ..self }
    }
}
