//! `history`.

use clap::Args;
use serde::Serialize;
use serde_json::json;
use up_engine::{Engine, Failure, Level};
use up_state::PastRun;

use crate::{
    exit::Exit,
    options::{AwsArgs, NamedStackArgs, StateArgs},
    render::{self, ApiCalls},
    terminal,
};

/// The version of what `--json` writes.
const FORMAT: u32 = 1;

/// Shows the runs of a stack: when, who, what, and with which result.
///
/// Reads the journal of the stack's state, the newest run first. A plan, and an `apply` with nothing to do, leave no entry.
#[derive(Debug, Args)]
pub(crate) struct HistoryCommand {
    #[command(flatten)]
    pub(crate) stack: NamedStackArgs,
    /// How many runs to show. A bucket keeps the last 20.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// The JSON object.
#[derive(Debug, Serialize)]
struct HistoryReport<'a> {
    format: u32,
    stack: &'a str,
    state: String,
    runs: &'a [PastRun],
    has_more: bool,
    /// The number of lines of the journal that could not be read.
    damaged: usize,
    api_calls: ApiCalls,
}

impl HistoryCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let (stack, history) = self.stack.history(engine, &self.aws, &self.state).await?;
        let state = history.location.to_string();
        let past = history.runs(self.limit.try_into().unwrap_or(usize::MAX))?;
        if past.damaged > 0 {
            let lines = render::count(past.damaged, "line");
            let text = format!("the journal of {stack} in {state} is damaged: {lines} could not be read");
            terminal::say(render::message(Level::Warning, &text));
        }
        if self.json {
            let (runs, api_calls) = (&past.runs, ApiCalls::of(&engine.meter));
            let (has_more, damaged) = (past.has_more, past.damaged);
            let report = HistoryReport { format: FORMAT, stack: &stack, state, runs, has_more, damaged, api_calls };
            terminal::json(json!(report))?;
        } else {
            terminal::data(render::history(&stack, &state, &past))?;
        }
        Ok(Exit::Ok)
    }
}
