//! AWS's limits, and which buckets a call draws from.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::Limit;

/// A bucket that a call draws from.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Which: `ec2:DescribeVpcs`, or what several operations share.
    pub bucket: String,
    /// What is ours to use of it.
    pub limit: Limit,
}

/// A row of `limits.json`, which says what its columns mean. The sandbox enforces the same limits; a test of its own compares them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    service: String,
    operation: String,
    capacity: f64,
    refill: f64,
    #[serde(default)]
    shared: Option<String>,
    #[serde(default)]
    also: bool,
    #[serde(default, rename = "guess")]
    _guess: bool,
}

#[derive(Debug, Deserialize)]
struct Table {
    /// What the SDK calls each service.
    services: BTreeMap<String, String>,
    limits: Vec<Row>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    const JSON: &str = include_str!("limits.json");
    serde_json::from_str(JSON).expect("a test reads the table")
});

/// By how many seconds calls may arrive nearer to each other than they were let through.
const UNEVEN: f64 = 0.6;

/// Every bucket that one call draws a token from, the one that fills most slowly first: a token is taken when the call has
/// waited for all before, and is then used at once, as AWS counts it. `service` is the SDK's name of it.
pub fn draws(service: &str, operation: &str) -> Vec<Drawn> {
    let known = TABLE.services.iter().find(|(_, sdk)| *sdk == service);
    let service = known.map_or(service, |(service, _)| service.as_str());
    let rows = || TABLE.limits.iter().filter(|row| row.is_of(service, operation));
    let first = rows().find(|row| !row.also);
    let mut drawn: Vec<Drawn> = vec![];
    for row in first.into_iter().chain(rows().filter(|row| row.also)) {
        let bucket = row.bucket(service, operation);
        if drawn.iter().all(|other| other.bucket != bucket) {
            drawn.push(Drawn { bucket, limit: row.ours() });
        }
    }
    drawn.sort_by(|one, other| one.limit.refill.total_cmp(&other.limit.refill));
    drawn
}

impl Row {
    fn is_of(&self, service: &str, operation: &str) -> bool {
        let is_meant = match self.operation.strip_prefix('!') {
            Some(pattern) => !matches(pattern, operation),
            None => matches(&self.operation, operation),
        };
        matches(&self.service, service) && is_meant
    }

    fn bucket(&self, service: &str, operation: &str) -> String {
        format!("{service}:{}", self.shared.as_deref().unwrap_or(operation))
    }

    /// Calls that are let through evenly arrive unevenly: the tokens of that time are left in the bucket.
    fn ours(&self) -> Limit {
        let reserve = (self.refill * UNEVEN).ceil().max(1.0);
        Limit { capacity: (self.capacity - reserve).max(1.0), refill: self.refill }
    }
}

/// `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    rest.is_empty() || name.char_indices().any(|(at, _)| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(service: &str, operation: &str) -> Vec<(String, f64, f64)> {
        draws(service, operation).into_iter().map(|it| (it.bucket, it.limit.capacity, it.limit.refill)).collect()
    }

    #[test]
    fn each_operation_has_its_bucket() {
        assert_eq!(drawn("EC2", "DescribeVpcs"), [("ec2:DescribeVpcs".into(), 88.0, 20.0)]);
        assert_eq!(drawn("EC2", "CreateVpc"), [("ec2:CreateVpc".into(), 47.0, 5.0)]);
        assert_eq!(drawn("EC2", "CreateTags"), [("ec2:CreateTags".into(), 94.0, 10.0)]);
        assert_eq!(drawn("Nobody", "Knows"), [("Nobody:Knows".into(), 44.0, 10.0)]);
    }

    #[test]
    fn some_draw_from_several_the_slowest_first() {
        let names = |operation: &str| -> Vec<_> {
            draws("Elastic Load Balancing v2", operation).into_iter().map(|drawn| drawn.bucket).collect()
        };
        assert_eq!(names("DescribeRules"), ["elbv2:all"]);
        assert_eq!(names("CreateRule"), ["elbv2:modify", "elbv2:all"]);
        assert_eq!(names("SetSubnets"), ["elbv2:load balancers", "elbv2:modify", "elbv2:all"]);
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name) in [("*", ""), ("*", "x"), ("Describe*", "DescribeVpcs"), ("*Task*", "RunTask"), ("a", "a")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("Describe*", "GetIt"), ("*Cluster", "Clusters"), ("* unfiltered", "Describe")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
