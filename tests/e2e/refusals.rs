//! All refusals: the exit code, the message, and that nothing was changed. There is a folder in `tests/refusals` for
//! each case.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use libtest_mimic::Trial;
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    harness::{Account, CommandOutput, Result, UP, fail, golden, ran, root, sandbox},
    trial,
};

/// A case, read from its `case.toml`. The program runs beside the other files of the folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalCase {
    /// The program's arguments.
    run: Vec<String>,
    /// The expected exit code. The expected output is in `expected.txt`.
    code: i32,
    /// Steps before the run.
    #[serde(default)]
    before: Vec<CaseStep>,
    /// Environment variables of the run. Empty ones are not set.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The IAM policy for the run; everything is allowed if it is left out.
    policy: Option<Value>,
    /// True if file permissions must hold even for root.
    #[serde(default)]
    unprivileged: bool,
    /// The changing calls that the run makes nevertheless and that AWS accepts.
    #[serde(default)]
    did: BTreeSet<String>,
    /// The greatest number of calls, if it matters.
    most_calls: Option<usize>,
    /// The files that the run writes nevertheless. An empty lock does not count.
    #[serde(default)]
    wrote: BTreeSet<PathBuf>,
    /// Steps after the run, which must succeed.
    #[serde(default)]
    after: Vec<CaseStep>,
}

/// A step that must succeed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum CaseStep {
    /// The program with these arguments.
    Up(Vec<String>),
    /// Python code with boto3: see [`Account::python`].
    Python(String),
    /// A shell command.
    Shell(String),
}

/// A test for each case.
pub(crate) fn trials() -> Vec<Trial> {
    let folder = root().join("tests/refusals");
    let entries = fs::read_dir(&folder).expect("tests/refusals is there");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    cases.sort();
    let name = |path: &Path| format!("refusals::{}", path.file_name().unwrap_or_default().display());
    cases.into_iter().map(|path| trial(name(&path), move || refusal(&path))).collect()
}

fn refusal(folder: &Path) -> Result {
    let case: RefusalCase = toml::from_str(&fs::read_to_string(folder.join("case.toml"))?)?;
    let Some(policy) = &case.policy else {
        return CaseRun::new(folder, Account::new())?.refuses(&case);
    };
    // A policy applies to the whole sandbox: such cases run one at a time, in a sandbox of their own.
    static ALONE: Mutex<()> = Mutex::new(());
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let account = Account::at(ENDPOINT.get_or_init(|| sandbox("e2e-policy")));
    account.configure(&json!({ "policy": null }))?;
    let stage = CaseRun { policy: Some(policy.clone()), ..CaseRun::new(folder, account)? };
    let refused = stage.refuses(&case);
    stage.account.configure(&json!({ "policy": null }))?;
    refused
}

/// A case's files in a folder of their own, and an account.
struct CaseRun {
    account: Account,
    expected: PathBuf,
    policy: Option<Value>,
}

impl CaseRun {
    fn new(folder: &Path, account: Account) -> Result<Self> {
        let copied = Command::new("cp").arg("-R").arg(folder.join(".")).arg(account.folder.path()).status()?;
        if !copied.success() {
            return fail("failed to copy the case");
        }
        Ok(Self { account, expected: folder.join("expected.txt"), policy: None })
    }

    fn refuses(&self, case: &RefusalCase) -> Result {
        case.before.iter().try_for_each(|step| self.goes_well(step))?;
        let last = self.account.control("calls")?["last"].clone();
        let before = self.files()?;
        if let Some(policy) = &self.policy {
            self.account.configure(&json!({ "policy": policy }))?;
        }
        let ran = ran(self.command(case))?;
        let said = self.said(&ran);
        if ran.code != case.code {
            return fail(format!("ended with {} instead of {}:\n{said}", ran.code, case.code));
        }
        golden(&self.expected, &said)?;
        let calls = self.calls(case, &last)?;
        if let Some(most) = case.most_calls.filter(|most| calls.len() > *most) {
            return fail(format!("made {} calls, and {most} at most were expected", calls.len()));
        }
        let did = did(&calls);
        if did != case.did {
            return fail(format!("changed AWS: {did:?}, and {:?} was expected", case.did));
        }
        let wrote = differing(&before, &self.files()?);
        if wrote != case.wrote {
            return fail(format!("wrote {wrote:?}, and {:?} was expected", case.wrote));
        }
        case.after.iter().try_for_each(|step| self.goes_well(step))
    }

    fn goes_well(&self, step: &CaseStep) -> Result {
        let ran = match step {
            CaseStep::Up(arguments) => self.account.up(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?,
            CaseStep::Python(code) => return self.account.python(code).map(drop),
            CaseStep::Shell(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-ec", line]).current_dir(self.account.folder.path()).envs(self.account.environment());
                ran(shell)?
            }
        };
        if ran.code == 0 { Ok(()) } else { fail(format!("{step:?} ended with {}:\n{}", ran.code, ran.stderr)) }
    }

    /// The run itself. It sees nothing of the user's environment: no home folder, and no instance role.
    fn command(&self, case: &RefusalCase) -> Command {
        let folder = self.account.folder.path();
        let is_root = fs::metadata(folder).is_ok_and(|folder| folder.uid() == 0);
        let mut command = Command::new(if case.unprivileged && is_root { "setpriv" } else { UP });
        if case.unprivileged && is_root {
            command.args(["--bounding-set=-dac_override,-dac_read_search", UP]);
        }
        command.args(&case.run).current_dir(folder).envs(self.account.environment());
        command.env_remove("AWS_PROFILE").env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
        for (name, value) in &case.env {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        command
    }

    /// The output, with placeholders for parts that differ in every run.
    fn said(&self, ran: &CommandOutput) -> String {
        let stdout = if ran.stdout.is_empty() { String::new() } else { format!("--- stdout ---\n{}", ran.stdout) };
        let mut said = format!("{}{stdout}", ran.stderr);
        for (name, value) in self.account.environment() {
            if matches!(name, "ENDPOINT" | "ACCOUNT") {
                said = said.replace(value, &format!("[{name}]"));
            }
        }
        said = said.replace(&self.account.folder.path().display().to_string(), "[FOLDER]");
        for (volatile, name) in VOLATILE {
            said = Regex::new(volatile).expect("it is well-formed").replace_all(&said, name).into_owned();
        }
        said
    }

    /// The calls of the run, after `last`.
    fn calls(&self, case: &RefusalCase, last: &Value) -> Result<Vec<Value>> {
        let calls = self.account.control(&format!("calls?since={last}"))?;
        let calls = calls["calls"].as_array().ok_or("a record without calls")?.iter();
        let key = case.env.get("AWS_ACCESS_KEY_ID").unwrap_or(&self.account.id);
        Ok(calls.filter(|call| call["access_key"] == key.as_str()).cloned().collect())
    }

    /// All files and their content.
    fn files(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let folder = self.account.folder.path();
        let (mut files, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let content = fs::read(&path)?;
                    files.insert(path.strip_prefix(folder)?.to_owned(), content);
                }
            }
        }
        files.retain(|path, content| !(path.ends_with("lock") && content.is_empty()));
        Ok(files)
    }
}

/// Parts that differ in every run, and their placeholders.
const VOLATILE: [(&str, &str); 8] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[UUID]"),
    (r"/[0-9a-f]{16}\b", "/[ID]"),
    (r"\b(request id|request) \w{20,}\b", "$1 [REQUEST]"),
    (r"\b(vpc|subnet|sg|igw|rtb|eipalloc|nat|vpce)-[0-9a-f]{8,17}\b", "$1-[ID]"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[TIME]"),
    (r"\b(in|after) \d+(\.\d)?s\b", "$1 [SECONDS]"),
    (r"(?m)^ +\d+:\d\d ", " [CLOCK] "),
    (r"(?m)^API calls: .*$", "API calls: [CALLS]."),
];

/// The operations that changed AWS, among `calls`.
fn did(calls: &[Value]) -> BTreeSet<String> {
    let did = calls.iter().filter(|call| call["error"].is_null() && call["mutating"] == true);
    did.map(|call| format!("{}:{}", call["service"], call["operation"]).replace('"', "")).collect()
}

fn differing(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeSet<PathBuf> {
    let paths = before.keys().chain(after.keys());
    paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}
