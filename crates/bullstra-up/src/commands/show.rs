//! `show`.

use clap::Args;

use crate::{
    cli::{AwsOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
};

/// Shows what the stack owns in AWS, or one resource of it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    /// The resource; all of them in a list when left out.
    pub(crate) address: Option<up_core::Address>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Show {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
