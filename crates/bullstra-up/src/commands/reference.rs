//! `reference`.

use clap::Args;

use crate::exit::{Exit, Failure};

/// Writes the reference.
#[derive(Debug, Args)]
pub(crate) struct Reference {}

impl Reference {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
