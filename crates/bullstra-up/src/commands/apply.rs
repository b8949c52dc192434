//! `apply`.

use std::path::{Path, PathBuf};

use clap::Args;
use up_core::Meter;

use crate::{
    cli::{AwsOptions, InputOptions, PlanOptions, RunOptions, StateOptions},
    exit::{Exit, Failure},
    goal::Goal,
    run::{self, Run},
    saved, session,
};

/// Makes AWS what the stack says.
///
/// Shows the plan, asks, and carries it out. What fails stops only what needs it; the same command again goes on from
/// there. Given a plan that was saved with `plan --out`, carries out just that, or refuses where the world has moved.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The stack's file, such as `stacks/prod.toml`, or a saved plan.
    #[arg(value_name = "STACK|PLAN")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) inputs: InputOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Apply {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let meter = Meter::default();
        let work = async {
            let (goal, saved) = self.goal()?;
            let Self { run: options, aws, state, .. } = &self;
            Run { command: "apply", goal, saved, options, aws, state }.run(&meter).await
        };
        run::answered("apply", self.run.json, &meter, work).await
    }

    fn goal(&self) -> Result<(Goal, Option<up_plan::Plan>), Failure> {
        if !saved::is_saved(&self.source) {
            return Ok((Goal::apply(session::read(&self.source, &self.inputs, &self.aws)?, &self.plan), None));
        }
        let saved = saved::read(&self.source)?;
        let is_sealed = saved.goal.is_sealed();
        let sets = !self.inputs.set.is_empty() && !is_sealed;
        if sets || !self.plan.target.is_empty() || !self.plan.rewrite.is_empty() || self.plan.unprotect {
            let message = "a saved plan is carried out as it is: `--set`, `--target`, `--rewrite` and `--unprotect` are for making it";
            let failure = Failure::new(Exit::Input, message);
            return Err(failure.hint("make another with them: `bullstra-up plan … --out FILE`"));
        }
        let mut goal = saved.goal;
        if is_sealed {
            goal.unseal_from(&session::read(Path::new(&saved.path), &self.inputs, &self.aws)?);
        }
        Ok((goal, Some(saved.plan)))
    }
}
