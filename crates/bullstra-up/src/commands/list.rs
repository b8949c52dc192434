//! `list`.

use clap::Args;
use serde_json::json;
use up_engine::{Engine, Failure, Level};

use crate::{
    exit::Exit,
    options::{AccountArgs, AwsArgs, StateArgs},
    render::{self, ApiCalls},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Lists all stacks in an account and a region: their owners, ages and expiries.
///
/// Finds them by the tagging index and the kinds' own lists, without their files. Changes nothing. With `--state`, it tells which
/// of them a run is working on. Exits with 1 if a kind could not be read.
#[derive(Debug, Args)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    pub(crate) account: AccountArgs,
    /// Only stacks that have expired.
    #[arg(long)]
    pub(crate) expired: bool,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl ListCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let (account, region) = self.account.place(&self.aws)?;
        let mut survey = engine.survey(account, region, &self.aws.session(&self.state).await?).await?;
        let now = survey.at;
        survey.stacks.retain(|stack| !self.expired || stack.is_expired(now));
        if self.json {
            let mut report = json!(survey);
            report["format"] = FORMAT.into();
            report["api_calls"] = json!(ApiCalls::of(&engine.meter));
            terminal::json(report)?;
        } else {
            terminal::data(render::stacks(&survey, self.expired))?;
        }
        for (kind, error) in &survey.unread {
            let text = format!("failed to read {kind}, so stacks may be missing, or resources of them: {error}");
            terminal::say(render::message(Level::Warning, &text));
        }
        Ok(if survey.unread.is_empty() { Exit::Ok } else { Exit::Failed })
    }
}
