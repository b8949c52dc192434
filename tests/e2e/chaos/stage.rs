//! A sandbox for each worker, and production in one of its accounts.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::world::AccountDump;
use crate::harness::{Account, Result, UP, copy_stacks, edit, fail, sandbox};

/// One for each worker: a sandbox answers one call at a time.
pub(super) struct WorkerSandbox {
    endpoint: &'static str,
    /// The dumps that undisturbed runs have left, by the name of the scenario.
    worlds: RefCell<BTreeMap<String, AccountDump>>,
}

/// AWS's times are divided by this.
const TIME_SCALE: u32 = 6000;
/// A longer run hangs.
const PATIENCE: Duration = Duration::from_secs(240);

impl WorkerSandbox {
    pub(super) fn start(worker: usize) -> Result<Self> {
        let endpoint = sandbox(&format!("chaos-{worker}")).leak();
        Account::at(endpoint).configure(&json!({ "time_scale": TIME_SCALE }))?;
        Ok(Self { endpoint, worlds: RefCell::default() })
    }

    /// The dump after `runs` in an account without faults.
    pub(super) fn undisturbed(&self, name: &str, runs: impl FnOnce(&ChaosAccount) -> Result) -> Result<AccountDump> {
        if let Some(world) = self.worlds.borrow().get(name) {
            return Ok(world.clone());
        }
        let stage = self.stage()?;
        runs(&stage)?;
        let world = stage.world()?;
        self.worlds.borrow_mut().insert(name.to_owned(), world.clone());
        Ok(world)
    }

    /// Production's files, and an empty account.
    pub(super) fn stage(&self) -> Result<ChaosAccount> {
        let account = Account::at(self.endpoint);
        let stack = copy_stacks(&account)?;
        Ok(ChaosAccount { account, stack })
    }
}

/// Production in an account of its own, which is removed at the end.
pub(super) struct ChaosAccount {
    account: Account,
    stack: PathBuf,
}

/// How a run that may be held ended.
pub(super) enum ProcessEnd {
    /// By itself, with this exit code and output.
    Exited(i32, String),
    /// It is held at one of its calls.
    Held(Child),
}

impl ChaosAccount {
    /// Starts `command`.
    pub(super) fn spawn(&self, command: &str) -> Result<Child> {
        let folder = self.account.folder.path();
        let said = fs::OpenOptions::new().create(true).append(true).open(folder.join("said.txt"))?;
        let mut process = Command::new(UP);
        process.arg(command).arg(&self.stack).args(["--auto-approve", "--unprotect", "--settle", "2s"]);
        process.current_dir(folder).env_remove("AWS_PROFILE").envs(self.account.environment());
        Ok(process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn()?)
    }

    /// Runs `command` to its end, and returns the exit code and output.
    pub(super) fn run(&self, command: &str) -> Result<(i32, String)> {
        let mut child = self.spawn(command)?;
        match self.watch(&mut child, || Ok(false))? {
            Some(code) => Ok((code, self.said())),
            None => fail("nothing was to be held"),
        }
    }

    /// Runs `command` until it ends or one of its calls is held.
    pub(super) fn until_held(&self, command: &str) -> Result<ProcessEnd> {
        let mut child = self.spawn(command)?;
        match self.watch(&mut child, || self.is_held())? {
            Some(code) => Ok(ProcessEnd::Exited(code, self.said())),
            None => Ok(ProcessEnd::Held(child)),
        }
    }

    /// The exit code, or `None` if `found` returned true before.
    fn watch(&self, child: &mut Child, mut found: impl FnMut() -> Result<bool>) -> Result<Option<i32>> {
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status.code().unwrap_or(-1)));
            }
            if found()? {
                return Ok(None);
            }
            if began.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                return fail(format!("still running after {} s:\n{}", PATIENCE.as_secs(), self.said()));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn said(&self) -> String {
        let said = fs::read_to_string(self.account.folder.path().join("said.txt")).unwrap_or_default();
        let lines: Vec<_> = said.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// True while a call of this account is held.
    fn is_held(&self) -> Result<bool> {
        self.account.is_held(0)
    }

    /// Continues or drops the held calls.
    pub(super) fn release(&self, then: &str) -> Result {
        self.account.release(then)
    }

    /// Sets the faults of this account; an empty list removes them.
    pub(super) fn faults(&self, seed: u64, faults: &Value) -> Result<()> {
        self.account.plant_with_seed(seed, faults)
    }

    /// How often the faults have acted.
    pub(super) fn acted(&self) -> Result<usize> {
        let acted = self.account.planted()?.into_iter().filter_map(|fault| fault["acted"].as_u64());
        Ok(usize::try_from(acted.sum::<u64>())?)
    }

    /// Deletes the state.
    pub(super) fn forget_state(&self) -> Result {
        let state = self.account.folder.path().join("state");
        if state.exists() { Ok(fs::remove_dir_all(state)?) } else { Ok(()) }
    }

    /// Changes the stack so that resources are replaced: the target groups, with their rules and services.
    pub(super) fn change(&self) -> Result {
        let service = self.account.folder.path().join("stacks/modules/service.toml");
        edit(&service, "protocol = \"HTTP\"\nport = \"${inputs.port}\"", "protocol = \"HTTP\"\nport = 9090")
    }

    /// Checks that a plan has no steps.
    pub(super) fn settled(&self) -> Result<bool> {
        let plan = self.account.json(&["plan", &self.stack.display().to_string()])?;
        Ok(crate::life::steps(&plan).is_empty())
    }

    /// The dump of all resources.
    pub(super) fn world(&self) -> Result<AccountDump> {
        Ok(AccountDump::of(&self.account.dump()?, &self.account.id))
    }
}

/// There are many accounts, and a sandbox keeps them all in memory.
impl Drop for ChaosAccount {
    fn drop(&mut self) {
        // An account that cannot be removed only takes memory.
        let _ = self.account.tell(&format!("forget?access_key={}", self.account.id), &json!({}));
    }
}
