//! Random worlds in the sandbox: the real program, with an index that is late, tags that are lost, stacks that are half made, and
//! neighbours. `SWEEP_WORLDS=100` tries more, `SWEEP_SEED` others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{about, alive, approved, rules};
use crate::{
    disposable::ahead,
    harness::{Account, Result, fail, say},
    trial,
};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("sweep::random_worlds", worlds)]
}

/// How many worlds each run tries.
const WORLDS: u64 = 12;
/// How far AWS's clock is ahead: resources whose creation AWS tells are that old.
const AHEAD: i64 = 100 * 3600;
const HOUR: i64 = 3600;
const MINUTE: i64 = 60;

/// Numbers that look like chance: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, many: u64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((mixed ^ (mixed >> 31)) % many).unwrap_or_default()
    }
}

/// A stack as its users made it, and whether they still want it.
struct TrueStack {
    name: String,
    /// The tags of each resource, by the address.
    resources: BTreeMap<&'static str, BTreeMap<String, String>>,
    is_wanted: bool,
}

/// Resources that boto3 creates, by address.
const KINDS: [&str; 5] = ["ec2.vpc.main", "ec2.eip.main", "iam.role.main", "logs.log_group.main", "sns.topic.main"];

impl TrueStack {
    fn random(dice: &mut Dice, number: usize, now: i64) -> Self {
        let is_allowed = dice.below(5) > 0;
        let name = format!("{}-{number}", if is_allowed { "qa" } else { "other" });
        let text = |second: i64| Timestamp::from_second(second).map(|at| format!("{at:.0}")).unwrap_or_default();
        let is_disposable = dice.below(5) > 0;
        let born = now - 2 * HOUR - dice.below(60) * HOUR;
        let mut expires = born + HOUR + dice.below(24) * HOUR;
        let mut is_wanted = !is_allowed || !is_disposable || expires > now;
        let mut resources = BTreeMap::new();
        // A run may have been killed.
        for address in KINDS.into_iter().filter(|_| dice.below(4) > 0).collect::<Vec<_>>() {
            let mut tags = BTreeMap::from([
                ("bullstra:stack".to_owned(), name.clone()),
                ("bullstra:address".to_owned(), address.to_owned()),
            ]);
            if is_disposable {
                let mark = |key: &str, value: String| (format!("bullstra:{key}"), value);
                tags.extend([
                    mark("disposable", "true".into()),
                    mark("expires", text(expires)),
                    mark("created", text(born)),
                ]);
            }
            resources.insert(address, tags);
        }
        let places: Vec<_> = resources.keys().copied().collect();
        let Some(place) = places.get(usize::try_from(dice.below(5)).unwrap_or_default() % places.len().max(1)).copied()
        else {
            return Self { name, resources, is_wanted: true };
        };
        let tags = resources.get_mut(place).into_iter();
        let set = |key: &str, value: Option<String>| {
            for tags in tags {
                match value.clone() {
                    Some(value) => _ = tags.insert(key.to_owned(), value),
                    None => _ = tags.remove(key),
                }
            }
        };
        match dice.below(12) {
            lost @ 0..3 => {
                let (tag, text) = match lost {
                    0 => ("disposable", None),
                    1 => ("expires", None),
                    _ => ("expires", Some("soon")),
                };
                set(&format!("bullstra:{tag}"), text.map(str::to_owned));
                is_wanted = true;
            }
            // Half extended: the latest counts.
            3 if is_disposable => {
                expires = expires.max(now) + HOUR;
                set("bullstra:expires", Some(text(expires)));
                is_wanted = true;
            }
            // A later apply is at work, or was a moment ago.
            4 if is_disposable => {
                set("bullstra:created", Some(text(now - dice.below(25) * MINUTE)));
                is_wanted = true;
            }
            // A clock that was ahead.
            5 if is_disposable => {
                set("bullstra:created", Some(text(now + 3 * HOUR)));
                is_wanted = true;
            }
            _ => {}
        }
        Self { name, resources, is_wanted }
    }

    /// Python that creates its resources.
    fn python(&self) -> String {
        let made = self.resources.iter().map(|(address, tags)| {
            let (name, tags) = (&self.name, json!(tags));
            let list = format!("[{{'Key': k, 'Value': v}} for k, v in {tags}.items()]");
            let spec = |kind: &str| format!("TagSpecifications=[{{'ResourceType': '{kind}', 'Tags': {list}}}]");
            match *address {
                "ec2.vpc.main" => format!("ec2.create_vpc(CidrBlock='10.0.0.0/16', {})", spec("vpc")),
                "ec2.eip.main" => format!("ec2.allocate_address(Domain='vpc', {})", spec("elastic-ip")),
                "iam.role.main" => format!(
                    "iam.create_role(RoleName='{name}-main', Path='/bullstra-up/{name}/', AssumeRolePolicyDocument=TRUST, Tags={list})"
                ),
                "logs.log_group.main" => format!("logs.create_log_group(logGroupName='{name}-main', tags={tags})"),
                _ => format!("sns.create_topic(Name='{name}-main', Tags={list})"),
            }
        });
        made.collect::<Vec<_>>().join("\n")
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn worlds() -> Result {
    let (many, seed) = (number("SWEEP_WORLDS", WORLDS), number("SWEEP_SEED", 2026));
    let (mut stacks, mut taken) = (0, 0);
    for world in 0..many {
        let (all, gone) = one_world(seed.wrapping_mul(1_000_003).wrapping_add(world))
            .map_err(|error| format!("world {world} of seed {seed}: {error}"))?;
        (stacks, taken) = (stacks + all, taken + gone);
    }
    say(&format!("{many} worlds with {stacks} stacks: {taken} taken, none of them wrongly"));
    if taken * 20 > stacks { Ok(()) } else { fail(format!("only {taken} of {stacks} stacks were taken")) }
}

/// How many stacks there were, and how many of them were taken.
fn one_world(seed: u64) -> Result<(usize, usize)> {
    let (mut dice, account) = (Dice(seed), Account::new());
    let now = Timestamp::now().checked_add(SignedDuration::from_secs(AHEAD))?.as_second();
    let stacks: Vec<_> = (0..6).map(|number| TrueStack::random(&mut dice, number, now)).collect();
    let head = "ec2, iam, logs, sns = aws(\"ec2\"), aws(\"iam\"), aws(\"logs\"), aws(\"sns\")\n\
                TRUST = json.dumps({'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': 'sts:AssumeRole',\n\
                \x20   'Principal': {'Service': 'ecs-tasks.amazonaws.com'}}]})\n";
    let made: Vec<_> = stacks.iter().map(TrueStack::python).collect();
    // What is of no stack stays too.
    let neighbour = "ec2.create_vpc(CidrBlock='10.9.0.0/16')";
    account.python(&format!("{head}{}\n{neighbour}", made.join("\n")))?;
    rules(&account, &["qa-*"])?;
    let date = json!({ "match": { "service": "sts" }, "do": { "date": { "seconds": AHEAD } } });
    let mut faults = vec![date];
    if dice.below(2) == 0 {
        let index = json!({ "service": "resourcegroupstaggingapi" });
        faults.push(json!({ "match": index, "probability": 0.5, "do": { "stale": { "seconds": 1 } } }));
    }
    account.plant(&json!(faults))?;
    let before = owned(&account)?;
    let expected: BTreeSet<_> =
        stacks.iter().filter(|it| it.is_wanted && !it.resources.is_empty()).map(|it| it.name.clone()).collect();
    // The second finds what the index did not list yet.
    for is_last in [false, true] {
        let report = account.json(&[approved(&account), vec!["--max-stacks", "9"]].concat())?;
        let left = alive(&account)?;
        if let Some(wrong) = expected.difference(&left).next() {
            return fail(format!("{wrong} was wrongly taken: {}", about(&report, wrong)));
        }
        if let Some(late) = left.difference(&expected).next().filter(|_| is_last) {
            return fail(format!("{late} was not taken: {report}"));
        }
        ahead(&account, AHEAD)?;
    }
    let left = expected;
    // What stays is whole, and so is the neighbour's network.
    let after = owned(&account)?;
    let kept = |it: &&Value| match it["tags"]["bullstra:stack"].as_str() {
        Some(stack) => left.contains(stack),
        None => it["attributes"]["CidrBlock"] == "10.9.0.0/16",
    };
    if !before.iter().filter(kept).any(|it| it["tags"]["bullstra:stack"].is_null()) {
        return fail("the neighbour is missing");
    }
    if let Some(lost) = before.iter().filter(kept).find(|it| !after.contains(it)) {
        return fail(format!("{lost} was changed"));
    }
    let all = stacks.iter().filter(|it| !it.resources.is_empty()).count();
    Ok((all, all - left.len()))
}

fn owned(account: &Account) -> Result<Vec<Value>> {
    Ok(account.dump()?.into_iter().filter(|it| !crate::life::is_gone(it)).collect())
}
