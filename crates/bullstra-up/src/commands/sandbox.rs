//! `sandbox`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use up_engine::Failure;
use up_sandbox::{SandboxOptions, SandboxStatus};

use crate::{
    exit::Exit,
    sandbox::{failed, start},
    terminal,
};

/// Runs the sandbox: an AWS to try stacks on, on this machine.
///
/// It answers the calls that stacks need, keeps their resources in memory, and refuses what AWS refuses. Other commands use
/// it with `--sandbox`; any AWS CLI or SDK can use it, with its endpoint and any credentials.
#[derive(Debug, Args)]
pub(crate) struct SandboxCommand {
    #[command(subcommand)]
    action: SandboxAction,
    /// The name of the sandbox, where several run; `--sandbox` uses the one named `default`.
    #[arg(long, global = true, default_value = "default")]
    name: String,
    /// Writes one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum SandboxAction {
    /// Starts it, unless it is running. The first start installs its packages, which needs the network and takes a minute.
    Start {
        /// The loopback port; by default a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Stops it. Everything in it is lost.
    Stop,
    /// Shows whether and where it is running. Exits with 1 if it is not.
    Status,
    /// Deletes everything in it, and its record of calls.
    Reset,
    /// Lists every resource in it.
    Dump {
        /// Only this region; by default all that were ever used.
        #[arg(long)]
        region: Option<String>,
    },
    /// Lists every call it has received.
    Calls {
        /// Only those after this number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        since: u64,
    },
}

impl SandboxCommand {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let options = SandboxOptions::named(&self.name);
        match &self.action {
            SandboxAction::Start { port } => {
                let status = start(SandboxOptions { port: *port, ..options }).await?;
                self.running(&status)?;
            }
            SandboxAction::Stop => {
                let was_running = up_sandbox::stop(&options).await.map_err(failed)?;
                let told = if was_running { "Stopped." } else { "It was not running." };
                self.answer(json!({ "stopped": was_running }), |_| told.into())?;
            }
            SandboxAction::Status => match up_sandbox::status(&options).await.map_err(failed)? {
                Some(status) => self.running(&status)?,
                None => {
                    self.answer(json!({ "running": false }), |_| "It is not running.".into())?;
                    return Ok(Exit::Failed);
                }
            },
            SandboxAction::Reset => {
                up_sandbox::reset(&options).await.map_err(failed)?;
                self.answer(json!({ "reset": true }), |_| "Emptied.".into())?;
            }
            SandboxAction::Dump { region } => {
                let dump = up_sandbox::dump(&options, region.as_deref()).await.map_err(failed)?;
                self.answer(dump, |dump| lines(&dump["resources"], resource))?;
            }
            SandboxAction::Calls { since } => {
                let calls = up_sandbox::calls(&options, *since).await.map_err(failed)?;
                self.answer(calls, |calls| lines(&calls["calls"], call))?;
            }
        }
        Ok(Exit::Ok)
    }

    fn running(&self, status: &SandboxStatus) -> Result<(), Failure> {
        let mut answer = json!(status);
        answer["running"] = true.into();
        self.answer(answer, |_| {
            let SandboxStatus { endpoint, pid, .. } = status;
            format!("It runs at {endpoint} (process {pid}).\nFor an AWS CLI: export AWS_ENDPOINT_URL={endpoint}")
        })
    }

    fn answer(&self, answer: Value, text: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if self.json { terminal::json(answer) } else { terminal::data(text(&answer)) }
    }
}

fn lines(items: &Value, line: fn(&Value) -> String) -> String {
    items.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}

fn resource(resource: &Value) -> String {
    let text = |key: &str| resource[key].as_str().unwrap_or("-").to_owned();
    let address = resource["tags"]["bullstra:address"].as_str().unwrap_or_default();
    format!("{}  {}  {}  {address}", text("region"), text("type"), text("id")).trim_end().to_owned()
}

fn call(call: &Value) -> String {
    let text = |key: &str| match &call[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let error = call["error"].as_str().map(|error| format!("  {error}")).unwrap_or_default();
    format!("{}  {}:{}  {}{error}", text("sequence"), text("service"), text("operation"), text("status"))
}
