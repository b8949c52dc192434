//! Stamps: the tags of resources that were created to be destroyed again.

use jiff::Timestamp;

use crate::Tags;

/// The tags that the create calls of a disposable stack set, as they are found on a resource.
///
/// No apply changes them: they say what was decided when the resource was created. `extend` sets a later expiry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps {
    /// True if the resource was created as part of a disposable stack.
    pub is_disposable: bool,
    /// When it may be destroyed, if that can be read.
    pub expires: Option<Timestamp>,
    /// When it was created, if that can be read.
    pub created: Option<Timestamp>,
}

impl Stamps {
    /// The tag that marks the resources of a disposable stack.
    pub const DISPOSABLE_TAG: &'static str = "bullstra:disposable";
    /// The value of that tag. Any other value means that the resource is not disposable.
    pub const DISPOSABLE: &'static str = "true";
    /// The tag with the time from which the resource may be destroyed.
    pub const EXPIRES_TAG: &'static str = "bullstra:expires";
    /// The tag with the time at which the create call was made: most kinds of AWS do not tell it.
    pub const CREATED_TAG: &'static str = "bullstra:created";
    /// All of them.
    pub const TAGS: [&'static str; 3] = [Self::DISPOSABLE_TAG, Self::EXPIRES_TAG, Self::CREATED_TAG];

    /// The stamps among a resource's tags. A text that is no time counts as none.
    pub fn of(tags: &Tags) -> Self {
        let time = |key| tags.get(key).and_then(|text: &String| text.parse().ok());
        Self {
            is_disposable: tags.get(Self::DISPOSABLE_TAG).is_some_and(|value| value == Self::DISPOSABLE),
            expires: time(Self::EXPIRES_TAG),
            created: time(Self::CREATED_TAG),
        }
    }

    /// A time as the value of a tag, such as `2026-11-29T16:07:00Z`: UTC, in characters that every AWS service allows.
    pub fn text(at: Timestamp) -> String {
        format!("{at:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back_as_they_were_written() {
        let at = "2026-11-29T16:07:00.9Z".parse::<Timestamp>().unwrap();
        let text = Stamps::text(at);
        assert_eq!(text, "2026-11-29T16:07:00Z");
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "_.:/=+-@ ".contains(c)));
        let tags: Tags =
            [(Stamps::DISPOSABLE_TAG, "true"), (Stamps::EXPIRES_TAG, &text), (Stamps::CREATED_TAG, "soon")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        let expires = Some("2026-11-29T16:07:00Z".parse().unwrap());
        assert_eq!(Stamps::of(&tags), Stamps { is_disposable: true, expires, created: None });
        assert_eq!(Stamps::of(&Tags::new()), Stamps::default());
    }
}
