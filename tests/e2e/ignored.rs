//! `ignore_changes`, for every kind and every field that its case changes by hand: the plan does not show the field,
//! and an update of another field leaves it unchanged.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Result, fail, root},
    life::LifeCase,
    trial,
};

/// Fields by the address of their resource, each with the change made by hand.
type HandChanges = BTreeMap<String, Vec<(String, String)>>;

/// A test for each kind with a resource of which at least two fields are changed by hand.
pub(crate) fn trials() -> Vec<Trial> {
    let kinds = fs::read_dir(root().join("tests/kinds")).expect("tests/kinds is there");
    let mut folders: Vec<_> = kinds.map(|entry| entry.expect("it can be listed").path()).collect();
    folders.retain(|folder| folder.is_dir() && fields(folder).is_ok_and(|fields| !fields.is_empty()));
    folders.sort();
    let name = |folder: &Path| format!("ignored::{}", folder.file_name().unwrap_or_default().display());
    folders.into_iter().map(|folder| trial(name(&folder), move || ignored(&folder))).collect()
}

/// The fields that an in-place update restores, of resources that have several.
fn fields(folder: &Path) -> Result<HandChanges> {
    let life = LifeCase::read(folder)?;
    let mut fields = HandChanges::new();
    for drift in life.drift {
        let Some(field) = drift.field.filter(|field| field != "tags" && drift.expect.is_none()) else { continue };
        let of_one = fields.entry(drift.address).or_default();
        if of_one.iter().all(|(known, _)| *known != field) {
            of_one.push((field, drift.python));
        }
    }
    fields.retain(|_, fields| fields.len() > 1);
    Ok(fields)
}

/// Changes all fields at once, in two rounds: in each, one field of every resource is not ignored. If the changes
/// cannot be combined, the fields are tested in pairs.
fn ignored(folder: &Path) -> Result {
    let fields = fields(folder)?;
    for round in 0..2 {
        let restored =
            |(at, fields): (&String, &Vec<(String, String)>)| (at.clone(), fields[round % fields.len()].0.clone());
        if let ChangesMade::Not(_) = play(folder, &fields, &fields.iter().map(restored).collect())? {
            return pairs(folder, &fields);
        }
    }
    Ok(())
}

/// Tests each field ignored beside one other that is not. For some resource, this must be possible.
fn pairs(folder: &Path, fields: &HandChanges) -> Result {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut seen_well = BTreeSet::new();
    for (at, of_one) in fields {
        for ignored in of_one {
            for restored in of_one.iter().filter(|other| other.0 != ignored.0) {
                let two = HandChanges::from([(at.clone(), vec![ignored.clone(), restored.clone()])]);
                match play(folder, &two, &[(at.clone(), restored.0.clone())].into())? {
                    ChangesMade::Well => {
                        seen_well.insert(ignored.0.as_str());
                        break;
                    }
                    ChangesMade::Not(reason) => reasons.entry(&ignored.0).or_default().push(format!("{at}: {reason}")),
                }
            }
        }
    }
    match reasons.iter().find(|(field, _)| !seen_well.contains(*field)) {
        Some((field, reasons)) => fail(format!("`{field}` goes together with no other field: {}", reasons.join("\n"))),
        None => Ok(()),
    }
}

/// Whether the changes could be made.
enum ChangesMade {
    Well,
    /// They were refused, by hand or by AWS: the ignored values do not fit the declared ones.
    Not(String),
}

/// Changes all `fields` by hand, and applies with all of them ignored except those to be `restored`, one of each
/// resource.
fn play(folder: &Path, fields: &HandChanges, restored: &BTreeMap<String, String>) -> Result<ChangesMade> {
    let account = Account::new();
    let plain = copied(folder, &account)?;
    let up = |command: &str, stack: &Path| {
        let stack = stack.display().to_string();
        let options: &[&str] = if command == "apply" { &["--auto-approve", "--unprotect"] } else { &[] };
        account.json(&[&[command, &stack], options].concat())
    };
    up("apply", &plain)?;
    let declared = up("show", &plain)?;
    for (field, python) in fields.values().flatten() {
        if let Err(error) = account.python(python) {
            return Ok(ChangesMade::Not(format!("{field}: {error}")));
        }
    }
    // A change by hand may change other fields as well.
    let moved = changed(&up("plan", &plain)?);
    let left = |at: &str| {
        let own = fields[at].iter().map(|(field, _)| field).chain(moved.get(at).into_iter().flatten());
        own.filter(|field| **field != restored[at]).cloned().collect::<BTreeSet<_>>()
    };
    let ignoring = ignoring(&plain, fields.keys().map(|at| (at.as_str(), left(at))))?;
    let before = up("show", &ignoring)?;
    for (at, changed) in changed(&up("plan", &ignoring)?).iter().filter(|(at, _)| fields.contains_key(*at)) {
        let wrong: Vec<_> = left(at).intersection(changed).cloned().collect();
        if !wrong.is_empty() {
            return fail(format!("{at}: the plan changes {wrong:?}, which are ignored"));
        }
    }
    if let Err(error) = up("apply", &ignoring) {
        return Ok(ChangesMade::Not(error.to_string()));
    }
    let after = up("show", &ignoring)?;
    for at in fields.keys() {
        for field in left(at) {
            let (was, is) = (live(&before, at, &field), live(&after, at, &field));
            // If AWS has no value, another field may set its default.
            let is_default = was == json!([null]) && is != live(&declared, at, &field);
            if was != is && !is_default {
                return fail(format!("{at}: `{field}` is ignored, was {was} and is {is}"));
            }
        }
    }
    let rest = changed(&up("plan", &ignoring)?);
    if rest.is_empty() { Ok(ChangesMade::Well) } else { fail(format!("a plan after apply is not empty: {rest:?}")) }
}

/// Copies a kind's case into the account's folder.
fn copied(folder: &Path, account: &Account) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let from = entry?.path();
        let to = account.folder.path().join(from.file_name().ok_or("a file has a name")?);
        fs::copy(&from, to)?;
    }
    Ok(account.folder.path().join("stack.toml"))
}

/// The same stack with `ignore_changes` in some of its resources.
fn ignoring<'a>(stack: &Path, resources: impl Iterator<Item = (&'a str, BTreeSet<String>)>) -> Result<PathBuf> {
    let mut text = fs::read_to_string(stack)?;
    for (address, fields) in resources {
        let name = address.split(':').next().unwrap_or(address);
        let header = format!("[{name}]\n");
        if text.matches(&header).count() != 1 {
            return fail(format!("{} has not one {header:?}", stack.display()));
        }
        let fields: Vec<_> = fields.iter().map(|field| format!("{field:?}")).collect();
        text = text.replace(&header, &format!("{header}ignore_changes = [{}]\n", fields.join(", ")));
    }
    let path = stack.with_file_name("ignoring.toml");
    fs::write(&path, text)?;
    Ok(path)
}

/// The fields that a plan changes, by address.
fn changed(plan: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let steps = plan["steps"].as_array().into_iter().flatten();
    let fields = |step: &Value| {
        let changes = step["changes"].as_array().into_iter().flatten();
        changes.map(|change| text(&change["field"])).collect::<BTreeSet<_>>()
    };
    steps.map(|step| (text(&step["address"]), fields(step))).collect()
}

/// The value that `show` prints for a field.
fn live(show: &Value, address: &str, field: &str) -> Value {
    let resources = show["resources"].as_array().into_iter().flatten();
    let found =
        resources.filter(|resource| resource["address"] == address).map(|resource| resource["fields"][field].clone());
    found.collect()
}
