//! `unlock`.

use std::path::Path;

use clap::Args;

use up_engine::{Engine, Failure, Reason, StackTarget, holder};

use crate::{
    approval,
    exit::Exit,
    options::{AwsArgs, InputArgs, StateArgs},
    terminal,
};

/// The region of a bucket, unless `--region` or the stack says another.
const REGION: &str = "us-east-1";

/// Removes the lock of a run that has ended.
///
/// Shows who holds it, and asks. This is not needed for runs that have died on this machine, or that have not renewed their
/// lock for a minute: the next run takes over their locks. A run that is still at work stops before its next change.
#[derive(Debug, Args)]
pub(crate) struct UnlockCommand {
    /// The stack's name, or its file.
    ///
    /// The file says which bucket the state is in. With a name, `--state` and `--region` do.
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
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
        let path = Path::new(&self.stack);
        let stack = match path.is_file() {
            true => Some(engine.load(path, &self.inputs.options(&self.aws))?),
            false => None,
        };
        let named = StackTarget { stack: &self.stack, region: REGION, accounts: &[], role: None, backend: None };
        let target = stack.as_ref().map_or(named, StackTarget::of);
        let history = engine.history(&target, &self.aws.session(&self.state).await?).await?;
        let (name, location) = (target.stack, &history.location);
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
