//! Resources without tags, identified by their parents and natural keys, beside resources of others.

use std::{collections::BTreeSet, fs};

use libtest_mimic::Trial;

use crate::{
    harness::{Account, Result, edit, fail, root},
    life::{Steps, exists, expect},
    trial,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("children::subscriptions_are_found_and_those_of_others_stay", subscriptions)]
}

/// The stack has four subscriptions of a topic, one of which is pending, and somebody else has one more.
fn subscriptions() -> Result {
    let account = Account::new();
    let before = exists(&account)?;
    let (file, state) = (account.folder.path().join("stack.toml"), account.folder.path().join("state"));
    fs::copy(root().join("tests/kinds/sns.subscription/stack.toml"), &file)?;
    let apply = || account.json(&["apply", "stack.toml", "--auto-approve"]);
    let applied = apply()?;
    if !applied.to_string().contains("waits for confirmation") {
        return fail(format!("nothing is said of what is pending: {applied}"));
    }
    account
        .python(r#"aws("sns").subscribe(TopicArn=id("sns.topic.orders"), Protocol="sms", Endpoint="+491701234567")"#)?;
    left(&account, &["sqs", "lambda", "firehose", "https", "sms"])?;

    // A subscription that the stack has applied and no longer declares is deleted.
    edit(&file, "[sns.subscription.plain]\ntopic = \"orders\"\nprotocol = \"lambda\"\n", "")?;
    edit(&file, "endpoint = \"arn:aws:lambda:us-east-1:${stack.account}:function:orders\"\n", "")?;
    let deleted = Steps::from([("delete".into(), ["sns.subscription.plain".into()].into())]);
    expect(&account.json(&["plan", "stack.toml"])?, &deleted)?;
    apply()?;
    left(&account, &["sqs", "firehose", "https", "sms"])?;

    // The other subscriptions are found without history, and no call is made for those of others.
    fs::remove_dir_all(&state)?;
    let plan = account.json(&["plan", "stack.toml"])?;
    expect(&plan, &Steps::new())?;
    let asked = &plan["api_calls"]["by_operation"]["sns:GetSubscriptionAttributes"];
    if *asked != 2 {
        return fail(format!("{asked} calls for two subscriptions"));
    }

    // Without history, a subscription that the files do not declare may not be the stack's.
    edit(&file, "protocol = \"firehose\"", "protocol = \"sqs\"")?;
    edit(&file, "arn:aws:firehose:us-east-1:${stack.account}:deliverystream/orders", "arn:aws:sqs:us-east-1:1:more")?;
    edit(&file, "subscription_role_arn = \"arn:aws:iam::${stack.account}:role/${inputs.role}\"\n", "")?;
    let created = Steps::from([("create".into(), ["sns.subscription.archive".into()].into())]);
    expect(&account.json(&["plan", "stack.toml"])?, &created)?;

    account.json(&["destroy", "stack.toml", "--auto-approve"])?;
    let left: Vec<_> = exists(&account)?.difference(&before).cloned().collect();
    if left.is_empty() { Ok(()) } else { fail(format!("left behind after destroy: {left:?}")) }
}

/// Checks that the topic has subscriptions with exactly these protocols.
fn left(account: &Account, protocols: &[&str]) -> Result {
    let dump = account.dump()?;
    let subscriptions = dump.iter().filter(|resource| resource["type"] == "sns.subscription");
    let found: BTreeSet<_> = subscriptions.filter_map(|resource| resource["attributes"]["Protocol"].as_str()).collect();
    let expected: BTreeSet<_> = protocols.iter().copied().collect();
    if found == expected { Ok(()) } else { fail(format!("there are subscriptions of {found:?}, not of {expected:?}")) }
}
