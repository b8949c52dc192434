//! Credentials that expire.

use std::{collections::BTreeSet, fs, sync::OnceLock, thread};

use serde_json::json;

use super::{Fixture, KEY, SECRET, USER_ACCOUNT, changes, names};
use crate::harness::{Account, CommandOutput, Result, fail, root, sandbox};

/// In a sandbox beside the shared one: calls of others are not waited for, and AWS's times are divided by fifty.
fn slow_fixture() -> Result<Fixture> {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    let fixture = Fixture::of(Account::at(ENDPOINT.get_or_init(|| sandbox("e2e-credentials"))))?;
    fixture.account.configure(&json!({ "time_scale": 50 }))?;
    Ok(fixture)
}

/// The SDK renews credentials 10 seconds before they expire: every 3 seconds here, in a run of 12 seconds and more.
pub(super) fn a_role_is_assumed_again() -> Result {
    let fixture = slow_fixture()?;
    fixture.role(&json!({}), 13)?;
    let stack = root().join("tests/kinds/rds.instance/stack.toml").display().to_string();
    let last = fixture.last()?;
    let role = ["--role-arn", &fixture.role];
    fixture.ends(0, &[&["apply", &stack, "--auto-approve"], &role[..]].concat(), &[])?;
    let keys: BTreeSet<String> = fixture.calls(&last)?.iter().map(|call| call["access_key"].to_string()).collect();
    if keys.len() < 3 {
        return fail(format!("only {} sessions: the run was no test", keys.len()));
    }
    fixture.ends(0, &[&["destroy", &stack, "--auto-approve", "--unprotect"], &role[..]].concat(), &[])?;
    Ok(())
}

/// A cluster that takes long to create, a resource that waits for it, and a session that expires meanwhile and cannot
/// be renewed.
const SLOW: &str = r#"
[ec2.vpc.main]
cidr_block = "10.6.0.0/16"

[ec2.subnet.kafka]
for_each = ["a", "b"]
vpc = "main"
availability_zone = "us-east-1${each.key}"
cidr_block = '${cidrsubnet("10.6.0.0/16", 8, each.key == "a" ? 1 : 2)}'

[ec2.security_group.kafka]
vpc = "main"
description = "the brokers"

[kafka.cluster.main]
kafka_version = "3.8.x"
number_of_broker_nodes = 2
instance_type = "kafka.m7g.large"
client_subnets = ["kafka:a", "kafka:b"]
security_groups = ["kafka"]
ebs_storage = { volume_size = 100 }

[logs.log_group.after]
name = "after"
depends_on = ["kafka.cluster.main"]
"#;

pub(super) fn a_session_that_ends() -> Result {
    // The cluster takes 28 seconds: its session expires meanwhile.
    let fixture = slow_fixture()?;
    fixture.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 900)?;
    fixture.write("stack.toml", &format!("{}{SLOW}", fixture.stack("")))?;
    fixture.write(
        ".aws/config",
        &format!(
            "[profile me]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             [profile shop]\nsource_profile = me\nrole_arn = {}\nmfa_serial = arn:aws:iam::{USER_ACCOUNT}:mfa/phone\n",
            fixture.role
        ),
    )?;
    let apply = ["apply", "stack.toml", "--auto-approve", "--profile", "shop"];
    let code = [("BULLSTRA_UP_MFA_TOKEN", "654321")];
    let last = fixture.last()?;
    let strict = fixture.ends(4, &[&apply[..], &["--strict"]].concat(), &code)?;
    if !strict.stderr.contains("the credentials expire at") || changes(&fixture.calls(&last)?) {
        return fail(format!("not refused before anything was changed:\n{}", strict.stderr));
    }

    let ended = thread::scope(|scope| {
        let run = scope.spawn(|| fixture.ends(4, &apply, &code));
        fixture.once(&last, "kafka:CreateCluster")?;
        fixture.sessions_last(0)?;
        run.join().map_err(|_| "the run panicked")?
    })?;
    for words in [
        "warning: the credentials expire at",
        "failed to create kafka.cluster.main",
        "1 step not begun, because kafka.cluster.main failed:\n  create logs.log_group.after",
        "hint: the credentials expired: sign in again and run the same command again",
    ] {
        if !ended.stderr.contains(words) {
            return fail(format!("not said: {words}\n{}", ended.stderr));
        }
    }
    let refused: Vec<_> = fixture.calls(&last)?.into_iter().filter(|call| call["error"].is_string()).collect();
    if refused.is_empty() || refused.len() > 3 || changes(&refused) {
        return fail(format!("the end was not clean: {refused:?}"));
    }
    let journal = fs::read_to_string(fixture.account.folder.path().join("state/shop/journal.jsonl"))?;
    if !journal.lines().last().unwrap_or_default().contains("skipped") {
        return fail(format!("the journal is not closed: {journal}"));
    }

    let before = fixture.last()?;
    fixture.sessions_last(3600)?;
    fixture.ends(0, &apply, &code)?;
    let again = names(&fixture.calls(&before)?);
    if again.iter().any(|call| call.starts_with("ec2:Create") || call.starts_with("kafka:Create")) {
        return fail(format!("made twice: {again:?}"));
    }
    let found = fixture.addresses()?;
    if found.len() != 7 || found.values().any(|count| *count != 1) {
        return fail(format!("not each once: {found:?}"));
    }
    fixture.ends(0, &["plan", "stack.toml", "--exit-code", "--profile", "shop"], &code)?;
    Ok(())
}

pub(super) fn credentials_that_expire_too_soon_are_reported_beforehand() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({}), 3600)?;
    fixture.write("stack.toml", &format!("{}{SLOW}", fixture.stack("")))?;
    let role = ["--role-arn", &fixture.role];
    // Nobody can approve the plan: the check comes before the question.
    let apply = |more: &[&str], env: &[(&str, &str)], code: i32| {
        fixture.ends(code, &[&["apply", "stack.toml"], &role[..], more].concat(), env)
    };
    let said = |ran: &CommandOutput| ran.stderr.contains("the credentials expire at");
    let lasting = apply(&[], &[], 3)?;
    let unknown = apply(&[], &[("AWS_SESSION_TOKEN", "token")], 3)?;
    let soon = [("AWS_SESSION_TOKEN", "token"), ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")];
    let warned = apply(&[], &soon, 3)?;
    if said(&lasting) || said(&unknown) || said(&warned) {
        return fail(format!("a role of an hour is enough:\n{}{}{}", lasting.stderr, unknown.stderr, warned.stderr));
    }
    if !unknown.stderr.contains("it is unknown when the credentials expire") {
        return fail(format!("nothing is said of a token:\n{}", unknown.stderr));
    }
    fixture
        .account
        .python("aws('iam').tag_role(RoleName='deployer', Tags=[{'Key': 'sandbox:session-seconds', 'Value': '60'}])")?;
    let warned = apply(&[], &soon, 3)?;
    if !said(&warned) {
        return fail(format!("not warned:\n{}", warned.stderr));
    }
    let last = fixture.last()?;
    let refused = apply(&["--strict", "--auto-approve"], &soon, 4)?;
    if said(&refused) && !changes(&fixture.calls(&last)?) {
        Ok(())
    } else {
        fail(format!("not refused:\n{}", refused.stderr))
    }
}
