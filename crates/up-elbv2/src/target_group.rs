//! `elbv2.target_group`: the targets of a load balancer.

use aws_sdk_elasticloadbalancingv2::types::{self as wire, TargetGroupAttribute};
use up_core::{mirror, prelude::*};

use crate::{
    attributes::{Attributes, Row},
    check_name, check_range, client,
    find::{self, PAGE},
    health_check::HealthCheck,
    list, made, named,
    words::{Algorithm, Protocol, ProtocolVersion, StickinessType, Switch, TargetAddressType, TargetType},
};

/// Routes requests to registered targets: instances, IP addresses, a Lambda function or an application load balancer.
///
/// Targets are not registered by this kind: an ECS service, for example, registers its tasks. On a replacement the new
/// target group is created under another name, listeners and rules change to it, and the old one is deleted.
#[spec]
pub struct TargetGroup {
    /// Its name, 32 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// The type of the targets: `instance`, `ip` (needed for ECS on Fargate), `lambda` or `alb`. Default: `instance`.
    #[spec(replace, default = TargetType::Instance)]
    target_type: TargetType,
    /// The protocol for traffic to targets: `HTTP` or `HTTPS` for application load balancers. Required, except for
    /// `lambda`.
    #[spec(replace)]
    protocol: Option<Protocol>,
    /// The HTTP version for requests to targets. Left out: AWS's default, `HTTP1`.
    #[spec(replace)]
    protocol_version: Option<ProtocolVersion>,
    /// The port on which targets receive traffic, unless a target is registered with another. Required, except for
    /// `lambda`.
    #[spec(replace)]
    port: Option<i32>,
    /// The VPC of the targets. Required, except for `lambda`.
    #[spec(replace)]
    vpc: Option<Ref<names::Vpc>>,
    /// The IP address type of the targets: `ipv4` or `ipv6`. Left out: AWS's default, `ipv4`.
    #[spec(replace)]
    ip_address_type: Option<TargetAddressType>,
    /// The health checks of the targets. Default: AWS's defaults for all fields.
    #[spec(default)]
    health_check: HealthCheck,
    /// The number of seconds for which a deregistered target is draining, 0 to 3,600. Left out: unchanged; 300 on
    /// creation.
    deregistration_delay: Option<i32>,
    /// Terminates connections at the end of the deregistration delay; for network load balancers. Left out: unchanged.
    deregistration_connection_termination: Option<bool>,
    /// Sticky sessions. Left out: unchanged; disabled on creation.
    stickiness: Option<Stickiness>,
    /// The slow start duration in seconds, in which a new target gets an increasing share of requests: 30 to 900, or 0
    /// to disable it; for application load balancers. Left out: unchanged; 0 on creation.
    slow_start: Option<i32>,
    /// The routing algorithm; for application load balancers. Left out: unchanged; `round_robin` on creation.
    load_balancing_algorithm: Option<Algorithm>,
    /// Routes fewer requests to anomalous targets; for `weighted_random`. Left out: unchanged; `off` on creation.
    anomaly_mitigation: Option<Switch>,
    /// Cross-zone load balancing. Left out: unchanged; the load balancer's setting on creation.
    cross_zone: Option<bool>,
    /// Preserves the client's IP address; for network load balancers. Left out: unchanged.
    preserve_client_ip: Option<bool>,
    /// Enables proxy protocol version 2; for network load balancers. Left out: unchanged; false on creation.
    proxy_protocol_v2: Option<bool>,
    /// Terminates connections to unhealthy targets; for network load balancers. Left out: unchanged.
    unhealthy_connection_termination: Option<bool>,
}

/// Sticky sessions: requests of a client are routed to the same target.
#[part]
struct Stickiness {
    /// Enables sticky sessions. Default: true.
    #[spec(default = true)]
    enabled: bool,
    /// The type of stickiness. Left out: unchanged; `lb_cookie` or `source_ip` on creation.
    r#type: Option<StickinessType>,
    /// The duration in seconds, 1 to 604,800; for `lb_cookie` and `app_cookie`. Left out: unchanged; 86400 on creation.
    duration_seconds: Option<i32>,
    /// The name of the application cookie; for `app_cookie`.
    cookie_name: Option<String>,
}

/// The fields that are attributes in the API, except for stickiness.
const ROWS: [Row; 9] = [
    ("deregistration_delay", "deregistration_delay.timeout_seconds"),
    ("deregistration_connection_termination", "deregistration_delay.connection_termination.enabled"),
    ("slow_start", "slow_start.duration_seconds"),
    ("load_balancing_algorithm", "load_balancing.algorithm.type"),
    ("anomaly_mitigation", "load_balancing.algorithm.anomaly_mitigation"),
    ("cross_zone", CROSS_ZONE),
    ("preserve_client_ip", "preserve_client_ip.enabled"),
    ("proxy_protocol_v2", "proxy_protocol_v2.enabled"),
    ("unhealthy_connection_termination", "target_health_state.unhealthy.connection_termination.enabled"),
];

const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";

/// CreateTargetGroup and ModifyTargetGroup have the same members, but different types.
macro_rules! fill_health_check {
    ($call:expr, $cx:expr, $group:expr) => {{
        let check = &$group.health_check;
        fill!($call, $cx, check: enabled as health_check_enabled, protocol as health_check_protocol,
            port as health_check_port, path as health_check_path, interval_seconds as health_check_interval_seconds,
            timeout_seconds as health_check_timeout_seconds, healthy_threshold_count, unhealthy_threshold_count)
        .set_matcher(check.matcher($group.protocol_version))
    }};
}

impl Kind for TargetGroup {
    const NAME: &'static str = names::TargetGroup::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ElasticLoadBalancingV2::TargetGroup",
        actions: Actions {
            observe: actions!(elasticloadbalancing: DescribeTargetGroups DescribeTags DescribeTargetGroupAttributes),
            create: actions!(elasticloadbalancing: CreateTargetGroup AddTags DescribeTags, ec2: DescribeInternetGateways
                DescribeVpcs, iam: CreateServiceLinkedRole),
            update: actions!(elasticloadbalancing: ModifyTargetGroup ModifyTargetGroupAttributes),
            tag: actions!(elasticloadbalancing: AddTags RemoveTags),
            delete: actions!(elasticloadbalancing: DeleteTargetGroup),
        },
        attrs: &["arn", "name", "arn_suffix"],
        longest_name: 32,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// Attributes take one call for each target group, made only if a declared target group sets any.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_target_groups().page_size(PAGE);
        let all = request.into_paginator().items().send().try_collect().await?.into_iter();
        let named = all.map(|it| (it.target_group_arn.clone(), it.target_group_name.clone(), it));
        let ours = find::owned(cx, query, find::asked(query, named)?).await?;
        let read = ours.into_iter().map(|(tags, arn, group)| read(cx, query, tags, arn, group));
        Ok(concurrently(read).await?.into_iter().flatten().collect())
    }

    /// Safe to repeat: for the same name and settings AWS returns the existing target group, and it refuses other
    /// settings; the tags tell who owns it. Attributes take a separate call.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_target_group().name(name).set_tags(Some(list(&new.tags)));
        let request = fill!(request, cx, self: target_type, protocol, protocol_version, port, vpc as vpc_id,
            ip_address_type);
        let group = made(fill_health_check!(request, cx, self).send().await?.target_groups)?;
        let arn = present(group.target_group_arn.clone(), "ARN of a target group")?;
        let arn = find::born(cx, new, self.name.as_ref(), arn).await?;
        // Values of separate calls are read only if something differs from AWS's defaults.
        if !Attributes::of(self, &ROWS).is_empty() || self.stickiness.is_some() {
            return Ok(arn.into());
        }
        Ok(observed(new.tags.clone(), arn, group, None)?.into())
    }

    /// Safe to repeat: all values are set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (elb, arn) = (client(cx), &observed.id);
        if self.health_check != observed.spec.health_check {
            fill_health_check!(elb.modify_target_group().target_group_arn(arn), cx, self).send().await?;
        }
        let form = |key: &str, value: &str| TargetGroupAttribute::builder().key(key).value(value).build();
        let changed = self.attributes().beyond(&observed.spec.attributes(), form);
        if !changed.is_empty() {
            let call = elb.modify_target_group_attributes().target_group_arn(arn);
            call.set_attributes(Some(changed)).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_target_group().target_group_arn(&observed.id).send().await?;
        Ok(())
    }

    fn check(&self) -> Vec<Problem> {
        let name = self.name.as_deref().and_then(check_name);
        let needed =
            [("protocol", self.protocol.is_none()), ("port", self.port.is_none()), ("vpc", self.vpc.is_none())];
        let lambda = self.target_type == TargetType::Lambda;
        let needed = needed.into_iter().filter_map(|(field, missing)| match (lambda, missing) {
            (false, true) => Some(Problem::new(field, "required, except for the target type `lambda`")),
            (true, false) => Some(Problem::new(field, "not possible for the target type `lambda`")),
            _ => None,
        });
        let slow = self.slow_start.filter(|seconds| *seconds != 0);
        let sticky = self.stickiness.iter().flat_map(Stickiness::check);
        let ranges = [
            self.port.and_then(|port| check_range("port", port, 1..=65535)),
            self.deregistration_delay.and_then(|seconds| check_range("deregistration_delay", seconds, 0..=3600)),
            slow.and_then(|seconds| check_range("slow_start", seconds, 30..=900)),
        ];
        let found = name.into_iter().chain(needed).chain(ranges.into_iter().flatten()).chain(sticky);
        found.chain(self.health_check.check()).collect()
    }
}

impl TargetGroup {
    /// A target group with all defaults.
    fn bare() -> Self {
        serde_json::from_value(serde_json::json!({})).expect("every field may be left out")
    }

    fn attributes(&self) -> Attributes {
        let mut all = Attributes::of(self, &ROWS);
        if let Some(stickiness) = &self.stickiness {
            stickiness.set(&mut all);
        }
        all
    }
}

impl Stickiness {
    fn set(&self, attributes: &mut Attributes) {
        attributes.set("stickiness.enabled", Some(self.enabled));
        attributes.set("stickiness.type", self.r#type.map(StickinessType::as_str));
        match self.r#type {
            Some(StickinessType::AppCookie) => {
                attributes.set("stickiness.app_cookie.duration_seconds", self.duration_seconds);
                attributes.set("stickiness.app_cookie.cookie_name", self.cookie_name.as_ref());
            }
            Some(StickinessType::SourceIp | StickinessType::Unknown(_)) => {}
            Some(StickinessType::LbCookie) | None => {
                attributes.set("stickiness.lb_cookie.duration_seconds", self.duration_seconds);
            }
        }
    }

    fn observed(attributes: &Attributes) -> Result<Self> {
        let r#type = mirror::read(attributes.get("stickiness.type"), "type of stickiness")?;
        let duration = match r#type {
            Some(StickinessType::AppCookie) => "stickiness.app_cookie.duration_seconds",
            _ => "stickiness.lb_cookie.duration_seconds",
        };
        let cookie_name = attributes.get("stickiness.app_cookie.cookie_name").filter(|name| !name.is_empty());
        let observed =
            Self { enabled: false, r#type, duration_seconds: None, cookie_name: cookie_name.map(str::to_owned) };
        attributes.fill(observed, &[("enabled", "stickiness.enabled"), ("duration_seconds", duration)])
    }

    fn check(&self) -> Vec<Problem> {
        let named = self.r#type == Some(StickinessType::AppCookie);
        let cookie = match &self.cookie_name {
            None if named && self.enabled => Some("missing: the name of the application cookie"),
            Some(_) if !named => Some("only possible for `app_cookie`"),
            _ => None,
        };
        let seconds = self.duration_seconds;
        let duration = seconds.and_then(|seconds| check_range("stickiness.duration_seconds", seconds, 1..=604_800));
        let cookie = cookie.map(|message| Problem::new("stickiness.cookie_name", message));
        [cookie, duration].into_iter().flatten().collect()
    }
}

/// `None` if the target group was deleted meanwhile.
async fn read(
    cx: &Context,
    query: &Query,
    tags: Tags,
    arn: String,
    group: wire::TargetGroup,
) -> Result<Option<Observed<TargetGroup>>> {
    let asked = ROWS.iter().any(|(field, _)| query.asks(field)) || query.asks("stickiness");
    let attributes = match asked {
        true => match attributes(cx, &arn).await? {
            Some(attributes) => Some(attributes),
            None => return Ok(None),
        },
        false => None,
    };
    observed(tags, arn, group, attributes).map(Some)
}

/// A target group as AWS describes it, with the values of a separate call.
fn observed(
    tags: Tags,
    arn: String,
    group: wire::TargetGroup,
    attributes: Option<Attributes>,
) -> Result<Observed<TargetGroup>> {
    let name: String = present(group.target_group_name.clone(), "name of a target group")?;
    let spec = TargetGroup {
        name: Some(name.clone()),
        health_check: HealthCheck::observed(&group)?,
        target_type: read!(group.target_type)?,
        protocol: read!(group.protocol)?,
        protocol_version: read!(group.protocol_version)?,
        port: group.port,
        vpc: read!(group.vpc_id)?,
        ip_address_type: read!(group.ip_address_type)?,
        stickiness: attributes.as_ref().map(Stickiness::observed).transpose()?,
        ..TargetGroup::bare()
    };
    Ok(named(arn, name, tags, attributes.unwrap_or_default().fill(spec, &ROWS)?))
}

async fn attributes(cx: &Context, arn: &str) -> Result<Option<Attributes>> {
    let request = client(cx).describe_target_group_attributes().target_group_arn(arn);
    let Some(answer) = request.send().await.unless_gone()? else { return Ok(None) };
    let all = answer.attributes.into_iter().flatten().filter_map(|each| Some((each.key?, each.value?)));
    // The third value beside true and false means the load balancer's setting: it counts as not set.
    Ok(Some(all.filter(|(key, value)| key != CROSS_ZONE || value.parse::<bool>().is_ok()).collect()))
}
