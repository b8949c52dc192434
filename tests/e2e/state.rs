//! State in a bucket, and on full disks: concurrent, killed and failing runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use libtest_mimic::Trial;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    harness::{Account, CommandOutput, Result, UP, fail, ran},
    trial,
};

/// The tests.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("state::is_in_a_bucket_and_nowhere_else", is_in_a_bucket),
        trial("state::two_at_the_same_instant", two_at_the_same_instant),
        trial("state::the_second_names_the_first", the_second_names_the_first),
        trial("state::killed_on_this_machine_is_taken_over_at_once", killed_here),
        trial("state::killed_on_another_machine_is_taken_over_once_its_lease_has_run_out", killed_elsewhere),
        trial("state::a_holder_that_was_unlocked_stops", unlocked),
        trial("state::history_tells_every_run", history),
        small("state::a_full_disk_is_said_before_anything_is_done", full_disk),
        small("state::a_disk_that_fills_up_during_a_run_does_not_stop_it", filling_disk),
    ]
}

const STACK: &str = r#"
[stack]
name = "shared"
region = "us-east-1"
backend = "s3://bullstra-state/up"

[logs.log_group.orders]
for_each = ["a", "b", "c", "d", "e", "f", "g", "h"]
name = "orders-${each.key}"
retention_in_days = 30
"#;

/// An account with a stack, and a bucket for its state.
fn stage() -> Result<Account> {
    let account = Account::new();
    let stack = STACK.replace("bullstra-state", &bucket(&account));
    fs::write(account.folder.path().join("stack.toml"), stack)?;
    account.python(&format!("aws('s3').create_bucket(Bucket='{}')", bucket(&account)))?;
    Ok(account)
}

/// Bucket names are unique across all accounts.
fn bucket(account: &Account) -> String {
    format!("bullstra-{}", account.id)
}

const APPLY: [&str; 3] = ["apply", "stack.toml", "--auto-approve"];

fn began(account: &Account, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(UP);
    command.args(arguments).current_dir(account.folder.path()).env_remove("AWS_PROFILE").envs(account.environment());
    Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
}

fn ended(child: Child) -> Result<CommandOutput> {
    let output = child.wait_with_output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().ok_or("ended by a signal")?;
    Ok(CommandOutput { code, stdout: text(output.stdout), stderr: text(output.stderr) })
}

fn signal(child: &Child, signal: &str) -> Result {
    let mut command = Command::new("kill");
    command.args([signal, &child.id().to_string()]);
    if ran(command)?.code == 0 { Ok(()) } else { fail(format!("failed to send {signal}")) }
}

/// A run that is halted before it reads the answer to its first `call`, which AWS has done.
fn halted(account: &Account, call: &str) -> Result<Child> {
    let operation = call.split_once(':').map_or(call, |(_, operation)| operation);
    let hold = json!({ "match": { "operation": operation }, "do": { "hold": "after" } });
    account.plant(&json!([hold]))?;
    let child = began(account, &APPLY)?;
    if !account.is_held(30)? {
        return fail(format!("it does not come to {call}"));
    }
    signal(&child, "-STOP")?;
    account.release("go_on")?;
    account.unplant()?;
    Ok(child)
}

fn expect(ran: &CommandOutput, code: i32, said: &str) -> Result {
    if ran.code == code && ran.stderr.contains(said) {
        return Ok(());
    }
    fail(format!("ended with {}, and {code} with {said:?} was expected:\n{}", ran.code, ran.stderr))
}

/// Checks that every name exists once, and that a plan has no steps.
fn settled(account: &Account) -> Result {
    let made = account.calls()?.iter().filter(|(call, _)| call == "logs:CreateLogGroup").count();
    if made != 8 {
        return fail(format!("made {made} log groups"));
    }
    expect(&account.up(&["plan", "stack.toml", "--exit-code"])?, 0, "")
}

fn is_in_a_bucket() -> Result {
    let account = stage()?;
    expect(&account.up(&APPLY)?, 0, "8 created")?;
    settled(&account)?;
    let found = account.python(&format!(
        "found = aws('s3').list_objects_v2(Bucket='{}')['Contents']
print(*sorted({{one['Key'].split('/')[2] for one in found}}))",
        bucket(&account)
    ))?;
    if found.trim() != "journal lock snapshot.json" {
        return fail(format!("in the bucket there is {found}"));
    }
    if account.folder.path().join("state").exists() {
        return fail("there is a folder, too");
    }
    expect(&account.up(&["destroy", "stack.toml", "--auto-approve"])?, 0, "8 deleted")
}

fn two_at_the_same_instant() -> Result {
    for _ in 0..5 {
        let account = stage()?;
        let both = [began(&account, &APPLY)?, began(&account, &APPLY)?];
        let both = both.into_iter().map(ended).collect::<Result<Vec<_>>>()?;
        for ran in &both {
            match ran.code {
                0 => {}
                5 => expect(ran, 5, "the stack is locked by apply of ")?,
                _ => return fail(format!("ended with {}:\n{}", ran.code, ran.stderr)),
            }
        }
        if both.iter().all(|ran| ran.code != 0) {
            return fail("neither did it");
        }
        settled(&account)?;
    }
    Ok(())
}

fn the_second_names_the_first() -> Result {
    let account = stage()?;
    let first = halted(&account, "s3:PutObject")?;
    let second = account.up(&APPLY)?;
    let process = format!("(process {}, since ", first.id());
    signal(&first, "-CONT")?;
    expect(&second, 5, &process)?;
    let unlock = format!("bullstra-up unlock shared --state s3://{}/up --region us-east-1", bucket(&account));
    expect(&second, 5, &unlock)?;
    expect(&ended(first)?, 0, "8 created")?;
    settled(&account)
}

fn killed_here() -> Result {
    let account = stage()?;
    let mut first = halted(&account, "s3:PutObject")?;
    first.kill()?;
    first.wait()?;
    expect(&account.up(&APPLY)?, 0, "took over the lock of apply of ")?;
    settled(&account)
}

fn killed_elsewhere() -> Result {
    let account = stage()?;
    let mut first = halted(&account, "s3:PutObject")?;
    first.kill()?;
    first.wait()?;
    let moved = |seconds: i32| {
        account.python(&format!(
            "import datetime
key = dict(Bucket='{}', Key='up/shared/lock')
lease = json.loads(aws('s3').get_object(**key)['Body'].read())
lease.pop('sum', None)
lease['place'] = 'another machine'
lease['expires'] = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds={seconds})).strftime('%Y-%m-%dT%H:%M:%SZ')
aws('s3').put_object(**key, Body=json.dumps(lease))",
            bucket(&account)
        ))
    };
    moved(30)?;
    expect(&account.up(&APPLY)?, 5, "the stack is locked by apply of ")?;
    // The clocks of two machines may differ.
    moved(-3)?;
    expect(&account.up(&APPLY)?, 5, "the stack is locked by apply of ")?;
    moved(-11)?;
    expect(&account.up(&APPLY)?, 0, "took over the lock of apply of ")?;
    settled(&account)
}

fn unlocked() -> Result {
    let account = stage()?;
    let first = halted(&account, "s3:PutObject")?;
    let unlocked = account.up(&["unlock", "stack.toml", "--auto-approve"])?;
    // It has checked the lock less than a second ago.
    thread::sleep(Duration::from_millis(1200));
    signal(&first, "-CONT")?;
    expect(&unlocked, 0, "Unlocked shared.")?;
    let first = ended(first)?;
    if first.code == 0 || !first.stderr.contains("unlock") {
        return fail(format!("ended with {}:\n{}", first.code, first.stderr));
    }
    expect(&account.up(&APPLY)?, 0, "")?;
    settled(&account)
}

/// Runs that ended, failed and were killed, in a bucket and in a folder.
fn history() -> Result {
    for is_in_a_bucket in [true, false] {
        let account = stage()?;
        let file = account.folder.path().join("stack.toml");
        if !is_in_a_bucket {
            fs::write(&file, STACK.replace("backend", "# backend"))?;
        }
        expect_shown(&account, "No run of shared in ")?;
        let mut killed = halted(&account, "logs:CreateLogGroup")?;
        expect_shown(&account, "running after ")?;
        killed.kill()?;
        killed.wait()?;
        expect_shown(&account, "interrupted after ")?;
        expect_shown(&account, "no answer to create logs.log_group.orders:")?;
        expect(&account.up(&APPLY)?, 0, "Done after ")?;
        expect(&account.up(&["destroy", "stack.toml", "--auto-approve"])?, 0, "8 deleted")?;
        let told = account.json(&["history", "stack.toml"])?;
        let tell =
            |key: &str| told["runs"].as_array().into_iter().flatten().map(|run| run[key].clone()).collect::<Vec<_>>();
        let commands: Vec<_> = tell("begin").iter().map(|begin| begin["command"].clone()).collect();
        if tell("result") != ["done", "done", "interrupted"] || commands != ["destroy", "apply", "apply"] {
            return fail(format!("it tells {told}"));
        }
        if tell("changed")[0]["delete"].as_array().is_none_or(|deleted| deleted.len() != 8) {
            return fail(format!("the destroy is told as {told}"));
        }
        let last = account.json(&["history", "stack.toml", "--limit", "1"])?;
        if last["runs"].as_array().is_none_or(|runs| runs.len() != 1) || last["has_more"] != true {
            return fail(format!("of one it tells {last}"));
        }
        if !is_in_a_bucket {
            let journal = account.folder.path().join("state/shared/journal.jsonl");
            let text = fs::read_to_string(&journal)?;
            fs::write(&journal, text.replacen("\"event\":\"calling\"", "\"event\":\"colling\"", 1))?;
            let damaged = account.up(&["history", "shared"])?;
            expect(&damaged, 0, "the journal of shared in state is damaged: 1 line could not be read")?;
            if !damaged.stdout.contains("8 deleted") {
                return fail(format!("the rest is not shown: {}", damaged.stdout));
            }
        }
    }
    Ok(())
}

fn expect_shown(account: &Account, text: &str) -> Result {
    let shown = account.up(&["history", "stack.toml"])?;
    if shown.code == 0 && shown.stdout.contains(text) {
        return Ok(());
    }
    fail(format!("{text:?} was expected:\n{}{}", shown.stdout, shown.stderr))
}

/// A test that needs a small disk; ignored where mounting is not permitted.
fn small(name: &str, test: fn() -> Result) -> Trial {
    let can_mount = || {
        let folder = TempDir::new()?;
        Disk::mount(folder.path(), "64k").map(drop)
    };
    trial(name, test).with_ignored_flag(can_mount().is_err())
}

/// A stack whose state is on a disk of `size`.
fn on_a_small_disk(size: &str) -> Result<(Account, Disk)> {
    let account = Account::new();
    fs::write(account.folder.path().join("stack.toml"), STACK.replace("backend", "# backend"))?;
    let state = account.folder.path().join("state");
    fs::create_dir(&state)?;
    Ok((account, Disk::mount(&state, size)?))
}

/// A disk in memory, unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, size: &str) -> Result<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at);
        match ran(mount)?.code {
            0 => Ok(Self(at.to_owned())),
            code => fail(format!("mount ended with {code}")),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg(&self.0);
        // If the disk stays mounted, removing its folder fails visibly.
        let _ = ran(unmount);
    }
}

fn full_disk() -> Result {
    let (account, _disk) = on_a_small_disk("64k")?;
    expect(&account.up(&APPLY)?, 1, "No space left on device")?;
    match account.calls()?.iter().find(|(_, mutating)| *mutating) {
        None => Ok(()),
        Some((call, _)) => fail(format!("it made {call} first")),
    }
}

fn filling_disk() -> Result {
    let (account, disk) = on_a_small_disk("1m")?;
    let run = halted(&account, "logs:CreateLogGroup")?;
    let full = fs::write(disk.0.join("filler"), vec![0; 2 << 20]);
    signal(&run, "-CONT")?;
    if full.is_ok() {
        return fail("the disk is not full");
    }
    expect(&ended(run)?, 0, "8 created")?;
    if !disk.0.join("shared/snapshot.json").exists() {
        return fail("there is no snapshot");
    }
    settled(&account)
}
