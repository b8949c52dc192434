//! `apply`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use up_engine::{Engine, Failure, Goal, Reason, is_saved};

use crate::{
    exit::Exit,
    options::{AwsArgs, InputArgs, PlanArgs, RunArgs, StateArgs},
    run::{self, ChangingCommand},
};

/// Changes AWS to what the stack declares.
///
/// Shows the plan, asks, and applies it. A failure stops only the resources that need the failed one; the same command
/// again continues from there. A plan saved with `plan --out` is applied unchanged, or refused if AWS has changed since.
#[derive(Debug, Args)]
pub(crate) struct ApplyCommand {
    /// The stack's file, such as `stacks/prod.toml`, or a saved plan.
    #[arg(value_name = "STACK|PLAN")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    /// How long the stack lives, such as `8h`, instead of its `ttl`. Only for a disposable stack, and only where this apply
    /// creates it: `extend` lets an existing one live longer.
    #[arg(long, value_name = "TIME", value_parser = up_stack::ttl)]
    pub(crate) ttl: Option<Duration>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl ApplyCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let work = async {
            let (goal, saved) = self.goal(engine)?;
            let goal = match self.ttl {
                Some(ttl) => goal.with_ttl(ttl)?,
                None => goal,
            };
            let Self { run, aws, state, .. } = &self;
            ChangingCommand { command: "apply", goal, saved, only: None, run, aws, state }.run(engine).await
        };
        run::reported("apply", self.run.json, engine, work).await
    }

    fn goal(&self, engine: &Engine) -> Result<(Goal, Option<up_plan::Plan>), Failure> {
        if !is_saved(&self.source) {
            let stack = engine.load(&self.source, &self.inputs.options(&self.aws))?;
            return Ok((Goal::apply(stack, &self.plan.options()), None));
        }
        let saved = engine.saved_plan(&self.source)?;
        let is_sealed = saved.goal.is_sealed();
        let sets = !self.inputs.set.is_empty() && !is_sealed;
        if sets || !self.plan.target.is_empty() || !self.plan.rewrite.is_empty() || self.plan.unprotect {
            let message = "a saved plan is applied unchanged: `--set`, `--target`, `--rewrite` and `--unprotect` are \
                           options of `plan`";
            let failure = Failure::new(Reason::Input, message);
            return Err(failure.hint("make a new plan with them: `bullstra-up plan … --out FILE`"));
        }
        let mut goal = saved.goal;
        if is_sealed {
            let stack = engine.load(Path::new(&saved.path), &self.inputs.options(&self.aws))?;
            goal.unseal_from(&stack, &engine.secrets);
        }
        Ok((goal, Some(saved.plan)))
    }
}
