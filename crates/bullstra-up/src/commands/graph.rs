//! `graph`.

use clap::Args;

use crate::{
    cli::StackOptions,
    exit::{Exit, Failure},
};

/// Writes the graph of a stack's resources.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
}

impl Graph {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
