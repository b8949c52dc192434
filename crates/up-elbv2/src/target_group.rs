//! `elbv2.target_group`: what a load balancer sends to.

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

/// Targets that a listener or a rule sends to: instances, addresses, a Lambda function or a load balancer.
///
/// Who its targets are is not said here: an ECS service, for one, registers its own tasks. When it is replaced, the new
/// one is made under another name, listeners and rules move over, and the old one goes.
#[spec]
pub struct TargetGroup {
    /// Its name, 32 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// What targets are: `instance`, `ip` (ECS on Fargate), `lambda` or `alb`. Default: `instance`.
    #[spec(replace, default = TargetType::Instance)]
    target_type: TargetType,
    /// What targets speak: `HTTP` or `HTTPS` behind an application load balancer. Needed but for `lambda`.
    #[spec(replace)]
    protocol: Option<Protocol>,
    /// The version of HTTP they speak. Left out: AWS's default, `HTTP1`.
    #[spec(replace)]
    protocol_version: Option<ProtocolVersion>,
    /// The port they listen on, unless one is registered with another. Needed but for `lambda`.
    #[spec(replace)]
    port: Option<i32>,
    /// The network they are in. Needed but for `lambda`.
    #[spec(replace)]
    vpc: Option<Ref<names::Vpc>>,
    /// Their addresses: `ipv4` or `ipv6`. Left out: AWS's default, `ipv4`.
    #[spec(replace)]
    ip_address_type: Option<TargetAddressType>,
    /// How the load balancer finds out which targets work. Default: AWS's own choice in everything.
    #[spec(default)]
    health_check: HealthCheck,
    /// Seconds that a target which is leaving may go on with what it has begun, 0 to 3,600. Left out: as it is, which
    /// is 300 at first.
    deregistration_delay: Option<i32>,
    /// Closes connections when that time is over; for network load balancers. Left out: as it is.
    deregistration_connection_termination: Option<bool>,
    /// Sends a client to the same target again. Left out: as it is, which is not at first.
    stickiness: Option<Stickiness>,
    /// Seconds in which a new target's share of requests grows, 30 to 900, or 0 for not at all; for application load
    /// balancers. Left out: as it is, which is 0 at first.
    slow_start: Option<i32>,
    /// Which target gets the next request; for application load balancers. Left out: as it is, `round_robin` at first.
    load_balancing_algorithm: Option<Algorithm>,
    /// Sends less to targets that answer unlike the others; for `weighted_random`. Left out: as it is, `off` at first.
    anomaly_mitigation: Option<Switch>,
    /// Sends to targets in all zones. Left out: as it is, which is as the load balancer has it at first.
    cross_zone: Option<bool>,
    /// Shows targets the client's own address; for network load balancers. Left out: as it is.
    preserve_client_ip: Option<bool>,
    /// Tells targets about the client in front of the data; for network load balancers. Left out: as it is, false at
    /// first.
    proxy_protocol_v2: Option<bool>,
    /// Closes connections to targets that stop working; for network load balancers. Left out: as it is.
    unhealthy_connection_termination: Option<bool>,
}

/// Sends a client to the same target again.
#[part]
struct Stickiness {
    /// Default: true.
    #[spec(default = true)]
    enabled: bool,
    /// How a client is known again. Left out: as it is, `lb_cookie` or `source_ip` at first.
    r#type: Option<StickinessType>,
    /// How long, in seconds, 1 to 604,800; for the two cookies. Left out: as it is, 86400 at first.
    duration_seconds: Option<i32>,
    /// The application's cookie; for `app_cookie`.
    cookie_name: Option<String>,
}

/// The fields that are attributes, except for stickiness.
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

/// CreateTargetGroup and ModifyTargetGroup take the same, as two types.
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

    /// Attributes take a call for each group, made only where some declared group sets one.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_target_groups().page_size(PAGE);
        let all = request.into_paginator().items().send().try_collect().await?.into_iter();
        let named = all.map(|it| (it.target_group_arn.clone(), it.target_group_name.clone(), it));
        let ours = find::owned(cx, query, find::asked(query, named)?).await?;
        let read = ours.into_iter().map(|(tags, arn, group)| read(cx, query, tags, arn, group));
        Ok(concurrently(read).await?.into_iter().flatten().collect())
    }

    /// Safe to repeat: with the same name and settings AWS answers with the one that exists, and refuses other
    /// settings: whose it is, its tags tell. Attributes take a call of their own.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_target_group().name(name).set_tags(Some(list(&new.tags)));
        let request = fill!(request, cx, self: target_type, protocol, protocol_version, port, vpc as vpc_id,
            ip_address_type);
        let group = made(fill_health_check!(request, cx, self).send().await?.target_groups)?;
        let arn = present(group.target_group_arn.clone(), "ARN of a target group")?;
        let arn = find::born(cx, new, self.name.as_ref(), arn).await?;
        // What takes a call of its own is read only where something differs from what AWS chooses.
        if !Attributes::of(self, &ROWS).is_empty() || self.stickiness.is_some() {
            return Ok(arn.into());
        }
        Ok(observed(new.tags.clone(), arn, group, None)?.into())
    }

    /// Safe to repeat: everything is set.
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
            (false, true) => Some(Problem::new(field, "missing: only a group of type `lambda` has none")),
            (true, false) => Some(Problem::new(field, "a group of type `lambda` has none")),
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
    /// One of which nothing is said.
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
            None if named && self.enabled => Some("missing: the application's cookie"),
            Some(_) if !named => Some("only `app_cookie` has one"),
            _ => None,
        };
        let seconds = self.duration_seconds;
        let duration = seconds.and_then(|seconds| check_range("stickiness.duration_seconds", seconds, 1..=604_800));
        let cookie = cookie.map(|message| Problem::new("stickiness.cookie_name", message));
        [cookie, duration].into_iter().flatten().collect()
    }
}

/// `None`: gone meanwhile.
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

/// A target group as AWS describes it, with what a call of its own tells.
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
    // A third way beside true and false: as the load balancer has it, which is to say nothing.
    Ok(Some(all.filter(|(key, value)| key != CROSS_ZONE || value.parse::<bool>().is_ok()).collect()))
}
