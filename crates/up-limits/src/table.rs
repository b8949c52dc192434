//! AWS's published limits, and which buckets a call draws from.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::Limit;

/// A bucket that a call draws from.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Which: `EC2:DescribeVpcs`, or the name that several operations share.
    pub bucket: String,
    /// What AWS grants.
    pub limit: Limit,
}

/// A row: operations of one service that have the same limit. See `limits.json`, which says where the numbers are from
/// and is what the sandbox goes by too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// As the SDK calls it.
    service: String,
    /// Names of operations; `*` at the end stands for any rest.
    operations: Vec<String>,
    /// See [`Limit`].
    capacity: f64,
    /// See [`Limit`].
    refill: f64,
    /// The bucket's name, where all these operations draw from one; without it each has its own.
    #[serde(default)]
    shared: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Table {
    limits: Vec<Row>,
}

static TABLE: LazyLock<Vec<Row>> = LazyLock::new(|| {
    const JSON: &str = include_str!("../../up-sandbox/python/bullstra_sandbox/limits.json");
    serde_json::from_str::<Table>(JSON).expect("a test reads the table").limits
});

/// Every bucket that one call draws a token from. For operations whose limit AWS does not publish there is one too, wide
/// enough to be no hindrance: it is there to be slowed down when AWS throttles.
pub fn draws(service: &str, operation: &str) -> Vec<Drawn> {
    let mut drawn: Vec<Drawn> = vec![];
    for row in TABLE.iter().filter(|row| row.service == service) {
        let is_own = row.shared.is_none();
        // The first row of an operation's own bucket counts: the table has the particular before the general.
        let has_own = || drawn.iter().any(|drawn| drawn.bucket == own(service, operation));
        if row.operations.iter().any(|pattern| matches(pattern, operation)) && !(is_own && has_own()) {
            let bucket = row.shared.clone().unwrap_or_else(|| own(service, operation));
            drawn.push(Drawn { bucket, limit: Limit { capacity: row.capacity, refill: row.refill } });
        }
    }
    if drawn.is_empty() {
        drawn.push(Drawn { bucket: own(service, operation), limit: UNPUBLISHED });
    }
    drawn
}

/// More than AWS has been seen to allow: the start for what it does not publish.
const UNPUBLISHED: Limit = Limit { capacity: 100.0, refill: 50.0 };

fn own(service: &str, operation: &str) -> String {
    format!("{service}:{operation}")
}

fn matches(pattern: &str, operation: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => operation.starts_with(start),
        None => pattern == operation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(service: &str, operation: &str) -> Vec<(String, f64, f64)> {
        draws(service, operation).into_iter().map(|it| (it.bucket, it.limit.capacity, it.limit.refill)).collect()
    }

    #[test]
    fn each_operation_has_its_bucket() {
        assert_eq!(drawn("EC2", "DescribeVpcs"), [("EC2:DescribeVpcs".into(), 100.0, 20.0)]);
        assert_eq!(drawn("EC2", "CreateVpc"), [("EC2:CreateVpc".into(), 50.0, 5.0)]);
        assert_eq!(drawn("EC2", "CreateTags"), [("EC2:CreateTags".into(), 100.0, 10.0)]);
        assert_eq!(drawn("Nobody", "Knows"), [("Nobody:Knows".into(), 100.0, 50.0)]);
    }

    #[test]
    fn some_draw_from_several() {
        let names = |operation: &str| -> Vec<_> {
            draws("Elastic Load Balancing v2", operation).into_iter().map(|drawn| drawn.bucket).collect()
        };
        assert_eq!(names("DescribeRules"), ["elbv2-all"]);
        assert_eq!(names("CreateRule"), ["elbv2-all", "elbv2-mutating"]);
        assert_eq!(names("CreateLoadBalancer"), ["elbv2-all", "elbv2-load-balancers"]);
    }
}
