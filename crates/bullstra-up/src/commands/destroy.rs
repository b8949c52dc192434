//! `destroy`.

use clap::Args;
use up_engine::{Engine, Failure, Goal};

use crate::{
    exit::Exit,
    options::{AwsArgs, PlanArgs, RunArgs, StackArgs, StateArgs},
    run::{self, ChangingCommand},
};

/// Deletes everything the stack owns.
///
/// Shows the plan, asks, and applies it. Protected resources are not deleted unless `--unprotect` is given.
#[derive(Debug, Args)]
pub(crate) struct DestroyCommand {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl DestroyCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let work = async {
            let Self { stack, run, plan, aws, state } = &self;
            let goal = Goal::destroy(stack.load(engine, aws)?, &plan.options());
            ChangingCommand { command: "destroy", goal, saved: None, only: None, run, aws, state }.run(engine).await
        };
        run::reported("destroy", self.run.json, engine, work).await
    }
}
