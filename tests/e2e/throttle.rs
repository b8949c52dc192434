//! Many stacks at once in one account with AWS's token buckets: no call is throttled if they are alone, and all finish
//! if others take half of the limits.

use std::{
    collections::BTreeMap,
    fs,
    io::{Write, stderr},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use libtest_mimic::Trial;
use serde_json::{Value, json};
use up_core::Limit;

use crate::{
    alone,
    harness::{Account, Result, UP, fail, root, sandbox},
    trial,
};

/// The number of stacks that are applied at the same time.
const STACKS: usize = 20;

/// The exit code of an interrupted run.
const INTERRUPTED: i32 = 130;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        alone("throttle::many_stacks_at_once", many_stacks_at_once),
        trial("throttle::a_run_that_waits_ends_when_told", a_run_that_waits_ends_when_told),
        trial("throttle::the_sandbox_has_the_limits_that_the_product_keeps_to", the_sandbox_has_the_same_limits),
    ]
}

/// The result of a round of applies.
struct Round {
    calls: usize,
    throttled: usize,
    /// Throttled calls, by operation.
    refused: BTreeMap<String, usize>,
    seconds: f64,
    /// The least time in seconds that the buckets allow for the calls made.
    bound: f64,
}

/// Runs in a sandbox of its own, because it changes the sandbox's settings.
fn many_stacks_at_once() -> Result {
    let endpoint: &'static str = sandbox("e2e-throttle").leak();
    let mut rows = vec![];
    for (name, count, scale) in
        [("1 stack, alone", 1, 1.0), ("20 stacks, alone", STACKS, 1.0), ("20 stacks, half taken", STACKS, 0.5)]
    {
        let round = round(&Account::at(endpoint), count, scale)?;
        rows.push(format!(
            "{name:<25} {:>6} {:>10} {:>8.1} {:>8.1}\n",
            round.calls, round.throttled, round.seconds, round.bound
        ));
        if scale == 1.0 && round.throttled > 0 {
            let Round { calls, throttled, refused, .. } = round;
            return fail(format!("{name}: {throttled} of {calls} calls were throttled: {refused:?}"));
        }
    }
    let head = format!("\n{:<25} {:>6} {:>10} {:>8} {:>8}\n", "what", "calls", "throttled", "seconds", "bound");
    // A failed write is ignored: the test has its result.
    let _ = stderr().write_all((head + &rows.concat()).as_bytes());
    Ok(())
}

/// Starts to apply a stack with AWS's request limits, which runs in the account's folder share.
fn apply(account: &Account, stack: &Path) -> Result<Child> {
    let mut run = Command::new(UP);
    run.arg("apply").arg(stack).args(["--auto-approve", "--request-limits", "aws"]);
    run.env("XDG_RUNTIME_DIR", account.folder.path()).envs(account.environment()).env_remove("AWS_PROFILE");
    run.current_dir(account.folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(run.spawn()?)
}

/// Applies `count` stacks at once, with `scale` of AWS's limits.
fn round(account: &Account, count: usize, scale: f64) -> Result<Round> {
    account.configure(&json!({ "buckets": { "scale": scale }, "time_scale": 6000 }))?;
    let stack = fs::read_to_string(root().join("tests/throttle/stack.toml"))?;
    let began = Instant::now();
    let mut runs: Vec<Child> = vec![];
    for number in 1..=count {
        let file = account.folder.path().join(format!("team-{number}.toml"));
        fs::write(&file, stack.replace("\"team-1\"", &format!("\"team-{number}\"")))?;
        runs.push(apply(account, &file)?);
    }
    for run in runs {
        let ended = run.wait_with_output()?;
        if !ended.status.success() {
            return fail(format!("{}: {}", ended.status, String::from_utf8_lossy(&ended.stderr)));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let calls = account.control(&format!("calls?access_key={}", account.id))?;
    let calls = calls["calls"].as_array().cloned().unwrap_or_default();
    account.configure(&json!({ "buckets": null }))?;
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls.iter().filter(|call| is_throttled(call)) {
        *refused.entry(format!("{}:{}", call["service"], call["operation"])).or_default() += 1;
    }
    let throttled = refused.values().sum();
    Ok(Round { calls: calls.len(), throttled, refused, seconds, bound: bound(&calls, scale) })
}

/// So many clusters that most of them wait for the rate limiter: ECS creates 20, and then one a second.
const CLUSTERS: usize = 60;

/// A call that waits for the rate limiter is not sent once the run is interrupted; the next run creates the resource.
fn a_run_that_waits_ends_when_told() -> Result {
    let account = Account::new();
    let names: Vec<_> = (0..CLUSTERS).map(|number| format!("\"n{number}\"")).collect();
    let stack = format!(
        "[stack]\nname = \"many\"\nregion = \"us-east-1\"\n\n[ecs.cluster.main]\nfor_each = [{}]\n",
        names.join(", ")
    );
    fs::write(account.folder.path().join("stack.toml"), stack)?;
    let mut run = apply(&account, Path::new("stack.toml"))?;
    let count = || -> Result<usize> {
        Ok(account.dump()?.iter().filter(|resource| resource["tags"]["bullstra:stack"] == "many").count())
    };
    while count()? < 10 {
        if let Some(status) = run.try_wait()? {
            return fail(format!("it ended by itself: {status}"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Command::new("kill").args(["-INT", &run.id().to_string()]).status()?;
    let ended = run.wait_with_output()?;
    let (code, said, made) = (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned(), count()?);
    if code != Some(INTERRUPTED) || made >= CLUSTERS || !said.contains("not finished") {
        return fail(format!("{code:?} with {made} of {CLUSTERS} made:\n{said}"));
    }
    let again = account.json(&["apply", "stack.toml", "--auto-approve"])?;
    if again["summary"]["create"] != CLUSTERS - made || count()? != CLUSTERS {
        return fail(format!("{made} were made, and then {}", again["summary"]));
    }
    Ok(())
}

fn is_throttled(call: &Value) -> bool {
    let error = call["error"].as_str().unwrap_or_default();
    ["Throttl", "RequestLimitExceeded", "TooManyRequests"].iter().any(|code| error.contains(code))
}

/// Prints the limits that the sandbox enforces, by service; the default ones have no name. The product does not tell lists
/// without filters from others.
const ENFORCED: &str = r#"
import os, sys
sys.path.insert(0, os.environ["SANDBOX"])
from bullstra_sandbox import hooks, service

hooks.load_services()
limits = {each.name: each.limits for each in service.every()} | {"": service.DEFAULT_LIMITS}
for name, rows in limits.items():
    for row in rows:
        if not row.operation.endswith(" unfiltered"):
            print(name, row.operation, float(row.capacity), float(row.refill), row.shared, row.also, row.guess, sep="|")
"#;

/// Both sides say AWS's limits, so that a mistake of one shows: they have the same numbers in the same order.
fn the_sandbox_has_the_same_limits() -> Result {
    let sandbox = root().join("crates/up-sandbox/python");
    let code = format!("import os\nos.environ['SANDBOX'] = {:?}\n{ENFORCED}", sandbox.display().to_string());
    let printed = Account::new().python(&code)?;
    let mut enforced: Vec<_> = printed.lines().collect();
    let words = |is_so: bool| if is_so { "True" } else { "False" };
    let row = |service: &str, limit: &Limit| {
        let Limit { operation, capacity, refill, shared, is_also, is_guess } = limit;
        let (shared, also, guess) = (shared.unwrap_or_default(), words(*is_also), words(*is_guess));
        format!("{service}|{operation}|{capacity:?}|{refill:?}|{shared}|{also}|{guess}")
    };
    let services = up_kinds::SERVICES.iter().flat_map(|service| service.limits.iter().map(|it| row(service.name, it)));
    let mut kept: Vec<_> = services.chain([row("", &Limit::DEFAULT)]).collect();
    // By service, in the order of each.
    let service = |row: &str| row.split('|').next().unwrap_or_default().to_owned();
    enforced.sort_by_key(|row| service(row));
    kept.sort_by_key(|row| service(row));
    if enforced != kept {
        return fail(format!(
            "the product keeps to\n{}\nand the sandbox enforces\n{}",
            kept.join("\n"),
            enforced.join("\n")
        ));
    }
    Ok(())
}

/// How long the slowest bucket takes for the calls that AWS answered.
fn bound(calls: &[Value], scale: f64) -> f64 {
    let mut buckets: BTreeMap<String, (f64, f64, f64)> = BTreeMap::new();
    for call in calls.iter().filter(|call| !is_throttled(call)) {
        let text = |key: &str| call[key].as_str().unwrap_or_default();
        let service = up_kinds::SERVICES.iter().find(|service| service.name == text("service"));
        for drawn in service.into_iter().flat_map(|service| up_limits::draws(service, text("operation"))) {
            let limit = (drawn.limit.capacity, drawn.limit.refill);
            buckets.entry(drawn.bucket).or_insert((limit.0, limit.1, 0.0)).2 += 1.0;
        }
    }
    let wait = |(capacity, refill, count): &(f64, f64, f64)| (count - capacity * scale).max(0.0) / (refill * scale);
    buckets.values().map(wait).fold(0.0, f64::max)
}
