//! Whose credentials sign: roles, profiles and codes, the guard before them, and what happens when their time is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
    thread,
    time::Duration,
};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{
    harness::{Account, Ran, Result, UP, fail, ran, root, sandbox},
    trial,
};

/// The trials, each on accounts of its own.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("credentials::the_stack_s_role_makes_every_call", the_stack_s_role_makes_every_call),
        trial("credentials::a_role_is_taken_on_again_when_its_session_ends", a_role_is_taken_on_again),
        trial("credentials::a_session_that_ends_ends_the_run_and_the_next_goes_on", a_session_that_ends),
        trial("credentials::the_guard_comes_before_every_other_call", the_guard_comes_first),
        trial("credentials::a_profile_of_any_sort_will_do", a_profile_of_any_sort_will_do),
        trial("credentials::a_code_is_asked_for_at_a_terminal", a_code_is_asked_for),
        trial("credentials::what_ends_too_soon_is_said_beforehand", what_ends_too_soon_is_said_beforehand),
        trial("credentials::no_key_token_or_code_is_shown_or_kept", nothing_is_shown_or_kept),
    ]
}

/// The key of somebody who is a user of the sandbox's default account, spelled as AWS spells keys.
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const USER_ACCOUNT: &str = "123456789012";
/// What every session token of the sandbox begins with.
const TOKEN: &str = "FQoGZXIvYXdz";

/// A caller, and an account with a role for it: `deployer`.
struct Stage {
    account: Account,
    role: String,
    env: BTreeMap<&'static str, String>,
}

impl Stage {
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
        let stage = Self { account, role, env };
        stage.write("stack.toml", &stage.stack(""))?;
        Ok(stage)
    }

    /// A stack that lives in the account, with a log group, and what `settings` say.
    fn stack(&self, settings: &str) -> String {
        format!(
            "[stack]\nname = \"shop\"\nregion = \"us-east-1\"\naccounts = [\"{}\"]\n{settings}\n\
             [logs.log_group.orders]\nname = \"orders\"\n",
            self.account.id
        )
    }

    /// Makes the role. `condition` is of its trust policy; its sessions last so many seconds.
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

    /// Runs the program as the caller. What is empty in `env` is not set.
    fn up(&self, arguments: &[&str], env: &[(&str, &str)]) -> Result<Ran> {
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

    fn ends(&self, code: i32, arguments: &[&str], env: &[(&str, &str)]) -> Result<Ran> {
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

    /// The calls since `last` in the role's account, or of the caller's own key, as `service:Operation`.
    fn calls(&self, last: &Value) -> Result<Vec<Value>> {
        let calls = self.account.control(&format!("calls?since={last}"))?;
        let calls = calls["calls"].as_array().ok_or("a record without calls")?.clone();
        Ok(calls.into_iter().filter(|call| call["account"] == self.account.id.as_str()).collect())
    }

    fn last(&self) -> Result<Value> {
        Ok(self.account.control("calls")?["last"].clone())
    }

    /// Waits until a call has been made since `last`.
    fn once(&self, last: &Value, name: &str) -> Result {
        for _ in 0..600 {
            if names(&self.calls(last)?).iter().any(|call| call.starts_with(name)) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        fail(format!("no {name} in a minute"))
    }

    /// From now on the role's sessions last so long; with zero, those at work are over.
    fn sessions_last(&self, seconds: u32) -> Result {
        self.account.python(&format!(
            "aws('iam').tag_role(RoleName='deployer', Tags=[{{'Key': 'sandbox:session-seconds', 'Value': '{seconds}'}}])"
        ))?;
        Ok(())
    }

    /// How often each address exists.
    fn addresses(&self) -> Result<BTreeMap<String, usize>> {
        let mut found = BTreeMap::new();
        for resource in self.account.dump()? {
            if let Some(address) = resource["tags"]["bullstra:address"].as_str() {
                *found.entry(address.to_owned()).or_default() += 1;
            }
        }
        Ok(found)
    }

    /// All that a run has written.
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

fn the_stack_s_role_makes_every_call() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({ "StringEquals": { "sts:ExternalId": "shop" } }), 3600)?;
    let settings = format!("role_arn = \"{}\"\nexternal_id = \"shop\"", stage.role);
    stage.write("stack.toml", &stage.stack(&settings))?;
    let last = stage.last()?;
    let applied = stage.ends(0, &["-v", "apply", "stack.toml", "--auto-approve"], &[])?;
    if !applied.stderr.contains("assumed-role/deployer/bullstra-up-tester") {
        return fail(format!("the session is not named after who runs it:\n{}", applied.stderr));
    }
    stage.ends(0, &["plan", "stack.toml", "--exit-code"], &[])?;
    if stage.addresses()? != BTreeMap::from([("logs.log_group.orders".to_owned(), 1)]) {
        return fail(format!("made elsewhere: {:?}", stage.addresses()?));
    }
    let calls = stage.calls(&last)?;
    let assumed = calls.iter().filter(|call| call["access_key"].as_str().is_some_and(|key| key.starts_with("ASIA")));
    if assumed.count() != calls.len() {
        return fail(format!("calls in the role's account that are not the role's: {calls:?}"));
    }
    // Kept in a saved plan too: nothing else says the role then.
    stage.ends(0, &["destroy", "stack.toml", "--auto-approve"], &[])?;
    stage.ends(0, &["plan", "stack.toml", "--out", "plan.json"], &[])?;
    stage.ends(0, &["apply", "plan.json", "--auto-approve"], &[])?;
    stage.ends(0, &["destroy", "stack.toml", "--auto-approve"], &[])?;
    if stage.addresses()?.is_empty() { Ok(()) } else { fail("something is left") }
}

/// Sessions of a second, for a run of several.
fn a_role_is_taken_on_again() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({}), 1)?;
    let stack = root().join("tests/kinds/rds.instance/stack.toml").display().to_string();
    let last = stage.last()?;
    let role = ["--role-arn", &stage.role];
    stage.ends(0, &[&["apply", &stack, "--auto-approve"], &role[..]].concat(), &[])?;
    let keys: BTreeSet<String> = stage.calls(&last)?.iter().map(|call| call["access_key"].to_string()).collect();
    if keys.len() < 3 {
        return fail(format!("only {} sessions: the run was no test", keys.len()));
    }
    stage.ends(0, &[&["destroy", &stack, "--auto-approve", "--unprotect"], &role[..]].concat(), &[])?;
    Ok(())
}

/// A cluster that takes long to make, what waits for it, and a session that ends meanwhile and nobody can renew.
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

fn a_session_that_ends() -> Result {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    let stage = Stage::of(Account::at(ENDPOINT.get_or_init(|| sandbox("e2e-credentials"))))?;
    // The cluster takes 14 seconds: its session is ended meanwhile.
    stage.account.configure(&json!({ "time_scale": 100 }))?;
    stage.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 900)?;
    stage.write("stack.toml", &format!("{}{SLOW}", stage.stack("")))?;
    stage.write(
        ".aws/config",
        &format!(
            "[profile me]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             [profile shop]\nsource_profile = me\nrole_arn = {}\nmfa_serial = arn:aws:iam::{USER_ACCOUNT}:mfa/phone\n",
            stage.role
        ),
    )?;
    let apply = ["apply", "stack.toml", "--auto-approve", "--profile", "shop"];
    let code = [("BULLSTRA_UP_MFA_TOKEN", "654321")];
    let last = stage.last()?;
    let strict = stage.ends(4, &[&apply[..], &["--strict"]].concat(), &code)?;
    if !strict.stderr.contains("the credentials end at") || changes(&stage.calls(&last)?) {
        return fail(format!("not refused before anything was changed:\n{}", strict.stderr));
    }

    let ended = thread::scope(|scope| {
        let run = scope.spawn(|| stage.ends(4, &apply, &code));
        stage.once(&last, "kafka:CreateCluster")?;
        stage.sessions_last(0)?;
        run.join().map_err(|_| "the run panicked")?
    })?;
    for words in [
        "warning: the credentials end at",
        "failed to create kafka.cluster.main",
        "1 step not reached, because kafka.cluster.main failed:\n  create logs.log_group.after",
        "hint: the credentials expired: sign in again and run the same command again",
    ] {
        if !ended.stderr.contains(words) {
            return fail(format!("not said: {words}\n{}", ended.stderr));
        }
    }
    let refused: Vec<_> = stage.calls(&last)?.into_iter().filter(|call| call["error"].is_string()).collect();
    if refused.is_empty() || refused.len() > 3 || changes(&refused) {
        return fail(format!("the end was not clean: {refused:?}"));
    }
    let journal = fs::read_to_string(stage.account.folder.path().join("state/shop/journal.jsonl"))?;
    if !journal.lines().last().unwrap_or_default().contains("skipped") {
        return fail(format!("the journal is not closed: {journal}"));
    }

    let before = stage.last()?;
    stage.sessions_last(3600)?;
    stage.ends(0, &apply, &code)?;
    let again = names(&stage.calls(&before)?);
    if again.iter().any(|call| call.starts_with("ec2:Create") || call.starts_with("kafka:Create")) {
        return fail(format!("made twice: {again:?}"));
    }
    let found = stage.addresses()?;
    if found.len() != 7 || found.values().any(|count| *count != 1) {
        return fail(format!("not each once: {found:?}"));
    }
    stage.ends(0, &["plan", "stack.toml", "--exit-code", "--profile", "shop"], &code)?;
    Ok(())
}

/// Whatever the command: a wrong account is left after two questions, and nothing is changed.
fn the_guard_comes_first() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({}), 3600)?;
    let settings = format!("role_arn = \"{}\"", stage.role);
    stage.write("right.toml", &stage.stack(&settings))?;
    let wrong = stage
        .stack(&settings)
        .replace(&format!("accounts = [\"{}\"]", stage.account.id), "accounts = [\"111122223333\"]");
    stage.write("wrong.toml", &wrong)?;
    let plan = stage.stack(&settings).replace(&stage.account.id, USER_ACCOUNT).replace("role_arn", "# role_arn");
    stage.write("plan.toml", &plan)?;
    stage.ends(0, &["plan", "plan.toml", "--out", "plan.json"], &[])?;
    stage.ends(0, &["apply", "right.toml", "--auto-approve"], &[])?;
    let before = stage.addresses()?;
    for arguments in [
        &["plan", "wrong.toml"][..],
        &["apply", "wrong.toml", "--auto-approve"],
        &["destroy", "wrong.toml", "--auto-approve"],
        &["show", "wrong.toml"],
        &["apply", "plan.json", "--auto-approve", "--role-arn", &stage.role],
        &["destroy", "plan.toml", "--auto-approve", "--role-arn", &stage.role],
    ] {
        let last = stage.last()?;
        let ran = stage.ends(4, arguments, &[])?;
        if !ran.stderr.contains("may only touch") {
            return fail(format!("another refusal: {}", ran.stderr));
        }
        let calls = names(&stage.calls(&last)?);
        if calls != BTreeSet::from(["sts:GetCallerIdentity".to_owned()]) {
            return fail(format!("{arguments:?} made {calls:?}"));
        }
    }
    if stage.addresses()? == before { Ok(()) } else { fail("something has changed") }
}

fn a_profile_of_any_sort_will_do() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({}), 3600)?;
    let (role, id) = (&stage.role, &stage.account.id);
    let given = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{id}\", \"SecretAccessKey\": \"any\", \"Expiration\": \"2099-01-01T00:00:00Z\"}}"
    );
    stage.write("given.json", &given)?;
    stage.write("token", "a.web.token")?;
    let folder = stage.account.folder.path().display().to_string();
    stage.write(
        ".aws/config",
        &format!(
            "[profile keys]\naws_access_key_id = {id}\naws_secret_access_key = any\n\
             [profile user]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             [profile role]\nsource_profile = user\nrole_arn = {role}\n\
             [profile chain]\nsource_profile = role\nrole_arn = {role}\nrole_session_name = second\n\
             [profile itself]\nsource_profile = itself\nrole_arn = {role}\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             [profile environment]\ncredential_source = Environment\nrole_arn = {role}\n\
             [profile process]\ncredential_process = cat {folder}/given.json\n\
             [profile web]\nrole_arn = {role}\nweb_identity_token_file = {folder}/token\n"
        ),
    )?;
    let check = |arguments: &[&str], env: &[(&str, &str)]| -> Result {
        let ran = stage.ends(0, &[&["plan", "stack.toml", "--json"], arguments].concat(), env)?;
        let plan: Value = serde_json::from_str(&ran.stdout)?;
        if plan["account"] == id.as_str() {
            Ok(())
        } else {
            fail(format!("{arguments:?} {env:?}: {}", plan["account"]))
        }
    };
    for profile in ["keys", "role", "chain", "itself", "environment", "process", "web"] {
        check(&["--profile", profile], &[]).map_err(|error| format!("profile {profile}: {error}"))?;
    }
    let unset = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    check(&[], &[&unset[..], &[("AWS_PROFILE", "role")]].concat())?;
    // The role's own call goes where all others go.
    let endpoint = stage.account.control("health").map(|_| stage.account.environment()[0].1.to_owned())?;
    check(&["--profile", "chain", "--endpoint-url", &endpoint], &[&unset[..], &[("AWS_ENDPOINT_URL", "")]].concat())
}

fn a_code_is_asked_for() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 3600)?;
    stage.write("stack.toml", &stage.stack(&format!("role_arn = \"{}\"", stage.role)))?;
    let profile = "[default]\nmfa_serial = arn:aws:iam::123456789012:mfa/phone\n";
    stage.write(".aws/config", &format!("{profile}aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"))?;
    let home = stage.account.folder.path().display().to_string();
    let said = stage.account.python(&format!("UP, HOME = '{UP}', '{home}'\n{AT_A_TERMINAL}"))?;
    let asked = format!("Code of the MFA device arn:aws:iam::{USER_ACCOUNT}:mfa/phone, for {}:", stage.role);
    let wanted = [asked.as_str(), "1 to create", "Carry this out", "Done after", "ended with 0"];
    match wanted.into_iter().find(|words| !said.contains(words)) {
        None => Ok(()),
        Some(words) => fail(format!("not said: {words}\n{said}")),
    }
}

/// Runs an apply where somebody answers.
const AT_A_TERMINAL: &str = r#"
import pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(HOME)
    left = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS_KEY")}
    os.execve(UP, [UP, "apply", "stack.toml"], {**left, "HOME": HOME})
said = ""
answers = [("Code of the MFA device", b"135790\n"), ("is taken:", b"yes\n")]
while True:
    try:
        said += os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        break
    if answers and answers[0][0] in said:
        os.write(terminal, answers.pop(0)[1])
print(said, "ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

fn what_ends_too_soon_is_said_beforehand() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({}), 3600)?;
    stage.write("stack.toml", &format!("{}{SLOW}", stage.stack("")))?;
    let role = ["--role-arn", &stage.role];
    // Nobody is there to approve it: the check has come before.
    let apply = |more: &[&str], env: &[(&str, &str)], code: i32| {
        stage.ends(code, &[&["apply", "stack.toml"], &role[..], more].concat(), env)
    };
    let said = |ran: &Ran| ran.stderr.contains("the credentials end at");
    let lasting = apply(&[], &[], 3)?;
    let unknown = apply(&[], &[("AWS_SESSION_TOKEN", "token")], 3)?;
    let soon = [("AWS_SESSION_TOKEN", "token"), ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")];
    let warned = apply(&[], &soon, 3)?;
    if said(&lasting) || said(&unknown) || said(&warned) {
        return fail(format!("a role of an hour is enough:\n{}{}{}", lasting.stderr, unknown.stderr, warned.stderr));
    }
    if !unknown.stderr.contains("nothing says when the credentials end") {
        return fail(format!("nothing is said of a token:\n{}", unknown.stderr));
    }
    stage
        .account
        .python("aws('iam').tag_role(RoleName='deployer', Tags=[{'Key': 'sandbox:session-seconds', 'Value': '60'}])")?;
    let warned = apply(&[], &soon, 3)?;
    if !said(&warned) {
        return fail(format!("not warned:\n{}", warned.stderr));
    }
    let last = stage.last()?;
    let refused = apply(&["--strict", "--auto-approve"], &soon, 4)?;
    if said(&refused) && !changes(&stage.calls(&last)?) {
        Ok(())
    } else {
        fail(format!("not refused:\n{}", refused.stderr))
    }
}

fn nothing_is_shown_or_kept() -> Result {
    let stage = Stage::new()?;
    stage.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 3600)?;
    let settings = format!("role_arn = \"{}\"", stage.role);
    stage.write("stack.toml", &stage.stack(&settings))?;
    stage.write(
        ".aws/config",
        &format!(
            "[profile me]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             mfa_serial = arn:aws:iam::{USER_ACCOUNT}:mfa/phone\n\
             [profile environment]\ncredential_source = Environment\nrole_arn = {}\n",
            stage.role
        ),
    )?;
    let (me, code) = (["--profile", "me"], [("BULLSTRA_UP_MFA_TOKEN", "864209")]);
    let run = |wanted: i32, arguments: &[&str], env: &[(&str, &str)]| {
        let ran = stage.ends(wanted, &[arguments, &["-vvv"]].concat(), env)?;
        Ok::<_, crate::harness::Failure>(format!("{}{}", ran.stdout, ran.stderr))
    };
    let said = [
        run(0, &[&["apply", "stack.toml", "--auto-approve"], &me[..]].concat(), &code)?,
        run(0, &[&["plan", "stack.toml", "--json"], &me[..]].concat(), &code)?,
        run(4, &[&["plan", "stack.toml"], &me[..]].concat(), &[("BULLSTRA_UP_MFA_TOKEN", "000000")])?,
        run(4, &[&["plan", "stack.toml", "--mfa-token", "86420x"], &me[..]].concat(), &[])?,
        run(4, &["plan", "stack.toml", "--profile", "environment"], &[])?,
        run(0, &[&["destroy", "stack.toml", "--auto-approve"], &me[..]].concat(), &code)?,
        stage.written()?,
    ];
    for said in &said {
        for secret in [KEY, SECRET, TOKEN, "864209", "86420x", "ASIA"] {
            if let Some(at) = said.find(secret) {
                let line = said[..at].rfind('\n').map_or(0, |line| line + 1);
                return fail(format!("{secret} is shown: {}", said[line..].lines().next().unwrap_or_default()));
            }
        }
    }
    if said[0].contains("try_attempt") { Ok(()) } else { fail("-vvv says nothing of the SDK: this was no test") }
}
