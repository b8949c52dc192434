//! `deploy`, and `deploy status`, `abort`, `continue`, `rollback` and `history`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use up_engine::{Change, DeployOptions, DeployReport, DeployResult, Engine, Failure, Reason, ServiceHistory};
use up_stack::Stack;

use crate::{
    exit::Exit,
    options::{AwsArgs, InputArgs, StackArgs, StateArgs, duration},
    render::{self, ApiCalls},
    run, terminal,
};

/// Deploys images to services.
///
/// Finds the digest of each tag once, registers a revision of what the service runs that differs in its image alone, updates the
/// service, and watches its own deployment until AWS calls it successful. If AWS goes back, it ends with 1 and says why. A
/// deployment goes on in AWS if the command is cut off; the same command again watches it, and begins no second one.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct DeployCommand {
    #[command(subcommand)]
    pub(crate) verb: Option<DeployVerb>,
    /// The stack's file, such as `stacks/prod.toml`.
    #[arg(value_name = "STACK", required = true)]
    pub(crate) stack: Option<PathBuf>,
    /// A service, and the tag or the digest of its new image; may be repeated. `service#container` names one of several
    /// containers.
    #[arg(value_name = "SERVICE=TAG|@sha256:…", required = true)]
    pub(crate) changes: Vec<Change>,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// How deployments are watched.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchArgs {
    /// How long to watch; then the command ends with 1, and the deployment goes on.
    #[arg(long, value_name = "TIME", default_value = "20m", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Does not watch: the command ends once the deployments have begun.
    #[arg(long)]
    pub(crate) detach: bool,
    /// How long to wait for another run of the same stack to end, such as `90s` or `10m`.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub(crate) lock_timeout: Duration,
    /// Writes one JSON object to stdout at the end.
    #[arg(long)]
    pub(crate) json: bool,
}

impl WatchArgs {
    fn options(&self) -> DeployOptions {
        let Self { timeout, detach, lock_timeout, .. } = *self;
        DeployOptions { lock_timeout, timeout, detach }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployVerb {
    /// Shows the newest deployment of each service.
    Status(LookArgs),
    /// Shows the deployments of each service that AWS remembers, the newest first: those of 90 days.
    History {
        #[command(flatten)]
        look: LookArgs,
        /// How many deployments of each service are shown.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
    },
    /// Stops deployments that are under way: AWS goes back to what ran before.
    Abort(SteerArgs),
    /// Lets deployments go on that are paused.
    Continue {
        #[command(flatten)]
        steer: SteerArgs,
        /// Has them go back instead.
        #[arg(long)]
        rollback: bool,
    },
    /// Brings back what ran before.
    ///
    /// A deployment that is under way is stopped. Otherwise the images of the last successful deployment with other images than
    /// now are deployed, if they still exist; everything else of what runs stays.
    Rollback {
        #[command(flatten)]
        stack: StackArgs,
        /// The service.
        service: String,
        /// The revision (`41`) or the digest to go back to.
        #[arg(long, value_name = "REVISION|DIGEST")]
        to: Option<String>,
        #[command(flatten)]
        watch: WatchArgs,
        #[command(flatten)]
        aws: AwsArgs,
        #[command(flatten)]
        state: StateArgs,
    },
}

/// Which services to look at.
#[derive(Debug, Clone, Args)]
pub(crate) struct LookArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The services; by default all.
    pub(crate) services: Vec<String>,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// Which deployments to steer.
#[derive(Debug, Clone, Args)]
pub(crate) struct SteerArgs {
    #[command(flatten)]
    pub(crate) stack: StackArgs,
    /// The services; by default all.
    pub(crate) services: Vec<String>,
    #[command(flatten)]
    pub(crate) watch: WatchArgs,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl DeployCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        match self.verb {
            None => {
                let json = self.watch.json;
                run::reported("deploy", json, engine, self.deploy(engine)).await
            }
            Some(DeployVerb::Status(look)) => look.show(engine, "deploy status", 1).await,
            Some(DeployVerb::History { look, limit }) => look.show(engine, "deploy history", limit.into()).await,
            Some(DeployVerb::Abort(steer)) => {
                let work = steer.abort(engine);
                run::reported("deploy abort", steer.watch.json, engine, work).await
            }
            Some(DeployVerb::Continue { steer, rollback }) => {
                let work = steer.resume(engine, rollback);
                run::reported("deploy continue", steer.watch.json, engine, work).await
            }
            Some(DeployVerb::Rollback { stack, service, to, watch, aws, state }) => {
                let steer = SteerArgs { stack, services: vec![service], watch, aws, state };
                let work = steer.roll_back(engine, to.as_deref());
                run::reported("deploy rollback", steer.watch.json, engine, work).await
            }
        }
    }

    async fn deploy(&self, engine: &Engine) -> Result<Exit, Failure> {
        let Some(stack) = &self.stack else {
            return Err(Failure::new(Reason::Input, "give the stack's file"));
        };
        let stack = engine.load(stack, &self.inputs.options(&self.aws))?;
        let session = self.aws.session(&self.state).await?;
        let report = engine.deploy(stack, &self.changes, &session, &self.watch.options()).await?;
        let exit = if report.is_good() { Exit::Ok } else { Exit::Failed };
        show(engine, "deploy", &report, exit, self.watch.json)
    }
}

impl LookArgs {
    async fn show(&self, engine: &Engine, command: &str, limit: usize) -> Result<Exit, Failure> {
        let work = async {
            let stack = self.stack.load(engine, &self.aws)?;
            let session = self.aws.session(&self.state).await?;
            let all = engine.deployments(&stack, &self.services, &session, limit).await?;
            if self.json {
                terminal::json(listed(command, &stack, &all, engine))?;
            } else {
                terminal::data(render::deployments(&stack.name, &all))?;
            }
            Ok(Exit::Ok)
        };
        run::reported(command, self.json, engine, work).await
    }
}

impl SteerArgs {
    async fn abort(&self, engine: &Engine) -> Result<Exit, Failure> {
        self.aborted(engine, "deploy abort", &self.stack.load(engine, &self.aws)?).await
    }

    async fn aborted(&self, engine: &Engine, command: &str, stack: &Stack) -> Result<Exit, Failure> {
        let session = self.aws.session(&self.state).await?;
        let report = engine.abort(stack, &self.services, &session, &self.watch.options()).await?;
        let went_back = |result: DeployResult| matches!(result, DeployResult::RolledBack | DeployResult::Started);
        let is_good = report.services.iter().all(|service| went_back(service.result));
        show(engine, command, &report, if is_good { Exit::Ok } else { Exit::Failed }, self.watch.json)
    }

    async fn resume(&self, engine: &Engine, back: bool) -> Result<Exit, Failure> {
        let stack = self.stack.load(engine, &self.aws)?;
        let session = self.aws.session(&self.state).await?;
        let report = engine.resume(&stack, &self.services, &session, &self.watch.options(), back).await?;
        let wanted = if back { DeployResult::RolledBack } else { DeployResult::Deployed };
        let is_good = report.services.iter().all(|it| it.result == wanted || it.result == DeployResult::Started);
        let exit = if is_good { Exit::Ok } else { Exit::Failed };
        show(engine, "deploy continue", &report, exit, self.watch.json)
    }

    async fn roll_back(&self, engine: &Engine, to: Option<&str>) -> Result<Exit, Failure> {
        let stack = self.stack.load(engine, &self.aws)?;
        let session = self.aws.session(&self.state).await?;
        let service = self.services.first().map(String::as_str).unwrap_or_default();
        let Some(changes) = engine.earlier(&stack, service, to, &session).await? else {
            return self.aborted(engine, "deploy rollback", &stack).await;
        };
        let report = engine.deploy(stack, &changes, &session, &self.watch.options()).await?;
        let exit = if report.is_good() { Exit::Ok } else { Exit::Failed };
        show(engine, "deploy rollback", &report, exit, self.watch.json)
    }
}

fn show(engine: &Engine, command: &str, report: &DeployReport, exit: Exit, json: bool) -> Result<Exit, Failure> {
    if json {
        let mut object = json!(report);
        object["command"] = command.into();
        object["exit_code"] = json!(exit as u8);
        object["api_calls"] = json!(ApiCalls::of(&engine.meter));
        object["errors"] = json!([]);
        terminal::json(object)?;
    } else {
        terminal::data(render::deployed(report))?;
    }
    Ok(exit)
}

fn listed(command: &str, stack: &Stack, all: &[ServiceHistory], engine: &Engine) -> Value {
    json!({
        "format": up_engine::DEPLOY_FORMAT,
        "command": command,
        "stack": stack.name,
        "services": all,
        "api_calls": ApiCalls::of(&engine.meter),
    })
}
