//! The health checks of a target group.

use aws_sdk_elasticloadbalancingv2::types::{self as wire, Matcher};
use up_core::{mirror, placeholder, prelude::*};

use crate::{
    check_range,
    words::{Protocol, ProtocolVersion},
};

/// The health checks of a target group's targets. AWS's defaults depend on the target group's protocol.
#[part(Default)]
pub(crate) struct HealthCheck {
    /// Whether health checks are enabled; they can be disabled for Lambda only. Left out: AWS's default, false for
    /// Lambda, else true.
    pub(crate) enabled: Option<bool>,
    /// The protocol for health checks. Left out: AWS's default, `HTTP` for application load balancers, else `TCP`.
    pub(crate) protocol: Option<Protocol>,
    /// The port for health checks, or `traffic-port`. Left out: AWS's default, the port on which the target receives
    /// traffic.
    pub(crate) port: Option<String>,
    /// The path for health checks. Left out: AWS's default, `/`.
    pub(crate) path: Option<String>,
    /// The status codes of a healthy target: `200`, `200,204` or `200-299`; for gRPC, codes from 0 to 99. Left out:
    /// AWS's default.
    matcher: Option<String>,
    /// The number of seconds between health checks of a target, 5 to 300. Left out: AWS's default.
    pub(crate) interval_seconds: Option<i32>,
    /// The number of seconds without a response after which a health check fails, 2 to 120. Left out: AWS's default.
    pub(crate) timeout_seconds: Option<i32>,
    /// The number of consecutive successful health checks before an unhealthy target is healthy, 2 to 10. Left out:
    /// AWS's default.
    pub(crate) healthy_threshold_count: Option<i32>,
    /// The number of consecutive failed health checks before a target is unhealthy, 2 to 10. Left out: AWS's default.
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

    /// AWS has separate members for the codes of gRPC and of HTTP.
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
            let message = format!("expected status codes such as `200`, `200,204` or `200-299`, and this is `{text}`");
            Problem::new("health_check.matcher", message)
        });
        let deferred =
            self.interval_seconds.zip(self.timeout_seconds).filter(|(interval, timeout)| timeout >= interval);
        let deferred = deferred.map(|(interval, _)| {
            let message = format!("expected less than `interval_seconds`, which is {interval}");
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

/// Numbers or ranges, separated by commas.
fn is_matcher(text: &str) -> bool {
    let number = |text: &str| (1..=3).contains(&text.len()) && text.chars().all(|c| c.is_ascii_digit());
    let one = |part: &str| part.split_once('-').map_or(number(part), |(first, last)| number(first) && number(last));
    placeholder::has_placeholder(text) || text.split(',').all(one)
}
