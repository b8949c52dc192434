//! Sweeps: what `list` shows, what `extend` writes, and what `sweep` takes and leaves.

mod list;
mod refused;
mod worlds;

use std::{collections::BTreeSet, fs, thread::sleep, time::Duration};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    disposable::{DISPOSABLE, RESOURCES, ahead, start, tags, toml},
    harness::{Account, CommandOutput, Result, fail},
    trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    let own = [
        trial("sweep::only_expired_stacks_are_taken", taken),
        trial("sweep::what_is_not_as_it_should_be_is_kept", kept),
        trial("sweep::data_goes_without_a_final_snapshot", database),
        trial("sweep::an_extension_in_the_last_moment_counts", last_moment),
        trial("sweep::a_failure_stops_no_other_stack", failing),
        trial("sweep::killed_in_the_middle_it_ends_the_same", killed),
    ];
    own.into_iter().chain(list::trials()).chain(refused::trials()).chain(worlds::trials()).collect()
}

/// Two days: longer than any stack of these tests lives.
const LATER: i64 = 48 * 3600;

/// Applies a stack in a folder of its own.
fn apply(account: &Account, name: &str, settings: &str, resources: &str) -> Result {
    let file = format!("{name}.toml");
    fs::write(account.folder.path().join(&file), toml(name, settings, resources))?;
    account.json(&["apply", &file, "--auto-approve"]).map(drop)
}

/// Writes rules that allow these names.
fn rules(account: &Account, names: &[&str]) -> Result {
    let text = format!("[[allow]]\naccount = \"{}\"\nnames = {}\n", account.id, json!(names));
    Ok(fs::write(account.folder.path().join("sweep-rules.toml"), text)?)
}

/// A command about the whole account.
fn of_account<'a>(account: &'a Account, arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--account", &account.id, "--region", "us-east-1"]].concat()
}

/// The arguments of a sweep that shows what it would do.
fn dry(account: &Account) -> Vec<&str> {
    of_account(account, &["sweep", "--rules", "sweep-rules.toml"])
}

/// The arguments of a sweep that is approved.
fn approved(account: &Account) -> Vec<&str> {
    [dry(account), vec!["--yes", "--alias", &account.id, "--stacks", "any", "--settle", "0s", "--more-than-half"]]
        .concat()
}

/// The names of stacks that own something.
fn alive(account: &Account) -> Result<BTreeSet<String>> {
    let dump = account.dump()?.into_iter().filter(|it| !crate::life::is_gone(it));
    Ok(dump.filter_map(|it| Some(it["tags"]["bullstra:stack"].as_str()?.to_owned())).collect())
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn are_alive(account: &Account, expected: &[&str], what: &str) -> Result {
    let alive = alive(account)?;
    if alive == names(expected) { Ok(()) } else { fail(format!("{what}: {alive:?} exist, and not {expected:?}")) }
}

/// What a sweep says about a stack.
fn about<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["stacks"].as_array().into_iter().flatten().find(|it| it["name"] == name).unwrap_or(&Value::Null)
}

fn parsed(ran: &CommandOutput, code: i32) -> Result<Value> {
    if ran.code != code {
        return fail(format!("it ended with {} instead of {code}: {ran:?}", ran.code));
    }
    Ok(serde_json::from_str(&ran.stdout)?)
}

const SMALL: &str = "\n[ec2.vpc.main]\ncidr_block = \"10.0.0.0/16\"\n\n[ec2.security_group.app]\ndescription = \"app\"\nvpc = \"main\"\n";

/// Of expired stacks, those that the rules allow are destroyed, at most as many as are to be; all others stay.
fn taken() -> Result {
    let account = Account::new();
    apply(&account, "prod", "", SMALL)?;
    for name in ["qa-pr-1", "qa-pr-2", "qa-pr-3", "qa-other"] {
        apply(&account, name, DISPOSABLE, if name == "qa-pr-1" { RESOURCES } else { SMALL })?;
    }
    apply(&account, "qa-pr-9", "disposable = true\nttl = \"9d\"\n", SMALL)?;
    rules(&account, &["qa-pr-*"])?;
    let all = ["prod", "qa-other", "qa-pr-1", "qa-pr-2", "qa-pr-3", "qa-pr-9"];
    // Before anything has expired.
    let report = account.json(&dry(&account))?;
    if report["stacks"] != json!([]) {
        return fail(format!("something is due at once: {report}"));
    }
    ahead(&account, LATER)?;
    let calls = account.calls()?.len();
    let report = account.json(&dry(&account))?;
    if let Some((call, _)) = account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
        return fail(format!("a dry run made {call}"));
    }
    for (name, decision) in
        [("qa-pr-1", "destroy"), ("qa-pr-2", "destroy"), ("qa-pr-3", "destroy"), ("qa-other", "keep")]
    {
        if about(&report, name)["decision"] != decision {
            return fail(format!("{name}: {report}"));
        }
    }
    if about(&report, "qa-other")["reason"]["why"] != "not_allowed" || report["dry_run"] != true {
        return fail(format!("{report}"));
    }
    are_alive(&account, &all, "after a dry run")?;
    let two = [approved(&account), vec!["--max-stacks", "2"]].concat();
    let report = account.json(&two)?;
    let proven = |name: &str| about(&report, name)["run"]["proof"]["left"] == json!([]);
    if !proven("qa-pr-1") || !proven("qa-pr-2") {
        return fail(format!("two are not proven to be gone: {report}"));
    }
    are_alive(&account, &["prod", "qa-other", "qa-pr-3", "qa-pr-9"], "after a sweep of two at most")?;
    account.json(&approved(&account))?;
    are_alive(&account, &["prod", "qa-other", "qa-pr-9"], "after the next sweep")?;
    let calls = account.calls()?.len();
    account.json(&approved(&account))?;
    if let Some((call, _)) = account.calls()?[calls..].iter().find(|(_, mutating)| *mutating) {
        return fail(format!("with nothing left to do it made {call}"));
    }
    Ok(())
}

/// Each of these stacks has expired, and something speaks for keeping it.
fn kept() -> Result {
    let account = Account::new();
    let cases = ["qa-mark", "qa-stamp", "qa-text", "qa-young", "qa-age", "qa-lock", "qa-mixed"];
    for name in cases {
        apply(&account, name, DISPOSABLE, SMALL)?;
    }
    let balanced = "\n[logs.log_group.app]\ndeletion_protection_enabled = true\n";
    apply(&account, "qa-protected", DISPOSABLE, balanced)?;
    account.python(
        r#"
ec2 = aws("ec2")
def vpc(stack):
    [found] = ec2.describe_vpcs(Filters=[{"Name": "tag:bullstra:stack", "Values": [stack]}])["Vpcs"]
    return found["VpcId"]
ec2.delete_tags(Resources=[vpc("qa-mark")], Tags=[{"Key": "bullstra:disposable"}])
ec2.delete_tags(Resources=[vpc("qa-stamp")], Tags=[{"Key": "bullstra:expires"}])
ec2.create_tags(Resources=[vpc("qa-text")], Tags=[{"Key": "bullstra:expires", "Value": "next week"}])
ec2.delete_tags(Resources=[vpc("qa-age")], Tags=[{"Key": "bullstra:created"}])
# Somebody gives a group of his own the stack's tag.
group = ec2.create_security_group(GroupName="own", Description="own", VpcId=vpc("qa-mixed"))["GroupId"]
ec2.create_tags(Resources=[group], Tags=[{"Key": "bullstra:stack", "Value": "qa-mixed"}, {"Key": "bullstra:address", "Value": "ec2.security_group.own"}])
"#,
    )?;
    ahead(&account, LATER)?;
    // Another apply adds a resource, long after the stack has expired.
    let more = format!("{SMALL}\n[ec2.eip.new]\n");
    fs::write(account.folder.path().join("qa-young.toml"), toml("qa-young", DISPOSABLE, &more))?;
    let late = account.up(&["apply", "qa-young.toml", "--auto-approve"])?;
    if late.code != 0 || !late.stderr.contains("the stack expired at") {
        return fail(format!("an apply of an expired stack does not say so: {late:?}"));
    }
    rules(&account, &["qa-*"])?;
    let held = json!({ "match": { "operation": "AllocateAddress" }, "do": { "hold": "before" } });
    let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": LATER + 3600 } } });
    account.plant(&json!([held, date]))?;
    // An apply is at work on one of them.
    fs::write(account.folder.path().join("qa-lock.toml"), toml("qa-lock", DISPOSABLE, &more))?;
    let mut run = start(&account, &["apply", "qa-lock.toml", "--auto-approve"])?;
    if !account.is_held(30)? {
        return fail("it does not come to AllocateAddress");
    }
    ahead(&account, LATER + 20 * 60)?;
    let ran = account.up(&[approved(&account), vec!["--json"]].concat())?;
    account.release("go_on")?;
    run.wait()?;
    let report = parsed(&ran, 5)?;
    for (name, why) in [
        ("qa-mark", "unmarked"),
        ("qa-stamp", "unmarked"),
        ("qa-text", "unmarked"),
        ("qa-mixed", "unmarked"),
        ("qa-young", "young"),
        ("qa-age", "unknown_age"),
        ("qa-protected", "protected"),
    ] {
        if about(&report, name)["reason"]["why"] != why {
            return fail(format!("{name} is not kept as {why}: {}", about(&report, name)));
        }
    }
    let locked = about(&report, "qa-lock").to_string();
    if !locked.contains("the stack is locked by apply of") {
        return fail(format!("the locked one: {locked}"));
    }
    let all = [&cases[..], &["qa-protected"]].concat();
    are_alive(&account, &all, "all are kept")
}

const DATABASE: &str = r#"
[ec2.vpc.main]
cidr_block = "10.0.0.0/16"

[ec2.subnet.main]
for_each = ["a", "b"]
vpc = "main"
availability_zone = "us-east-1${each.key}"
cidr_block = '${cidrsubnet("10.0.0.0/16", 4, index(["a", "b"], each.key))}'

[rds.subnet_group.main]
description = "data"
subnets = ["main:a", "main:b"]

[ec2.security_group.main]
description = "data"
vpc = "main"

[rds.instance.main]
security_groups = ["main"]
engine = "postgres"
instance_class = "db.t4g.medium"
allocated_storage = 20
master_username = "shop"
subnet_group = "main"
"#;

fn database() -> Result {
    let account = Account::new();
    apply(&account, "qa-data", DISPOSABLE, DATABASE)?;
    rules(&account, &["qa-*"])?;
    ahead(&account, LATER)?;
    let report = account.json(&approved(&account))?;
    let proof = &about(&report, "qa-data")["run"]["proof"];
    if proof["left"] != json!([]) || proof["kept"] != json!([]) {
        return fail(format!("it leaves {proof}"));
    }
    are_alive(&account, &[], "after the sweep")?;
    let snapshots = account.python(r#"print(len(aws("rds").describe_db_snapshots()["DBSnapshots"]), end="")"#)?;
    if snapshots == "0" { Ok(()) } else { fail(format!("{snapshots} snapshots are left")) }
}

/// Between the look that finds a stack due and its destroy, somebody without the lock extends it: it stays.
fn last_moment() -> Result {
    let account = Account::new();
    apply(&account, "qa-1", DISPOSABLE, RESOURCES)?;
    rules(&account, &["qa-*"])?;
    // The index is late all the time.
    let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": LATER } } });
    let stale = json!({ "match": { "service": "resourcegroupstaggingapi" }, "do": { "stale": { "seconds": 60 } } });
    account.plant(&json!([date, stale]))?;
    let slow: Vec<_> = approved(&account).into_iter().map(|it| if it == "0s" { "5s" } else { it }).collect();
    let run = start(&account, &[slow, vec!["--json"]].concat())?;
    let lock = account.folder.path().join("state/qa-1/lock");
    for _ in 0..300 {
        if fs::read_to_string(&lock).is_ok_and(|text| text.contains("sweep")) {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    let elsewhere = [vec!["extend", "qa-1", "+4h", "--state", "elsewhere"], of_account(&account, &[])].concat();
    let extended = account.up(&elsewhere)?;
    let ended = run.wait_with_output()?;
    let report: Value = serde_json::from_slice(&ended.stdout)?;
    if extended.code != 0 || about(&report, "qa-1")["reason"]["why"] != "not_due" {
        return fail(format!("extended with {extended:?}, and then {report}"));
    }
    are_alive(&account, &["qa-1"], "after an extension")?;
    if tags(&account, "qa-1")?.len() == 5 { Ok(()) } else { fail("something of it is gone") }
}

/// AWS refuses the delete of one stack: the others go, and the exit code says that something failed.
fn failing() -> Result {
    let account = Account::new();
    apply(&account, "prod", "", SMALL)?;
    for name in ["qa-1", "qa-2", "qa-3"] {
        apply(&account, name, DISPOSABLE, SMALL)?;
    }
    rules(&account, &["qa-*"])?;
    // Somebody's interface is in the network of one.
    account.python(
        r#"
ec2 = aws("ec2")
[vpc] = ec2.describe_vpcs(Filters=[{"Name": "tag:bullstra:stack", "Values": ["qa-2"]}])["Vpcs"]
subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
ec2.create_network_interface(SubnetId=subnet, Description="a bastion")
"#,
    )?;
    ahead(&account, LATER)?;
    let report = parsed(&account.up(&[approved(&account), vec!["--json"]].concat())?, 1)?;
    if about(&report, "qa-2")["run"]["errors"] == json!([]) || about(&report, "qa-3")["run"]["exit_code"] != 0 {
        return fail(format!("{report}"));
    }
    are_alive(&account, &["prod", "qa-2"], "after a failure")
}

/// Killed at its calls, and run again: what is left is what an undisturbed sweep leaves.
fn killed() -> Result {
    for operation in ["DeleteSecurityGroup", "DeleteVpc", "DeleteRole", "DeleteTopic", "DeleteLogGroup"] {
        for at in ["before", "after"] {
            let account = Account::new();
            apply(&account, "prod", "", SMALL)?;
            let group = "\n[ec2.security_group.app]\ndescription = \"app\"\nvpc = \"main\"\n";
            apply(&account, "qa-1", DISPOSABLE, &format!("{RESOURCES}{group}"))?;
            apply(&account, "qa-2", DISPOSABLE, SMALL)?;
            apply(&account, "qa-9", "disposable = true\nttl = \"9d\"\n", SMALL)?;
            rules(&account, &["qa-*"])?;
            let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": LATER } } });
            let held = json!({ "match": { "operation": operation }, "do": { "hold": at } });
            account.plant(&json!([date, held]))?;
            let mut run = start(&account, &approved(&account))?;
            if !account.is_held(30)? {
                return fail(format!("it does not come to {operation}"));
            }
            run.kill()?;
            run.wait()?;
            account.release("drop")?;
            ahead(&account, LATER)?;
            account.json(&approved(&account))?;
            are_alive(&account, &["prod", "qa-9"], &format!("killed {at} {operation}"))?;
        }
    }
    Ok(())
}
