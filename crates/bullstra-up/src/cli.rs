//! The command line: every command.

use clap::{Parser, Subcommand};
use up_engine::{Engine, Failure};

use crate::{
    commands::{
        apply::ApplyCommand, completions::CompletionsCommand, destroy::DestroyCommand, drift::DriftCommand,
        extend::ExtendCommand, graph::GraphCommand, history::HistoryCommand, list::ListCommand, output::OutputCommand,
        plan::PlanCommand, reference::ReferenceCommand, sandbox::SandboxCommand, schema::SchemaCommand,
        show::ShowCommand, sweep::SweepCommand, unlock::UnlockCommand, validate::ValidateCommand,
    },
    exit::Exit,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed, or `drift` found nothing but could not read everything
  2    `plan --exit-code` found changes, `drift` found drift
  3    wrong input: stack files, options, a saved plan
  4    no access to AWS: credentials, account, region, endpoint or a permission
  5    locked by another run
  6    refused: protected, owned by someone else, not approved, or AWS has changed since the plan was made
  130  interrupted";

/// Provisions AWS from TOML.
///
/// A stack file declares the resources. AWS itself knows which of them exist, by tags that are set by the call that creates
/// each resource. `plan` shows the difference, `apply` makes these changes.
#[derive(Debug, Parser)]
#[command(name = "bullstra-up", bin_name = "bullstra-up", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Writes more to stderr: what is done (-v), why (-vv), each request (-vvv).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Writes without colours.
    ///
    /// Colours are also left out where stdout or stderr is not a terminal, and where `NO_COLOR` is set.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(ValidateCommand),
    Plan(PlanCommand),
    Apply(ApplyCommand),
    Destroy(DestroyCommand),
    Drift(DriftCommand),
    List(ListCommand),
    Extend(ExtendCommand),
    Sweep(SweepCommand),
    Show(ShowCommand),
    Output(OutputCommand),
    Graph(GraphCommand),
    Schema(SchemaCommand),
    Sandbox(SandboxCommand),
    History(HistoryCommand),
    Unlock(UnlockCommand),
    Completions(CompletionsCommand),
    #[command(hide = true)]
    Reference(ReferenceCommand),
}

impl Command {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        match self {
            Self::Validate(command) => command.run(engine),
            Self::Plan(command) => command.run(engine).await,
            Self::Apply(command) => command.run(engine).await,
            Self::Destroy(command) => command.run(engine).await,
            Self::Drift(command) => command.run(engine).await,
            Self::List(command) => command.run(engine).await,
            Self::Extend(command) => command.run(engine).await,
            Self::Sweep(command) => command.run(engine).await,
            Self::Show(command) => command.run(engine).await,
            Self::Output(command) => command.run(engine).await,
            Self::Graph(command) => command.run(engine),
            Self::Schema(command) => command.run(),
            Self::Sandbox(command) => command.run().await,
            Self::History(command) => command.run(engine).await,
            Self::Unlock(command) => command.run(engine).await,
            Self::Completions(command) => command.run(),
            Self::Reference(command) => command.run(),
        }
    }
}
