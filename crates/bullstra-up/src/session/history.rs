//! Where a stack's history is, and what is wrong when it cannot be used.

use std::{path::Path, sync::Arc};

use aws_config::SdkConfig;
use up_core::{ErrorKind, Meter};
use up_s3::Bucket;
use up_state::{Place, State, StateError};

use super::Home;
use crate::{
    cli::StateOptions,
    exit::{Exit, Failure},
    render,
};

/// The folder that it is in where nothing else is said.
pub(crate) const DEFAULT: &str = "state";

/// Refuses a stack of a name that no history can have, before anybody is asked.
pub(super) fn check(stack: &str) -> Result<(), Failure> {
    State::in_folder(Path::new(DEFAULT), stack).map(drop).map_err(unusable)
}

/// Where it is: as the command says, or the stack.
pub(super) fn place(home: &Home<'_>, options: &StateOptions) -> Place {
    let said = options.state.as_ref().or(home.backend);
    said.cloned().unwrap_or_else(|| Place::Folder(DEFAULT.into()))
}

/// The history. Makes no call.
pub(super) fn open(place: &Place, stack: &str, config: &SdkConfig, meter: &Meter) -> Result<State, Failure> {
    match place {
        Place::Folder(folder) => State::in_folder(folder, stack).map_err(unusable),
        Place::Bucket { bucket, prefix } => {
            let store = Bucket::new(config, meter.clone(), bucket, prefix, stack)
                .map_err(|error| Failure::new(Exit::Failed, format!("failed to get ready for {place}: {error}")))?;
            State::in_store(Arc::new(store), stack).map_err(unusable)
        }
    }
}

/// A file of the stack's history cannot be used.
pub(crate) fn unusable(error: StateError) -> Failure {
    let exit = match &error {
        StateError::Name(_) | StateError::Newer { .. } => Exit::Input,
        StateError::Store { error, .. } if matches!(error.kind, ErrorKind::Denied | ErrorKind::Credentials) => {
            Exit::Access
        }
        StateError::Store { hint: Some(_), .. } => Exit::Input,
        _ => Exit::Failed,
    };
    let hint = match &error {
        StateError::Name(_) => "the stack's name is in `[stack]`".to_owned(),
        StateError::Unreadable(_) => "move the file away: it is history, and no resource is lost with it".to_owned(),
        StateError::File { .. } => {
            "`--state` names another folder; what is in it is history, and no resource is lost with it".to_owned()
        }
        StateError::Newer { .. } => {
            "use that version, or move the file away: it is history, and no resource is lost with it".to_owned()
        }
        StateError::Store { hint: Some(hint), .. } => hint.clone(),
        StateError::Store { error, .. } => match render::advice(error, &up_s3::ACTIONS.map(str::to_owned), None) {
            Some(advice) => advice,
            None => return Failure::new(exit, error.to_string()),
        },
        StateError::Journal { .. } | StateError::Contended(_) => {
            "nothing was changed: the same command again goes on".to_owned()
        }
    };
    Failure::new(exit, error.to_string()).hint(hint)
}
