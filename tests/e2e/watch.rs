//! `watch`: the real binary over a stack that boto3 changes, with a receiver that checks signatures.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use libtest_mimic::Trial;
use serde_json::Value;

use crate::{
    harness::{Account, Result, UP, edit, fail},
    trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    // The stacks below have log groups.
    if !cfg!(feature = "watch") || up_kinds::find("logs.log_group").is_none() {
        return vec![];
    }
    vec![
        trial("watch::drift_is_told_once_signed_and_on_the_page", told),
        trial("watch::one_look_tells_what_a_watch_would_tell", once),
        trial("watch::a_wrong_file_is_refused", refused),
    ]
}

const STACK: &str = r#"
[stack]
name = "shop"
region = "us-east-1"

[inputs.token]
type = "string"
description = "A token."
sensitive = true
default = "correct-horse-battery"

[logs.log_group.orders]
name = "orders"
retention_in_days = 30

[logs.log_group.audit]
name = "audit"
retention_in_days = 365
tags = { Token = "${inputs.token}" }
"#;

const SHORTENED: &str = r#"aws("logs").put_retention_policy(logGroupName="orders", retentionInDays=7)"#;
const RETAGGED: &str = r#"aws("logs").tag_log_group(logGroupName="audit", tags={"Token": "stolen"})"#;

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
/// Longer than any of the waits below takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A request that the receiver has got: headers and body.
type Request = (String, String);

/// Takes requests, but for the first, which it answers with 503.
fn receiver() -> Result<(u16, Arc<Mutex<Vec<Request>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let requests = Arc::new(Mutex::new(vec![]));
    let taken = requests.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let Ok(request) = request(&mut stream) else { continue };
            let status = if number == 0 { "503 Service Unavailable" } else { "204 No Content" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            taken.lock().expect("no panic while held").push(request);
        }
    });
    Ok((port, requests))
}

fn request(stream: &mut TcpStream) -> std::io::Result<Request> {
    let (mut reader, mut head) = (BufReader::new(stream), String::new());
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let length = head.to_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// A watch that runs.
struct Watching {
    child: Child,
    address: String,
    said: Arc<Mutex<String>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

impl Watching {
    fn begin(account: &Account) -> Result<Self> {
        let mut command = Command::new(UP);
        command.args(["watch", "watch.toml", "--listen", "127.0.0.1:0"]).current_dir(account.folder.path());
        command.env_remove("AWS_PROFILE").envs(account.environment()).env("WEBHOOK_SECRET", format!("whsec_{KEY}"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let (stderr, said) = (child.stderr.take().ok_or("no stderr")?, Arc::new(Mutex::new(String::new())));
        let heard = said.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(std::io::Result::ok) {
                *heard.lock().expect("no panic while held") += &format!("{line}\n");
            }
        });
        let mut watching = Self { child, address: String::new(), said };
        let address = watching.wait("an address", |it| {
            let said = it.said();
            let rest = said.split_once("the page is at http://")?.1;
            Some(rest.split_once('\n')?.0.to_owned())
        })?;
        watching.address = address;
        Ok(watching)
    }

    fn said(&self) -> String {
        self.said.lock().expect("no panic while held").clone()
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split_once("\r\n\r\n").ok_or("an answer without a body")?.1.to_owned())
    }

    fn status(&self) -> Result<Value> {
        let whole: Value = serde_json::from_str(&self.get("/status.json")?)?;
        Ok(whole["stacks"][0].clone())
    }

    /// Waits until the stack is in a state.
    fn wait_for(&self, state: &str) -> Result<Value> {
        self.wait(state, |it| it.status().ok().filter(|status| status["state"] == state))
    }

    fn wait<T>(&self, what: &str, found: impl Fn(&Self) -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = found(self) {
                return Ok(found);
            }
            sleep(Duration::from_millis(200));
        }
        fail(format!("waited in vain for {what}; {:?}\n{}", self.status().ok(), self.said()))
    }
}

/// The transitions in requests, and their addresses.
fn transitions(requests: &[Request]) -> Result<Vec<String>> {
    let mut all = vec![];
    for (_, body) in requests {
        let body: Value = serde_json::from_str(body)?;
        for transition in body["data"]["transitions"].as_array().ok_or("a message without transitions")? {
            let text = |key: &str| transition[key].as_str().unwrap_or_default().to_owned();
            all.push(format!("{} {}", text("transition"), text("address")).trim_end().to_owned());
        }
    }
    Ok(all)
}

/// Python's own HMAC says whether a signature is right.
fn check(account: &Account, (head, body): &Request) -> Result {
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.map(|line| line[name.len() + 2..].to_owned()).ok_or(format!("no {name} in {head}"))
    };
    let (id, at, signature) = (header("webhook-id")?, header("webhook-timestamp")?, header("webhook-signature")?);
    let signed = serde_json::to_string(&format!("{id}.{at}.{body}"))?;
    let code = format!(
        "import base64, hmac\nprint('v1,' + base64.b64encode(hmac.digest(base64.b64decode('{KEY}'), {signed}.encode(), 'sha256')).decode())"
    );
    let right = account.python(&code)?;
    if right.trim() == signature { Ok(()) } else { fail(format!("{signature} is not {right}\n{head}{body}")) }
}

/// The number of resources that the metrics count as changed.
fn changed(metrics: &str) -> u32 {
    let lines = metrics.lines().filter(|line| line.starts_with("bullstra_drift_resources{"));
    let lines = lines.filter(|line| line.contains("class=\"changed\""));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u32>().ok()).sum()
}

fn told() -> Result {
    let account = Account::new();
    let folder = account.folder.path();
    fs::write(folder.join("stack.toml"), STACK)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    let (port, requests) = receiver()?;
    let file = format!(
        "[watch]\ninterval = \"10s\"\njitter = \"1s\"\npoll = \"1s\"\npage_url = \"https://drift.example.org\"\n\n\
         [[stack]]\nfile = \"stack.toml\"\nname = \"shop\"\n\n\
         [[notify]]\nname = \"local\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret_env = \"WEBHOOK_SECRET\"\n"
    );
    fs::write(folder.join("watch.toml"), file)?;
    let watching = Watching::begin(&account)?;
    let clean = watching.wait_for("clean")?;
    if clean["look"]["read"] != 2 || clean["look"]["account"] != account.id.as_str() {
        return fail(format!("{clean:#}"));
    }
    account.python(SHORTENED)?;
    account.python(RETAGGED)?;
    watching.wait("two resources", |it| {
        it.status().ok().filter(|it| it["drift"].as_array().is_some_and(|it| it.len() == 2))
    })?;
    let (page, metrics) = (watching.get("/")?, watching.get("/metrics")?);
    for shown in ["logs.log_group.orders", "30 → 7", "stolen", "1 of 1 stack has drifted"] {
        if !page.contains(shown) {
            return fail(format!("the page does not show {shown}\n{page}"));
        }
    }
    if changed(&metrics) != 2 || watching.get("/readyz")? != "ok\n" {
        return fail(metrics);
    }
    // A file that breaks, and is mended again.
    edit(&folder.join("stack.toml"), "retention_in_days = 365", "retention_in_day = 365")?;
    watching.wait("a failure", |it| it.status().ok().filter(|it| it["failures"].as_u64() >= Some(2)))?;
    edit(&folder.join("stack.toml"), "retention_in_day = 365", "retention_in_days = 365")?;
    watching.wait("the end of the failure", |it| it.status().ok().filter(|it| it["failure"].is_null()))?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    watching.wait_for("clean")?;
    account.json(&["destroy", "stack.toml", "--auto-approve"])?;
    watching.wait_for("absent")?;
    let is_told = |told: &[String]| told.iter().filter(|it| *it == "failing").count() == 2;
    watching.wait("a message", |_| {
        let requests = requests.lock().expect("no panic while held").clone();
        transitions(&requests).ok().filter(|told| is_told(told))
    })?;
    let requests = requests.lock().expect("no panic while held").clone();
    let mut all = transitions(&requests[1..])?;
    if let [one, other, _, _, third, fourth, _] = &mut all[..] {
        // Which of two comes first depends on how bad they are.
        [(one, other), (third, fourth)]
            .into_iter()
            .filter(|(one, other)| one > other)
            .for_each(|(one, other)| std::mem::swap(one, other));
    }
    let (audit, orders) = ("logs.log_group.audit", "logs.log_group.orders");
    let expected = [
        format!("new {audit}"),
        format!("new {orders}"),
        "failing".into(),
        "back".into(),
        format!("resolved {audit}"),
        format!("resolved {orders}"),
        "failing".into(),
    ];
    if all != expected {
        return fail(format!("told {all:#?}\n{requests:#?}"));
    }
    requests.iter().try_for_each(|request| check(&account, request))?;
    let everything = [watching.said(), page, metrics, watching.get("/status.json")?, format!("{requests:?}")].concat();
    if everything.contains("correct-horse-battery") {
        return fail(format!("a secret shows:\n{everything}"));
    }
    ended(watching)
}

/// `drift --all` tells the same, once, and writes metrics.
fn once() -> Result {
    let account = Account::new();
    let folder = account.folder.path();
    fs::write(folder.join("stack.toml"), STACK)?;
    account.json(&["apply", "stack.toml", "--auto-approve"])?;
    let (port, requests) = receiver()?;
    let notify = format!("[[notify]]\nname = \"local\"\nkind = \"slack\"\nurl = \"http://127.0.0.1:{port}\"\n");
    let stacks = "[[stack]]\nfile = \"stack.toml\"\n[[stack]]\nfile = \"missing.toml\"\n";
    fs::write(folder.join("watch.toml"), format!("{stacks}{notify}"))?;
    let all = ["drift", "--all", "watch.toml"];
    let ran = account.up(&all)?;
    if ran.code != 3 || !ran.stdout.contains("all 2 read") || !ran.stderr.contains("missing.toml") {
        return fail(format!("ended with {}:\n{}{}", ran.code, ran.stdout, ran.stderr));
    }
    account.python(SHORTENED)?;
    let before = requests.lock().expect("no panic while held").len();
    for times in [1, 1] {
        let ran = account.up(&[&all[..], &["--notify", "--metrics", "drift.prom", "--json"]].concat())?;
        let whole: Value = serde_json::from_str(&ran.stdout)?;
        let counts = &whole["stacks"][0]["counts"];
        if ran.code != 2 || counts["changed"] != 1 || whole["stacks"][0]["api_calls"]["total"].as_u64() < Some(3) {
            return fail(format!("ended with {}:\n{whole:#}{}", ran.code, ran.stderr));
        }
        let texts = requests.lock().expect("no panic while held").clone();
        // The first attempt was answered with 503.
        let about = texts[before..].iter().filter(|(_, body)| body.contains("changed outside: logs.log_group.orders"));
        if about.count() != times + 1 {
            return fail(format!("{texts:#?}"));
        }
    }
    let failing =
        requests.lock().expect("no panic while held").iter().filter(|(_, it)| it.contains("not checked")).count();
    let metrics = fs::read_to_string(folder.join("drift.prom"))?;
    if failing != 1 || changed(&metrics) != 1 || !metrics.contains("bullstra_stack_failing{stack=\"missing\"} 1\n") {
        return fail(format!("{failing}\n{metrics}"));
    }
    Ok(())
}

/// SIGTERM ends it, with exit code 0.
fn ended(mut watching: Watching) -> Result {
    let pid = watching.child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status()?;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if let Some(status) = watching.child.try_wait()? {
            let said = watching.said();
            let is_clean = status.code() == Some(0) && said.contains("the watch has ended");
            return if is_clean { Ok(()) } else { fail(format!("{status}\n{said}")) };
        }
        sleep(Duration::from_millis(50));
    }
    fail("it has not ended within 20 s")
}

fn refused() -> Result {
    let account = Account::new();
    let file = account.folder.path().join("watch.toml");
    let missing = account.up(&["watch", "watch.toml"])?;
    fs::write(&file, "[[stack]]\nfile = \"a.toml\"\nrole_arn = \"admin\"\n")?;
    let role = account.up(&["watch", "watch.toml"])?;
    fs::write(
        &file,
        "[[stack]]\nfile = \"a.toml\"\n[[notify]]\nname = \"x\"\nkind = \"slack\"\nurl_env = \"NOT_SET\"\n",
    )?;
    let secret = account.up(&["watch", "watch.toml"])?;
    for (ran, message) in [
        (missing, "watch.toml: No such file"),
        (role, "`[[stack]]` `a`: `role_arn`: "),
        (secret, "`[[notify]]` `x`: the environment variable NOT_SET is not set"),
    ] {
        if ran.code != 3 || !ran.stderr.contains(message) {
            return fail(format!("expected `{message}`, and it ended with {}:\n{}", ran.code, ran.stderr));
        }
    }
    Ok(())
}
