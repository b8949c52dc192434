//! `sandbox`.

use clap::Subcommand;

use crate::exit::{Exit, Failure};

/// An AWS to play with, on this machine.
#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    /// Starts it, unless it runs already.
    Start,
    /// Ends it, and forgets what it holds.
    Stop,
}

impl Sandbox {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        Ok(Exit::Ok)
    }
}
