//! What `list` shows, and what `extend` writes.

use std::{thread::sleep, time::Duration};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{LATER, SMALL, about, apply, of_account};
use crate::{
    disposable::{DISPOSABLE, RESOURCES, ahead, start, tags, values},
    harness::{Account, Result, TestError, fail},
    trial,
};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("sweep::stacks_are_listed_as_they_are", listed), trial("sweep::an_extension_only_lengthens", extended)]
}

fn listed() -> Result {
    let account = Account::new();
    apply(&account, "prod", "tags = { Owner = \"platform\" }\n", RESOURCES)?;
    apply(&account, "qa-1", &format!("{DISPOSABLE}tags = {{ owner = \"alice\" }}\n"), SMALL)?;
    apply(&account, "qa-2", "disposable = true\nttl = \"3d\"\n", SMALL)?;
    ahead(&account, LATER)?;
    let list = account.json(&of_account(&account, &["list"]))?;
    let one = |name: &str| about(&list, name).clone();
    let (prod, first, second) = (one("prod"), one("qa-1"), one("qa-2"));
    if list["stacks"].as_array().map(Vec::len) != Some(3)
        || (&prod["owner"], &prod["resources"], &prod["reason"]["why"])
            != (&json!("platform"), &json!(5), &json!("not_disposable"))
        || (&first["owner"], &first["resources"], &first["decision"]) != (&json!("alice"), &json!(2), &json!("destroy"))
        || (&second["owner"], &second["reason"]["why"]) != (&Value::Null, &json!("not_due"))
    {
        return fail(format!("the list is {list}"));
    }
    let expired = account.json(&of_account(&account, &["list", "--expired"]))?;
    if expired["stacks"].as_array().map(Vec::len) != Some(1) || about(&expired, "qa-1").is_null() {
        return fail(format!("expired are {expired}"));
    }
    let text = account.up(&of_account(&account, &["list"]))?;
    if !text.stdout.contains("3 stacks in account") || !text.stdout.contains("due 36 h ago") {
        return fail(format!("it shows {text:?}"));
    }
    // One call for each kind that there is, and not for each stack.
    let calls = list["api_calls"]["total"].as_u64().unwrap_or(u64::MAX);
    if calls > 40 {
        return fail(format!("it made {calls} calls"));
    }
    // What is gone is not listed, though the index still has it; what only IAM has is.
    account.python(r#"aws("iam").create_role(RoleName="left", Path="/bullstra-up/qa-3/", AssumeRolePolicyDocument=json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}),
    Tags=[{"Key": "bullstra:stack", "Value": "qa-3"}, {"Key": "bullstra:address", "Value": "iam.role.left"}])"#)?;
    let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": LATER } } });
    let stale = json!({ "match": { "service": "resourcegroupstaggingapi" }, "do": { "stale": { "seconds": 60 } } });
    account.plant(&json!([date, stale]))?;
    account.json(&["destroy", "qa-1.toml", "--auto-approve"])?;
    let list = account.json(&of_account(&account, &["list"]))?;
    if !about(&list, "qa-1").is_null() || about(&list, "qa-3")["resources"] != 1 {
        return fail(format!("with an index that is late, the list is {list}"));
    }
    // A run that is at work shows.
    account.plant(&json!([{ "match": { "operation": "DeleteVpc" }, "do": { "hold": "before" } }]))?;
    let mut run = start(&account, &["destroy", "qa-2.toml", "--auto-approve"])?;
    if !account.is_held(30)? {
        return fail("it does not come to DeleteVpc");
    }
    let list = account.json(&of_account(&account, &["list"]))?;
    let locked = about(&list, "qa-2")["locked"].to_string();
    account.release("go_on")?;
    account.unplant()?;
    run.wait()?;
    if locked.contains("destroy of") { Ok(()) } else { fail(format!("the run at work does not show: {locked}")) }
}

fn extended() -> Result {
    let account = Account::new();
    apply(&account, "qa-1", DISPOSABLE, RESOURCES)?;
    apply(&account, "prod", "", SMALL)?;
    let expires = |account: &Account| Ok::<_, TestError>(values(&tags(account, "qa-1")?, "bullstra:expires"));
    let extend = |time: &'static str| [vec!["extend", "qa-1", time], of_account(&account, &[])].concat();
    let before = expires(&account)?;
    let answer = account.json(&extend("+4h"))?;
    let first = expires(&account)?;
    if first.len() != 1 || first <= before || answer["stamped"] != 5 || answer["expires"] != json!(first.first()) {
        return fail(format!("it expires at {first:?}, and not at {before:?} any more: {answer}"));
    }
    // Killed in the middle: some have the new expiry, and the latest counts.
    account.plant(&json!([{ "match": { "operation": "TagRole" }, "do": { "hold": "before" } }]))?;
    let mut run = start(&account, &extend("+2h"))?;
    if !account.is_held(30)? {
        return fail("it does not come to TagRole");
    }
    sleep(Duration::from_millis(500));
    run.kill()?;
    run.wait()?;
    account.release("drop")?;
    account.unplant()?;
    let half = expires(&account)?;
    let list = account.json(&of_account(&account, &["list"]))?;
    if half.len() != 2 || about(&list, "qa-1")["expires"] != json!(half.last()) {
        return fail(format!("half done, the stack expires at {half:?}: {list}"));
    }
    account.json(&extend("+1h"))?;
    let again = expires(&account)?;
    if again.len() != 1 || again.first() <= half.last() {
        return fail(format!("repeated, it expires at {again:?}, and not after {half:?}"));
    }
    // Long after its end it counts from now, by AWS's clock.
    ahead(&account, 30 * 86_400)?;
    let late = account.json(&extend("+4h"))?;
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(30 * 24 + 4);
    let end: jiff::Timestamp = late["expires"].as_str().unwrap_or_default().parse()?;
    if end.duration_since(now).as_secs().abs() > 90 {
        return fail(format!("it expires at {end}, and not at {now}"));
    }
    for (arguments, code, said) in [
        (vec!["extend", "prod", "+4h"], 6, "is not disposable"),
        (vec!["extend", "nobody", "+4h"], 3, "there is no stack `nobody`"),
        (vec!["extend", "qa-1", "4h"], 3, "expected a time with a plus"),
        (vec!["extend", "qa-1", "+90d"], 6, "more than 90 days"),
    ] {
        let calls = account.calls()?.len();
        let ran = account.up(&of_account(&account, &arguments))?;
        let changed = account.calls()?[calls..].iter().any(|(_, mutating)| *mutating);
        if ran.code != code || !ran.stderr.contains(said) || changed {
            return fail(format!("{arguments:?}: {ran:?}"));
        }
    }
    Ok(())
}
