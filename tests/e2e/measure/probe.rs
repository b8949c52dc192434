//! Measures one command from outside: its time, its memory, and the sandbox's work meanwhile.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::harness::{Account, Result, UP, fail};

/// The measurements of one command.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// The JSON object that it printed.
    pub(super) answer: Value,
    /// The wall time.
    pub(super) wall: Duration,
    /// Its processor time, user and system.
    pub(super) cpu: Duration,
    /// Its peak memory, in MiB.
    pub(super) peak: f64,
    /// The time to its first byte of output.
    pub(super) first_output: Duration,
    /// The sandbox's processor time: it answers one call at a time.
    pub(super) sandbox: Duration,
    /// The longest chain of pages that had to be read one after the other.
    pub(super) pages: usize,
}

/// How often the process is sampled.
const EVERY: Duration = Duration::from_millis(5);
/// A longer run hangs.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Runs a command on `stack.toml` in the account's folder, and measures it.
pub(super) fn run(account: &Account, arguments: &[&str]) -> Result<Sample> {
    let sandbox = account.control("health")?["pid"].as_u64().ok_or("a sandbox without a process")?;
    let since = account.control("health")?["calls"].as_u64().unwrap_or(0);
    let busy = || cpu(sandbox).ok_or("the sandbox has no process");
    let before = busy()?;
    let mut command = Command::new(UP);
    command.args(arguments).arg("--json").current_dir(account.folder.path());
    command.env_remove("AWS_PROFILE").envs(account.environment()).env("XDG_RUNTIME_DIR", account.folder.path());
    let began = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take().ok_or("no stdout")?, child.stderr.take().ok_or("no stderr")?);
    let (stdout, stderr) = (thread::spawn(move || read(stdout, began)), thread::spawn(move || read(stderr, began)));
    let (mut peak, mut used) = (0.0, Duration::ZERO);
    let status = loop {
        let id = u64::from(child.id());
        peak = memory(id).unwrap_or(peak);
        used = cpu(id).unwrap_or(used);
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill()?;
            return fail(format!("still running after {} s", PATIENCE.as_secs()));
        }
        thread::sleep(EVERY);
    };
    let wall = began.elapsed();
    let (stdout, said) = stdout.join().map_err(|_| "stdout could not be read")?;
    let (stderr, told) = stderr.join().map_err(|_| "stderr could not be read")?;
    if !status.success() {
        return fail(format!("`{}` ended with {status}:\n{}", arguments.join(" "), String::from_utf8_lossy(&stderr)));
    }
    let first_output = said.into_iter().chain(told).min().unwrap_or(wall);
    let sandbox = busy()?.saturating_sub(before);
    let answer = serde_json::from_slice(&stdout)?;
    Ok(Sample { answer, wall, cpu: used, peak, first_output, sandbox, pages: pages(account, since)? })
}

/// The content of a stream, and when its first byte came.
fn read(mut stream: impl Read, began: Instant) -> (Vec<u8>, Option<Duration>) {
    let (mut all, mut first) = (vec![], [0]);
    if stream.read_exact(&mut first).is_err() {
        return (all, None);
    }
    let came = began.elapsed();
    all.extend(first);
    // If the process has ended early, its output is incomplete and its exit code shows it.
    let _ = stream.read_to_end(&mut all);
    (all, Some(came))
}

/// The processor time of a process so far; Linux counts in hundredths of a second.
fn cpu(process: u64) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in brackets may contain any character.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

/// The peak memory of a process so far, in MiB.
fn memory(process: u64) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()? / 1024.0)
}

/// The longest chain of pages among the calls after number `since`: each page has to wait for the one before.
fn pages(account: &Account, since: u64) -> Result<usize> {
    let calls = account.control(&format!("calls?since={since}&access_key={}", account.id))?;
    let mut further = std::collections::BTreeMap::<String, usize>::new();
    for call in calls["calls"].as_array().into_iter().flatten().filter(|call| call["follows"] == true) {
        *further.entry(format!("{}:{}", call["service"], call["operation"])).or_default() += 1;
    }
    Ok(further.values().max().map_or(1, |further| further + 1))
}
