//! `schema`.

use clap::Args;

use crate::exit::{Exit, Failure};

/// Writes the schema.
#[derive(Debug, Args)]
pub(crate) struct Schema {}

impl Schema {
    pub(crate) fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
