//! `destroy`.

use clap::Args;
use up_core::Meter;

use crate::{
    cli::{AwsOptions, PlanOptions, RunOptions, StackOptions, StateOptions},
    exit::{Exit, Failure},
    goal::Goal,
    run::{self, Run},
    session,
};

/// Deletes everything the stack owns.
///
/// Shows the plan, asks, and carries it out. What the stack's files protect is not deleted unless `--unprotect` is given.
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    pub(crate) stack: StackOptions,
    #[command(flatten)]
    pub(crate) run: RunOptions,
    #[command(flatten)]
    pub(crate) plan: PlanOptions,
    #[command(flatten)]
    pub(crate) aws: AwsOptions,
    #[command(flatten)]
    pub(crate) state: StateOptions,
}

impl Destroy {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let meter = Meter::default();
        let work = async {
            let Self { stack, run: options, plan, aws, state } = &self;
            let goal = Goal::destroy(session::load(stack, aws)?, plan);
            Run { command: "destroy", goal, saved: None, options, aws, state }.run(&meter).await
        };
        run::answered("destroy", self.run.json, &meter, work).await
    }
}
