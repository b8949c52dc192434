//! `elbv2.load_balancer`: what the world connects to.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{
    self as wire, LoadBalancerAttribute, LoadBalancerState, LoadBalancerStateEnum as State,
};
use up_core::{mirror::changed, prelude::*};

use crate::{
    access_logs::Logs,
    attributes::{Attributes, Row, SENT, plain},
    check_name, check_range, client,
    find::{self, PAGE},
    list, made, named,
    place::SubnetMapping,
    words::{
        ClientRoutingPolicy, DesyncMitigationMode, IpAddressType, LoadBalancerType, Scheme, XffHeaderProcessingMode,
    },
};

/// Takes connections and spreads them over targets in several availability zones.
///
/// AWS takes two to three minutes to make one.
#[spec]
pub struct LoadBalancer {
    /// Its name, 32 characters at most. Default: derived from stack and address. A change replaces it.
    #[spec(name)]
    name: Option<String>,
    /// `application` for HTTP, `network` for TCP and UDP. Default: `application`.
    #[spec(replace, default = LoadBalancerType::Application)]
    r#type: LoadBalancerType,
    /// `internet-facing`, or `internal` for the network alone. Default: `internet-facing`.
    #[spec(replace, default = Scheme::InternetFacing)]
    scheme: Scheme,
    /// Where it stands: one subnet in each availability zone; an application load balancer needs two. Left out: told by
    /// `subnet_mappings`.
    #[spec(confined)]
    subnets: Option<BTreeSet<Ref<names::Subnet>>>,
    /// Where a network load balancer stands, with addresses of its own in each subnet. Left out: told by `subnets`.
    #[spec(confined)]
    subnet_mappings: Option<BTreeSet<SubnetMapping>>,
    /// Who may connect. Left out: the VPC's default group for an application load balancer, none for a network one. A
    /// network load balancer that is made without any can never have some.
    security_groups: Option<BTreeSet<Ref<names::SecurityGroup>>>,
    /// Which addresses clients may come from. Default: `ipv4`.
    #[spec(default = IpAddressType::Ipv4)]
    ip_address_type: IpAddressType,
    /// Makes AWS refuse every delete. Default: false. To guard it from this program, use
    /// `prevent_destroy`: a deletion that is planned lifts AWS's protection first.
    #[spec(default)]
    deletion_protection: bool,
    /// Sends to targets in all zones, not only in the zone a client came in by. Default: true for an application load
    /// balancer, which knows nothing else, false for a network one.
    cross_zone: Option<bool>,
    /// One line for every request. Default: none.
    #[spec(default)]
    access_logs: Logs,
    /// One line for every connection; for application load balancers. Default: none.
    #[spec(default)]
    connection_logs: Logs,
    /// One line for every change in a target's health; for application load balancers. Default: none.
    #[spec(default)]
    health_check_logs: Logs,
    /// Seconds without a byte after which a connection is closed, 1 to 4,000; for application load balancers. Default:
    /// 60.
    #[spec(default = 60)]
    idle_timeout: i32,
    /// Seconds that a client may keep one connection, 60 to 604,800; for application load balancers. Default: 3600.
    #[spec(default = 3600)]
    client_keep_alive: i32,
    /// Speaks HTTP/2 to clients; for application load balancers. Default: true.
    #[spec(default = true)]
    http2: bool,
    /// Takes out headers whose names are not valid; for application load balancers. Default: false.
    #[spec(default)]
    drop_invalid_header_fields: bool,
    /// Passes the `Host` header on as it came; for application load balancers. Default: false.
    #[spec(default)]
    preserve_host_header: bool,
    /// What to do with requests that HTTP servers may understand differently; for application load balancers. Default:
    /// `defensive`.
    #[spec(default = DesyncMitigationMode::Defensive)]
    desync_mitigation_mode: DesyncMitigationMode,
    /// What to do with `X-Forwarded-For`; for application load balancers. Default: `append`.
    #[spec(default = XffHeaderProcessingMode::Append)]
    xff_header_processing_mode: XffHeaderProcessingMode,
    /// Adds the client's port to `X-Forwarded-For`; for application load balancers. Default: false.
    #[spec(default)]
    xff_client_port: bool,
    /// Tells targets the TLS version and cipher in headers; for application load balancers. Default: false.
    #[spec(default)]
    x_amzn_tls_version_and_cipher_suite: bool,
    /// Lets requests through while AWS WAF does not answer; for application load balancers. Default: false.
    #[spec(default)]
    waf_fail_open: bool,
    /// Lets traffic be shifted away from a zone in trouble. Default: false.
    #[spec(default)]
    zonal_shift: bool,
    /// How DNS spreads clients over zones; for network load balancers. Default: `any_availability_zone`.
    #[spec(default = ClientRoutingPolicy::AnyZone)]
    dns_record_client_routing_policy: ClientRoutingPolicy,
}

impl Kind for LoadBalancer {
    const NAME: &'static str = names::LoadBalancer::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        actions: Actions {
            observe: actions!(elasticloadbalancing: DescribeLoadBalancers DescribeTags DescribeLoadBalancerAttributes),
            create: actions!(elasticloadbalancing: CreateLoadBalancer AddTags DescribeTags,
                ec2: DescribeAccountAttributes DescribeAddresses DescribeInternetGateways DescribeSecurityGroups
                DescribeSubnets DescribeVpcs, iam: CreateServiceLinkedRole),
            update: actions!(elasticloadbalancing: SetSubnets SetSecurityGroups SetIpAddressType
                ModifyLoadBalancerAttributes, ec2: DescribeSubnets),
            tag: actions!(elasticloadbalancing: AddTags RemoveTags),
            delete: actions!(elasticloadbalancing: ModifyLoadBalancerAttributes DeleteLoadBalancer),
        },
        attrs: &["arn", "name", "arn_suffix", "dns_name", "zone_id"],
        longest_name: 32,
        wait: Wait { every: Duration::from_secs(5), at_most: Duration::from_secs(900) },
        takes: Takes { create: Duration::from_secs(156), delete: Duration::from_secs(5), ..Takes::DEFAULT },
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_load_balancers().page_size(PAGE);
        let all = request.into_paginator().items().send().try_collect().await?.into_iter();
        let named = all.map(|it| (it.load_balancer_arn.clone(), it.load_balancer_name.clone(), it));
        let ours = find::owned(cx, query, find::asked(query, named)?).await?;
        let read = ours.into_iter().map(|(tags, arn, balancer)| read(cx, tags, arn, balancer));
        Ok(concurrently(read).await?.into_iter().flatten().collect())
    }

    /// Safe to repeat: with the same name and settings AWS answers with the one that exists, and refuses other
    /// settings: whose it is, its tags tell. Attributes take a call of their own.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_load_balancer().name(name).set_tags(Some(list(&new.tags)));
        let request = fill!(request, cx, self: r#type, scheme, ip_address_type, subnets, subnet_mappings,
            security_groups);
        let arn = present(made(request.send().await?.load_balancers)?.load_balancer_arn, "ARN of a load balancer")?;
        find::born(cx, new, self.name.as_ref(), arn).await.map(Created::Id)
    }

    /// Safe to repeat: everything is set.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (elb, arn, was) = (client(cx), &observed.id, &observed.spec);
        let mappings = changed(&self.subnet_mappings, &was.subnet_mappings, cx)?;
        if mappings.is_some() || changed(&self.subnets, &was.subnets, cx)?.is_some() {
            let call = elb.set_subnets().load_balancer_arn(arn);
            fill!(call, cx, self: subnets, subnet_mappings).send().await?;
        }
        if let Some(groups) = changed(&self.security_groups, &was.security_groups, cx)? {
            elb.set_security_groups().load_balancer_arn(arn).set_security_groups(Some(groups)).send().await?;
        }
        if self.ip_address_type != was.ip_address_type {
            fill!(elb.set_ip_address_type().load_balancer_arn(arn), cx, self: ip_address_type).send().await?;
        }
        for changed in self.attributes().beyond(&was.attributes(), attribute).chunks(SENT) {
            let call = elb.modify_load_balancer_attributes().load_balancer_arn(arn);
            call.set_attributes(Some(changed.to_vec())).send().await?;
        }
        Ok(())
    }

    /// Lifts AWS's own protection first. Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        if observed.spec.deletion_protection {
            let call = client(cx).modify_load_balancer_attributes().load_balancer_arn(&observed.id);
            call.attributes(attribute("deletion_protection.enabled", "false")).send().await.ignore_not_found()?;
        }
        client(cx).delete_load_balancer().load_balancer_arn(&observed.id).send().await?;
        Ok(())
    }

    /// No call: what it says is known.
    async fn before_delete(_cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let protected = leaving.resources.iter().filter(|it| it.spec.deletion_protection);
        Ok(protected.map(|it| DeleteRemark::note(&it.id, "AWS's deletion protection is lifted")).collect())
    }

    fn check(&self) -> Vec<Problem> {
        let name = self.name.as_deref().and_then(check_name);
        let logs = [
            self.access_logs.check("access_logs"),
            self.connection_logs.check("connection_logs"),
            self.health_check_logs.check("health_check_logs"),
        ];
        let seconds = [
            check_range("idle_timeout", self.idle_timeout, 1..=4000),
            check_range("client_keep_alive", self.client_keep_alive, 60..=604_800),
        ];
        let found = [name, self.check_place()].into_iter().chain(logs).chain(seconds);
        found.flatten().chain(self.check_type()).collect()
    }
}

impl LoadBalancer {
    /// One of which nothing is said.
    fn bare() -> Self {
        serde_json::from_value(serde_json::json!({})).expect("every field has a default")
    }

    /// The fields that load balancers of a type have for attributes.
    fn rows(r#type: LoadBalancerType) -> Vec<Row> {
        match r#type {
            LoadBalancerType::Application => [&COMMON[..], &HTTP].concat(),
            LoadBalancerType::Network => [&COMMON[..], &NETWORK].concat(),
            LoadBalancerType::Unknown(_) => COMMON.to_vec(),
        }
    }

    fn attributes(&self) -> Attributes {
        let mut all = Attributes::of(self, &Self::rows(self.r#type));
        self.access_logs.set("access_logs", &mut all);
        if self.r#type == LoadBalancerType::Application {
            self.connection_logs.set("connection_logs", &mut all);
            self.health_check_logs.set("health_check_logs", &mut all);
        }
        all
    }

    fn check_place(&self) -> Option<Problem> {
        let places = match (&self.subnets, &self.subnet_mappings) {
            (Some(subnets), None) => subnets.len(),
            (None, Some(mappings)) => mappings.len(),
            (None, None) => return Some(Problem::new("subnets", "missing: where it stands")),
            (Some(_), Some(_)) => {
                return Some(Problem::new("subnet_mappings", "either `subnets` or `subnet_mappings`, not both"));
            }
        };
        let least = if self.r#type == LoadBalancerType::Application { 2 } else { 1 };
        let message = format!("this type stands in {least} subnets or more, each in a zone of its own");
        Problem::when(places < least, "subnets", message)
    }

    /// A load balancer of one type has no use for the attributes of the other.
    fn check_type(&self) -> Vec<Problem> {
        let (desired, default) = (plain(self), plain(&Self::bare()));
        let logs = ["connection_logs", "health_check_logs"];
        let (other, strange): (_, Vec<&str>) = match self.r#type {
            LoadBalancerType::Application => ("a network", NETWORK.iter().map(|(field, _)| *field).collect()),
            LoadBalancerType::Network => ("an application", HTTP.iter().map(|(field, _)| *field).chain(logs).collect()),
            LoadBalancerType::Unknown(_) => return vec![],
        };
        let strange = strange.into_iter().filter(|field| desired[*field] != default[*field]);
        let mut problems: Vec<_> =
            strange.map(|field| Problem::new(field, format!("only {other} load balancer has this"))).collect();
        if self.r#type == LoadBalancerType::Application && self.cross_zone == Some(false) {
            problems.push(Problem::new("cross_zone", "an application load balancer always sends to all zones"));
        }
        problems
    }
}

const COMMON: [Row; 3] = [
    ("deletion_protection", "deletion_protection.enabled"),
    ("cross_zone", "load_balancing.cross_zone.enabled"),
    ("zonal_shift", "zonal_shift.config.enabled"),
];

const NETWORK: [Row; 1] = [("dns_record_client_routing_policy", "dns_record.client_routing_policy")];

const HTTP: [Row; 10] = [
    ("idle_timeout", "idle_timeout.timeout_seconds"),
    ("client_keep_alive", "client_keep_alive.seconds"),
    ("http2", "routing.http2.enabled"),
    ("drop_invalid_header_fields", "routing.http.drop_invalid_header_fields.enabled"),
    ("preserve_host_header", "routing.http.preserve_host_header.enabled"),
    ("desync_mitigation_mode", "routing.http.desync_mitigation_mode"),
    ("xff_header_processing_mode", "routing.http.xff_header_processing.mode"),
    ("xff_client_port", "routing.http.xff_client_port.enabled"),
    ("x_amzn_tls_version_and_cipher_suite", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
    ("waf_fail_open", "waf.fail_open.enabled"),
];

fn attribute(key: &str, value: &str) -> LoadBalancerAttribute {
    LoadBalancerAttribute::builder().key(key).value(value).build()
}

/// `None`: gone meanwhile.
async fn read(
    cx: &Context,
    tags: Tags,
    arn: String,
    balancer: wire::LoadBalancer,
) -> Result<Option<Observed<LoadBalancer>>> {
    let request = client(cx).describe_load_balancer_attributes().load_balancer_arn(&arn);
    let Some(answer) = request.send().await.unless_gone()? else { return Ok(None) };
    let attributes = answer.attributes.into_iter().flatten().filter_map(|each| Some((each.key?, each.value?)));
    let attributes: Attributes = attributes.collect();
    let (status, notes) = (status(balancer.state.as_ref())?, notes(balancer.state.as_ref()));
    let zones = balancer.availability_zones.unwrap_or_default();
    let (name, r#type): (String, _) = (read!(balancer.load_balancer_name)?, read!(balancer.r#type)?);
    let spec = LoadBalancer {
        name: Some(name.clone()),
        r#type,
        scheme: read!(balancer.scheme)?,
        subnets: Some(zones.iter().filter_map(|zone| zone.subnet_id.clone()).map(Ref::id).collect()),
        subnet_mappings: Some(zones.into_iter().filter_map(SubnetMapping::observed).collect()),
        security_groups: Some(read!(balancer.security_groups)?),
        ip_address_type: read!(balancer.ip_address_type or LoadBalancer::default_ip_address_type())?,
        access_logs: Logs::observed("access_logs", &attributes),
        connection_logs: Logs::observed("connection_logs", &attributes),
        health_check_logs: Logs::observed("health_check_logs", &attributes),
        ..LoadBalancer::bare()
    };
    let spec = attributes.fill(spec, &LoadBalancer::rows(r#type))?;
    let observed = named(arn, name, tags, spec)
        .attr("dns_name", present(balancer.dns_name, "name in the DNS of a load balancer")?)
        .attr("zone_id", present(balancer.canonical_hosted_zone_id, "hosted zone of a load balancer")?)
        .created_at(balancer.created_time);
    Ok(Some(Observed { status, notes, ..observed }))
}

fn status(state: Option<&LoadBalancerState>) -> Result<Status> {
    let state = present(state, "state of a load balancer")?;
    Ok(match state.code() {
        Some(State::Active | State::ActiveImpaired) => Status::Ready,
        Some(State::Failed) => Status::Failed(state.reason().unwrap_or("AWS gives no reason").to_owned()),
        code => Status::Pending(code.map_or("provisioning".into(), ToString::to_string)),
    })
}

/// One that is impaired works, and is no reason to hold up what depends on it.
fn notes(state: Option<&LoadBalancerState>) -> Vec<String> {
    let impaired = state.filter(|state| state.code() == Some(&State::ActiveImpaired));
    let note = impaired.map(|state| {
        let why = state.reason().unwrap_or("AWS gives no reason");
        format!(
            "active_impaired: it works, but cannot grow ({why}); free addresses in its subnets, or give it larger ones"
        )
    });
    note.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_that_never_came_up_is_failed() {
        let of = |code: &str| {
            let state = LoadBalancerState::builder().code(code.into()).build();
            (status(Some(&state)).unwrap(), notes(Some(&state)).len())
        };
        assert_eq!(of("active"), (Status::Ready, 0));
        assert_eq!(of("active_impaired"), (Status::Ready, 1));
        assert!(matches!(of("failed"), (Status::Failed(_), 0)));
        for state in ["provisioning", "of-tomorrow"] {
            assert_eq!(of(state), (Status::Pending(state.into()), 0));
        }
    }
}
