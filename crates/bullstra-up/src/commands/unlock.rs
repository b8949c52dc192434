//! `unlock`.

use std::path::Path;

use clap::Args;
use up_state::State;

use crate::{
    cli::{AwsOptions, InputOptions, StateOptions},
    exit::{Exit, Failure},
    run,
    session::{self, unusable},
    terminal,
};

/// Takes away the lock of a run that is gone.
///
/// Locks of runs that died on this machine, or that have not been heard of for a minute, are taken over without it. A run
/// that is still at work stops before its next change.
#[derive(Debug, Args)]
pub(crate) struct Unlock {
    /// The stack's name, or its file.
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) inputs: InputOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Unlock {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        let path = Path::new(&self.stack);
        let name =
            if path.is_file() { session::read(path, &self.inputs, &AwsOptions::default())?.name } else { self.stack };
        let state = State::open(&self.state.state, &name).map_err(unusable)?;
        match state.unlock().map_err(unusable)? {
            Some(lease) => terminal::say(format!("Unlocked {name}: it was held by {}.", run::holder(&lease))),
            None => terminal::say(format!("{name} is not locked.")),
        }
        Ok(Exit::Ok)
    }
}
