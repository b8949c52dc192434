//! The command line: every command, and the options that several share.

use std::{convert::Infallible, fmt, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use up_core::Address;
use up_stack::RoleArn;
use up_state::Place;

use crate::{
    commands::{
        apply::Apply, completions::Completions, destroy::Destroy, graph::Graph, output::Output, plan::Plan,
        reference::Reference, sandbox::Sandbox, schema::Schema, show::Show, unlock::Unlock, validate::Validate,
    },
    exit::{Exit, Failure},
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed
  2    `plan --exit-code` found changes
  3    the input is wrong: stack files, options, a saved plan
  4    no access to AWS: credentials, account, region, endpoint or a permission
  5    locked by another run
  6    refused: protected, owned by someone else, not approved, or the world has moved since the plan
  130  interrupted";

/// Provisions AWS from TOML.
///
/// A stack file says what there should be. AWS itself, by the tags that every resource carries from birth, says what
/// there is. `plan` shows the difference, `apply` carries it out.
#[derive(Debug, Parser)]
#[command(name = "bullstra-up", bin_name = "bullstra-up", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Says more on stderr: what is done (-v), why (-vv), each request (-vvv).
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    /// Writes without colours.
    ///
    /// Colours are also left out where stdout or stderr is no terminal, and where `NO_COLOR` is set.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Validate(Validate),
    Plan(Plan),
    Apply(Apply),
    Destroy(Destroy),
    Show(Show),
    Output(Output),
    Graph(Graph),
    Schema(Schema),
    Sandbox(Sandbox),
    Unlock(Unlock),
    Completions(Completions),
    #[command(hide = true)]
    Reference(Reference),
}

impl Command {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Validate(command) => command.run(),
            Self::Plan(command) => command.run().await,
            Self::Apply(command) => command.run().await,
            Self::Destroy(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Output(command) => command.run().await,
            Self::Graph(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::Sandbox(command) => command.run().await,
            Self::Unlock(command) => command.run().await,
            Self::Completions(command) => command.run(),
            Self::Reference(command) => command.run(),
        }
    }
}

/// Which stack, and the values of its inputs.
#[derive(Debug, Clone, Args)]
pub(crate) struct StackOptions {
    /// The stack's file, such as `stacks/prod.toml`.
    #[arg(value_name = "STACK")]
    pub(crate) stack: PathBuf,
    #[command(flatten)]
    pub(crate) inputs: InputOptions,
}

/// The values of a stack's inputs.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InputOptions {
    /// Sets an input of the stack; may be repeated.
    ///
    /// The value is read as TOML where it can be (`3`, `true`, `["a", "b"]`), else as text. It goes before the
    /// environment variable `BULLSTRA_UP_<INPUT>`, which goes before the stack's own default.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Setting>,
    /// Lets modules and files be read from this folder too; may be repeated.
    ///
    /// Else they are read from the folder of the stack's file and the folders in it alone, wherever links lead.
    #[arg(long, value_name = "DIR")]
    pub(crate) allow_path: Vec<PathBuf>,
}

/// `name=value`.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Self { name: name.trim().to_owned(), value: value.to_owned() })
            }
            _ => Err("expected `name=value`".into()),
        }
    }
}

/// Which AWS, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsOptions {
    /// The region, instead of the stack's own.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The profile of `~/.aws/config` whose credentials are used.
    #[arg(long, conflicts_with = "sandbox")]
    pub(crate) profile: Option<String>,
    /// The role that is assumed for every call, instead of the stack's `role_arn`.
    #[arg(long, value_name = "ARN", conflicts_with = "sandbox")]
    pub(crate) role_arn: Option<RoleArn>,
    /// The six digits that the MFA device shows, where a role wants them; asked for at a terminal if not given.
    ///
    /// They are for the profile's `mfa_serial`. Other users of the machine can see what stands on a command line: the
    /// environment variable keeps the code from them.
    #[arg(long, value_name = "CODE", env = "BULLSTRA_UP_MFA_TOKEN", hide_env_values = true)]
    pub(crate) mfa_token: Option<Code>,
    /// Where every call is sent, instead of to AWS.
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub(crate) endpoint_url: Option<String>,
    /// Uses the sandbox on this machine instead of AWS, and starts it when it is not running.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Whether calls wait so that AWS never has to throttle them. By default they do where they go to AWS itself.
    ///
    /// The limits are those that AWS publishes for each account and region; all runs on this machine share them.
    #[arg(long, value_name = "WHOSE", value_enum)]
    pub(crate) request_limits: Option<RequestLimits>,
    /// How long AWS may take to show what was made.
    ///
    /// After a run that was cut off less than this ago, the next one looks as long for what may have been made, so that
    /// nothing is made twice.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration, hide_short_help = true)]
    pub(crate) settle: Duration,
}

/// Whose limits on requests are kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RequestLimits {
    /// Those of AWS.
    Aws,
    /// Nobody's.
    None,
}

/// What an MFA device shows. Nothing prints it, a message about it neither: it is checked where it is used.
#[derive(Clone)]
pub(crate) struct Code(pub(crate) String);

impl FromStr for Code {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// Where a stack's history is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "State")]
pub(crate) struct StateOptions {
    /// Where journals, locks and snapshots are kept: a folder, or `s3://bucket/prefix`. Losing it loses history, and no
    /// resource.
    ///
    /// It goes before the stack's own `backend`. Without either it is the folder `state`.
    #[arg(long, value_name = "DIR|S3-URL")]
    pub(crate) state: Option<Place>,
}

/// How a plan is made.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlanOptions {
    /// Only this resource and what it needs; may be repeated. A resource with `for_each` without its key means all of
    /// its instances.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<Address>,
    /// Allows what `protect` and `prevent_destroy` would refuse: to delete or replace what must not be lost.
    #[arg(long)]
    pub(crate) unprotect: bool,
    /// Sends a write-only value again, though it has not changed here; may be repeated. AWS never shows such a value, so that
    /// nobody can tell whether somebody else has changed it.
    #[arg(long, value_name = "ADDRESS.FIELD")]
    pub(crate) rewrite: Vec<String>,
}

/// How a plan is carried out.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunOptions {
    /// Does not ask before it begins.
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Refuses to begin, instead of warning, where the credentials end before the plan is likely to be done.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How many resources are worked on at the same time. What is only waited for does not count.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// How long to wait for another run of the same stack to end, such as `90s` or `10m`.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// Ends with one JSON object on stdout: what was done, what failed, and which calls it took.
    #[arg(long)]
    pub(crate) json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a time such as `90s` or `10m`".to_owned())?;
    span.try_into().map_err(|_| "expected a time that is not negative".to_owned())
}
