//! The binary, a sandbox, and an account for each test.

use std::{
    fs,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::python;

/// How long an idle sandbox stays: longer than the time between two tests that use it.
const IDLE: Duration = Duration::from_secs(600);

/// The program.
pub(crate) const UP: &str = env!("CARGO_BIN_EXE_bullstra-up");

/// The error of a failed test.
pub(crate) type TestError = Box<dyn std::error::Error + Send + Sync>;
/// The result of all tests and helpers.
pub(crate) type Result<T = ()> = std::result::Result<T, TestError>;

/// The repository's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository is there")
}

/// Prints a text for people. A failed write is ignored: the exit code has the result.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Fails a test with a message.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(message.into().into())
}

/// Compares a text with a file; `UPDATE=1` rewrites the file.
pub(crate) fn golden(file: &Path, found: &str) -> Result {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().ok_or("a golden file stands in a folder")?)?;
        return Ok(fs::write(file, found)?);
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    fail(format!("{} says\n{expected}\nand this was found (UPDATE=1 rewrites it)\n{found}", file.display()))
}

/// An account with a folder for its state. The sandbox keeps accounts apart, so that tests can run in parallel.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) folder: TempDir,
    endpoint: &'static str,
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

struct SharedSandbox {
    endpoint: String,
    python: PathBuf,
}

/// True if the tests run against LocalStack, see `tests/localstack/run`.
pub(crate) fn is_localstack() -> bool {
    std::env::var_os("BULLSTRA_UP_E2E_ENDPOINT").is_some()
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// The sandbox that all tests share; it ends by itself when it is idle.
fn shared() -> &'static SharedSandbox {
    static SHARED: OnceLock<SharedSandbox> = OnceLock::new();
    SHARED.get_or_init(|| {
        if let (Ok(endpoint), Ok(python)) =
            (std::env::var("BULLSTRA_UP_E2E_ENDPOINT"), std::env::var("BULLSTRA_UP_E2E_PYTHON"))
        {
            return SharedSandbox { endpoint, python: python.into() };
        }
        let options = up_sandbox::SandboxOptions { idle: Some(IDLE), ..up_sandbox::SandboxOptions::named("e2e") };
        let (status, python) = runtime().block_on(async {
            let status = up_sandbox::start(&options).await.expect("the sandbox starts");
            (status, up_sandbox::python(&options).await.expect("it has a Python"))
        });
        SharedSandbox { endpoint: status.endpoint, python }
    })
}

/// A sandbox beside the shared one, for tests that change settings of the whole sandbox.
pub(crate) fn sandbox(name: &str) -> String {
    let options = up_sandbox::SandboxOptions { idle: Some(IDLE), ..up_sandbox::SandboxOptions::named(name) };
    runtime().block_on(up_sandbox::start(&options)).expect("the sandbox starts").endpoint
}

impl Account {
    /// A new account: empty except for the resources of every AWS account.
    pub(crate) fn new() -> Self {
        Self::at(&shared().endpoint)
    }

    /// A new account in the sandbox at `endpoint`.
    pub(crate) fn at(endpoint: &'static str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis() % 10_000_000;
        let process = std::process::id() % 100;
        let id = format!("1{now:07}{process:02}{:02}", NEXT.fetch_add(1, Ordering::Relaxed) % 100);
        Self { id, folder: TempDir::new().expect("a folder"), endpoint }
    }

    /// Runs `bullstra-up` in the account's folder.
    pub(crate) fn up(&self, arguments: &[&str]) -> Result<CommandOutput> {
        let mut command = Command::new(UP);
        command.args(arguments).current_dir(self.folder.path());
        self.answer(command)
    }

    /// Runs `bullstra-up` with additional environment variables.
    pub(crate) fn up_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Result<CommandOutput> {
        let mut command = Command::new(UP);
        command.args(arguments).current_dir(self.folder.path());
        command.env_remove("AWS_PROFILE").envs(self.environment()).envs(environment.iter().copied());
        ran(command)
    }

    /// Runs a command on AWS, which must succeed, and returns its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let ran = self.up(&[arguments, &["--json"]].concat())?;
        if ran.code != 0 {
            return fail(format!("`{}` ended with {}:\n{}", arguments.join(" "), ran.code, ran.stderr));
        }
        Ok(serde_json::from_str(&ran.stdout)?)
    }

    /// Runs Python code with boto3, and returns its output: see `python.py`.
    pub(crate) fn python(&self, code: &str) -> Result<String> {
        python::run(&shared().python, &self.environment(), code)
    }

    /// All resources in the account, from the sandbox's dump.
    pub(crate) fn dump(&self) -> Result<Vec<Value>> {
        let dump = self.control(&format!("dump?account={}&region=us-east-1", self.id))?;
        let resources = dump["resources"].as_array().ok_or("a dump without resources")?;
        Ok(resources.clone())
    }

    /// The members of the account's requests that neither moto nor a hook reads, and that no service lists with a
    /// reason.
    pub(crate) fn unread(&self) -> Result<Vec<String>> {
        let answer = self.control(&format!("unread?access_key={}", self.id))?;
        let members = answer["unread"].as_array().ok_or("an answer without members")?.iter();
        let named = members.map(|member| {
            let text = |key: &str| member[key].as_str().unwrap_or_default();
            format!("{}.{}.{}", text("service"), text("operation"), text("member"))
        });
        Ok(named.collect())
    }

    /// The calls made in the account, as `service:Operation`; those that change AWS are marked.
    pub(crate) fn calls(&self) -> Result<Vec<(String, bool)>> {
        let text = |call: &Value, key: &str| call[key].as_str().unwrap_or_default().to_owned();
        let named =
            |call: &Value| (format!("{}:{}", text(call, "service"), text(call, "operation")), call["mutating"] == true);
        Ok(self.record()?.iter().map(named).collect())
    }

    /// The calls made in the account, as the sandbox records them.
    pub(crate) fn record(&self) -> Result<Vec<Value>> {
        let calls = self.control(&format!("calls?access_key={}", self.id))?;
        let calls = calls["calls"].as_array().ok_or("a record without calls")?.iter();
        Ok(calls.filter(|call| call["access_key"] == self.id.as_str()).cloned().collect())
    }

    /// Reads from a control endpoint of the sandbox.
    pub(crate) fn control(&self, path: &str) -> Result<Value> {
        Ok(runtime().block_on(up_sandbox::control::get(self.endpoint, path))?)
    }

    /// Changes a setting of the whole sandbox.
    pub(crate) fn configure(&self, settings: &Value) -> Result {
        self.tell("config", settings)
    }

    /// Posts to a control endpoint of the sandbox.
    pub(crate) fn tell(&self, path: &str, what: &Value) -> Result {
        runtime().block_on(up_sandbox::control::post(self.endpoint, path, what))?;
        Ok(())
    }

    fn answer(&self, mut command: Command) -> Result<CommandOutput> {
        command.env_remove("AWS_PROFILE").envs(self.environment());
        ran(command)
    }

    /// The environment variables that select the account.
    pub(crate) fn environment(&self) -> [(&str, &str); 7] {
        [
            ("ENDPOINT", self.endpoint),
            ("AWS_ENDPOINT_URL", self.endpoint),
            ("AWS_ACCESS_KEY_ID", &self.id),
            ("AWS_SECRET_ACCESS_KEY", "sandbox"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("ACCOUNT", &self.id),
        ]
    }
}

/// Copies the stacks into the account's folder, and returns the path of production's file.
pub(crate) fn copy_stacks(account: &Account) -> Result<PathBuf> {
    let copied = Command::new("cp").arg("-R").arg(root().join("stacks")).arg(account.folder.path()).status()?;
    if !copied.success() {
        return fail("failed to copy the stacks");
    }
    // The sandbox's account is not production's, so the list of accounts is removed.
    let stacks = account.folder.path().join("stacks");
    for (file, number) in [("prod.toml", "111122223333"), ("qa.toml", "444455556666")] {
        edit(&stacks.join(file), &format!("accounts = [\"{number}\"]"), &format!("accounts = [\"{}\"]", account.id))?;
    }
    Ok(stacks.join("prod.toml"))
}

/// Replaces text in a file, which must contain it.
pub(crate) fn edit(file: &Path, from: &str, to: &str) -> Result {
    let text = fs::read_to_string(file)?;
    if !text.contains(from) {
        return fail(format!("{} does not say {from}", file.display()));
    }
    Ok(fs::write(file, text.replace(from, to))?)
}

/// Runs a command to its end.
pub(crate) fn ran(mut command: Command) -> Result<CommandOutput> {
    let output = command.output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().ok_or("ended by a signal")?;
    Ok(CommandOutput { code, stdout: text(output.stdout), stderr: text(output.stderr) })
}
