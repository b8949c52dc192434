//! Where a stack's history is kept, and errors of reading and writing it.

use std::{path::Path, sync::Arc};

use aws_config::SdkConfig;
use up_core::{ErrorKind, Meter};
use up_s3::BucketStore;
use up_state::{LockHolder, RunHistory, State, StateError, StateLocation};

use super::StackTarget;
use crate::{Failure, Reason, advice};

/// The folder of the history where neither the caller nor the stack names a location.
pub const DEFAULT_STATE: &str = "state";

/// A stack's history, and where it is kept.
#[derive(Debug)]
pub struct History {
    /// Where it is kept.
    pub location: StateLocation,
    pub(super) state: State,
}

impl History {
    /// The run that holds the stack's lock, if one does.
    ///
    /// # Errors
    /// When the lock cannot be read.
    pub fn holder(&self) -> Result<Option<LockHolder>, Failure> {
        self.state.holder().map_err(unusable)
    }

    /// The last `limit` runs, the newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self, limit: usize) -> Result<RunHistory, Failure> {
        self.state.runs(limit).map_err(unusable)
    }

    /// Removes the lock of `holder`; false where another run holds it by now.
    ///
    /// # Errors
    /// When the lock cannot be removed.
    pub fn unlock(&self, holder: &LockHolder) -> Result<bool, Failure> {
        self.state.unlock(holder).map_err(unusable)
    }
}

/// Refuses a stack name that no history can have, before any call.
pub(super) fn check(stack: &str) -> Result<(), Failure> {
    State::in_folder(Path::new(DEFAULT_STATE), stack).map(drop).map_err(unusable)
}

/// The location that the caller has `chosen`, or the stack's own.
pub(super) fn location(target: &StackTarget<'_>, chosen: Option<&StateLocation>) -> StateLocation {
    chosen.or(target.backend).cloned().unwrap_or_else(|| StateLocation::Folder(DEFAULT_STATE.into()))
}

/// The history. Makes no call.
pub(super) fn open(location: &StateLocation, stack: &str, config: &SdkConfig, meter: &Meter) -> Result<State, Failure> {
    match location {
        StateLocation::Folder(folder) => State::in_folder(folder, stack).map_err(unusable),
        StateLocation::Bucket { bucket, prefix } => {
            let store = BucketStore::new(config, meter.clone(), bucket, prefix, stack)
                .map_err(|error| Failure::new(Reason::Failed, format!("failed to use {location}: {error}")))?;
            State::in_store(Arc::new(store), stack).map_err(unusable)
        }
    }
}

/// The failure of history that cannot be read or written.
pub(crate) fn unusable(error: StateError) -> Failure {
    let reason = match &error {
        StateError::Name(_) | StateError::Newer { .. } => Reason::Input,
        StateError::Store { error, .. } if matches!(error.kind, ErrorKind::Denied | ErrorKind::Credentials) => {
            Reason::Access
        }
        StateError::Store { hint: Some(_), .. } => Reason::Input,
        _ => Reason::Failed,
    };
    let hint = match &error {
        StateError::Name(_) => "the stack's name is in `[stack]`".to_owned(),
        StateError::Unreadable(_) => "move the file away: it holds history, and no resource is lost with it".to_owned(),
        StateError::File { .. } => {
            "choose another folder with `--state`; it holds history, and no resource is lost with it".to_owned()
        }
        StateError::Newer { .. } => {
            "use that version, or move the file away: it holds history, and no resource is lost with it".to_owned()
        }
        StateError::Store { hint: Some(hint), .. } => hint.clone(),
        StateError::Store { error, .. } => match advice::advice(error, &up_s3::ACTIONS.map(str::to_owned), None) {
            Some(advice) => advice,
            None => return Failure::new(reason, error.to_string()),
        },
        StateError::Journal { .. } | StateError::Contended(_) => {
            "nothing was changed: run the same command again".to_owned()
        }
    };
    Failure::new(reason, error.to_string()).hint(hint)
}
