//! `sandbox`.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use up_sandbox::{Options, Progress, Status};

use crate::{
    exit::{Exit, Failure},
    render::{self, Word},
    terminal,
};

/// An AWS to play with, on this machine.
///
/// It answers all calls that stacks need, keeps what they make in memory, and refuses what AWS refuses. `--sandbox` on
/// other commands uses it; any AWS CLI or SDK can, with its endpoint and any credentials.
#[derive(Debug, Args)]
pub(crate) struct Sandbox {
    #[command(subcommand)]
    action: Action,
    /// Tells sandboxes that run side by side apart; `--sandbox` uses the one called `default`.
    #[arg(long, global = true, default_value = "default")]
    name: String,
    /// Writes one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Starts it, unless it runs already. The first start installs what it needs, which takes the network and a minute.
    Start {
        /// The loopback port; a free one when left out.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Ends it, and forgets what it holds.
    Stop,
    /// Shows whether and where it runs. Ends with 1 where it does not.
    Status,
    /// Empties it: what it holds, and what it has recorded.
    Reset,
    /// Lists everything that exists in it, by its own knowledge.
    Dump {
        /// Only this region; all that were ever used when left out.
        #[arg(long)]
        region: Option<String>,
    },
    /// Lists every call that was made to it.
    Calls {
        /// Only those after this number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        since: u64,
    },
}

impl Sandbox {
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let options = Options::named(&self.name);
        match &self.action {
            Action::Start { port } => {
                let status = start(Options { port: *port, ..options }).await?;
                self.running(&status)?;
            }
            Action::Stop => {
                let was_running = up_sandbox::stop(&options).await.map_err(failed)?;
                let told = if was_running { "Stopped." } else { "It was not running." };
                self.answer(json!({ "stopped": was_running }), |_| told.into())?;
            }
            Action::Status => match up_sandbox::status(&options).await.map_err(failed)? {
                Some(status) => self.running(&status)?,
                None => {
                    self.answer(json!({ "running": false }), |_| "It is not running.".into())?;
                    return Ok(Exit::Failed);
                }
            },
            Action::Reset => {
                up_sandbox::reset(&options).await.map_err(failed)?;
                self.answer(json!({ "reset": true }), |_| "Emptied.".into())?;
            }
            Action::Dump { region } => {
                let dump = up_sandbox::dump(&options, region.as_deref()).await.map_err(failed)?;
                self.answer(dump, |dump| lines(&dump["resources"], resource))?;
            }
            Action::Calls { since } => {
                let calls = up_sandbox::calls(&options, *since).await.map_err(failed)?;
                self.answer(calls, |calls| lines(&calls["calls"], call))?;
            }
        }
        Ok(Exit::Ok)
    }

    fn running(&self, status: &Status) -> Result<(), Failure> {
        let mut answer = json!(status);
        answer["running"] = true.into();
        self.answer(answer, |_| {
            let Status { endpoint, pid, .. } = status;
            format!("It runs at {endpoint} (process {pid}).\nFor an AWS CLI: export AWS_ENDPOINT_URL={endpoint}")
        })
    }

    fn answer(&self, answer: Value, text: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if self.json { terminal::json(answer) } else { terminal::data(text(&answer)) }
    }
}

/// The endpoint of the one that `--sandbox` means, started if need be.
pub(crate) async fn running() -> Result<String, Failure> {
    let status = start(Options::default()).await?;
    if !status.is_current() {
        note("the sandbox that runs is another version's; `bullstra-up sandbox stop` makes way for this one's");
    }
    Ok(status.endpoint)
}

async fn start(options: Options) -> Result<Status, Failure> {
    let installing = AtomicBool::new(false);
    let progress = move |progress| match progress {
        Progress::Installing { total, .. } if !installing.swap(true, Ordering::Relaxed) => {
            note(&format!("installing the sandbox's {total} packages, this once"));
        }
        Progress::CreatingEnvironment => note("making a Python environment for the sandbox, this once"),
        Progress::Starting => note("starting the sandbox"),
        _ => {}
    };
    up_sandbox::start(&Options { progress: Some(Arc::new(progress)), ..options }).await.map_err(failed)
}

fn note(text: &str) {
    terminal::say(render::message(Word::Note, text));
}

fn failed(error: up_sandbox::Error) -> Failure {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let failure = Failure::new(Exit::Failed, format!("{error}{cause}"));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
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
