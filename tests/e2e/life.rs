//! The life cycle of every kind: created, planned empty, changed by hand, restored, changed by inputs, replaced,
//! deleted. There is a folder in `tests/kinds` for each kind, with its changes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Trial;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{
    actions::{self, NotCalled},
    harness::{Account, Result, fail, root},
    trial, world,
};

/// The changes of a kind's case.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LifeCase {
    pub(crate) drift: Vec<Drift>,
    change: Vec<InputChange>,
    not_called: Vec<NotCalled>,
    /// `cases.rs` of `up-kinds` reads it.
    #[serde(rename = "not_drifted")]
    _not_drifted: IgnoredAny,
    /// `states.rs` of `up-kinds` reads it.
    #[serde(rename = "never_came_up")]
    _never_came_up: IgnoredAny,
}

impl LifeCase {
    /// Reads the file in a kind's folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        Ok(toml::from_str(&fs::read_to_string(folder.join("life.toml"))?)?)
    }
}

/// A change made by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drift {
    /// The resource that is changed.
    pub(crate) address: String,
    /// The field in which the plan must show it; `tags` for tags. Left out if the plan must not show it.
    pub(crate) field: Option<String>,
    /// The change, as Python code with boto3.
    pub(crate) python: String,
    /// The steps that the plan must have; an update of `address` by default.
    pub(crate) expect: Option<Steps>,
}

/// A change made by setting inputs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputChange {
    set: BTreeMap<String, toml::Value>,
    expect: Steps,
}

/// Verbs, and the addresses they concern.
pub(crate) type Steps = BTreeMap<String, BTreeSet<String>>;

/// A test for each kind that is built.
pub(crate) fn trials() -> Vec<Trial> {
    let name = |path: &Path| format!("life::{}", path.file_name().unwrap_or_default().display());
    built_cases().into_iter().map(|path| trial(name(&path), move || life(&path))).collect()
}

/// The folders of the kinds whose cases can be run with the services that are built.
pub(crate) fn built_cases() -> Vec<PathBuf> {
    let folder = root().join("tests/kinds");
    let kinds =
        fs::read_dir(&folder).expect("tests/kinds is there").map(|entry| entry.expect("it can be listed").path());
    let mut kinds: Vec<_> = kinds.filter(|path| path.is_dir()).collect();
    kinds.sort();
    kinds.iter().filter(|folder| is_built(folder, &kinds)).cloned().collect()
}

/// True if all kinds of a case's stack are built, of those that have cases.
fn is_built(folder: &Path, kinds: &[PathBuf]) -> bool {
    let text = fs::read_to_string(folder.join("stack.toml")).unwrap_or_default();
    let names = kinds.iter().filter_map(|folder| folder.file_name()?.to_str());
    let mut used = names.filter(|kind| text.contains(&format!("\n[{kind}.")));
    used.all(|kind| up_kinds::find(kind).is_some())
}

fn life(folder: &Path) -> Result {
    let life = LifeCase::read(folder)?;
    let kind = folder.file_name().and_then(|name| name.to_str()).ok_or("a case has its kind's name")?;
    let account = Account::new();
    let at = StackInAccount { account: &account, stack: folder.join("stack.toml") };
    let before = exists(&account)?;
    at.apply(&[])?;
    world::is_as_written(&account, folder, kind, &before)?;
    at.settled(&[])?;
    for drift in &life.drift {
        at.drifts(drift).map_err(|error| format!("drift of {} {:?}: {error}", drift.address, drift.field))?;
    }
    for change in &life.change {
        at.changes(change).map_err(|error| format!("change of {:?}: {error}", change.set))?;
    }
    at.tagged()?;
    fs::remove_dir_all(account.folder.path().join("state"))?;
    at.settled(&[])?;
    at.run("destroy", &["--auto-approve", "--unprotect"])?;
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    if !left.is_empty() {
        return fail(format!("left behind after destroy: {left:?}"));
    }
    let unread = account.unread()?;
    if !unread.is_empty() {
        return fail(format!("sent, and the sandbox does not read it: {unread:?}"));
    }
    actions::are_as_declared(&account, kind, &life.not_called)
}

/// A stack and its account.
struct StackInAccount<'a> {
    account: &'a Account,
    stack: PathBuf,
}

impl StackInAccount<'_> {
    fn run(&self, command: &str, options: &[&str]) -> Result<Value> {
        let stack = self.stack.display().to_string();
        self.account.json(&[&[command, &stack], options].concat())
    }

    fn apply(&self, options: &[&str]) -> Result {
        let applied = self.run("apply", &[options, &["--auto-approve", "--unprotect"]].concat())?;
        if applied["summary"]["failed"] == 0 { Ok(()) } else { fail(format!("failed: {applied}")) }
    }

    /// Checks that a plan has no steps, and makes no changing call.
    fn settled(&self, options: &[&str]) -> Result {
        let plan = self.run("plan", options)?;
        let left = steps(&plan);
        if !left.is_empty() {
            return fail(format!("a plan after apply is not empty: {left:?}\n{}", changes(&plan)));
        }
        if plan["api_calls"]["mutating"] == 0 { Ok(()) } else { fail("a plan changed something") }
    }

    fn drifts(&self, drift: &Drift) -> Result {
        self.account.python(&drift.python)?;
        let plan = self.run("plan", &[])?;
        let update = || Steps::from([("update".into(), [drift.address.clone()].into())]);
        expect(&plan, &drift.expect.clone().unwrap_or_else(update))?;
        let of_step = |step: &Value| step["address"] == drift.address.as_str();
        let steps = plan["steps"].as_array().into_iter().flatten().filter(|step| of_step(step));
        let fields: BTreeSet<_> = steps.flat_map(fields).collect();
        if !drift.field.iter().all(|field| fields.contains(field)) {
            return fail(format!("the plan shows {fields:?}"));
        }
        self.is_told(drift, &self::steps(&plan))?;
        self.apply(&[])?;
        self.settled(&[])
    }

    /// Checks that `drift` tells the change that was made by hand: that a plan has a step for it is not enough. What a plan need
    /// not show is no drift.
    fn is_told(&self, drift: &Drift, planned: &Steps) -> Result {
        let ran = self.account.up(&["drift", &self.stack.display().to_string(), "--json"])?;
        let report: Value = serde_json::from_str(&ran.stdout)?;
        let findings = report["stacks"][0]["findings"].as_array().into_iter().flatten();
        let outside =
            findings.filter(|finding| ["changed", "missing", "added"].iter().any(|it| finding["class"] == *it));
        let here: Vec<_> = outside.filter(|finding| finding["address"] == drift.address.as_str()).collect();
        let fields = here.iter().flat_map(|finding| finding["fields"].as_array().into_iter().flatten());
        let mut fields = fields.filter_map(|field| field["field"].as_str()?.split('.').next());
        let is_told = match &drift.field {
            Some(field) => ran.code == 2 && fields.any(|told| told == field),
            None if planned.is_empty() => ran.code == 0,
            // A problem that AWS reports is no drift, and is told.
            None => ran.code == 2 || report["stacks"][0]["notes"] != serde_json::json!([]),
        };
        if is_told { Ok(()) } else { fail(format!("drift ended with {} and tells {here:?}", ran.code)) }
    }

    /// Adds a tag to every resource, and removes it again.
    fn tagged(&self) -> Result {
        let text = fs::read_to_string(&self.stack)?;
        let stack = self.account.folder.path().join("tagged.toml");
        fs::write(&stack, text.replacen("[stack]", "[stack]\ntags = { Once = \"more\" }", 1))?;
        Self { account: self.account, stack }.apply(&[])?;
        if self.with_once()? == 0 {
            return fail("nothing has the new tag");
        }
        self.apply(&[])?;
        let kept = self.with_once()?;
        if kept == 0 { Ok(()) } else { fail(format!("{kept} resources keep a tag that they lost")) }
    }

    /// How many resources have the tag `Once`, or have it in their description.
    fn with_once(&self) -> Result<usize> {
        let dump = self.account.dump()?;
        Ok(dump.iter().filter(|resource| !is_gone(resource) && resource.to_string().contains("Once")).count())
    }

    fn changes(&self, change: &InputChange) -> Result {
        let set: Vec<_> = change.set.iter().map(|(name, value)| format!("--set={name}={}", literal(value))).collect();
        let set: Vec<_> = set.iter().map(String::as_str).collect();
        expect(&self.run("plan", &[&set[..], &["--unprotect"]].concat())?, &change.expect)?;
        self.apply(&set)?;
        self.settled(&set)?;
        self.apply(&[])?;
        self.settled(&[])
    }
}

/// The type and id of all existing resources; deleted ones that AWS still describes do not count.
pub(crate) fn exists(account: &Account) -> Result<BTreeSet<(String, String)>> {
    let text = |resource: &Value, key: &str| resource[key].as_str().unwrap_or_default().to_owned();
    let dump = account.dump()?;
    let exists = dump.iter().filter(|resource| !is_gone(resource));
    Ok(exists.map(|resource| (text(resource, "type"), text(resource, "id"))).collect())
}

/// True for a deleted resource that AWS still describes.
pub(crate) fn is_gone(resource: &Value) -> bool {
    let state = ["state", "status"].map(|key| resource["attributes"][key].as_str().unwrap_or_default()).concat();
    state.eq_ignore_ascii_case("deleted") || state.eq_ignore_ascii_case("inactive")
}

/// The steps of a plan, by verb.
pub(crate) fn steps(plan: &Value) -> Steps {
    let mut steps = Steps::new();
    for step in plan["steps"].as_array().into_iter().flatten() {
        if let (Some(verb), Some(address)) = (step["verb"].as_str(), step["address"].as_str()) {
            steps.entry(verb.to_owned()).or_default().insert(address.to_owned());
        }
    }
    steps
}

/// Checks that the plan has exactly these steps.
pub(crate) fn expect(plan: &Value, expected: &Steps) -> Result {
    let found = steps(plan);
    if found == *expected {
        return Ok(());
    }
    fail(format!("the plan does {found:?}, and {expected:?} was expected\n{}", changes(plan)))
}

fn fields(step: &Value) -> Vec<String> {
    let changes = step["changes"].as_array().into_iter().flatten().filter_map(|change| change["field"].as_str());
    let tags = &step["action"]["tags"];
    let tags = ["set", "remove"].iter().any(|part| {
        tags[part].as_array().is_some_and(|it| !it.is_empty())
            || tags[part].as_object().is_some_and(|it| !it.is_empty())
    });
    changes.map(str::to_owned).chain(tags.then(|| "tags".to_owned())).collect()
}

fn changes(plan: &Value) -> String {
    let steps = plan["steps"].as_array().into_iter().flatten();
    steps.map(|step| format!("{} {}: {}\n", step["verb"], step["address"], step["changes"])).collect()
}

fn literal(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
