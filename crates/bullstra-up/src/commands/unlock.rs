//! `unlock`.

use clap::Args;

use crate::{
    cli::StateOptions,
    exit::{Exit, Failure},
};

/// Takes away the lock of a run that is gone.
#[derive(Debug, Args)]
pub(crate) struct Unlock {
    /// The stack's name, or its file.
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Unlock {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
