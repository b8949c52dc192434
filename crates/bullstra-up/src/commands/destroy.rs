//! `destroy`.

use clap::Args;

use crate::{
    cli::{AwsOptions, PlanOptions, RunOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
};

/// Deletes everything the stack owns.
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Destroy {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
