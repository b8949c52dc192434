//! `extend`.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use up_engine::{Engine, Failure, Level, NamedStack, RunOptions};

use crate::{
    exit::Exit,
    options::{AccountArgs, AwsArgs, StateArgs, duration},
    render::{self, ApiCalls},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Lets a disposable stack live longer.
///
/// Writes a later expiry into the tags of its resources: as much later as is said, counted from the expiry that it has, or from now
/// if that is over. It only lengthens: where it ends half-way, the latest stamp counts, and the same command may be repeated.
#[derive(Debug, Args)]
pub(crate) struct ExtendCommand {
    /// The stack's name.
    pub(crate) name: String,
    /// How much longer, such as `+4h`.
    #[arg(value_name = "+TIME", value_parser = longer)]
    pub(crate) longer: Duration,
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// How long to wait for another run of the same stack to end, such as `90s` or `10m`.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl ExtendCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let (account, region) = self.account.place(&self.aws)?;
        let stack = NamedStack::new(&self.name, account, region);
        let run = RunOptions { lock_timeout: self.lock_timeout, ..RunOptions::default() };
        let session = self.aws.session(&self.state).await?;
        let extended = engine.extend(stack, self.longer, &session, &run).await?;
        if self.json {
            let mut report = json!(extended);
            report["format"] = FORMAT.into();
            report["api_calls"] = json!(ApiCalls::of(&engine.meter));
            terminal::json(report)?;
        } else {
            terminal::data(render::extended(&extended))?;
        }
        for (resource, error) in &extended.failed {
            terminal::say(render::message(Level::Error, &format!("failed to tag {resource}: {error}")));
        }
        if let Some(kept) = &extended.kept {
            let text = format!("no sweep will take it even then: {kept}");
            terminal::say(render::message(Level::Note, &text));
        }
        Ok(if extended.failed.is_empty() { Exit::Ok } else { Exit::Failed })
    }
}

fn longer(text: &str) -> Result<Duration, String> {
    let time = text.strip_prefix('+').and_then(up_stack::time).filter(|time| !time.is_zero());
    time.ok_or_else(|| "expected a time with a plus, such as `+4h`".to_owned())
}
