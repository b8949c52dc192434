//! A sandbox of the worker's own, and production in an account of it.

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

use super::world::World;
use crate::harness::{Account, Result, UP, copy_stacks, edit, fail, sandbox};

/// One for each worker: a sandbox answers one call at a time.
pub(super) struct Sandbox {
    endpoint: &'static str,
    /// What undisturbed runs have left, by what they did.
    worlds: RefCell<BTreeMap<String, World>>,
}

/// The time that AWS takes, divided by this.
const TIME_SCALE: u32 = 6000;
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(240);

impl Sandbox {
    pub(super) fn start(worker: usize) -> Result<Self> {
        let endpoint = sandbox(&format!("chaos-{worker}")).leak();
        Account::at(endpoint).configure(&json!({ "time_scale": TIME_SCALE }))?;
        Ok(Self { endpoint, worlds: RefCell::default() })
    }

    /// The world after `runs` in an account where nothing goes wrong.
    pub(super) fn undisturbed(&self, name: &str, runs: impl FnOnce(&Stage) -> Result) -> Result<World> {
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
    pub(super) fn stage(&self) -> Result<Stage> {
        let account = Account::at(self.endpoint);
        let stack = copy_stacks(&account)?;
        Ok(Stage { account, stack })
    }
}

/// Production in an account of its own, which is forgotten at the end.
pub(super) struct Stage {
    account: Account,
    stack: PathBuf,
}

/// How a run that may be killed came to its end.
pub(super) enum End {
    /// By itself, with this exit code and these words.
    Exited(i32, String),
    /// It is being held at one of its calls.
    Held(Child),
}

impl Stage {
    /// Begins `command`.
    pub(super) fn spawn(&self, command: &str) -> Result<Child> {
        let folder = self.account.folder.path();
        let said = fs::OpenOptions::new().create(true).append(true).open(folder.join("said.txt"))?;
        let mut process = Command::new(UP);
        process.arg(command).arg(&self.stack).args(["--auto-approve", "--unprotect", "--settle", "2s"]);
        process.current_dir(folder).env_remove("AWS_PROFILE").envs(self.account.environment());
        Ok(process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn()?)
    }

    /// Runs `command` to its end; what it said comes along.
    pub(super) fn run(&self, command: &str) -> Result<(i32, String)> {
        let mut child = self.spawn(command)?;
        match self.watch(&mut child, || Ok(false))? {
            Some(code) => Ok((code, self.said())),
            None => fail("nothing was to be held"),
        }
    }

    /// Runs `command` until it ends or one of its calls is held.
    pub(super) fn until_held(&self, command: &str) -> Result<End> {
        let mut child = self.spawn(command)?;
        match self.watch(&mut child, || self.is_held())? {
            Some(code) => Ok(End::Exited(code, self.said())),
            None => Ok(End::Held(child)),
        }
    }

    /// The exit code, or none where something was `found` before.
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

    /// True while a call of this account is being held.
    fn is_held(&self) -> Result<bool> {
        let held = self.account.control(&format!("held?access_key={}&wait=0", self.account.id))?;
        Ok(held["held"].as_array().is_some_and(|held| !held.is_empty()))
    }

    /// Lets what is held go on, or drops it.
    pub(super) fn release(&self, then: &str) -> Result {
        self.account.tell("release", &json!({ "access_key": self.account.id, "then": then }))
    }

    /// Sets what goes wrong for this account; an empty list ends it.
    pub(super) fn faults(&self, seed: u64, faults: &Value) -> Result<()> {
        self.account.tell(&format!("faults?access_key={}", self.account.id), &json!({ "seed": seed, "faults": faults }))
    }

    /// How often the faults that are set have acted.
    pub(super) fn acted(&self) -> Result<usize> {
        let faults = self.account.control(&format!("faults?access_key={}", self.account.id))?;
        let sets = faults["faults"].as_array().into_iter().flatten();
        let ours = sets.filter(|set| set["access_key"] == self.account.id.as_str());
        let acted = ours.flat_map(|set| set["faults"].as_array()).flatten().filter_map(|fault| fault["acted"].as_u64());
        Ok(usize::try_from(acted.sum::<u64>())?)
    }

    /// Deletes the state.
    pub(super) fn forget_state(&self) -> Result {
        let state = self.account.folder.path().join("state");
        if state.exists() { Ok(fs::remove_dir_all(state)?) } else { Ok(()) }
    }

    /// Changes the stack so that resources are replaced: the target groups, whose rules and services follow.
    pub(super) fn change(&self) -> Result {
        let service = self.account.folder.path().join("stacks/modules/service.toml");
        edit(&service, "protocol = \"HTTP\"\nport = \"${inputs.port}\"", "protocol = \"HTTP\"\nport = 9090")
    }

    /// A plan must find nothing to do.
    pub(super) fn settled(&self) -> Result<bool> {
        let plan = self.account.json(&["plan", &self.stack.display().to_string()])?;
        Ok(crate::life::steps(&plan).is_empty())
    }

    /// All that exists.
    pub(super) fn world(&self) -> Result<World> {
        Ok(World::of(&self.account.dump()?, &self.account.id))
    }
}

/// Accounts are many, and a sandbox keeps them all in memory.
impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be forgotten is only kept.
        let _ = self.account.tell(&format!("forget?access_key={}", self.account.id), &json!({}));
    }
}
