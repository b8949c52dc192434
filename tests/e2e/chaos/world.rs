//! The dump of all resources in an account, without the names that AWS generates.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex_lite::Regex;
use serde_json::Value;

use super::{Tally, stage::ChaosAccount};
use crate::{harness::Result, life::is_gone};

/// Existing resources as text, with addresses in place of ids. Two dumps are equal if they differ only in ids, times
/// and network addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccountDump {
    /// How often each resource occurs.
    resources: BTreeMap<String, usize>,
    /// Addresses of more than one resource.
    doubles: BTreeSet<String>,
}

impl AccountDump {
    /// Reads a dump of the sandbox.
    pub(super) fn of(dump: &[Value], account: &str) -> Self {
        let alive: Vec<_> = dump.iter().filter(|resource| !is_gone(resource)).collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut names: Vec<(String, String)> = vec![];
        let mut addresses: BTreeMap<String, usize> = BTreeMap::new();
        for resource in &alive {
            let address = text(&resource["tags"]["bullstra:address"]);
            if !address.is_empty() {
                *addresses.entry(address.clone()).or_default() += 1;
            }
            let name =
                if address.is_empty() { format!("<{}>", text(&resource["type"])) } else { format!("<{address}>") };
            names.push((text(&resource["id"]), name));
        }
        // Longer ids first: one may begin with another.
        names.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
        let mut resources = BTreeMap::new();
        for resource in &alive {
            let told = told(resource, &names, account);
            *resources.entry(told).or_default() += 1;
        }
        let doubles = addresses.into_iter().filter(|(_, count)| *count > 1).map(|(address, _)| address).collect();
        Self { resources, doubles }
    }

    /// The resources that occur here more often than in `other`.
    fn beyond(&self, other: &Self) -> Vec<&str> {
        let more = |(resource, count): (&'_ String, &usize)| {
            count.saturating_sub(other.resources.get(resource).copied().unwrap_or_default())
        };
        self.resources.iter().flat_map(|entry| std::iter::repeat_n(entry.0.as_str(), more(entry))).collect()
    }
}

/// A resource without the values that AWS generates.
fn told(resource: &Value, names: &[(String, String)], account: &str) -> String {
    let plain = |text: &str| {
        let mut text = text.to_owned();
        for (id, name) in names.iter().filter(|(id, _)| id.len() > 3) {
            text = text.replace(id.as_str(), name);
        }
        text = text.replace(account, "<account>");
        for (pattern, name) in &*MADE_UP {
            text = pattern.replace_all(&text, *name).into_owned();
        }
        text
    };
    let mut resource = resource.clone();
    strip(&mut resource, &plain);
    if resource.to_string().contains("RDSNetworkInterface") || resource["type"] == "rds.instance" {
        // RDS chooses where a database is placed.
        resource["attributes"].as_object_mut().into_iter().for_each(|attributes| {
            attributes.retain(|name, _| {
                !["SubnetId", "AvailabilityZone", "SecondaryAvailabilityZone"].contains(&name.as_str())
            });
        });
    }
    resource.to_string()
}

/// Generated values besides ids, and their placeholders.
static MADE_UP: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let made_up = [
        (
            r"\b(vpc-cidr-assoc|eipassoc|rtbassoc|aclassoc|ela-attach|eni|sgr|acl|eipalloc|dopt|subnet|vpc|igw|sg|rtb|nat|vpce|pl)-[0-9a-f]{8,}",
            "<$1>",
        ),
        (r"\bip-\d+-\d+-\d+-\d+\b", "<host>"),
        (r"^\d+\.\d+\.\d+\.\d+$", "<address>"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-\d+)?", "<uuid>"),
        (r">-[0-9a-f]{8}\b", ">-<hex>"),
        (r"<uuid>-[A-Za-z0-9]{6}\b", "<uuid>"),
        (r"\.[0-9a-f]{6}\.c2\.kafka", ".<hex>.c2.kafka"),
        (r"\.c[a-z0-9]{11}\.us-east-1\.rds", ".<customer>.us-east-1.rds"),
        (r"/[0-9a-f]{16}\b", "/<hex>"),
        (r"\b(AROA|AIPA|ANPA)[A-Z0-9]{12,}", "<iam>"),
        (r"-\d{1,12}\.us-east-1\.elb", "-<number>.us-east-1.elb"),
    ];
    made_up.map(|(pattern, name)| (Regex::new(pattern).expect("a good pattern"), name)).into()
});

/// Removes times and counters; replaces text by `plain`.
fn strip(value: &mut Value, plain: &impl Fn(&str) -> String) {
    const TIMES: [&str; 6] = ["time", "date", "createdat", "timestamp", "updated", "registeredat"];
    const MADE_UP: [&str; 10] = [
        "revision",
        "macaddress",
        "events",
        "deployments",
        "dbiresourceid",
        "availableipaddresscount",
        "instanceprofileid",
        "policyid",
        "roleid",
        "currentversion",
    ];
    match value {
        Value::String(text) => *text = plain(text),
        Value::Object(map) => {
            map.retain(|key, _| {
                let key = key.to_lowercase();
                !TIMES.iter().any(|end| key.ends_with(end))
                    && !MADE_UP.contains(&key.as_str())
                    && key != "bullstra:generation"
            });
            map.values_mut().for_each(|value| strip(value, plain));
        }
        Value::Array(list) => {
            list.iter_mut().for_each(|value| strip(value, plain));
            // These lists are sets for AWS.
            list.sort_by_key(ToString::to_string);
        }
        _ => {}
    }
}

impl Tally {
    /// Compares the resources that a test run has left with those of an undisturbed run, and checks that a plan has no
    /// steps.
    pub(super) fn judge(&mut self, stage: &ChaosAccount, expected: &AccountDump, stands: bool) -> Result {
        let world = stage.world()?;
        let (more, less) = (world.beyond(expected), expected.beyond(&world));
        self.duplicates = world.doubles.difference(&expected.doubles).count();
        self.orphans = more.len().saturating_sub(less.len()).saturating_sub(self.duplicates);
        let at_rest = !stands || stage.settled()?;
        if more.is_empty() && less.is_empty() && at_rest {
            self.converged = 1;
            return Ok(());
        }
        let listed = |lines: &[&str]| lines.iter().take(20).map(|line| format!("    {line}\n")).collect::<String>();
        crate::harness::say(&format!(
            "  differs from an undisturbed run; at rest: {at_rest}, twice: {:?}\n  more:\n{}  less:\n{}",
            world.doubles,
            listed(&more),
            listed(&less)
        ));
        Ok(())
    }
}
