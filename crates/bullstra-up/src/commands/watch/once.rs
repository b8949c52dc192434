//! `drift --all`: looks at all stacks of a watch's file once, and tells what a watch would have told.

use std::{fs, path::Path, sync::Arc, time::Duration};

use up_engine::{DriftReport, Failure, Reason, SessionOptions};
use up_watch::{Format, HttpTransport, Level, Log, MemoryFile, Ports, SystemClock, Watch, WatchedStack};

use super::{
    TerminalLog, config,
    looker::{EngineLooker, LastLook},
};
use crate::{options::AwsArgs, render};

/// How long notifications are tried. What is not delivered by then waits for the next time.
const DELIVERY: Duration = Duration::from_secs(60);

/// All stacks of a watch's file.
#[derive(Debug)]
pub(crate) struct AllStacks {
    /// The stacks, in the order of the file.
    pub(crate) stacks: Vec<WatchedStack>,
    watch: Watch,
    last: Arc<LastLook>,
}

impl AllStacks {
    /// Reads the file. Without `notify`, nobody is told, and nothing is remembered.
    pub(crate) fn read(file: &Path, notify: bool, aws: &AwsArgs, session: SessionOptions) -> Result<Self, Failure> {
        let mut config = config(file)?;
        if !notify {
            config.targets.clear();
        }
        let stacks: Vec<_> = config.stacks.clone();
        let (looker, last) = EngineLooker::new(&stacks, aws, session)?.keeping();
        let ports = Ports {
            looker: Arc::new(looker),
            clock: Arc::new(SystemClock),
            transport: Arc::new(HttpTransport::default()),
            log: Arc::new(TerminalLog),
            memory: notify.then(|| MemoryFile::at(&config.memory)),
        };
        Ok(Self { stacks, watch: Watch::new(config, ports), last })
    }

    /// Looks at a stack. Returns what was found, and the calls that it took.
    pub(crate) async fn look(&self, stack: &WatchedStack) -> (Result<DriftReport, Failure>, render::ApiCalls) {
        let failure = self.watch.look(&stack.name).await.and_then(|status| status.failure);
        let (found, calls) = self.last.take();
        let found = found.unwrap_or_else(|| {
            let failure = failure.map_or_else(|| "the look has not ended".to_owned(), |failure| failure.message);
            Err(Failure::new(Reason::Failed, failure))
        });
        (found, calls)
    }

    /// Delivers what is to be told.
    pub(crate) async fn tell(&self) {
        let waiting = self.watch.deliver(DELIVERY).await;
        if waiting > 0 {
            let of = render::count(waiting, "notification");
            TerminalLog.say(Level::Warning, &format!("{of} could not be delivered: the next `--notify` tries again"));
        }
    }

    /// Writes the metrics into a file, as a whole: its readers never see half of it.
    pub(crate) fn write_metrics(&self, path: &Path) -> Result<(), Failure> {
        let written = || -> std::io::Result<()> {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file = tempfile::Builder::new().prefix(".metrics").tempfile_in(folder)?;
            fs::write(file.path(), self.watch.metrics().text(Format::Prometheus))?;
            readable(file.path())?;
            file.persist(path)?;
            Ok(())
        };
        written().map_err(|error| Failure::new(Reason::Failed, format!("failed to write {}: {error}", path.display())))
    }
}

/// Others read the metrics.
fn readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}
