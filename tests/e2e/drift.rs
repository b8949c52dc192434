//! `drift`: what others have changed, what the file has changed, and what could not be seen.

use std::{
    fs,
    path::{Path, PathBuf},
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Result, copy_stacks, edit, fail, golden, root},
    life, trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    let named = vec![
        trial("drift::three_sides_are_told_apart", three_sides),
        trial("drift::nothing_is_found_after_an_apply_of_production", production),
        trial("drift::a_kind_that_cannot_be_read_is_not_clean", unread),
        trial("drift::a_run_that_holds_the_lock_is_named", busy),
        trial("drift::without_history_two_sides_are_compared", without_history),
        trial("drift::accepted_differences_do_not_count", accepted),
        trial("drift::fields_that_are_left_out_are_compared_with_the_last_apply", undeclared),
        trial("drift::several_stacks_in_one_command", several),
        trial("drift::one_change_is_reverted_alone", reverted),
        trial("drift::one_change_is_written_into_the_file", absorbed),
    ];
    let cases = life::built_cases().into_iter().map(|folder| {
        let name = format!("drift::clean::{}", folder.file_name().unwrap_or_default().display());
        trial(name, move || clean(&folder))
    });
    named.into_iter().chain(cases).collect()
}

const STACK: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[ec2.vpc.main]
cidr_block = "10.0.0.0/16"
tags = { Team = "logistics" }

[ec2.security_group.database]
vpc = "main"
description = "database"
ingress = [{ ports = "5432", cidr = "10.0.0.0/16" }]

[logs.log_group.orders]
name = "orders"
retention_in_days = 30

[logs.log_group.audit]
name = "audit"
retention_in_days = 365
"#;

const ROLE: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[iam.role.app]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] }
"#;

const OPENED: &str = r#"aws("ec2").authorize_security_group_ingress(GroupId=id("ec2.security_group.database"), IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])"#;
const SHORTENED: &str = r#"aws("logs").put_retention_policy(logGroupName="orders", retentionInDays=7)"#;
const DELETED: &str = r#"aws("logs").delete_log_group(logGroupName="audit")"#;

/// An account in which a stack was applied.
struct Applied(Account);

impl Applied {
    fn of(stack: &str) -> Result<Self> {
        let applied = Self(Account::new());
        fs::write(applied.file(), stack)?;
        applied.0.json(&["apply", "stack.toml", "--auto-approve"])?;
        Ok(applied)
    }

    fn file(&self) -> PathBuf {
        self.0.folder.path().join("stack.toml")
    }

    /// The report, if the command ends with `code`.
    fn drift(&self, options: &[&str], code: i32) -> Result<Value> {
        let ran = self.0.up(&[&["drift", "stack.toml", "--json"], options].concat())?;
        if ran.code != code {
            return fail(format!("drift ended with {}, and not with {code}:\n{}{}", ran.code, ran.stdout, ran.stderr));
        }
        let whole: Value = serde_json::from_str(&ran.stdout)?;
        Ok(whole["stacks"][0].clone())
    }

    /// Checks class, address and fields of all findings.
    fn finds(&self, options: &[&str], code: i32, expected: &[&str]) -> Result<Value> {
        let report = self.drift(options, code)?;
        let lines = lines(&report);
        if lines == expected {
            Ok(report)
        } else {
            fail(format!("found {lines:#?}, expected {expected:#?}\n{report:#}"))
        }
    }
}

/// Class, address and fields of each finding.
fn lines(report: &Value) -> Vec<String> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().into_iter().flatten();
    let line = |finding: &Value| {
        let fields = finding["fields"].as_array().into_iter().flatten().map(|field| text(field, "field"));
        [text(finding, "class"), text(finding, "address")].into_iter().chain(fields).collect::<Vec<_>>().join(" ")
    };
    findings.map(line).collect()
}

fn three_sides() -> Result {
    let stage = Applied::of(STACK)?;
    let clean = stage.finds(&["--undeclared"], 0, &[])?;
    if clean["result"] != "clean" || clean["read"] != 4 || clean["api_calls"]["mutating"] != 0 {
        return fail(format!("{clean:#}"));
    }
    stage.0.python(SHORTENED)?;
    stage.finds(&[], 2, &["changed logs.log_group.orders retention_in_days"])?;
    stage.0.python(OPENED)?;
    stage.0.python(DELETED)?;
    let drifted = [
        "changed ec2.security_group.database ingress",
        "changed logs.log_group.orders retention_in_days",
        "missing logs.log_group.audit",
    ];
    stage.finds(&[], 2, &drifted)?;
    edit(&stage.file(), "tags = { Team = \"logistics\" }", "tags = { Team = \"shipping\" }")?;
    edit(&stage.file(), "retention_in_days = 30", "retention_in_days = 90")?;
    let with_edit = [&drifted[..], &["pending ec2.vpc.main tags.Team"]].concat();
    let report = stage.finds(&[], 2, &with_edit)?;
    let field = &report["findings"][1]["fields"][0];
    if *field != json!({ "field": "retention_in_days", "applied": 30, "live": 7, "declared": 90 }) {
        return fail(format!("{field}"));
    }
    for (option, name) in [("--undeclared", "drift.txt"), ("--markdown", "drift.md")] {
        let shown = stage.0.up(&["drift", "stack.toml", option])?;
        golden(&root().join("tests/drift").join(name), &normal(&shown.stdout, &stage.0))?;
    }
    // The file follows one change, and the next apply takes back the others.
    edit(&stage.file(), "retention_in_days = 90", "retention_in_days = 7")?;
    stage.0.json(&["apply", "stack.toml", "--auto-approve"])?;
    stage.finds(&["--undeclared"], 0, &[])?;
    Ok(())
}

/// The text without ids, times and the account.
fn normal(text: &str, account: &Account) -> String {
    let text = text.replace(&account.id, "111122223333");
    let words = text.split_inclusive([' ', '\n', '(', ')', ',']).map(|word| {
        let bare = word.trim_end_matches([' ', '\n', '(', ')', ',']);
        let rest = &word[bare.len()..];
        match bare {
            id if id.starts_with("vpc-") || id.starts_with("sg-") => {
                format!("{}-1{rest}", &id[..id.find('-').unwrap_or(0)])
            }
            time if time.starts_with("20") && time.ends_with("Z.") => format!("2026-11-29T00:00:00Z.{rest}"),
            number if number.parse::<f32>().is_ok() && number.contains('.') => format!("0.1{rest}"),
            other => format!("{other}{rest}"),
        }
    });
    words.collect()
}

/// After an apply there is nothing to find, and a check costs what a plan costs.
fn production() -> Result {
    let account = Account::new();
    let prod = copy_stacks(&account)?.display().to_string();
    account.json(&["apply", &prod, "--auto-approve"])?;
    let plan = account.json(&["plan", &prod])?;
    for options in [&[][..], &["--undeclared"]] {
        let ran = account.up(&[&["drift", &prod, "--json"], options].concat())?;
        let whole: Value = serde_json::from_str(&ran.stdout)?;
        let report = &whole["stacks"][0];
        if ran.code != 0 || !lines(report).is_empty() {
            return fail(format!("ended with {}: {:#?}\n{}", ran.code, lines(report), ran.stderr));
        }
        if report["api_calls"] != plan["api_calls"] {
            return fail(format!("a plan makes {}, and this made {}", plan["api_calls"], report["api_calls"]));
        }
    }
    Ok(())
}

/// After an apply of a kind's case there is nothing to find, at once and after another apply, which records all fields.
fn clean(folder: &Path) -> Result {
    let account = Account::new();
    let stack = folder.join("stack.toml").display().to_string();
    let look = || {
        let ran = account.up(&["drift", &stack, "--undeclared", "--json"])?;
        let whole: Value = serde_json::from_str(&ran.stdout)?;
        let found = lines(&whole["stacks"][0]);
        if ran.code == 0 && found.is_empty() {
            return Ok(());
        }
        fail(format!("ended with {}: {found:#?}\n{:#}{}", ran.code, whole["stacks"][0]["findings"], ran.stderr))
    };
    account.json(&["apply", &stack, "--auto-approve", "--unprotect"])?;
    look()?;
    account.json(&["apply", &stack, "--auto-approve", "--unprotect"])?;
    look()
}

fn unread() -> Result {
    let stage = Applied::of(STACK)?;
    let refuse = json!({ "status": 403, "code": "UnauthorizedOperation", "message": "You are not authorized." });
    let denied = json!({ "match": { "service": "ec2", "operation": "DescribeVpcs" }, "do": { "refuse": refuse } });
    stage.0.plant(&json!([denied]))?;
    let report = stage.finds(&[], 1, &[])?;
    let unread = &report["unread"][0];
    if unread["kind"] != "ec2.vpc" || unread["resources"] != json!(["ec2.vpc.main"]) || report["result"] != "unread" {
        return fail(format!("{report:#}"));
    }
    stage.0.python(OPENED)?;
    stage.finds(&[], 2, &["changed ec2.security_group.database ingress"])?;
    Ok(())
}

fn busy() -> Result {
    let stage = Applied::of(STACK)?;
    let lock = stage.0.folder.path().join("state/shop/lock");
    edit(&stage.file(), "retention_in_days = 30", "retention_in_days = 90")?;
    let hold = json!({ "match": { "operation": "PutRetentionPolicy" }, "do": { "hold": "before" } });
    stage.0.plant(&json!([hold]))?;
    let mut command = std::process::Command::new(crate::harness::UP);
    command.args(["apply", "stack.toml", "--auto-approve"]).current_dir(stage.0.folder.path());
    command.env_remove("AWS_PROFILE").envs(stage.0.environment());
    let mut apply = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    stage.0.is_held(30)?;
    let report = stage.drift(&[], 5)?;
    stage.0.unplant()?;
    stage.0.release("go_on")?;
    apply.wait()?;
    let said = report["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
    if !said.starts_with("busy: apply of ") || !lock.exists() {
        return fail(said);
    }
    stage.finds(&[], 0, &[])?;
    Ok(())
}

fn without_history() -> Result {
    let stage = Applied::of(STACK)?;
    fs::remove_dir_all(stage.0.folder.path().join("state"))?;
    let report = stage.finds(&[], 0, &[])?;
    if !report["applied"].is_null() || !report["notes"][0].as_str().unwrap_or_default().contains("no record") {
        return fail(format!("{report:#}"));
    }
    edit(&stage.file(), "retention_in_days = 30", "retention_in_days = 90")?;
    stage.finds(&[], 2, &["changed logs.log_group.orders retention_in_days"])?;
    Ok(())
}

fn accepted() -> Result {
    let accept = |until: &str| {
        format!(
            "{STACK}\n[[accept]]\naddress = \"logs.log_group.orders\"\nfield = \"retention_in_days\"\nreason = \"an audit\"\nuntil = {until}\n"
        )
    };
    let stage = Applied::of(&accept("2999-12-31"))?;
    stage.0.python(SHORTENED)?;
    let report = stage.finds(&[], 0, &["changed logs.log_group.orders retention_in_days"])?;
    if report["counts"]["accepted"] != 1 || report["counts"]["changed"] != 0 {
        return fail(format!("{report:#}"));
    }
    fs::write(stage.file(), accept("2026-01-31"))?;
    let report = stage.finds(&[], 2, &["changed logs.log_group.orders retention_in_days"])?;
    if report["findings"][0]["accepted"]["expired"] == true { Ok(()) } else { fail(format!("{report:#}")) }
}

fn undeclared() -> Result {
    let stage = Applied::of(ROLE)?;
    // AWS's answer to a create need not show all fields.
    let report = stage.finds(&["--undeclared"], 0, &[])?;
    if !report["notes"].to_string().contains("for 0 of 1 resources") {
        return fail(format!("{report:#}"));
    }
    stage.0.json(&["apply", "stack.toml", "--auto-approve"])?;
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    stage.0.python(&format!(
        "aws('iam').put_role_permissions_boundary(RoleName=id('iam.role.app'), PermissionsBoundary='{boundary}')"
    ))?;
    stage.finds(&[], 0, &[])?;
    let report = stage.finds(&["--undeclared"], 0, &["undeclared iam.role.app permissions_boundary"])?;
    if report["notes"] == json!([]) && report["result"] == "clean" { Ok(()) } else { fail(format!("{report:#}")) }
}

/// Two changes outside and an edit of the same resource: one change is taken back, and the edit stays an edit.
fn reverted() -> Result {
    let stage = Applied::of(STACK)?;
    stage.0.python(SHORTENED)?;
    stage.0.python(OPENED)?;
    edit(&stage.file(), "retention_in_days = 30", "retention_in_days = 90")?;
    let revert = ["drift", "stack.toml", "--revert", "logs.log_group.orders"];
    let asked = stage.0.up(&revert)?;
    if asked.code != 3 {
        return fail(format!("nobody was asked, and it ended with {}: {}", asked.code, asked.stderr));
    }
    let ran = stage.0.json(&[&revert[..], &["--auto-approve"]].concat())?;
    if ran["summary"]["update"] != 1 || ran["command"] != "revert" {
        return fail(format!("{ran:#}"));
    }
    let left = ["changed ec2.security_group.database ingress", "pending logs.log_group.orders retention_in_days"];
    stage.finds(&[], 2, &left)?;
    let unknown = stage.0.up(&["drift", "stack.toml", "--revert", "logs.log_group.nobody"])?;
    if unknown.code == 3 { Ok(()) } else { fail(format!("ended with {}: {}", unknown.code, unknown.stderr)) }
}

/// The file has the live values afterwards, its comments too; what it computes, or declares for several, is refused and stays.
fn absorbed() -> Result {
    let stack = format!(
        r#"{STACK}
# One for each team.
[logs.log_group.team]
for_each = ["web", "data"]
name = "team-${{each.key}}"
retention_in_days = 30
"#
    );
    let stage = Applied::of(&stack.replace("ingress = [", "# Only from inside.\ningress = ["))?;
    stage.0.python(SHORTENED)?;
    stage.0.python(OPENED)?;
    stage.0.python(r#"aws("logs").put_retention_policy(logGroupName="team-web", retentionInDays=7)"#)?;
    let absorb = |address: &str| stage.0.up(&["drift", "stack.toml", "--json", "--absorb", address]);
    for (address, field) in [("ec2.security_group.database", "ingress"), ("logs.log_group.orders", "retention_in_days")]
    {
        let ran = absorb(address)?;
        let whole: Value = serde_json::from_str(&ran.stdout)?;
        if ran.code != 0 || whole["absorbed"]["fields"] != json!([field]) || whole["api_calls"]["mutating"] != 0 {
            return fail(format!("ended with {}:\n{whole:#}\n{}", ran.code, ran.stderr));
        }
    }
    let text = fs::read_to_string(stage.file())?;
    let rule = "# Only from inside.\ningress = [{ ports = \"5432\", cidr = \"10.0.0.0/16\" }, { ports = \"5432\", cidr = \"0.0.0.0/0\" }]";
    if !text.contains(rule) || !text.contains("name = \"orders\"\nretention_in_days = 7\n") {
        return fail(text);
    }
    for (address, code, word) in [
        ("logs.log_group.team:web", 6, "for_each"),
        ("logs.log_group.audit", 3, "no field"),
        ("logs.log_group.nobody", 3, "no field"),
    ] {
        let ran = stage.0.up(&["drift", "stack.toml", "--absorb", address])?;
        if ran.code != code || !ran.stderr.contains(word) || fs::read_to_string(stage.file())? != text {
            return fail(format!("{address} ended with {}: {}", ran.code, ran.stderr));
        }
    }
    stage.finds(&[], 2, &["changed logs.log_group.team:web retention_in_days"])?;
    edit(&stage.file(), "each.key}\"\nretention_in_days = 30", "each.key}\"\nretention_in_days = 7")?;
    let plan = stage.0.json(&["plan", "stack.toml"])?;
    if plan["summary"]["update"] == 1 { Ok(()) } else { fail(format!("{plan:#}")) }
}

fn several() -> Result {
    let stage = Applied::of(STACK)?;
    stage.0.python(SHORTENED)?;
    fs::write(stage.0.folder.path().join("bad.toml"), "[stack]\nname = \"bad\"\n")?;
    let ran = stage.0.up(&["drift", "bad.toml", "stack.toml", "--json"])?;
    let whole: Value = serde_json::from_str(&ran.stdout)?;
    let results: Vec<_> = whole["stacks"].as_array().into_iter().flatten().map(|stack| &stack["result"]).collect();
    if ran.code != 2 || results != ["failed", "drift"] || whole["stacks"][0]["file"] != "bad.toml" {
        return fail(format!("ended with {}:\n{whole:#}", ran.code));
    }
    Ok(())
}
