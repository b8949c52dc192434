//! Decides whether a stack may be destroyed. Pure: takes what the last look has shown, and the time.
//!
//! Everything that is not known speaks for keeping the stack.

use std::{fmt, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use up_core::Stamps;

use crate::disposal::expiry;

/// A stack with a younger resource is kept: a run may be at work on it that holds no lock we know of.
pub const YOUNG: Duration = Duration::from_secs(30 * 60);

/// A resource of a stack, as far as the decision depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SweptResource {
    /// Its address, or its id if it has none.
    pub(crate) name: String,
    /// What its tags say.
    pub(crate) stamps: Stamps,
    /// When AWS says that it was created.
    pub(crate) created: Option<Timestamp>,
    /// True if AWS's own deletion protection is on.
    pub(crate) is_protected: bool,
}

/// What a sweep does with a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// It has expired, and nothing speaks against destroying it.
    Destroy {
        /// When it expired.
        expired: Timestamp,
    },
    /// It stays.
    Keep {
        /// Why.
        reason: KeepReason,
    },
    /// None of it exists: only the tagging index still lists it.
    Gone,
}

/// Why a stack is not destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum KeepReason {
    /// None of its resources was created as disposable.
    NotDisposable,
    /// Some of its resources do not carry the mark, or no expiry that can be read.
    Unmarked {
        /// The tag.
        tag: &'static str,
        /// How many lack it.
        lack: usize,
        /// Of how many.
        of: usize,
        /// One of them.
        first: String,
    },
    /// It has not expired.
    NotDue {
        /// When it will.
        expires: Timestamp,
    },
    /// A resource was created less than [`YOUNG`] ago, or in the future.
    Young {
        /// The youngest resource.
        resource: String,
        /// When it was created.
        created: Timestamp,
    },
    /// Neither AWS nor a tag says when a resource was created.
    UnknownAge {
        /// One of them.
        resource: String,
    },
    /// Somebody has protected a resource.
    Protected {
        /// One of them.
        resource: String,
    },
    /// The rules do not allow its name.
    NotAllowed,
    /// Something refuses the destroy.
    Refused {
        /// What, as a sentence without a full stop.
        message: String,
    },
}

/// Decides about a stack with these resources.
pub(crate) fn decide(now: Timestamp, resources: &[SweptResource]) -> Decision {
    let keep = |reason| Decision::Keep { reason };
    if resources.is_empty() {
        return Decision::Gone;
    }
    let stamps = || resources.iter().map(|resource| &resource.stamps);
    if !stamps().any(|stamps| stamps.is_disposable) {
        return keep(KeepReason::NotDisposable);
    }
    let lacks = |tag, is_there: fn(&Stamps) -> bool| {
        let lacking: Vec<_> = resources.iter().filter(|resource| !is_there(&resource.stamps)).collect();
        let first = lacking.first()?.name.clone();
        Some(KeepReason::Unmarked { tag, lack: lacking.len(), of: resources.len(), first })
    };
    let unmarked = lacks(Stamps::DISPOSABLE_TAG, |stamps| stamps.is_disposable)
        .or_else(|| lacks(Stamps::EXPIRES_TAG, |stamps| stamps.expires.is_some()));
    if let Some(reason) = unmarked {
        return keep(reason);
    }
    // Each has a stamp: the latest is there.
    let Some(expired) = expiry(stamps()) else { return keep(KeepReason::NotDisposable) };
    if expired > now {
        return keep(KeepReason::NotDue { expires: expired });
    }
    if let Some(protected) = resources.iter().find(|resource| resource.is_protected) {
        return keep(KeepReason::Protected { resource: protected.name.clone() });
    }
    // A copied tag may be older than the resource: the later of the two counts.
    let born = |resource: &SweptResource| resource.stamps.created.max(resource.created);
    if let Some(unknown) = resources.iter().find(|resource| born(resource).is_none()) {
        return keep(KeepReason::UnknownAge { resource: unknown.name.clone() });
    }
    let youngest = resources.iter().filter_map(|resource| Some((born(resource)?, resource))).max_by_key(|(at, _)| *at);
    match youngest {
        Some((created, resource))
            if now.duration_since(created) < SignedDuration::try_from(YOUNG).unwrap_or_default() =>
        {
            keep(KeepReason::Young { resource: resource.name.clone(), created })
        }
        _ => Decision::Destroy { expired },
    }
}

impl Decision {
    /// True if the stack is to be destroyed.
    pub fn destroys(&self) -> bool {
        matches!(self, Self::Destroy { .. })
    }
}

/// A sentence without a full stop.
impl fmt::Display for KeepReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDisposable => f.write_str("not disposable"),
            Self::Unmarked { tag, lack, of, first } => write!(f, "no `{tag}` on {lack} of {of}: {first}"),
            Self::NotDue { expires } => write!(f, "expires at {expires:.0}"),
            Self::Young { resource, created } => {
                write!(f, "{resource} was created at {created:.0}, less than 30 minutes ago")
            }
            Self::UnknownAge { resource } => write!(f, "nothing says when {resource} was created"),
            Self::Protected { resource } => write!(f, "AWS's deletion protection of {resource} is on"),
            Self::NotAllowed => f.write_str("no pattern of the rules allows its name"),
            Self::Refused { message } => f.write_str(message),
        }
    }
}
