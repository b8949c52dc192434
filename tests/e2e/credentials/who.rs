//! Whose credentials sign the calls, and that no output shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Fixture, KEY, SECRET, TOKEN, USER_ACCOUNT, names};
use crate::harness::{Result, TestError, UP, fail};

pub(super) fn the_stack_s_role_makes_every_call() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({ "StringEquals": { "sts:ExternalId": "shop" } }), 3600)?;
    let settings = format!("role_arn = \"{}\"\nexternal_id = \"shop\"", fixture.role);
    fixture.write("stack.toml", &fixture.stack(&settings))?;
    let last = fixture.last()?;
    let applied = fixture.ends(0, &["-v", "apply", "stack.toml", "--auto-approve"], &[])?;
    if !applied.stderr.contains("assumed-role/deployer/bullstra-up-tester") {
        return fail(format!("the session is not named after who runs it:\n{}", applied.stderr));
    }
    fixture.ends(0, &["plan", "stack.toml", "--exit-code"], &[])?;
    if fixture.addresses()? != BTreeMap::from([("logs.log_group.orders".to_owned(), 1)]) {
        return fail(format!("made elsewhere: {:?}", fixture.addresses()?));
    }
    let calls = fixture.calls(&last)?;
    let assumed = calls.iter().filter(|call| call["access_key"].as_str().is_some_and(|key| key.starts_with("ASIA")));
    if assumed.count() != calls.len() {
        return fail(format!("calls in the role's account that are not the role's: {calls:?}"));
    }
    // The role is kept in a saved plan too, where nothing else says it.
    fixture.ends(0, &["destroy", "stack.toml", "--auto-approve"], &[])?;
    fixture.ends(0, &["plan", "stack.toml", "--out", "plan.json"], &[])?;
    fixture.ends(0, &["apply", "plan.json", "--auto-approve"], &[])?;
    fixture.ends(0, &["destroy", "stack.toml", "--auto-approve"], &[])?;
    if fixture.addresses()?.is_empty() { Ok(()) } else { fail("something is left") }
}

/// For every command, a wrong account is detected after two calls, and nothing is changed.
pub(super) fn the_guard_comes_first() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({}), 3600)?;
    let settings = format!("role_arn = \"{}\"", fixture.role);
    fixture.write("right.toml", &fixture.stack(&settings))?;
    let wrong = fixture
        .stack(&settings)
        .replace(&format!("accounts = [\"{}\"]", fixture.account.id), "accounts = [\"111122223333\"]");
    fixture.write("wrong.toml", &wrong)?;
    let plan = fixture.stack(&settings).replace(&fixture.account.id, USER_ACCOUNT).replace("role_arn", "# role_arn");
    fixture.write("plan.toml", &plan)?;
    fixture.ends(0, &["plan", "plan.toml", "--out", "plan.json"], &[])?;
    fixture.ends(0, &["apply", "right.toml", "--auto-approve"], &[])?;
    let before = fixture.addresses()?;
    for arguments in [
        &["plan", "wrong.toml"][..],
        &["apply", "wrong.toml", "--auto-approve"],
        &["destroy", "wrong.toml", "--auto-approve"],
        &["show", "wrong.toml"],
        &["apply", "plan.json", "--auto-approve", "--role-arn", &fixture.role],
        &["destroy", "plan.toml", "--auto-approve", "--role-arn", &fixture.role],
    ] {
        let last = fixture.last()?;
        let ran = fixture.ends(4, arguments, &[])?;
        if !ran.stderr.contains("is only for") {
            return fail(format!("another refusal: {}", ran.stderr));
        }
        let calls = names(&fixture.calls(&last)?);
        if calls != BTreeSet::from(["sts:GetCallerIdentity".to_owned()]) {
            return fail(format!("{arguments:?} made {calls:?}"));
        }
    }
    if fixture.addresses()? == before { Ok(()) } else { fail("something has changed") }
}

pub(super) fn a_profile_of_any_sort_will_do() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({}), 3600)?;
    let (role, id) = (&fixture.role, &fixture.account.id);
    let given = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{id}\", \"SecretAccessKey\": \"any\", \"Expiration\": \"2099-01-01T00:00:00Z\"}}"
    );
    fixture.write("given.json", &given)?;
    fixture.write("token", "a.web.token")?;
    let folder = fixture.account.folder.path().display().to_string();
    fixture.write(
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
        let ran = fixture.ends(0, &[&["plan", "stack.toml", "--json"], arguments].concat(), env)?;
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
    // The role's own call goes to the same endpoint as all others.
    let endpoint = fixture.account.control("health").map(|_| fixture.account.environment()[0].1.to_owned())?;
    check(&["--profile", "chain", "--endpoint-url", &endpoint], &[&unset[..], &[("AWS_ENDPOINT_URL", "")]].concat())
}

pub(super) fn a_code_is_asked_for() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 3600)?;
    fixture.write("stack.toml", &fixture.stack(&format!("role_arn = \"{}\"", fixture.role)))?;
    let profile = "[default]\nmfa_serial = arn:aws:iam::123456789012:mfa/phone\n";
    fixture.write(".aws/config", &format!("{profile}aws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"))?;
    let code = r#"("Code of the MFA device", b"135790\n")"#;
    let said = at_a_terminal(&fixture, &format!(r#"[{code}, ("approves:", b"yes\n")]"#))?;
    let asked = format!("Code of the MFA device arn:aws:iam::{USER_ACCOUNT}:mfa/phone, for {}:", fixture.role);
    says(&said, &[&asked, "1 to create", "Carry out this plan", "Done after", "ended with 0"])
}

pub(super) fn an_interrupt_ends_the_question() -> Result {
    let fixture = Fixture::new()?;
    // The caller is in its own account.
    fixture.write("stack.toml", &fixture.stack("").replace("accounts =", "# accounts ="))?;
    fixture
        .write(".aws/config", &format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"))?;
    // Ctrl-C.
    let said = at_a_terminal(&fixture, r#"[("approves:", b"\x03")]"#)?;
    says(&said, &["1 to create", "Carry out this plan", "interrupted: nothing was changed", "ended with 130"])
}

/// Runs an apply at a terminal with typed answers; `answers` are pairs of a prompt and the text typed after it.
fn at_a_terminal(fixture: &Fixture, answers: &str) -> Result<String> {
    let home = fixture.account.folder.path().display().to_string();
    fixture.account.python(&format!("UP, HOME = '{UP}', '{home}'\nanswers = {answers}\n{AT_A_TERMINAL}"))
}

fn says(said: &str, wanted: &[&str]) -> Result {
    match wanted.iter().find(|words| !said.contains(**words)) {
        None => Ok(()),
        Some(words) => fail(format!("not said: {words}\n{said}")),
    }
}

/// Runs an apply at a pseudo-terminal.
const AT_A_TERMINAL: &str = r#"
import pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(HOME)
    left = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS_KEY")}
    os.execve(UP, [UP, "apply", "stack.toml", "--no-color"], {**left, "HOME": HOME})
said = ""
while True:
    try:
        said += os.read(terminal, 4096).decode(errors="replace")
    except OSError:
        break
    if answers and answers[0][0] in said:
        os.write(terminal, answers.pop(0)[1])
print(said, "ended with", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

pub(super) fn nothing_is_shown_or_kept() -> Result {
    let fixture = Fixture::new()?;
    fixture.role(&json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }), 3600)?;
    let settings = format!("role_arn = \"{}\"", fixture.role);
    fixture.write("stack.toml", &fixture.stack(&settings))?;
    fixture.write(
        ".aws/config",
        &format!(
            "[profile me]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n\
             mfa_serial = arn:aws:iam::{USER_ACCOUNT}:mfa/phone\n\
             [profile environment]\ncredential_source = Environment\nrole_arn = {}\n",
            fixture.role
        ),
    )?;
    let (me, code) = (["--profile", "me"], [("BULLSTRA_UP_MFA_TOKEN", "864209")]);
    let run = |wanted: i32, arguments: &[&str], env: &[(&str, &str)]| {
        let ran = fixture.ends(wanted, &[arguments, &["-vvv"]].concat(), env)?;
        Ok::<_, TestError>(format!("{}{}", ran.stdout, ran.stderr))
    };
    let said = [
        run(0, &[&["apply", "stack.toml", "--auto-approve"], &me[..]].concat(), &code)?,
        run(0, &[&["plan", "stack.toml", "--json"], &me[..]].concat(), &code)?,
        run(4, &[&["plan", "stack.toml"], &me[..]].concat(), &[("BULLSTRA_UP_MFA_TOKEN", "000000")])?,
        run(4, &[&["plan", "stack.toml", "--mfa-token", "86420x"], &me[..]].concat(), &[])?,
        run(4, &["plan", "stack.toml", "--profile", "environment"], &[])?,
        run(0, &[&["destroy", "stack.toml", "--auto-approve"], &me[..]].concat(), &code)?,
        fixture.written()?,
    ];
    // A time in a trace may contain any six digits.
    let instants = regex_lite::Regex::new(r":\d\d\.\d+")?;
    for said in said.iter().map(|said| instants.replace_all(said, "")) {
        for secret in [KEY, SECRET, TOKEN, "864209", "86420x", "ASIA"] {
            if let Some(at) = said.find(secret) {
                let line = said[..at].rfind('\n').map_or(0, |line| line + 1);
                return fail(format!("{secret} is shown: {}", said[line..].lines().next().unwrap_or_default()));
            }
        }
    }
    if said[0].contains("try_attempt") { Ok(()) } else { fail("-vvv says nothing of the SDK: this was no test") }
}
