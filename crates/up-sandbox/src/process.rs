//! The sandbox's process: starts it in a session of its own, and knows whether it lives.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::{Instant, sleep};

use crate::environment::isolated;
use crate::instance::SandboxInstance;
use crate::{Error, Result, SandboxOptions, SandboxStatus, package};

/// The Python package, as it stands in the process's command line.
const PACKAGE: &str = "bullstra_sandbox";

/// How long a busy machine may take to import moto.
const PATIENCE: Duration = Duration::from_secs(120);

/// How much of the log an error shows.
const SHOWN_LINES: usize = 12;

/// Starts a process and waits until it listens.
pub(crate) async fn spawn(
    instance: &SandboxInstance,
    python: &Path,
    package: &Path,
    options: &SandboxOptions,
) -> Result<SandboxStatus> {
    instance.forget()?;
    let log = instance.log();
    let output = File::create(&log).map_err(Error::io("create", &log))?;
    let errors = output.try_clone().map_err(Error::io("open", &log))?;
    let mut command = isolated(python);
    command
        // Leaves its parent's session itself, so that a terminal that closes or a Ctrl-C does not end it.
        .args(["-m", PACKAGE, "--detach", "--label", &package::version(), "--port", &options.port.to_string()])
        .arg("--ready-file")
        .arg(instance.ready_file())
        .current_dir(&instance.folder)
        .env("PYTHONPATH", package)
        .stdout(Stdio::from(output))
        .stderr(Stdio::from(errors));
    if let Some(idle) = options.idle {
        command.args(["--idle-seconds", &idle.as_secs_f64().to_string()]);
    }
    let failed = |why: String| Error::DidNotStart { why, output: tail(&log), log: log.clone() };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = instance.status().await? {
            tracing::info!(endpoint = %status.endpoint, pid = status.pid, "the sandbox is running");
            return Ok(status);
        }
        if let Ok(Some(ended)) = child.try_wait() {
            return Err(failed(ended.to_string()));
        }
        if Instant::now() >= deadline {
            let _ = child.kill().await;
            return Err(failed(format!("it does not listen after {} s", PATIENCE.as_secs())));
        }
        sleep(Duration::from_millis(25)).await;
    }
}

/// True if a process with this number exists.
pub(crate) fn lives(pid: u32) -> bool {
    number(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Whether a process is a sandbox: numbers are given again, and another's process must not be ended.
pub(crate) fn is_sandbox(pid: u32) -> bool {
    if !lives(pid) {
        return false;
    }
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok().or_else(|| {
        let asked = std::process::Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        asked.ok().map(|output| output.stdout)
    });
    command_line.is_some_and(|line| String::from_utf8_lossy(&line).contains(PACKAGE))
}

/// Asks a process to end.
pub(crate) fn ask_to_end(pid: u32) {
    signal(pid, Signal::TERM);
}

/// Ends a process at once.
pub(crate) fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

fn signal(pid: u32, signal: Signal) {
    // A process that is gone already is what is wanted.
    if let Some(pid) = number(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn number(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_is_no_sandbox() {
        let own = std::process::id();
        assert!(lives(own));
        assert!(!is_sandbox(own));
        assert!(!lives(0));
        assert!(!lives(u32::MAX));
    }
}
