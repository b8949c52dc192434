//! Counts in all JSON reports.

use std::collections::BTreeMap;

use serde::Serialize;
use up_core::{Call, Meter};
use up_plan::Summary;

/// Planned or finished changes, counted by resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// New resources.
    pub(crate) create: usize,
    /// Updated in place.
    pub(crate) update: usize,
    /// Replaced.
    pub(crate) replace: usize,
    /// Deleted.
    pub(crate) delete: usize,
    /// Renamed.
    pub(crate) retag: usize,
    /// Not done because of an error.
    pub(crate) failed: usize,
}

impl Counts {
    /// The counts of a plan.
    pub(crate) fn planned(summary: &Summary) -> Self {
        let Summary { create, update, replace, delete, retag } = *summary;
        Self { create, update, replace, delete, retag, failed: 0 }
    }

    /// The counts of a run.
    pub(crate) fn done(outcome: &up_apply::Outcome) -> Self {
        let count = |verb| outcome.done.get(verb).copied().unwrap_or_default();
        Self {
            create: count("create"),
            update: count("update"),
            replace: count("replace"),
            delete: count("delete"),
            retag: count("retag"),
            failed: outcome.failed.len(),
        }
    }
}

/// The API calls made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ApiCalls {
    /// All calls.
    pub(crate) total: u64,
    /// Calls that change AWS.
    pub(crate) mutating: u64,
    /// Calls that AWS throttled; `total` includes them.
    pub(crate) throttled: u64,
    /// The counts by operation, as IAM names it: `ec2:DescribeVpcs`.
    pub(crate) by_operation: BTreeMap<String, u64>,
}

impl ApiCalls {
    /// The calls counted by a meter.
    pub(crate) fn of(meter: &Meter) -> Self {
        Self { throttled: meter.throttled(), ..Self::counted(&meter.counts()) }
    }

    /// The given counts, with no call throttled.
    pub(crate) fn counted(counts: &BTreeMap<Call, u64>) -> Self {
        let named = |call: &Call| format!("{}:{}", call.service, call.operation);
        Self {
            total: counts.values().sum(),
            mutating: counts.iter().filter(|(call, _)| call.is_mutating()).map(|(_, count)| count).sum(),
            throttled: 0,
            by_operation: counts.iter().map(|(call, count)| (named(call), *count)).collect(),
        }
    }

    /// The counts by service, the largest first.
    pub(crate) fn by_service(&self) -> Vec<(&str, u64)> {
        let mut services: BTreeMap<&str, u64> = BTreeMap::new();
        for (operation, count) in &self.by_operation {
            let service = operation.split_once(':').map_or(operation.as_str(), |(service, _)| service);
            *services.entry(service).or_default() += count;
        }
        let mut services: Vec<_> = services.into_iter().collect();
        services.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        services
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_service_and_operation() {
        let call = |service: &str, operation: &str| Call { service: service.into(), operation: operation.into() };
        let calls = ApiCalls::counted(&BTreeMap::from([
            (call("ec2", "DescribeVpcs"), 2),
            (call("ec2", "CreateVpc"), 1),
            (call("elasticloadbalancing", "DescribeRules"), 5),
            (call("tag", "GetResources"), 1),
        ]));
        assert_eq!((calls.total, calls.mutating), (9, 1));
        let names: Vec<_> = calls.by_operation.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["ec2:CreateVpc", "ec2:DescribeVpcs", "elasticloadbalancing:DescribeRules", "tag:GetResources"]
        );
        assert_eq!(calls.by_service(), [("elasticloadbalancing", 5), ("ec2", 3), ("tag", 1)]);
    }
}
