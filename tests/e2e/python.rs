//! Python with boto3, for changes by hand: one process that stays, with a fork for each piece of code.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};

use crate::harness::{Result, fail};

/// The process. It ends with the tests, which hold its standard input.
struct PythonServer {
    _process: Child,
    socket: String,
}

/// Runs code in its own environment, with the Python at `interpreter`, and returns its output.
pub(crate) fn run(interpreter: &Path, environment: &[(&str, &str)], code: &str) -> Result<String> {
    static PYTHON: OnceLock<PythonServer> = OnceLock::new();
    let python = PYTHON.get_or_init(|| start(interpreter).expect("Python starts"));
    let mut stream = UnixStream::connect(&python.socket)?;
    let environment: Value = environment.iter().map(|(name, value)| (*name, *value)).collect();
    stream.write_all(json!({ "environment": environment, "code": code }).to_string().as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let answer: Value = serde_json::from_str(&answer).map_err(|_| format!("Python ended in the middle of\n{code}"))?;
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    match answer["failed"].as_bool() {
        Some(false) => Ok(text("stdout")),
        _ => fail(format!("{code}\n{}", text("stderr"))),
    }
}

fn start(interpreter: &Path) -> Result<PythonServer> {
    let mut command = Command::new(interpreter);
    command.env_remove("AWS_PROFILE").arg("-c").arg(include_str!("python.py"));
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = process.stdout.take().ok_or("its output is piped")?;
    let mut socket = String::new();
    BufReader::new(output).read_line(&mut socket)?;
    Ok(PythonServer { _process: process, socket: socket.trim_end().to_owned() })
}
