//! Values that AWS never shows: they are sent to AWS, and appear nowhere else.

use std::{fs, path::Path, process::Command};

use libtest_mimic::Trial;

use crate::{
    harness::{Account, CommandOutput, Result, fail, root},
    life::{Steps, expect},
    trial,
};

/// The secrets that the stack of `ssm.parameter` declares, and the new value of one.
const SECRETS: [&str; 3] = ["correct horse battery staple", "hidden from everybody", "open sesame"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("write_only::a_secret_reaches_aws_and_nothing_else", secret)]
}

fn secret() -> Result {
    let account = Account::new();
    fs::copy(root().join("tests/kinds/ssm.parameter/stack.toml"), account.folder.path().join("stack.toml"))?;
    let set = "password=open sesame";
    let run = |arguments: &[&str]| quiet(account.up(arguments)?);
    run(&["apply", "stack.toml", "--auto-approve", "-vvv"])?;
    holds(&account, SECRETS[0])?;
    let changed = Steps::from([("update".into(), ["ssm.parameter.secret".into()].into())]);
    expect(&account.json(&["plan", "stack.toml", "--set", set])?, &changed)?;
    run(&["plan", "stack.toml", "--set", set, "--out", "saved.json", "-vvv"])?;
    run(&["apply", "stack.toml", "--set", set, "--auto-approve", "-vvv"])?;
    holds(&account, SECRETS[2])?;
    run(&["show", "stack.toml"])?;
    unwritten(account.folder.path())?;

    // Without history, AWS's value counts as the declared one.
    fs::remove_dir_all(account.folder.path().join("state"))?;
    expect(&account.json(&["plan", "stack.toml"])?, &Steps::new())?;
    run(&["destroy", "stack.toml", "--auto-approve", "-vvv"])
}

/// Checks that AWS has this secret.
fn holds(account: &Account, secret: &str) -> Result {
    let name = r#"id("ssm.parameter.secret")"#;
    let code = format!(r#"print(aws("ssm").get_parameter(Name={name}, WithDecryption=True)["Parameter"]["Value"])"#);
    let found = account.python(&code)?;
    if found.trim() == secret { Ok(()) } else { fail(format!("AWS has `{}`", found.trim())) }
}

/// Checks that a command succeeded and printed no secret.
fn quiet(ran: CommandOutput) -> Result {
    let CommandOutput { code, stdout, stderr } = ran;
    let told = SECRETS.iter().find(|secret| stdout.contains(*secret) || stderr.contains(*secret));
    match told {
        Some(secret) => fail(format!("`{secret}` is told:\n{stdout}{stderr}")),
        None if code != 0 => fail(format!("ended with {code}:\n{stdout}{stderr}")),
        None => Ok(()),
    }
}

/// Checks that no file except the stack's own contains a secret.
fn unwritten(folder: &Path) -> Result {
    for secret in SECRETS {
        let found = Command::new("grep").args(["-rlF", "--exclude=stack.toml", secret]).arg(folder).output()?;
        if !found.stdout.is_empty() {
            return fail(format!("`{secret}` is in {}", String::from_utf8_lossy(&found.stdout)));
        }
    }
    Ok(())
}
