//! How a load balancer finds out which targets work.

use aws_sdk_elasticloadbalancingv2::types::{self as wire, Matcher};
use up_core::{mirror, placeholder, prelude::*};

use crate::{
    check_range,
    words::{Protocol, ProtocolVersion},
};

/// How a load balancer finds out which targets work. AWS's defaults depend on the group's protocol.
#[part(Default)]
pub(crate) struct HealthCheck {
    /// Whether targets are checked at all; only for Lambda are they not by default. Left out: AWS's default.
    pub(crate) enabled: Option<bool>,
    /// What is spoken. Left out: AWS's default, `HTTP` for application load balancers, else `TCP`.
    pub(crate) protocol: Option<Protocol>,
    /// The port, or `traffic-port`. Left out: AWS's default, the port that traffic goes to.
    pub(crate) port: Option<String>,
    /// What is asked for. Left out: AWS's default, `/`.
    pub(crate) path: Option<String>,
    /// Statuses of a target that works: `200`, `200,204` or `200-299`; for gRPC, of `0` to `99`. Left out: AWS's
    /// default.
    matcher: Option<String>,
    /// Seconds between two checks of one target, 5 to 300. Left out: AWS's default.
    pub(crate) interval_seconds: Option<i32>,
    /// Seconds after which a check has failed, 2 to 120. Left out: AWS's default.
    pub(crate) timeout_seconds: Option<i32>,
    /// How many checks must succeed before a target counts as working, 2 to 10. Left out: AWS's default.
    pub(crate) healthy_threshold_count: Option<i32>,
    /// How many checks must fail before a target counts as broken, 2 to 10. Left out: AWS's default.
    pub(crate) unhealthy_threshold_count: Option<i32>,
}

impl HealthCheck {
    pub(crate) fn observed(group: &wire::TargetGroup) -> Result<Self> {
        let matcher = group.matcher.as_ref();
        Ok(Self {
            enabled: group.health_check_enabled,
            protocol: mirror::read(group.health_check_protocol.as_ref(), "protocol")?,
            port: group.health_check_port.clone(),
            path: group.health_check_path.clone(),
            matcher: matcher.and_then(|matcher| matcher.http_code.clone().or_else(|| matcher.grpc_code.clone())),
            interval_seconds: group.health_check_interval_seconds,
            timeout_seconds: group.health_check_timeout_seconds,
            healthy_threshold_count: group.healthy_threshold_count,
            unhealthy_threshold_count: group.unhealthy_threshold_count,
        })
    }

    /// AWS keeps statuses of gRPC apart from those of HTTP.
    pub(crate) fn matcher(&self, version: Option<ProtocolVersion>) -> Option<Matcher> {
        let matcher = self.matcher.as_ref().map(|codes| match version {
            Some(ProtocolVersion::Grpc) => Matcher::builder().grpc_code(codes),
            _ => Matcher::builder().http_code(codes),
        });
        matcher.map(|matcher| matcher.build())
    }

    pub(crate) fn check(&self) -> Vec<Problem> {
        let number = |field: &str, value: Option<i32>, range| {
            value.and_then(|value| check_range(&format!("health_check.{field}"), value, range))
        };
        let matcher = self.matcher.as_deref().filter(|text| !is_matcher(text)).map(|text| {
            let message = format!("statuses are `200`, `200,204` or `200-299`, and this is `{text}`");
            Problem::new("health_check.matcher", message)
        });
        let deferred =
            self.interval_seconds.zip(self.timeout_seconds).filter(|(interval, timeout)| timeout >= interval);
        let deferred = deferred.map(|(interval, _)| {
            let message = format!("a check must have failed before the next one begins, {interval} seconds later");
            Problem::new("health_check.timeout_seconds", message)
        });
        let found = [
            number("interval_seconds", self.interval_seconds, 5..=300),
            number("timeout_seconds", self.timeout_seconds, 2..=120),
            number("healthy_threshold_count", self.healthy_threshold_count, 2..=10),
            number("unhealthy_threshold_count", self.unhealthy_threshold_count, 2..=10),
            matcher,
            deferred,
        ];
        found.into_iter().flatten().collect()
    }
}

/// Numbers, or ranges of them, with commas between.
fn is_matcher(text: &str) -> bool {
    let number = |text: &str| (1..=3).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let one = |part: &str| part.split_once('-').map_or(number(part), |(first, last)| number(first) && number(last));
    placeholder::has_placeholder(text) || text.split(',').all(one)
}
