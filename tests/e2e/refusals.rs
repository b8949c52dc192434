//! Every way to be refused: how the program ends, what it says, and that nothing was done. One folder of
//! `tests/refusals` a case.

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
    harness::{Account, Ran, Result, UP, fail, golden, ran, root, sandbox},
    trial,
};

/// A case, as its `case.toml` says it. The other files of its folder are those that the program is run among.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the program is run with.
    run: Vec<String>,
    /// How it must end. What it must say is in `expected.txt`.
    code: i32,
    /// What happens before.
    #[serde(default)]
    before: Vec<Step>,
    /// The environment of the run. What is empty is not set.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// All that the run may do in AWS; anything where it is left out.
    policy: Option<Value>,
    /// True where the permissions of files are to hold even for root.
    #[serde(default)]
    unprivileged: bool,
    /// The calls that change AWS which the run makes all the same, and which AWS does not refuse.
    #[serde(default)]
    did: BTreeSet<String>,
    /// The most calls that it makes, where that is to be seen.
    most_calls: Option<usize>,
    /// The files that the run writes all the same. An empty lock is none.
    #[serde(default)]
    wrote: BTreeSet<PathBuf>,
    /// What must go well afterwards.
    #[serde(default)]
    after: Vec<Step>,
}

/// Something that must go well.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Step {
    /// The program, with these arguments.
    Up(Vec<String>),
    /// Python, with boto3: see [`Account::python`].
    Python(String),
    /// A line for the shell.
    Shell(String),
}

/// A trial for each case.
pub(crate) fn trials() -> Vec<Trial> {
    let folder = root().join("tests/refusals");
    let entries = fs::read_dir(&folder).expect("tests/refusals is there");
    let mut cases: Vec<_> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    cases.sort();
    let name = |path: &Path| format!("refusals::{}", path.file_name().unwrap_or_default().display());
    cases.into_iter().map(|path| trial(name(&path), move || refusal(&path))).collect()
}

fn refusal(folder: &Path) -> Result {
    let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml"))?)?;
    let Some(policy) = &case.policy else {
        return Stage::new(folder, Account::new())?.refuses(&case);
    };
    // A policy is for the whole sandbox: one case at a time, and no other test beside it.
    static ALONE: Mutex<()> = Mutex::new(());
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let account = Account::at(ENDPOINT.get_or_init(|| sandbox("e2e-policy")));
    account.configure(&json!({ "policy": null }))?;
    let stage = Stage { policy: Some(policy.clone()), ..Stage::new(folder, account)? };
    let refused = stage.refuses(&case);
    stage.account.configure(&json!({ "policy": null }))?;
    refused
}

/// A case's files in a folder of their own, and an account.
struct Stage {
    account: Account,
    expected: PathBuf,
    policy: Option<Value>,
}

impl Stage {
    fn new(folder: &Path, account: Account) -> Result<Self> {
        let copied = Command::new("cp").arg("-R").arg(folder.join(".")).arg(account.folder.path()).status()?;
        if !copied.success() {
            return fail("failed to copy the case");
        }
        Ok(Self { account, expected: folder.join("expected.txt"), policy: None })
    }

    fn refuses(&self, case: &Case) -> Result {
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

    fn goes_well(&self, step: &Step) -> Result {
        let ran = match step {
            Step::Up(arguments) => self.account.up(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?,
            Step::Python(code) => return self.account.python(code).map(drop),
            Step::Shell(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-ec", line]).current_dir(self.account.folder.path()).envs(self.account.environment());
                ran(shell)?
            }
        };
        if ran.code == 0 { Ok(()) } else { fail(format!("{step:?} ended with {}:\n{}", ran.code, ran.stderr)) }
    }

    /// The run itself. It finds nothing of who runs the tests: no home, no instance that gives credentials.
    fn command(&self, case: &Case) -> Command {
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

    /// What was said, with names for what is another at every run.
    fn said(&self, ran: &Ran) -> String {
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

    /// The calls of the run, since `last`.
    fn calls(&self, case: &Case, last: &Value) -> Result<Vec<Value>> {
        let calls = self.account.control(&format!("calls?since={last}"))?;
        let calls = calls["calls"].as_array().ok_or("a record without calls")?.iter();
        let key = case.env.get("AWS_ACCESS_KEY_ID").unwrap_or(&self.account.id);
        Ok(calls.filter(|call| call["access_key"] == key.as_str()).cloned().collect())
    }

    /// All files and what is in them.
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

/// What is another at every run, and what stands for it.
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

/// Those of some calls that changed AWS.
fn did(calls: &[Value]) -> BTreeSet<String> {
    let did = calls.iter().filter(|call| call["error"].is_null() && call["mutating"] == true);
    did.map(|call| format!("{}:{}", call["service"], call["operation"]).replace('"', "")).collect()
}

fn differing(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> BTreeSet<PathBuf> {
    let paths = before.keys().chain(after.keys());
    paths.filter(|path| before.get(*path) != after.get(*path)).cloned().collect()
}
