//! Planted secrets, and control characters for terminals: neither may appear in any output.

use std::fs;

use libtest_mimic::Trial;

use crate::{
    harness::{Account, CommandOutput, Result, fail},
    trial,
};

/// The tests, each in an account of its own.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("hostile::planted_secrets_are_nowhere", planted_secrets_are_nowhere),
        trial("hostile::nothing_from_aws_reaches_a_terminal", nothing_from_aws_reaches_a_terminal),
    ]
}

const SECRETS_STACK: &str = r#"
[stack]
name = "planted"
region = "us-east-1"

[inputs.token]
type = "string"
description = "Given by --set."
sensitive = true

[inputs.login]
type = "string"
description = "Given by the environment."
sensitive = true

[inputs.pin]
type = "number"
description = "A number."
sensitive = true

[inputs.policy]
type = "string"
description = "A policy that may not be there."
default = "ReadOnlyAccess"
sensitive = true

[module.inner]
source = "inner.toml"
password = '${file("password.txt")}'

[ecs.task_definition.app]
cpu = 256
memory = 512

[[ecs.task_definition.app.containers]]
name = "app"
image = "nginx"
environment = { PLAIN = "${inputs.token}", URL = "pg://me:${inputs.token}@db", B64 = "${base64encode(inputs.token)}", BASIC = "${base64encode(\"me:${inputs.token}\")}", JSON = "${jsonencode({ a = inputs.token })}", UP = "${upper(inputs.token)}", PART = "${substr(inputs.token, 0, 9)}", LOGIN = "${inputs.login}", PIN = "${tostring(inputs.pin)}", FILE = "${module.inner.password}" }

[iam.role.app]
assume_role_policy_document = { Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ecs-tasks.amazonaws.com" } }] }
description = "${inputs.token}"
managed_policies = [{ id = "arn:aws:iam::aws:policy/${inputs.policy}" }]

[outputs.open]
description = "Not said to be sensitive, and it is."
value = "it is ${inputs.token}"

[outputs.hidden]
description = "Sensitive."
value = "${module.inner.password}"
sensitive = true
"#;

const INNER: &str = r#"
[inputs.password]
type = "string"
description = "From a file."
sensitive = true

[outputs.password]
description = "Handed back."
value = "${inputs.password}"
"#;

const WRONG: &str = r#"
[stack]
name = "planted"
region = "us-east-1"

[inputs.token]
type = "string"
description = "Given by --set."
sensitive = true

[ec2.vpc.main]
cidr_block = "${inputs.token}"
"#;

/// Texts that no output and no file may contain, in any spelling.
const PLANTED: [&str; 15] = [
    "first-TOKEN-61",
    "second-TOKEN-62",
    "login-with-\\\"quote",
    "login-with-\"quote",
    "93175524",
    "file-PASSWORD-63",
    "no-such-policy-64",
    "aws-SECRET-65",
    // The first and the second token in base64, alone and behind `me:`; in capitals; their beginnings.
    "Zmlyc3QtVE9LRU4tNjE",
    "c2Vjb25kLVRPS0VOLTYy",
    "bWU6Zmlyc3QtVE9LRU4tNjE",
    "bWU6c2Vjb25kLVRPS0VOLTYy",
    "FIRST-TOKEN",
    "SECOND-TOKEN",
    "misspelt-66",
];

fn planted_secrets_are_nowhere() -> Result {
    let account = Account::new();
    let folder = account.folder.path();
    for (name, text) in [
        ("stack.toml", SECRETS_STACK),
        ("inner.toml", INNER),
        ("wrong.toml", WRONG),
        ("password.txt", "file-PASSWORD-63"),
    ] {
        fs::write(folder.join(name), text)?;
    }
    let environment = [
        ("BULLSTRA_UP_LOGIN", "login-with-\"quote"),
        ("AWS_SECRET_ACCESS_KEY", "aws-SECRET-65"),
        ("RUST_BACKTRACE", "1"),
    ];
    let mut said = vec![];
    let mut run = |arguments: &[&str], token: &str, code: i32| -> Result<String> {
        let token = format!("--set=token={token}");
        let inputs = if arguments[1].ends_with(".toml") { vec![token.as_str(), "--set=pin=93175524"] } else { vec![] };
        let inputs = if arguments[1] == "wrong.toml" { vec![token.as_str()] } else { inputs };
        let CommandOutput { code: ended, stdout, stderr } =
            account.up_with(&environment, &[arguments, &inputs].concat())?;
        let name = arguments.join(" ");
        if ended != code {
            return fail(format!("`{name}` ended with {ended} instead of {code}:\n{stderr}"));
        }
        said.push((format!("stderr of `{name}`"), stderr));
        said.push((format!("stdout of `{name}`"), stdout.clone()));
        Ok(stdout)
    };
    let (first, second) = ("first-TOKEN-61", "second-TOKEN-62");
    run(&["validate", "stack.toml", "-vvv"], first, 0)?;
    run(&["validate", "stack.toml", "--json"], first, 0)?;
    run(&["validate", "wrong.toml"], first, 3)?;
    run(&["validate", "wrong.toml", "--json"], first, 3)?;
    run(&["validate", "stack.toml", "--set=tokn=misspelt-66"], first, 3)?;
    run(&["graph", "stack.toml"], first, 0)?;
    run(&["plan", "stack.toml", "-vvv", "--out", "plan.json"], first, 0)?;
    run(&["plan", "stack.toml", "--json"], first, 0)?;
    run(&["apply", "plan.json", "--auto-approve", "-vvv"], first, 0)?;
    for command in [&["show", "stack.toml"][..], &["output", "stack.toml"]] {
        run(command, first, 0)?;
        run(&[command, &["--json"]].concat(), first, 0)?;
    }
    run(&["show", "stack.toml", "ecs.task_definition.app", "-vvv"], first, 0)?;
    // Rotated: AWS still has the old values.
    let plan = run(&["plan", "stack.toml"], second, 0)?;
    if !plan.contains("1 to replace") || !plan.contains("(sensitive)") {
        return fail(format!("a rotated secret is no change:\n{plan}"));
    }
    run(&["plan", "stack.toml", "--json"], second, 0)?;
    run(&["show", "stack.toml", "ecs.task_definition.app"], second, 0)?;
    run(&["show", "stack.toml", "iam.role.app", "--json"], second, 0)?;
    // AWS refuses the call, and its message contains the value.
    run(&["apply", "stack.toml", "--auto-approve", "--json", "-vvv", "--set=policy=no-such-policy-64"], second, 1)?;
    run(&["apply", "stack.toml", "--auto-approve"], second, 0)?;
    run(&["destroy", "stack.toml", "--auto-approve", "--json", "-vvv"], first, 0)?;
    // An output that is asked for by name is shown.
    let named = account.up_with(&environment, &["output", "stack.toml", "hidden", "--set=token=x", "--set=pin=1"])?;
    if named.stdout != "file-PASSWORD-63\n" {
        return fail(format!("an output asked for by name says {}", named.stdout));
    }
    for file in ["journal.jsonl", "snapshot.json", "lock"] {
        let path = folder.join("state/planted").join(file);
        said.push((file.to_owned(), fs::read_to_string(path).unwrap_or_default()));
    }
    let leaks: Vec<_> = said
        .iter()
        .flat_map(|(place, text)| {
            PLANTED.iter().filter(|secret| text.contains(**secret)).map(move |secret| (place, secret))
        })
        .collect();
    if leaks.is_empty() { Ok(()) } else { fail(format!("{} leaks: {leaks:#?}", leaks.len())) }
}

const TERMINAL_STACK: &str = r#"
[stack]
name = "terminal"
region = "us-east-1"

[ecs.task_definition.app]
family = "terminal-app"
cpu = 256
memory = 512
containers = [{ name = "app", image = "nginx", environment = { OPEN = "yes" } }]
"#;

/// Somebody with write access to AWS stores control characters there.
fn nothing_from_aws_reaches_a_terminal() -> Result {
    let account = Account::new();
    fs::write(account.folder.path().join("stack.toml"), TERMINAL_STACK)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    account.python(
        r#"
evil = "\x1b[2J\x1b]8;;http://evil\x07click\x1b]8;;\x07\r\x9b31m\u202egnp\u2066\x7f\u200b"
tags = [{"key": "bullstra:stack", "value": "terminal"}, {"key": "bullstra:address", "value": "ecs.task_definition.app"}]
old = id("ecs.task_definition.app")
ecs = aws("ecs")
ecs.register_task_definition(
    family="terminal-app", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", tags=tags,
    containerDefinitions=[{"name": "app", "image": "nginx", "environment": [{"name": "OPEN", "value": evil}, {"name": evil, "value": "x"}]}],
)
ecs.deregister_task_definition(taskDefinition=old)
"#,
    )?;
    let mut shown = false;
    for arguments in [
        &["plan", "stack.toml", "-vvv"][..],
        &["plan", "stack.toml", "--json"],
        &["show", "stack.toml", "-vvv"],
        &["show", "stack.toml", "--json"],
        &["show", "stack.toml", "ecs.task_definition.app"],
        &["apply", "stack.toml", "--auto-approve", "-vvv"],
    ] {
        let CommandOutput { stdout, stderr, .. } = account.up(arguments)?;
        shown |= stdout.contains("click");
        for text in [stdout, stderr] {
            let obeyed = |c: char| {
                (c.is_control() && c != '\n')
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            if let Some(c) = text.chars().find(|c| obeyed(*c)) {
                return fail(format!("`{}` writes {c:?}:\n{text:?}", arguments.join(" ")));
            }
        }
    }
    if shown { Ok(()) } else { fail("nothing of what was planted is shown at all") }
}
