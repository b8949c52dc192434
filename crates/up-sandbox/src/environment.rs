//! The private virtual environment: made once for each interpreter and set of requirements.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::home::{self, SandboxFolder};
use crate::package::{REQUIREMENTS, digest};
use crate::python::{self, Interpreter};
use crate::{Error, Result, SandboxOptions, SandboxProgress};

/// How much of a failed command's output is shown.
const SHOWN_LINES: usize = 12;

/// The environment's Python, after making the environment if need be.
pub(crate) async fn ready(home: &SandboxFolder, options: &SandboxOptions) -> Result<PathBuf> {
    let python = python::find().await?;
    let folder = home.join(format!("venv-{}", digest(&[REQUIREMENTS, &python.path, &python.version])));
    // Written last: without it the environment is one whose making was cut short.
    let complete = folder.join("complete");
    let interpreter = folder.join("bin").join("python");
    if complete.exists() {
        return Ok(interpreter);
    }
    let _lock = home::lock(&home.join("lock")).await?;
    if complete.exists() {
        return Ok(interpreter);
    }
    tracing::info!(folder = %folder.display(), python = %python.path, "making the sandbox's environment");
    create(&python, &folder, options).await?;
    install(&interpreter, home, options).await?;
    fs::write(&complete, &python.version).map_err(Error::io("write", &complete))?;
    Ok(interpreter)
}

async fn create(python: &Interpreter, folder: &Path, options: &SandboxOptions) -> Result<()> {
    options.tell(SandboxProgress::CreatingEnvironment);
    let mut command = isolated(Path::new(&python.path));
    command.args(["-m", "venv", "--clear"]).arg(folder);
    run(command, "make a virtual environment", |_| {}).await
}

async fn install(interpreter: &Path, home: &SandboxFolder, options: &SandboxOptions) -> Result<()> {
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(Error::io("write", &requirements))?;
    let total = pinned(REQUIREMENTS).len();
    let mut done = 0;
    let mut command = isolated(interpreter);
    command
        .args(["-m", "pip", "install", "--require-hashes", "--prefer-binary", "--no-input"])
        .args(["--disable-pip-version-check", "--progress-bar", "off", "--requirement"])
        .arg(&requirements);
    run(command, "install the sandbox's packages", |line| {
        if let Some(package) = collected(line) {
            done += 1;
            options.tell(SandboxProgress::Installing { package: package.to_owned(), done, total });
        }
    })
    .await
}

/// A Python that sees nothing of the user's own packages and settings.
pub(crate) fn isolated(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH").env("PYTHONNOUSERSITE", "1").stdin(Stdio::null());
    command
}

/// Runs a command, hands over what it prints line by line, and fails with the last lines of both streams where it fails.
async fn run(mut command: Command, what: &'static str, mut seen: impl FnMut(&str)) -> Result<()> {
    let failed = |output: String| Error::Environment { what, output };
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| failed(error.to_string()))?;
    let mut output = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut errors = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    // Each by itself: which of the two comes first is chance, and what went wrong may stand in one line of the errors.
    let (mut last_output, mut last_errors) = (vec![], vec![]);
    let (mut output_open, mut errors_open) = (true, true);
    while output_open || errors_open {
        let (line, last) = tokio::select! {
            line = output.next_line(), if output_open => {
                output_open = matches!(line, Ok(Some(_)));
                (line, &mut last_output)
            }
            line = errors.next_line(), if errors_open => {
                errors_open = matches!(line, Ok(Some(_)));
                (line, &mut last_errors)
            }
        };
        if let Ok(Some(line)) = line {
            tracing::debug!(%line, what);
            seen(&line);
            last.push(line);
            last.drain(..last.len().saturating_sub(SHOWN_LINES));
        }
    }
    let status = child.wait().await.map_err(|error| failed(error.to_string()))?;
    let last = [last_output, last_errors].concat().join("\n");
    if status.success() { Ok(()) } else { Err(failed(format!("{status}\n{last}"))) }
}

/// The package in pip's "Collecting name==version (from …)".
fn collected(line: &str) -> Option<&str> {
    line.strip_prefix("Collecting ")?.split(['=', ' ', ';']).next()
}

/// The names of all pinned packages; one that is pinned twice, for two Pythons, is one.
fn pinned(requirements: &str) -> HashSet<&str> {
    requirements
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| Some(line.split_once("==")?.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_counts_packages() {
        assert_eq!(collected("Collecting boto3==1.44.5 (from -r requirements.txt (line 3))"), Some("boto3"));
        assert_eq!(collected("  Downloading boto3.whl"), None);
        let twice = "a==1 ; python_full_version < '3.11' \\\n    --hash=sha256:a==\na==2 \\\nb==1 \\\n";
        assert_eq!(pinned(twice).len(), 2);
    }

    #[tokio::test]
    async fn failed_command_shows_what_it_said_last() {
        let mut command = Command::new("sh");
        command.args(["-c", "seq 20; echo no network >&2; exit 3"]);
        let error = run(command, "install the sandbox's packages", |_| {}).await.unwrap_err().to_string();
        assert!(error.starts_with("failed to install the sandbox's packages: exit status: 3"), "{error}");
        assert!(error.contains("no network") && !error.contains("\n2\n"), "{error}");
    }
}
