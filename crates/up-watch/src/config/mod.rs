//! The file that says what is watched, how often, and who is told.

mod file;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use thiserror::Error;

use self::file::{NotifyTable, StackTable, WatchFile, WatchTable};
use crate::schedule::{Schedule, When};

const INTERVAL: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_secs(60);
const CRON_JITTER: Duration = Duration::from_secs(60);
/// More often would be most of what an account does.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
const LISTEN: &str = "127.0.0.1:9186";
const MEMORY: &str = "watch.json";
/// Names stand in labels, addresses and headings.
const LONGEST_NAME: usize = 100;

/// What is watched, how often, and who is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the page and the metrics are served.
    pub listen: SocketAddr,
    /// The file that survives a restart.
    pub memory: PathBuf,
    /// How often the histories of the stacks are asked for new runs.
    pub poll: Duration,
    /// Where people find the page: the beginning of the links in notifications.
    pub page_url: Option<String>,
    /// What jitter is drawn from.
    pub seed: u64,
    /// The stacks, by name.
    pub stacks: Vec<WatchedStack>,
    /// Who is told.
    pub targets: Vec<NotifyTarget>,
}

/// One stack.
#[derive(Debug, Clone)]
pub struct WatchedStack {
    /// Its name in metrics and on the page: that of its file, unless the table says another.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// When it is looked at.
    pub schedule: Schedule,
    /// How long signing in may take, and how long the look.
    pub timeout: Duration,
    /// Also looks at fields that the file leaves out.
    pub undeclared: bool,
    /// Values of inputs, as TOML.
    pub set: Vec<(String, String)>,
    /// More folders that modules may be read from.
    pub allow_paths: Vec<PathBuf>,
    /// The region, instead of the stack's own.
    pub region: Option<String>,
    /// The profile of `~/.aws/config`.
    pub profile: Option<String>,
    /// The role, instead of the stack's own.
    pub role_arn: Option<String>,
    /// Where the state is: a folder, or `s3://bucket/prefix`.
    pub state: Option<String>,
}

/// Somebody who is told about transitions.
#[derive(Debug, Clone)]
pub struct NotifyTarget {
    /// Its name in messages and metrics.
    pub name: String,
    /// How.
    pub kind: NotifyKind,
    /// The stacks that it is told about; all, if there are none.
    pub stacks: BTreeSet<String>,
}

/// How somebody is told.
#[derive(Debug, Clone)]
pub enum NotifyKind {
    /// By an incoming webhook of Slack, or of what understands its messages.
    Slack {
        /// Its address, which is a secret.
        url: Secret,
    },
    /// By JSON that is signed as "Standard Webhooks" says.
    Webhook {
        /// The receiver.
        url: Secret,
        /// The key.
        key: Secret,
    },
}

/// A text that is neither shown nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a file is refused. Shows no value of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{}: {message}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ConfigError {
    path: PathBuf,
    line: Option<usize>,
    message: String,
}

impl Config {
    /// Reads and checks a file. Paths in it are relative to its folder. `variable` gives the environment's variables.
    ///
    /// # Errors
    /// When it cannot be read, or something in it is wrong.
    pub fn read(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let failed = |line, message| ConfigError { path: path.to_owned(), line, message };
        let text = fs::read_to_string(path).map_err(|error| failed(None, error.to_string()))?;
        let file: WatchFile = toml::from_str(&text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            // The whole error would show the line, which may hold a secret.
            failed(line, error.message().to_owned())
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Reader { folder, variable }.config(file).map_err(|message| failed(None, message))
    }
}

struct Reader<'a> {
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn config(&self, file: WatchFile) -> Result<Config, String> {
        let WatchFile { watch, stack, notify } = file;
        let listen = watch.listen.as_deref().unwrap_or(LISTEN);
        let listen = listen.parse().map_err(|_| format!("`listen`: `{listen}` is no address such as `{LISTEN}`"))?;
        if stack.is_empty() {
            return Err("there is no `[[stack]]`: nothing is watched".into());
        }
        let stacks = stack.iter().map(|table| self.stack(table, &watch)).collect::<Result<Vec<_>, _>>()?;
        distinct("stack", stacks.iter().map(|stack| &stack.name))?;
        let targets = notify.iter().map(|table| self.target(table)).collect::<Result<Vec<_>, _>>()?;
        distinct("notify", targets.iter().map(|target| &target.name))?;
        let known: BTreeSet<_> = stacks.iter().map(|stack| &stack.name).collect();
        for target in &targets {
            if let Some(unknown) = target.stacks.iter().find(|name| !known.contains(name)) {
                return Err(format!("`[[notify]]` `{}`: there is no stack `{unknown}`", target.name));
            }
        }
        let poll = duration("poll", watch.poll.as_deref())?.unwrap_or(POLL);
        Ok(Config {
            listen,
            memory: self.folder.join(watch.memory.as_deref().unwrap_or(Path::new(MEMORY))),
            poll,
            page_url: watch.page_url.map(|url| url.trim_end_matches('/').to_owned()),
            seed: watch.seed.unwrap_or_else(|| u64::from(std::process::id())),
            stacks,
            targets,
        })
    }

    fn stack(&self, table: &StackTable, watch: &WatchTable) -> Result<WatchedStack, String> {
        let stem = || Some(table.file.file_stem()?.to_str()?.to_owned());
        let name = table.name.clone().or_else(stem).unwrap_or_default();
        let named = |message: String| format!("`[[stack]]` `{name}`: {message}");
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) || name.starts_with('.') {
            let rule = format!("at most {LONGEST_NAME} letters, digits, `-`, `_` and `.`");
            return Err(format!("`{name}` is no name for a stack ({rule}): set `name`"));
        }
        let timeout = [&table.timeout, &watch.timeout].into_iter().find_map(|text| text.as_deref());
        let timeout = duration("timeout", timeout).map_err(named)?.unwrap_or(TIMEOUT);
        Ok(WatchedStack {
            schedule: schedule(table, watch).map_err(named)?,
            file: self.folder.join(&table.file),
            timeout,
            undeclared: table.undeclared.unwrap_or(watch.undeclared.unwrap_or_default()),
            set: table.set.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
            allow_paths: table.allow_paths.iter().map(|path| self.folder.join(path)).collect(),
            region: table.region.clone(),
            profile: table.profile.clone(),
            role_arn: table.role_arn.clone(),
            state: table.state.as_ref().map(|state| self.state(state)),
            name,
        })
    }

    fn state(&self, state: &str) -> String {
        if state.contains("://") { state.to_owned() } else { self.folder.join(state).display().to_string() }
    }

    fn target(&self, table: &NotifyTable) -> Result<NotifyTarget, String> {
        let named = |message: String| format!("`[[notify]]` `{}`: {message}", table.name);
        if table.name.is_empty() || table.name.len() > LONGEST_NAME || table.name.chars().any(char::is_control) {
            return Err("`[[notify]]`: `name` is empty, or too long".into());
        }
        let url = self.secret("url", table.url.as_ref(), table.url_env.as_deref()).map_err(named)?;
        if !["https://", "http://"].iter().any(|scheme| url.0.starts_with(scheme)) {
            return Err(named("`url` is not a URL that begins with `https://`".into()));
        }
        let kind = match table.kind.as_str() {
            "slack" if table.secret.is_some() || table.secret_env.is_some() => {
                return Err(named("`secret` is for `kind = \"webhook\"`".into()));
            }
            "slack" => NotifyKind::Slack { url },
            "webhook" => {
                let key = self.secret("secret", table.secret.as_ref(), table.secret_env.as_deref()).map_err(named)?;
                crate::notify::key(&key).map_err(named)?;
                NotifyKind::Webhook { url, key }
            }
            other => return Err(named(format!("`kind` is `slack` or `webhook`, not `{other}`"))),
        };
        Ok(NotifyTarget { name: table.name.clone(), kind, stacks: table.stacks.iter().cloned().collect() })
    }

    /// A value that stands in the file, or in a variable that the file names.
    fn secret(&self, key: &str, value: Option<&String>, variable: Option<&str>) -> Result<Secret, String> {
        match (value, variable) {
            (Some(value), None) => Ok(Secret(value.clone())),
            (None, Some(variable)) => {
                let value = (self.variable)(variable).filter(|value| !value.is_empty());
                value.map(Secret).ok_or_else(|| format!("the environment variable {variable} is not set"))
            }
            (Some(_), Some(_)) => Err(format!("`{key}` and `{key}_env` exclude each other")),
            (None, None) => Err(format!("`{key}` or `{key}_env` is missing")),
        }
    }
}

/// The stack's own rule, or else the one for all.
fn schedule(table: &StackTable, watch: &WatchTable) -> Result<Schedule, String> {
    let (interval, cron) = match (&table.interval, &table.cron) {
        (None, None) => (&watch.interval, &watch.cron),
        own => own,
    };
    let zone = table.timezone.as_deref().or(watch.timezone.as_deref()).unwrap_or("UTC");
    let when = match (interval, cron) {
        (Some(_), Some(_)) => return Err("`interval` and `cron` exclude each other".into()),
        (None, Some(cron)) => {
            let zone = TimeZone::get(zone).map_err(|_| format!("`timezone`: there is no time zone `{zone}`"))?;
            Schedule::cron(cron, zone).map_err(|error| format!("`cron`: `{cron}`: {error}"))?
        }
        (interval, None) => When::Every(duration("interval", interval.as_deref())?.unwrap_or(INTERVAL)),
    };
    let jitter = table.jitter.as_deref().or(watch.jitter.as_deref());
    let jitter = duration("jitter", jitter)?;
    let jitter = match &when {
        When::Every(interval) if *interval < SHORTEST_INTERVAL => {
            return Err(format!("`interval` is at least {} s", SHORTEST_INTERVAL.as_secs()));
        }
        When::Every(interval) if jitter.is_some_and(|jitter| jitter > *interval) => {
            return Err("`jitter` is longer than `interval`".into());
        }
        When::Every(interval) => jitter.unwrap_or(*interval / 10),
        When::Cron(..) => jitter.unwrap_or(CRON_JITTER),
    };
    Ok(Schedule { when, jitter })
}

fn duration(key: &str, text: Option<&str>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let span: Option<Duration> = text.parse::<jiff::SignedDuration>().ok().and_then(|span| span.try_into().ok());
    span.map(Some).ok_or_else(|| format!("`{key}`: `{text}` is no time such as `90s`, `15m` or `1h`"))
}

fn distinct<'a>(table: &str, names: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for name in names {
        if !known.insert(name) {
            return Err(format!("two `[[{table}]]` are called `{name}`: set `name`"));
        }
    }
    Ok(())
}
