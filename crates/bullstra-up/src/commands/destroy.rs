//! `destroy`.

use std::path::PathBuf;

use clap::Args;
use up_engine::{Engine, Failure, Goal, NamedStack, Reason};

use crate::{
    exit::Exit,
    options::{AwsArgs, InputArgs, PlanArgs, RunArgs, StackArgs, StateArgs, account},
    run::{self, ChangingCommand},
};

/// Deletes everything the stack owns.
///
/// Shows the plan and what is in its way, asks, and applies it. Protected resources are not deleted unless `--unprotect` is
/// given. At the end it lists every kind again, to make sure that nothing is left.
///
/// `--name` with `--account` and `--region` does so without the stack's file, inputs or state: everything that carries the
/// stack's tags is deleted. A `--state` is used and locked if it is given; without, it is the folder `state`.
#[derive(Debug, Args)]
pub(crate) struct DestroyCommand {
    /// The stack's file, such as `stacks/prod.toml`.
    #[arg(value_name = "STACK", required_unless_present = "name", conflicts_with_all = ["name", "account"])]
    pub(crate) stack: Option<PathBuf>,
    /// The stack's name, instead of its file.
    #[arg(long, requires_all = ["account", "region"], conflicts_with_all = ["set", "allow_path", "rewrite"])]
    pub(crate) name: Option<String>,
    /// The account that the named stack is in, 12 digits. Credentials of another account are refused.
    #[arg(long, value_name = "ID", requires = "name", value_parser = account)]
    pub(crate) account: Option<String>,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
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
            let goal = self.goal(engine)?;
            let Self { run, aws, state, .. } = &self;
            ChangingCommand { command: "destroy", goal, saved: None, only: None, run, aws, state }.run(engine).await
        };
        run::reported("destroy", self.run.json, engine, work).await
    }

    fn goal(&self, engine: &Engine) -> Result<Goal, Failure> {
        let options = self.plan.options();
        match (&self.stack, &self.name, &self.account, &self.aws.region) {
            (Some(stack), ..) => {
                let stack = StackArgs { stack: stack.clone(), inputs: self.inputs.clone() };
                Ok(Goal::destroy(stack.load(engine, &self.aws)?, &options))
            }
            (None, Some(name), Some(account), Some(region)) => {
                Ok(Goal::destroy_named(NamedStack::new(name, account, region), &options))
            }
            // The parser refuses it before.
            _ => Err(Failure::new(Reason::Input, "expected a stack's file, or `--name`, `--account` and `--region`")),
        }
    }
}
