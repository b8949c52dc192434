//! `unlock`.

use clap::Args;

use up_engine::{Engine, Failure, Reason, holder};

use crate::{
    approval,
    exit::Exit,
    options::{AwsArgs, NamedStackArgs, StateArgs},
    terminal,
};

/// Removes the lock of a run that has ended.
///
/// Shows who holds it, and asks. This is not needed for runs that have died on this machine, or that have not renewed their
/// lock for a minute: the next run takes over their locks. A run that is still at work stops before its next change.
#[derive(Debug, Args)]
pub(crate) struct UnlockCommand {
    #[command(flatten)]
    pub(crate) stack: NamedStackArgs,
    /// Begins without asking.
    #[arg(long, visible_alias = "yes")]
    pub(crate) auto_approve: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl UnlockCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let (name, history) = self.stack.history(engine, &self.aws, &self.state).await?;
        let location = &history.location;
        let Some(holding) = history.holder()? else {
            terminal::say(format!("{name} is not locked in {location}."));
            return Ok(Exit::Ok);
        };
        terminal::say(format!("{name} is locked in {location} by {}.", holder(&holding)));
        let question = "Remove the lock? If that run is still at work, it stops. Only `yes` approves:";
        approval::given(self.auto_approve, "this", question.into()).await?;
        if !history.unlock(&holding)? {
            let failure = Failure::new(Reason::Locked, format!("another run has taken the lock of {name} meanwhile"));
            return Err(failure.hint("look again who holds it"));
        }
        terminal::say(format!("Unlocked {name}."));
        Ok(Exit::Ok)
    }
}
