//! `validate`.

use clap::Args;

use crate::{
    cli::StackOptions,
    exit::{Exit, Failure},
};

/// Checks a stack's files, all of them, without a call to AWS.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
}

impl Validate {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
