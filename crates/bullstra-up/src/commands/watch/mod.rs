//! `watch`.

mod found;
mod looker;
mod once;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::{Timestamp, Unit};
use up_engine::{Engine, Failure, Reason};
use up_watch::{Config, HttpTransport, Level, Log, MemoryFile, Ports, SystemClock, Watch, serve};

use self::looker::EngineLooker;
pub(crate) use self::once::AllStacks;
use crate::{
    exit::Exit,
    options::{AwsArgs, StateArgs},
    render, terminal,
};

/// Looks for drift in many stacks on a schedule, and tells what has changed.
///
/// Runs until it is interrupted. Changes nothing, takes no lock, and needs the permissions of a plan. Serves a page for people,
/// `/metrics` for Prometheus, `/status.json`, `/healthz` and `/readyz`; only this machine can reach them, unless `listen` says
/// otherwise. See docs/watch.md for the file.
#[derive(Debug, Args)]
pub(crate) struct WatchCommand {
    /// The file that says which stacks are watched, how often, and who is told, such as `watch.toml`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the page and the metrics are served, instead of where the file says. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) aws: AwsArgs,
    #[command(flatten)]
    pub(crate) state: StateArgs,
}

impl WatchCommand {
    pub(crate) async fn run(self, engine: &Engine) -> Result<Exit, Failure> {
        let config = config(&self.file)?;
        let address = self.listen.unwrap_or(config.listen);
        let looker = EngineLooker::new(&config.stacks, &self.aws, self.aws.session(&self.state).await?)?;
        let (stacks, memory) = (config.stacks.len(), MemoryFile::at(&config.memory));
        let ports = Ports {
            looker: Arc::new(looker),
            clock: Arc::new(SystemClock),
            transport: Arc::new(HttpTransport::default()),
            log: Arc::new(TerminalLog),
            memory: Some(memory),
        };
        let watch = Watch::new(config, ports);
        let unavailable = |error| Failure::new(Reason::Failed, format!("failed to listen at {address}: {error}"));
        let (address, serving) = serve(address, watch.clone()).await.map_err(unavailable)?;
        let of = render::count(stacks, "stack");
        TerminalLog.say(Level::Note, &format!("watching {of}; the page is at http://{address}"));
        if !address.ip().is_loopback() {
            let text = "others than this machine can reach the page, and it asks for no password";
            TerminalLog.say(Level::Warning, text);
        }
        let _running = engine.interrupt.run();
        tokio::select! {
            () = engine.interrupt.sent(1) => {}
            () = watch.run() => {}
            served = serving => {
                served.map_err(|error| Failure::new(Reason::Failed, format!("failed to serve the page: {error}")))?;
            }
        }
        TerminalLog.say(Level::Note, "the watch has ended");
        Ok(Exit::Ok)
    }
}

/// Reads a watch's file. Secrets come from the environment.
fn config(file: &Path) -> Result<Config, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    Config::read(file, &variable).map_err(|error| Failure::new(Reason::Input, error.to_string()))
}

/// Writes lines with the time to stderr.
#[derive(Debug)]
struct TerminalLog;

impl Log for TerminalLog {
    fn say(&self, level: Level, text: &str) {
        let level = match level {
            Level::Note => up_engine::Level::Note,
            Level::Warning => up_engine::Level::Warning,
            Level::Error => up_engine::Level::Error,
        };
        let now = Timestamp::now();
        let now = now.round(Unit::Second).unwrap_or(now);
        terminal::say(format_args!("{now} {}", render::message(level, text)));
    }
}
