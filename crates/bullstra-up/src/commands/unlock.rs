//! `unlock`.

use std::path::Path;

use clap::Args;

use crate::{
    approval,
    cli::{AwsOptions, InputOptions, StateOptions},
    exit::{Exit, Failure},
    run,
    session::{self, Home, unusable},
    terminal,
};

/// The region of a bucket where nothing says another.
const REGION: &str = "us-east-1";

/// Removes the lock of a run that has ended.
///
/// Shows who holds it, and asks. Locks of runs that died on this machine, or that have not been heard of for a minute, are
/// taken over without it. A run that is still at work stops before its next change.
#[derive(Debug, Args)]
pub(crate) struct Unlock {
    /// The stack's name, or its file.
    ///
    /// Where the state is in a bucket, the file says so; beside a name, `--state` does, and `--region`.
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) inputs: InputOptions,
    /// Does not ask.
    #[arg(long, visible_alias = "yes")]
    pub(crate) auto_approve: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Unlock {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let path = Path::new(&self.stack);
        let stack = if path.is_file() { Some(session::read(path, &self.inputs, &self.aws)?) } else { None };
        let named = Home { stack: &self.stack, region: REGION, accounts: &[], role: None, backend: None };
        let home = stack.as_ref().map_or(named, Home::of);
        let (place, state) = session::state(&home, &self.aws, &self.state).await?;
        let name = home.stack;
        let Some(holder) = state.holder().map_err(unusable)? else {
            terminal::say(format!("{name} is not locked in {place}."));
            return Ok(Exit::Ok);
        };
        let held = run::holder(&holder);
        terminal::say(format!("{name} is locked in {place} by {held}."));
        let question = "Remove the lock? A run that is still at work stops. Only `yes` is taken:";
        approval::given(self.auto_approve, "this", question.into()).await?;
        if !state.unlock(&holder).map_err(unusable)? {
            let failure = Failure::new(Exit::Locked, format!("another run has taken the lock of {name} meanwhile"));
            return Err(failure.hint("look again who holds it"));
        }
        terminal::say(format!("Unlocked {name}."));
        Ok(Exit::Ok)
    }
}
