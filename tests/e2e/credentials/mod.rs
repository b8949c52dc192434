//! Credentials: roles, profiles and MFA codes, the account guard, and what happens when credentials expire.

mod end;
mod who;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, CommandOutput, Result, UP, fail, ran},
    trial,
};

/// The tests, each in accounts of its own.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("credentials::the_stack_s_role_makes_every_call", who::the_stack_s_role_makes_every_call),
        trial("credentials::a_role_is_assumed_again_when_its_session_ends", end::a_role_is_assumed_again),
        trial("credentials::a_session_that_ends_ends_the_run_and_the_next_goes_on", end::a_session_that_ends),
        trial("credentials::the_guard_comes_before_every_other_call", who::the_guard_comes_first),
        trial("credentials::a_profile_of_any_sort_will_do", who::a_profile_of_any_sort_will_do),
        trial("credentials::a_code_is_asked_for_at_a_terminal", who::a_code_is_asked_for),
        trial("credentials::an_interrupt_ends_the_question_at_a_terminal", who::an_interrupt_ends_the_question),
        trial(
            "credentials::credentials_that_expire_too_soon_are_reported_beforehand",
            end::credentials_that_expire_too_soon_are_reported_beforehand,
        ),
        trial("credentials::no_key_token_or_code_is_shown_or_kept", who::nothing_is_shown_or_kept),
    ]
}

/// The key of a user of the sandbox's default account, in AWS's format.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const USER_ACCOUNT: &str = "123456789012";
/// The prefix of all session tokens of the sandbox.
const TOKEN: &str = "FQoGZXIvYXdz";

/// A caller, and an account with a role for it: `deployer`.
struct Fixture {
    account: Account,
    role: String,
    env: BTreeMap<&'static str, String>,
}

impl Fixture {
    fn new() -> Result<Self> {
        Self::of(Account::new())
    }

    fn of(account: Account) -> Result<Self> {
        let role = format!("arn:aws:iam::{}:role/deployer", account.id);
        let home = account.folder.path().display().to_string();
        let env = BTreeMap::from([
            ("HOME", home),
            ("USER", "tester".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]);
        let fixture = Self { account, role, env };
        fixture.write("stack.toml", &fixture.stack(""))?;
        Ok(fixture)
    }

    /// Writes a stack for the account, with a log group and the given `settings`.
    fn stack(&self, settings: &str) -> String {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\naccounts = [\"{}\"]\n{settings}\n\
             [logs.log_group.orders]\nname = \"orders\"\n",
            self.account.id
        )
    }

    /// Creates the role. `condition` belongs to its trust policy; its sessions last this many seconds.
    fn role(&self, condition: &Value, seconds: u32) -> Result {
        let statement = json!({ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole", "Condition": condition });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        self.account.python(&format!(
            "aws('iam').create_role(RoleName='deployer', AssumeRolePolicyDocument='{policy}', \
             Tags=[{{'Key': 'sandbox:session-seconds', 'Value': '{seconds}'}}])"
        ))?;
        Ok(())
    }

    fn write(&self, path: &str, text: &str) -> Result {
        let path = self.account.folder.path().join(path);
        fs::create_dir_all(path.parent().ok_or("a file stands in a folder")?)?;
        Ok(fs::write(path, text)?)
    }

    /// Runs the program as the caller. Empty variables in `env` are not set.
    fn up(&self, arguments: &[&str], env: &[(&str, &str)]) -> Result<CommandOutput> {
        let mut command = Command::new(UP);
        command.args(arguments).current_dir(self.account.folder.path()).envs(self.account.environment());
        command.env_remove("AWS_PROFILE").envs(&self.env);
        for (name, value) in env {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        ran(command)
    }

    fn ends(&self, code: i32, arguments: &[&str], env: &[(&str, &str)]) -> Result<CommandOutput> {
        let ran = self.up(arguments, env)?;
        if ran.code == code {
            return Ok(ran);
        }
        fail(format!(
            "`{}` ended with {} instead of {code}:\n{}{}",
            arguments.join(" "),
            ran.code,
            ran.stderr,
            ran.stdout
        ))
    }

    /// The calls after `last` in the role's account, or with the caller's own key, as `service:Operation`.
    fn calls(&self, last: &Value) -> Result<Vec<Value>> {
        let calls = self.account.control(&format!("calls?since={last}"))?;
        let calls = calls["calls"].as_array().ok_or("a record without calls")?.clone();
        Ok(calls.into_iter().filter(|call| call["account"] == self.account.id.as_str()).collect())
    }

    fn last(&self) -> Result<Value> {
        Ok(self.account.control("calls")?["last"].clone())
    }

    /// Waits until a call has been made after `last`.
    fn once(&self, last: &Value, name: &str) -> Result {
        for _ in 0..600 {
            if names(&self.calls(last)?).iter().any(|call| call.starts_with(name)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        fail(format!("no {name} in a minute"))
    }

    /// Sets how long the role's sessions last from now on; with zero, current sessions expire.
    fn sessions_last(&self, seconds: u32) -> Result {
        self.account.python(&format!(
            "aws('iam').tag_role(RoleName='deployer', Tags=[{{'Key': 'sandbox:session-seconds', 'Value': '{seconds}'}}])"
        ))?;
        Ok(())
    }

    /// How many resources each address has.
    fn addresses(&self) -> Result<BTreeMap<String, usize>> {
        let mut found = BTreeMap::new();
        for resource in self.account.dump()? {
            if let Some(address) = resource["tags"]["bullstra:address"].as_str() {
                *found.entry(address.to_owned()).or_default() += 1;
            }
        }
        Ok(found)
    }

    /// All files that a run has written.
    fn written(&self) -> Result<String> {
        let (mut all, mut folders) = (String::new(), vec![self.account.folder.path().join("state")]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path: PathBuf = entry?.path();
                if path.is_dir() { folders.push(path) } else { all += &String::from_utf8_lossy(&fs::read(path)?) }
            }
        }
        Ok(all)
    }
}

fn changes(calls: &[Value]) -> bool {
    calls.iter().any(|call| call["mutating"] == true)
}

fn names(calls: &[Value]) -> BTreeSet<String> {
    calls.iter().map(|call| format!("{}:{}", call["service"], call["operation"]).replace('"', "")).collect()
}
