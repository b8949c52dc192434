//! `drift`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use up_core::Address;
use up_engine::{DriftOptions, DriftReport, DriftResult, Engine, Failure, Reason};

#[cfg(feature = "watch")]
use super::watch::AllStacks;
use crate::{
    exit::Exit,
    options::{AwsArgs, InputArgs, RunArgs, StateArgs},
    render::{self, ApiCalls},
    report,
    run::{self, ChangingCommand},
    terminal,
};

/// Shows what has changed in AWS outside of bullstra-up.
///
/// Compares AWS with what was applied last and with the stack's files. Changes nothing, takes no lock, and needs the permissions
/// of a plan. Exits with 0 if nothing has drifted, with 2 if something has, even if not everything could be read, with 1 if nothing
/// was found but not everything could be read, and with 5 while a run changes the stack.
#[derive(Debug, Args)]
pub(crate) struct DriftCommand {
    /// The stacks' files. They are checked one after the other, and one that fails does not stop the others.
    #[cfg_attr(feature = "watch", arg(value_name = "STACK", required_unless_present = "all"))]
    #[cfg_attr(not(feature = "watch"), arg(value_name = "STACK", required = true))]
    pub(crate) stacks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    /// Also shows changes of fields that the file leaves out, since the last apply. They do not change the exit code.
    #[arg(long)]
    pub(crate) undeclared: bool,
    /// Checks all stacks of the file of a `watch`, once.
    #[cfg(feature = "watch")]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stacks", "set", "allow_path", "undeclared", "revert"])]
    pub(crate) all: Option<PathBuf>,
    /// Tells whom that file names what has changed since the last time, as `watch` does.
    #[cfg(feature = "watch")]
    #[arg(long, requires = "all")]
    pub(crate) notify: bool,
    /// Writes the metrics of `watch` into a file, in Prometheus's text format.
    #[cfg(feature = "watch")]
    #[arg(long, value_name = "FILE", requires = "all")]
    pub(crate) metrics: Option<PathBuf>,
    /// Brings this resource back to what was applied last, after showing the plan and asking. Edits of the file that are not
    /// applied yet are left for `apply`.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["markdown", "undeclared"])]
    pub(crate) revert: Option<Address>,
    /// Writes the live values of this resource's changed fields into the file that declares it. Comments and layout stay, and
    /// nothing changes in AWS. What the file computes, or declares for several resources at once, is left to you.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["markdown", "undeclared", "revert"])]
    pub(crate) absorb: Option<Address>,
    /// Reverts without asking.
    #[arg(long, requires = "revert")]
    pub(crate) auto_approve: bool,
    /// Writes one JSON object.
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,
    /// Writes Markdown, for an issue or a pull request.
    #[arg(long)]
    pub(crate) markdown: bool,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

/// One stack: its file, what was found, and the calls that it took.
struct Check<'a> {
    path: &'a Path,
    found: Result<DriftReport, Failure>,
    calls: ApiCalls,
}

impl DriftCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        if let Some(address) = &self.revert {
            return run::reported("drift", self.json, engine, self.reverted(engine, address)).await;
        }
        if let Some(address) = &self.absorb {
            return run::reported("drift", self.json, engine, self.absorbed(engine, address)).await;
        }
        #[cfg(feature = "watch")]
        if let Some(file) = &self.all {
            return self.check_all(file).await;
        }
        let mut checks = vec![];
        for path in &self.stacks {
            let engine = engine.for_next_stack();
            let found = self.check(path, &engine).await;
            if found.as_ref().is_err_and(|failure| failure.reason == Reason::Interrupted) {
                return found.map(|_| Exit::Ok);
            }
            let check = Check { path, found, calls: ApiCalls::of(&engine.meter) };
            if !self.json {
                self.show(&check)?;
            }
            checks.push(check);
        }
        self.ended(&checks)
    }

    /// Checks all stacks of a watch's file.
    #[cfg(feature = "watch")]
    async fn check_all(&self, file: &Path) -> Result<Exit, Failure> {
        let all = AllStacks::read(file, self.notify, &self.aws, self.aws.session(&self.state).await?)?;
        let mut checks = vec![];
        for stack in &all.stacks {
            let (found, calls) = all.look(stack).await;
            let check = Check { path: &stack.file, found, calls };
            if !self.json {
                self.show(&check)?;
            }
            checks.push(check);
        }
        if self.notify {
            all.tell().await;
        }
        self.metrics.iter().try_for_each(|path| all.write_metrics(path))?;
        self.ended(&checks)
    }

    /// The exit code. Writes the JSON, if it is wanted.
    fn ended(&self, checks: &[Check<'_>]) -> Result<Exit, Failure> {
        let exit = exit(checks);
        if self.json {
            let stacks: Vec<_> = checks.iter().map(|check| json_of(check)).collect();
            let format = up_engine::DRIFT_FORMAT;
            let whole = json!({ "format": format, "command": "drift", "exit_code": exit as u8, "stacks": stacks });
            terminal::json(whole)?;
        }
        Ok(exit)
    }

    async fn check(&self, path: &Path, engine: &Engine) -> Result<DriftReport, Failure> {
        let stack = engine.load(path, &self.inputs.options(&self.aws))?;
        let options = DriftOptions { undeclared: self.undeclared };
        engine.drift(&stack, &self.aws.session(&self.state).await?, options).await
    }

    /// The only stack, for options that change something.
    fn only(&self, option: &str) -> Result<&Path, Failure> {
        match &self.stacks[..] {
            [path] => Ok(path),
            _ => Err(Failure::new(Reason::Input, format!("`{option}` takes one stack"))),
        }
    }

    async fn absorbed(&self, engine: &Engine, address: &Address) -> Result<Exit, Failure> {
        let path = self.only("--absorb")?;
        let load = || engine.load(path, &self.inputs.options(&self.aws));
        let session = self.aws.session(&self.state).await?;
        let absorbed = engine.absorb(&load()?, address, &session, load).await?;
        match self.json {
            true => terminal::json(json!({
                "format": up_engine::DRIFT_FORMAT,
                "command": "drift",
                "exit_code": Exit::Ok as u8,
                "absorbed": absorbed,
                "api_calls": ApiCalls::of(&engine.meter),
                "errors": [],
            }))?,
            false => terminal::say(render::absorbed(&absorbed)),
        }
        Ok(Exit::Ok)
    }

    async fn reverted(&self, engine: &Engine, address: &Address) -> Result<Exit, Failure> {
        let path = self.only("--revert")?;
        let stack = engine.load(path, &self.inputs.options(&self.aws))?;
        let goal = engine.revert(stack, address, &self.aws.session(&self.state).await?).await?;
        let run = RunArgs { auto_approve: self.auto_approve, json: self.json, ..RunArgs::default() };
        let (only, aws, state) = (Some(address), &self.aws, &self.state);
        ChangingCommand { command: "revert", goal, saved: None, only, run: &run, aws, state }.run(engine).await
    }

    fn is_one_of_several(&self) -> bool {
        #[cfg(feature = "watch")]
        if self.all.is_some() {
            return true;
        }
        self.stacks.len() > 1
    }

    fn show(&self, check: &Check<'_>) -> Result<(), Failure> {
        match &check.found {
            Ok(report) if self.markdown => terminal::data(render::drift_markdown(report, &up_kinds::model)),
            Ok(report) => {
                report.notes.iter().for_each(|note| terminal::say(render::message(up_engine::Level::Note, note)));
                terminal::data(render::drift(report, &up_kinds::model))
            }
            Err(failure) => {
                if self.markdown {
                    terminal::data(render::drift_failed_markdown(check.path, failure))?;
                }
                terminal::say(render::drift_failed(check.path, failure, self.is_one_of_several()));
                Ok(())
            }
        }
    }
}

/// The exit code for all stacks. Drift in one of them outweighs a failure of another, which the output shows as well.
fn exit(checks: &[Check<'_>]) -> Exit {
    let results: Vec<_> = checks.iter().map(|check| check.found.as_ref().map(DriftReport::result)).collect();
    let failures: Vec<_> = results.iter().filter_map(|result| result.as_ref().err().map(|it| it.reason)).collect();
    match failures.split_first() {
        _ if results.iter().any(|result| matches!(result, Ok(DriftResult::Drift))) => Exit::Changes,
        Some((first, others)) if others.iter().all(|other| other == first) => Exit::from(*first),
        Some(_) => Exit::Failed,
        None if results.iter().any(|result| matches!(result, Ok(DriftResult::Unread))) => Exit::Failed,
        None => Exit::Ok,
    }
}

fn json_of(check: &Check<'_>) -> Value {
    let Check { path, found, calls } = check;
    let mut object = match found {
        Ok(report) => {
            let mut object = json!(report);
            object["result"] = json!(report.result());
            object["counts"] = json!(report.counts());
            object["errors"] = json!([]);
            object
        }
        Err(failure) => json!({ "result": "failed", "errors": report::errors(failure) }),
    };
    object["file"] = path.display().to_string().into();
    object["api_calls"] = json!(calls);
    object
}
