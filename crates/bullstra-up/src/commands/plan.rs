//! `plan`.

use clap::Args;

use crate::{
    cli::{AwsOptions, PlanOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
};

/// Shows what `apply` would do.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Plan {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
