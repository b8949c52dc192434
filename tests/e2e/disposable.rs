//! Disposable stacks: what their resources are stamped with, and what no apply changes.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Command, Stdio},
};

use jiff::Timestamp;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use up_core::Stamps;

use crate::{
    harness::{Account, CommandOutput, Result, UP, fail},
    trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("disposable::stamps_are_set_at_birth_and_are_no_drift", stamps),
        trial("disposable::a_stack_that_was_not_born_disposable_never_is", never_born),
        trial("disposable::a_stack_that_is_no_longer_disposable_loses_its_stamps", permanent),
        trial("disposable::a_saved_plan_stamps_when_it_is_applied", saved),
        trial("disposable::a_killed_birth_goes_on", killed),
        trial("disposable::every_kind_takes_stamps", every_kind),
    ]
}

/// The lines that make a stack disposable.
pub(crate) const DISPOSABLE: &str = "disposable = true\nttl = \"12h\"\n";

/// Resources that EC2, IAM, Logs and SNS tag in their own ways, and one without tags.
pub(crate) const RESOURCES: &str = r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.route_table.main]
vpc = "main"

[iam.role.app]
assume_role_policy_document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'

[logs.log_group.app]
retention_in_days = 7

[sns.topic.alarms]

[sns.subscription.team]
topic = "alarms"
protocol = "email"
endpoint = "team@example.com"
"#;

/// A stack's file.
pub(crate) fn toml(name: &str, settings: &str, resources: &str) -> String {
    format!("[stack]\nname = \"{name}\"\nregion = \"us-east-1\"\n{settings}{resources}")
}

/// The tags of a stack's resources that have tags, by address.
pub(crate) fn tags(account: &Account, stack: &str) -> Result<Vec<(String, Value)>> {
    let own = account.dump()?.into_iter().filter(|it| it["tags"]["bullstra:stack"] == stack);
    let own = own.filter(|it| !crate::life::is_gone(it));
    Ok(own
        .map(|it| (it["tags"]["bullstra:address"].as_str().unwrap_or_default().to_owned(), it["tags"].clone()))
        .collect())
}

/// The values of one tag.
pub(crate) fn values(tags: &[(String, Value)], tag: &str) -> BTreeSet<String> {
    tags.iter().map(|(_, tags)| tags[tag].as_str().unwrap_or("-").to_owned()).collect()
}

fn write(account: &Account, text: &str) -> Result {
    Ok(fs::write(account.folder.path().join("stack.toml"), text)?)
}

/// Lets AWS's clock be ahead by so many seconds.
pub(crate) fn ahead(account: &Account, seconds: i64) -> Result {
    let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": seconds } } });
    account.plant(&json!([date]))
}

/// Starts a command, and does not wait for its end.
pub(crate) fn start(account: &Account, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(UP);
    command.args(arguments).current_dir(account.folder.path()).stdin(Stdio::null());
    command.env_remove("AWS_PROFILE").envs(account.environment()).stderr(Stdio::piped()).stdout(Stdio::piped());
    Ok(command.spawn()?)
}

fn is_nothing(ran: &CommandOutput, what: &str) -> Result {
    if ran.code == 0 { Ok(()) } else { fail(format!("{what}: {ran:?}")) }
}

/// An apply stamps what it creates, with the time of AWS and not of this machine; a later one stamps only what is new, with the
/// expiry that the stack has. Neither plan nor drift shows stamps.
fn stamps() -> Result {
    let account = Account::new();
    write(&account, &toml("qa", DISPOSABLE, RESOURCES))?;
    ahead(&account, 3 * 86_400)?;
    let now = Timestamp::now() + jiff::SignedDuration::from_hours(72);
    let answer = account.json(&["apply", "stack.toml", "--auto-approve"])?;
    let expires: Timestamp = answer["expires"].as_str().unwrap_or_default().parse()?;
    let late = expires.duration_since(now).as_secs() - 12 * 3600;
    if !(-60..=60).contains(&late) {
        return fail(format!("it expires {late} s late: {expires}, and it is {now}"));
    }
    let tagged = tags(&account, "qa")?;
    if tagged.len() != 5 || values(&tagged, "bullstra:disposable") != ["true".to_owned()].into() {
        return fail(format!("not all are marked: {tagged:?}"));
    }
    if values(&tagged, "bullstra:expires") != [format!("{expires:.0}")].into() {
        return fail(format!("not all expire at {expires}: {tagged:?}"));
    }
    for created in values(&tagged, "bullstra:created") {
        let at: Timestamp = created.parse()?;
        if !(-60..=60).contains(&at.duration_since(now).as_secs()) {
            return fail(format!("created at {created}, and it is {now}"));
        }
    }
    // Five hours later, with another resource.
    ahead(&account, 3 * 86_400 + 5 * 3600)?;
    is_nothing(&account.up(&["plan", "stack.toml", "--exit-code"])?, "its stamps are planned")?;
    is_nothing(&account.up(&["drift", "stack.toml"])?, "its stamps are drift")?;
    write(&account, &toml("qa", DISPOSABLE, &format!("{RESOURCES}\n[ec2.eip.new]\n")))?;
    let later = account.up(&["apply", "stack.toml", "--auto-approve", "--json", "--ttl", "8h"])?;
    let answer: Value = serde_json::from_str(&later.stdout)?;
    if answer["summary"]["create"] != 1 || answer["summary"]["update"] != 0 {
        return fail(format!("it did {}", answer["summary"]));
    }
    if !later.stderr.contains("`--ttl` counts when a stack is created") {
        return fail(format!("it does not say that --ttl does nothing: {}", later.stderr));
    }
    let tagged = tags(&account, "qa")?;
    if values(&tagged, "bullstra:expires") != [format!("{expires:.0}")].into() || tagged.len() != 6 {
        return fail(format!("the new one does not expire with the others: {tagged:?}"));
    }
    if values(&tagged, "bullstra:created").len() < 2 {
        return fail(format!("the new one is as old as the others: {tagged:?}"));
    }
    // A tag that somebody has removed stays away, and the plan tells.
    account.python(r#"aws("ec2").delete_tags(Resources=[id("ec2.vpc.main")], Tags=[{"Key": "bullstra:expires"}])"#)?;
    let plan = account.json(&["plan", "stack.toml"])?;
    let told = plan["notices"].to_string();
    if plan["steps"] != json!([]) || !told.contains("1 of 6 resources of this disposable stack have lost the tag") {
        return fail(format!("a lost stamp plans {} and tells {told}", plan["steps"]));
    }
    // Without state, the plan is the same.
    fs::remove_dir_all(account.folder.path().join("state"))?;
    let plan = account.json(&["plan", "stack.toml"])?;
    if plan["steps"] == json!([]) { Ok(()) } else { fail(format!("without state it plans {}", plan["steps"])) }
}

/// The lines in the file do nothing to a stack that exists without them.
fn never_born() -> Result {
    let account = Account::new();
    write(&account, &toml("qa", "", RESOURCES))?;
    let answer = account.json(&["apply", "stack.toml", "--auto-approve"])?;
    if !answer["expires"].is_null() {
        return fail(format!("it expires: {answer}"));
    }
    write(&account, &toml("qa", DISPOSABLE, &format!("{RESOURCES}\n[ec2.eip.new]\n")))?;
    let plan = account.up(&["plan", "stack.toml"])?;
    if !plan.stdout.contains("the stack was not created as disposable, and nothing makes it so") {
        return fail(format!("the plan does not say so: {plan:?}"));
    }
    let answer = account.json(&["apply", "stack.toml", "--auto-approve", "--ttl", "8h"])?;
    if answer["summary"]["create"] != 1 || answer["summary"]["update"] != 0 || !answer["expires"].is_null() {
        return fail(format!("it did {answer}"));
    }
    let tagged = tags(&account, "qa")?;
    let none = BTreeSet::from(["-".to_owned()]);
    if values(&tagged, "bullstra:disposable") != none || values(&tagged, "bullstra:expires") != none {
        return fail(format!("it was stamped: {tagged:?}"));
    }
    let ran = account.up(&["apply", "stack.toml", "--auto-approve", "--ttl", "5m"])?;
    if ran.code != 3 || !ran.stderr.contains("a disposable stack lives for 30 minutes at least") {
        return fail(format!("a short --ttl is not refused: {ran:?}"));
    }
    write(&account, &toml("qa", "", RESOURCES))?;
    let ran = account.up(&["apply", "stack.toml", "--auto-approve", "--ttl", "8h"])?;
    if ran.code != 3 || !ran.stderr.contains("`--ttl` is for disposable stacks, and `qa` is none") {
        return fail(format!("--ttl without disposable is not refused: {ran:?}"));
    }
    Ok(())
}

/// Without its lines, the next apply removes the stamps, and nothing else: the stack stays.
fn permanent() -> Result {
    let account = Account::new();
    write(&account, &toml("qa", DISPOSABLE, RESOURCES))?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    write(&account, &toml("qa", "", RESOURCES))?;
    let answer = account.json(&["apply", "stack.toml", "--auto-approve"])?;
    if answer["summary"]["update"] != 5 || answer["summary"]["create"] != 0 || answer["summary"]["replace"] != 0 {
        return fail(format!("it did {}", answer["summary"]));
    }
    let tagged = tags(&account, "qa")?;
    let none = BTreeSet::from(["-".to_owned()]);
    for tag in ["bullstra:disposable", "bullstra:expires", "bullstra:created"] {
        if values(&tagged, tag) != none {
            return fail(format!("{tag} is still there: {tagged:?}"));
        }
    }
    is_nothing(&account.up(&["plan", "stack.toml", "--exit-code"])?, "something is left to do")
}

/// The plan holds no time: applied hours later, the stack lives as long as it is to.
fn saved() -> Result {
    let account = Account::new();
    write(&account, &toml("qa", DISPOSABLE, RESOURCES))?;
    let planned = account.up(&["plan", "stack.toml", "--out", "plan.json"])?;
    is_nothing(&planned, "it is not planned")?;
    ahead(&account, 2 * 3600)?;
    let answer = account.json(&["apply", "plan.json", "--auto-approve"])?;
    let expires: Timestamp = answer["expires"].as_str().unwrap_or_default().parse()?;
    let left = expires.duration_since(Timestamp::now()).as_secs() - 14 * 3600;
    if (-90..=90).contains(&left) { Ok(()) } else { fail(format!("it expires {left} s late")) }
}

/// A run that is killed before it reads the answer to a create: the next makes nothing twice, though its stamps are others.
fn killed() -> Result {
    for operation in ["CreateRouteTable", "CreateTopic", "CreateRole", "CreateVpc"] {
        let account = Account::new();
        write(&account, &toml("qa", DISPOSABLE, RESOURCES))?;
        account.plant(&json!([{ "match": { "operation": operation }, "do": { "hold": "after" } }]))?;
        let mut run = start(&account, &["apply", "stack.toml", "--auto-approve"])?;
        if !account.is_held(30)? {
            return fail(format!("it does not come to {operation}"));
        }
        run.kill()?;
        run.wait()?;
        account.release("drop")?;
        ahead(&account, 600)?;
        let answer = account.json(&["apply", "stack.toml", "--auto-approve"])?;
        let tagged = tags(&account, "qa")?;
        if tagged.len() != 5 || values(&tagged, "bullstra:expires").len() != 1 {
            return fail(format!("{operation}: {} {tagged:?}", answer["summary"]));
        }
        account.unplant()?;
        is_nothing(&account.up(&["plan", "stack.toml", "--exit-code"])?, operation)?;
    }
    Ok(())
}

/// The case of every kind is created as a disposable stack: all that has tags is stamped, and nothing is planned after it.
fn every_kind() -> Result {
    let cases = fs::read_dir(crate::harness::root().join("tests/kinds"))?;
    let mut cases: Vec<_> = cases.filter_map(|case| Some(case.ok()?.path())).collect();
    cases.sort();
    for case in cases {
        let account = Account::new();
        let copied = Command::new("cp").arg("-R").arg(case.join(".")).arg(account.folder.path()).status()?;
        if !copied.success() {
            return fail("failed to copy the case");
        }
        let file = account.folder.path().join("stack.toml");
        let text = fs::read_to_string(&file)?;
        let text = text.replacen("[stack]\n", &format!("[stack]\n{DISPOSABLE}"), 1);
        fs::write(&file, &text)?;
        account.json(&["apply", "stack.toml", "--auto-approve"])?;
        // A configuration of MSK has its tags in its description.
        let dump = account.dump()?.into_iter().map(|it| it.to_string()).filter(|it| it.contains("bullstra:stack"));
        let dump: Vec<_> = dump.collect();
        if let Some(bare) = dump.iter().find(|it| Stamps::TAGS.iter().any(|tag| !it.contains(tag))) {
            return fail(format!("{}: not stamped: {bare}", case.display()));
        }
        if dump.is_empty() {
            return fail(format!("{}: nothing was created", case.display()));
        }
        is_nothing(&account.up(&["plan", "stack.toml", "--exit-code"])?, &case.display().to_string())?;
    }
    Ok(())
}
