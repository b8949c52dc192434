//! `output`.

use clap::Args;

use crate::{
    cli::{AwsOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
};

/// Shows the stack's outputs, or the value of one.
#[derive(Debug, Args)]
pub(crate) struct Output {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    /// The output; all of them when left out.
    pub(crate) name: Option<String>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Output {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
