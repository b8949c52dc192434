//! `completions`.

use clap::Args;

use crate::exit::{Exit, Failure};

/// Writes the completions.
#[derive(Debug, Args)]
pub(crate) struct Completions {}

impl Completions {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
