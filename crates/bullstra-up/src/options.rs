//! Options that several commands share.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use up_core::Address;
use up_engine::{
    Engine, Failure, History, LimitOptions, MfaCode, PlanOptions, Reason, RunOptions, SANDBOX_ACCOUNT, SessionOptions,
    StackTarget,
};
use up_stack::{RoleArn, Stack};
use up_state::StateLocation;

use crate::sandbox;

/// Which stack, and the values of its inputs.
#[derive(Debug, Clone, Args)]
pub(crate) struct StackArgs {
    /// The stack's file, such as `stacks/prod.toml`.
    #[arg(value_name = "STACK")]
    pub(crate) stack: PathBuf,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

impl StackArgs {
    /// Reads and checks the stack. `aws` may name another region.
    pub(crate) fn load(&self, engine: &Engine, aws: &AwsArgs) -> Result<Stack, Failure> {
        engine.load(&self.stack, &self.inputs.options(aws))
    }
}

/// A stack by its name or its file, for commands that only need its state.
#[derive(Debug, Clone, Args)]
pub(crate) struct NamedStackArgs {
    /// The stack's name, or its file.
    ///
    /// The file says which bucket the state is in. With a name, `--state` and `--region` do.
    pub(crate) stack: String,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

impl NamedStackArgs {
    /// The region of a bucket, unless `--region` or the stack says another.
    const REGION: &str = "us-east-1";

    /// The stack's name and its history.
    pub(crate) async fn history(
        &self,
        engine: &Engine,
        aws: &AwsArgs,
        state: &StateArgs,
    ) -> Result<(String, History), Failure> {
        let path = Path::new(&self.stack);
        let stack = match path.is_file() {
            true => Some(engine.load(path, &self.inputs.options(aws))?),
            false => None,
        };
        let named = StackTarget { stack: &self.stack, region: Self::REGION, accounts: &[], role: None, backend: None };
        let target = stack.as_ref().map_or(named, StackTarget::of);
        let history = engine.history(&target, &aws.session(state).await?).await?;
        Ok((target.stack.to_owned(), history))
    }
}

/// The values of a stack's inputs.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InputArgs {
    /// Sets an input of the stack; may be repeated.
    ///
    /// A value that is valid TOML (`3`, `true`, `["a", "b"]`) is read as TOML, any other as text. `--set` overrides the
    /// environment variable `BULLSTRA_UP_<INPUT>`, which overrides the stack's own default.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Setting>,
    /// Allows modules and files to be read from this folder too; may be repeated.
    ///
    /// By default they are read only from the folder of the stack's file and the folders in it, also through links.
    #[arg(long, value_name = "DIR")]
    pub(crate) allow_path: Vec<PathBuf>,
}

impl InputArgs {
    /// The values, with those of the environment.
    pub(crate) fn options(&self, aws: &AwsArgs) -> up_stack::LoadOptions {
        let set = self.set.iter().map(|setting| (setting.name.clone(), setting.value.clone())).collect();
        // A variable that is not text cannot be the value of an input.
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let account = aws.sandbox.then(|| SANDBOX_ACCOUNT.to_owned());
        up_stack::LoadOptions {
            set,
            env: env.collect(),
            region: aws.region.clone(),
            account,
            allow: self.allow_path.clone(),
        }
    }
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

/// How AWS is reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "AWS")]
pub(crate) struct AwsArgs {
    /// The region, instead of the stack's own.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The profile of `~/.aws/config` that gives the credentials.
    #[arg(long, conflicts_with = "sandbox")]
    pub(crate) profile: Option<String>,
    /// The role to assume for every call, instead of the stack's `role_arn`.
    #[arg(long, value_name = "ARN", conflicts_with = "sandbox")]
    pub(crate) role_arn: Option<RoleArn>,
    /// The six digits that the MFA device shows, where a role requires them. If not given, a terminal asks for them.
    ///
    /// The device is the profile's `mfa_serial`. Other users of the machine can see command lines, but not the environment
    /// variable.
    #[arg(long, value_name = "CODE", env = "BULLSTRA_UP_MFA_TOKEN", hide_env_values = true, value_parser = mfa_code)]
    pub(crate) mfa_token: Option<MfaCode>,
    /// The URL to send every call to, instead of AWS.
    #[arg(long, value_name = "URL", conflicts_with = "sandbox")]
    pub(crate) endpoint_url: Option<String>,
    /// Uses the sandbox on this machine instead of AWS, and starts it if it is not running.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Whose request limits calls wait for, so that AWS does not throttle them. The default is `aws` for calls to AWS itself,
    /// `none` for other endpoints.
    ///
    /// AWS publishes its limits for each account and region; all runs on this machine share them.
    #[arg(long, value_name = "WHOSE", value_enum)]
    pub(crate) request_limits: Option<RequestLimits>,
    /// How long AWS may take to list a new resource.
    ///
    /// If the last run was interrupted less than this time ago, the next run waits until then for resources that may have
    /// been created, so that none is created twice.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration, hide_short_help = true)]
    pub(crate) settle: Duration,
}

impl AwsArgs {
    /// The engine's options. Starts the sandbox where it is to be used.
    pub(crate) async fn session(&self, state: &StateArgs) -> Result<SessionOptions, Failure> {
        let sandbox = if self.sandbox { Some(sandbox::running().await?) } else { None };
        let keep = self.request_limits.map(|limits| limits == RequestLimits::Aws);
        Ok(SessionOptions {
            region: self.region.clone(),
            profile: self.profile.clone(),
            role_arn: self.role_arn.clone(),
            mfa_code: self.mfa_token.clone(),
            endpoint_url: sandbox.or_else(|| self.endpoint_url.clone()),
            is_sandbox: self.sandbox,
            limits: LimitOptions { keep, folder: None },
            settle: self.settle,
            state: state.state.clone(),
        })
    }
}

/// Whose request limits calls wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RequestLimits {
    /// AWS's published limits.
    Aws,
    /// No limits.
    None,
}

/// An account and a region, where there is no stack's file.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccountArgs {
    /// The account, 12 digits. Credentials of another account are refused.
    #[arg(long, value_name = "ID", requires = "region", value_parser = account)]
    pub(crate) account: String,
}

impl AccountArgs {
    /// The account and the region.
    pub(crate) fn place<'a>(&'a self, aws: &'a AwsArgs) -> Result<(&'a str, &'a str), Failure> {
        // The parser refuses it before.
        let absent = || Failure::new(Reason::Input, "expected `--region`");
        Ok((&self.account, aws.region.as_deref().ok_or_else(absent)?))
    }
}

/// An account id.
pub(crate) fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { Ok(text.to_owned()) } else { Err("expected an account id of 12 digits".into()) }
}

/// Where a stack's history is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "State")]
pub(crate) struct StateArgs {
    /// Where journals, locks and snapshots are kept: a folder, or `s3://bucket/prefix`. If they are lost, no resource is.
    ///
    /// Overrides the stack's own `backend`. Without either it is the folder `state`.
    #[arg(long, value_name = "DIR|S3-URL")]
    pub(crate) state: Option<StateLocation>,
}

/// How a plan is made.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PlanArgs {
    /// Only this resource and the resources it needs; may be repeated. The address of a `for_each` without a key means all
    /// of its instances.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) target: Vec<Address>,
    /// Allows to delete and replace resources that `protect` or `prevent_destroy` protects.
    #[arg(long)]
    pub(crate) unprotect: bool,
    /// Sends a write-only value again although it has not changed in the stack; may be repeated. AWS never shows such a value:
    /// nobody can tell whether it was changed elsewhere.
    #[arg(long, value_name = "ADDRESS.FIELD")]
    pub(crate) rewrite: Vec<String>,
}

impl PlanArgs {
    /// The engine's options.
    pub(crate) fn options(&self) -> PlanOptions {
        PlanOptions { targets: self.target.clone(), unprotect: self.unprotect, rewrite: self.rewrite.clone() }
    }
}

/// How a plan is applied.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunArgs {
    /// Begins without asking.
    #[arg(long)]
    pub(crate) auto_approve: bool,
    /// Refuses to begin, instead of warning, where the credentials expire before the plan is likely to be done, or where
    /// something that is not the stack's blocks a destroy.
    #[arg(long)]
    pub(crate) strict: bool,
    /// How many resources are worked on at the same time. Resources that are only waited for do not count.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// How long to wait for another run of the same stack to end, such as `90s` or `10m`.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// Writes one JSON object to stdout at the end: what was done, what failed, and how many API calls it took.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Default for RunArgs {
    fn default() -> Self {
        let RunOptions { parallel, lock_timeout } = RunOptions::default();
        let parallel = u16::try_from(parallel).unwrap_or(u16::MAX);
        Self { auto_approve: false, strict: false, parallel, lock_timeout, json: false }
    }
}

impl RunArgs {
    /// The engine's options.
    pub(crate) fn options(&self) -> RunOptions {
        RunOptions { parallel: self.parallel.into(), lock_timeout: self.lock_timeout }
    }
}

/// Takes any text, so that no message about it repeats the code: it is checked where it is used.
fn mfa_code(text: &str) -> Result<MfaCode, Infallible> {
    Ok(MfaCode(text.to_owned()))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "expected a time such as `90s` or `10m`".to_owned())?;
    span.try_into().map_err(|_| "expected a time that is not negative".to_owned())
}
