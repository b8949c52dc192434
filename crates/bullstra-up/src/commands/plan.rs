//! `plan`.

use std::path::PathBuf;

use clap::Args;
use up_engine::{Engine, Failure, Goal, SavedPlan, refused};

use crate::{
    exit::Exit,
    options::{AwsArgs, PlanArgs, StackArgs, StateArgs},
    render, report, run, terminal,
};

/// Shows what `apply` would do.
///
/// Reads everything the stack owns in AWS and compares it with the stack's files. Changes nothing, and writes no file but
/// `--out`.
#[derive(Debug, Args)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Saves the plan to a file, for `bullstra-up apply FILE`. The file holds everything from the stack's files, secrets too.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes the plan as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Exits with 2 if there is something to do, and with 0 only if there is not.
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl PlanCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        run::reported("plan", self.json, engine, self.show(engine)).await
    }

    async fn show(&self, engine: &Engine) -> Result<Exit, Failure> {
        let mut goal = Goal::apply(self.stack.load(engine, &self.aws)?, &self.plan.options());
        let session = engine.open(&goal.target(), &self.aws.session(&self.state).await?).await?;
        let mut observation = session.observe(&goal.resources, &goal.outputs).await?;
        goal.seal(&mut observation, &engine.secrets)?;
        let plan = goal.plan(&observation)?;
        let exit = match (plan.refusals.is_empty(), plan.is_empty()) {
            (false, _) => Exit::Refused,
            (true, false) if self.exit_code => Exit::Changes,
            _ => Exit::Ok,
        };
        if self.json {
            terminal::json(report::planned(&plan, exit, &engine.meter))?;
        } else {
            let calls = engine.meter.counts().values().sum();
            terminal::data(render::plan(&plan, &up_kinds::model, calls))?;
        }
        if !plan.refusals.is_empty() {
            terminal::say(render::failure(&refused(&plan)));
        } else if let Some(out) = &self.out {
            let path = self.stack.stack.display().to_string();
            // A write-only value is in neither, and must not come into the file.
            let text = serde_json::to_string(&(&goal, &plan)).expect("a plan is plain data");
            SavedPlan { path, goal, plan, secrets: engine.secrets.found_in(&text) }.write(out)?;
        }
        Ok(exit)
    }
}
