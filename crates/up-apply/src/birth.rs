//! What new resources of a disposable stack are stamped with.

use std::borrow::Cow;

use jiff::Timestamp;
use up_core::{Clock, NewResource, Stamps};

/// The times that the create calls of a disposable stack put into tags, see [`up_core::Stamps`].
#[derive(Debug, Clone)]
pub struct Birth {
    /// When the stack expires.
    pub expires: Timestamp,
    /// Tells when a resource is created.
    pub clock: Clock,
}

impl Birth {
    /// The new resource, with the times in its tags if it is marked as disposable. Asked once for each step: a create that is
    /// sent again has the same tags.
    pub(crate) fn stamped<'n>(&self, new: &'n NewResource) -> Cow<'n, NewResource> {
        let mut new = Cow::Borrowed(new);
        if Stamps::of(&new.tags).is_disposable {
            let times = [(Stamps::EXPIRES_TAG, self.expires), (Stamps::CREATED_TAG, self.clock.now())];
            new.to_mut().tags.extend(times.map(|(key, at)| (key.to_owned(), Stamps::text(at))));
        }
        new
    }
}
