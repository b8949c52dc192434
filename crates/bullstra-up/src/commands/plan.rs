//! `plan`.

use std::{mem::ManuallyDrop, path::PathBuf};

use clap::Args;
use up_core::Meter;

use crate::{
    cli::{AwsOptions, PlanOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
    goal::Goal,
    render, run,
    saved::{self, Saved},
    secrets,
    session::{self, Session},
    terminal,
};

/// Shows what `apply` would do.
///
/// Looks at everything the stack owns in AWS and compares it with the stack's files. Nothing is changed, and nothing is
/// written but to `--out`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    /// Saves the plan, for `bullstra-up apply FILE`. The file holds all that the stack's files say.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes the plan as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ends with 2 where there is something to do, and with 0 only where there is not.
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Plan {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let meter = Meter::default();
        run::answered("plan", self.json, &meter, self.show(&meter)).await
    }

    async fn show(&self, meter: &Meter) -> Result<Exit, Failure> {
        // The process ends with this, and the system takes its memory back at once: to take ten thousand resources apart one
        // by one costs a twentieth of the whole.
        let mut goal = ManuallyDrop::new(Goal::apply(session::load(&self.stack, &self.aws)?, &self.plan));
        let session = Session::open(&goal.home(), &self.aws, &self.state, meter.clone()).await?;
        let mut view = ManuallyDrop::new(session.look(&goal.resources, &goal.outputs).await?);
        goal.seal(&mut view)?;
        let plan = ManuallyDrop::new(goal.plan(&view)?);
        let exit = match (plan.refusals.is_empty(), plan.is_empty()) {
            (false, _) => Exit::Refused,
            (true, false) if self.exit_code => Exit::Changes,
            _ => Exit::Ok,
        };
        if self.json {
            terminal::json(run::planned(&plan, exit, meter))?;
        } else {
            let calls = meter.counts().values().sum();
            terminal::data(render::plan(&plan, &up_kinds::find, calls))?;
        }
        if !plan.refusals.is_empty() {
            terminal::say(render::failure(&run::refused(&plan)));
        } else if let Some(out) = &self.out {
            let path = self.stack.stack.display().to_string();
            let (goal, plan) = (ManuallyDrop::into_inner(goal), ManuallyDrop::into_inner(plan));
            // A write-only value is in neither, and must not come into the file.
            let text = serde_json::to_string(&(&goal, &plan)).expect("a plan is plain data");
            saved::write(out, &Saved { path, goal, plan, secrets: secrets::found_in(&text) })?;
        }
        Ok(exit)
    }
}
