//! `elbv2.listener`: a listener of a load balancer.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_elasticloadbalancingv2::types::{self as wire, Certificate, ListenerAttribute, ProtocolEnum};
use up_core::{Address, mirror, prelude::*};

use crate::{
    action::{self, Action},
    attributes::{Attributes, Row},
    check_range, client, find, list, made,
    words::{AlpnPolicy, MutualAuthenticationMode, Protocol, Switch},
};

/// Receives connections on a port of a load balancer, and defines what happens with their requests.
///
/// Rules (`elbv2.rule`) can define other actions for some of the requests of an application load balancer.
#[spec]
pub struct Listener {
    /// The load balancer. On a change the old listener is deleted first, because AWS allows no target group on two load
    /// balancers.
    #[spec(replace)]
    load_balancer: Ref<names::LoadBalancer>,
    /// The port on which the load balancer listens, 1 to 65,535.
    port: i32,
    /// The protocol of connections from clients: `HTTP` or `HTTPS` for application load balancers; `TCP`, `TLS`, `UDP`
    /// … for network load balancers.
    protocol: Protocol,
    /// The action for requests that match no rule: exactly one.
    default_actions: Vec<Action>,
    /// The ARN of the default server certificate. Required for `HTTPS` and `TLS`.
    certificate_arn: Option<String>,
    /// The ARNs of additional server certificates, selected by SNI. Left out: unchanged; none on creation.
    additional_certificate_arns: Option<BTreeSet<String>>,
    /// The security policy, which defines the TLS versions and ciphers, such as `ELBSecurityPolicy-TLS13-1-2-2021-06`.
    /// Left out: unchanged; on creation AWS's default, an old one.
    ssl_policy: Option<String>,
    /// The ALPN policy; for `TLS`. Left out: unchanged; none on creation.
    alpn_policy: Option<AlpnPolicy>,
    /// Mutual TLS: authentication of clients by certificates; for `HTTPS`. Left out: unchanged; off on creation.
    mutual_authentication: Option<MutualAuthentication>,
    /// The idle timeout of connections in seconds, 60 to 6,000; for `TCP` and `TLS`. Left out: unchanged; 350 on
    /// creation.
    tcp_idle_timeout: Option<i32>,
    /// Adds a `Server` header to responses; for application load balancers. Left out: unchanged; true on creation.
    server_header: Option<bool>,
    /// The `Strict-Transport-Security` header of responses, such as `max-age=31536000`; `""` for none; for application
    /// load balancers. Left out: unchanged; none on creation.
    strict_transport_security: Option<String>,
    /// The `Content-Security-Policy` header of responses; as for `strict_transport_security`.
    content_security_policy: Option<String>,
    /// The `X-Content-Type-Options` header of responses; as for `strict_transport_security`.
    x_content_type_options: Option<String>,
    /// The `X-Frame-Options` header of responses; as for `strict_transport_security`.
    x_frame_options: Option<String>,
}

/// Authentication of clients by certificates (mutual TLS).
#[part(mirrors = wire::MutualAuthenticationAttributes)]
struct MutualAuthentication {
    /// The mode: `off`, `passthrough` or `verify`.
    mode: MutualAuthenticationMode,
    /// The ARN of the trust store; for `verify`.
    trust_store_arn: Option<String>,
    /// Accepts expired client certificates; for `verify`. Left out: unchanged; false on creation.
    ignore_client_certificate_expiry: Option<bool>,
    /// Sends the names of the trust store's certificate authorities to clients; for `verify`. Left out: unchanged;
    /// `off` on creation.
    advertise_trust_store_ca_names: Option<Switch>,
}

/// The fields that are attributes in the API.
const ROWS: [Row; 6] = [
    ("tcp_idle_timeout", "tcp.idle_timeout.seconds"),
    ("server_header", "routing.http.response.server.enabled"),
    ("strict_transport_security", "routing.http.response.strict_transport_security.header_value"),
    ("content_security_policy", "routing.http.response.content_security_policy.header_value"),
    ("x_content_type_options", "routing.http.response.x_content_type_options.header_value"),
    ("x_frame_options", "routing.http.response.x_frame_options.header_value"),
];

impl Kind for Listener {
    const NAME: &'static str = names::Listener::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::ElasticLoadBalancingV2::Listener",
        actions: Actions {
            observe: actions!(elasticloadbalancing: DescribeLoadBalancers DescribeListeners DescribeTags
                DescribeListenerAttributes DescribeListenerCertificates),
            create: actions!(elasticloadbalancing: CreateListener AddTags),
            update: actions!(elasticloadbalancing: ModifyListener ModifyListenerAttributes AddListenerCertificates
                RemoveListenerCertificates),
            tag: actions!(elasticloadbalancing: AddTags RemoveTags),
            delete: actions!(elasticloadbalancing: DeleteListener),
        },
        attrs: &["arn"],
        replace: Order::DestroyBeforeCreate,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// One call for each load balancer. Attributes and additional certificates take one call for each listener, made
    /// only if a declared listener sets any.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let listeners = find::listeners_on(cx, find::load_balancers(cx, query).await?).await?;
        let named = listeners.into_iter().map(|listener| {
            let arn = present(listener.listener_arn.clone(), "ARN of a listener")?;
            Ok((arn, listener))
        });
        let listeners = named.collect::<Result<BTreeMap<_, _>>>()?;
        let ours = find::owned(cx, query, listeners).await?.into_iter();
        let read = ours.map(|(tags, arn, listener)| read(cx, query, tags, arn, listener));
        Ok(concurrently(read).await?.into_iter().flatten().collect())
    }

    /// Safe to repeat: a load balancer has one listener on each port. For the same settings AWS returns the existing
    /// listener, and it refuses other settings. Attributes and additional certificates take separate calls.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_listener().set_tags(Some(list(&new.tags)));
        let request = request.set_certificates(self.certificate()).set_alpn_policy(self.alpn());
        let request = fill!(request, cx, self: load_balancer as load_balancer_arn, port, protocol, ssl_policy,
            mutual_authentication, default_actions);
        let listener = made(request.send().await?.listeners)?;
        let arn = present(listener.listener_arn.clone(), "ARN of a listener")?;
        let beyond = Attributes::of(self, &ROWS);
        // Values of separate calls are read only if something differs from AWS's defaults.
        if !beyond.is_empty() || self.additional_certificate_arns.is_some() {
            return Ok(arn.into());
        }
        Ok(observed(new.tags.clone(), arn, listener, &Attributes::default(), None)?.into())
    }

    /// Safe to repeat: all values are set. One call sets the port, protocol, certificate and actions, so that they
    /// always fit together.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let (elb, arn, was) = (client(cx), &observed.id, &observed.spec);
        if self.differs(cx, was)? {
            let call = elb.modify_listener().listener_arn(arn);
            let call = call.set_certificates(self.certificate()).set_alpn_policy(self.alpn());
            fill!(call, cx, self: port, protocol, ssl_policy, mutual_authentication, default_actions).send().await?;
        }
        let form = |key: &str, value: &str| ListenerAttribute::builder().key(key).value(value).build();
        let changed = Attributes::of(self, &ROWS).beyond(&Attributes::of(was, &ROWS), form);
        if !changed.is_empty() {
            elb.modify_listener_attributes().listener_arn(arn).set_attributes(Some(changed)).send().await?;
        }
        if let Some(desired) = &self.additional_certificate_arns {
            let observed = was.additional_certificate_arns.clone().unwrap_or_default();
            if let Some(new) = certificates(desired.difference(&observed)) {
                elb.add_listener_certificates().listener_arn(arn).set_certificates(Some(new)).send().await?;
            }
            if let Some(old) = certificates(observed.difference(desired)) {
                elb.remove_listener_certificates().listener_arn(arn).set_certificates(Some(old)).send().await?;
            }
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_listener().listener_arn(&observed.id).send().await?;
        Ok(())
    }

    fn unique(&self) -> Vec<Unique> {
        let port = Unique::value("port", format!("{}{}", self.port, if self.is_datagram() { "/udp" } else { "" }));
        port.map(|port| port.within(&self.load_balancer)).into_iter().collect()
    }

    fn check(&self) -> Vec<Problem> {
        let secure = matches!(self.protocol, Protocol::Https | Protocol::Tls);
        let (missing, other) = (secure && self.certificate_arn.is_none(), "only possible for `HTTPS` and `TLS`");
        let rules = problems! {
            missing => "certificate_arn", "missing: {} needs one", self.protocol.as_str();
            self.alpn_policy.is_some() && self.protocol != Protocol::Tls => "alpn_policy", "only possible for `TLS`";
            self.mutual_authentication.is_some() && self.protocol != Protocol::Https =>
                "mutual_authentication", "only possible for `HTTPS`";
            !secure && self.certificate_arn.is_some() => "certificate_arn", "{other}";
            !secure && self.additional_certificate_arns.is_some() => "additional_certificate_arns", "{other}";
            !secure && self.ssl_policy.is_some() => "ssl_policy", "{other}";
        };
        let numbers = [
            check_range("port", self.port, 1..=65535),
            self.tcp_idle_timeout.and_then(|seconds| check_range("tcp_idle_timeout", seconds, 60..=6000)),
        ];
        let found = rules.into_iter().chain(numbers.into_iter().flatten());
        found.chain(action::check("default_actions", &self.default_actions)).collect()
    }

    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let mut taken = BTreeMap::new();
        let twice = all.iter().filter_map(|(at, listener)| {
            let first = taken.insert((&listener.load_balancer, listener.port, listener.is_datagram()), *at)?;
            let message = format!("{first} is on port {} of the same load balancer", listener.port);
            Some(((*at).clone(), Problem::new("port", message)))
        });
        twice.collect()
    }
}

impl Listener {
    /// UDP and TCP listeners may use the same port.
    fn is_datagram(&self) -> bool {
        matches!(self.protocol, Protocol::Udp | Protocol::Quic)
    }

    /// True if `ModifyListener` must set something.
    fn differs(&self, cx: &Context, observed: &Self) -> Result<bool> {
        let settings = self.port != observed.port
            || self.protocol != observed.protocol
            || other(&self.certificate_arn, &observed.certificate_arn)
            || other(&self.ssl_policy, &observed.ssl_policy)
            || other(&self.alpn_policy, &observed.alpn_policy)
            || other(&self.mutual_authentication, &observed.mutual_authentication);
        Ok(settings || mirror::changed(&self.default_actions, &observed.default_actions, cx)?.is_some())
    }

    fn certificate(&self) -> Option<Vec<Certificate>> {
        certificates(&self.certificate_arn)
    }

    fn alpn(&self) -> Option<Vec<String>> {
        self.alpn_policy.map(|policy| vec![policy.as_str().to_owned()])
    }
}

fn certificates<'a>(arns: impl IntoIterator<Item = &'a String>) -> Option<Vec<Certificate>> {
    let wire: Vec<_> = arns.into_iter().map(|arn| Certificate::builder().certificate_arn(arn).build()).collect();
    (!wire.is_empty()).then_some(wire)
}

/// A field that is left out does not differ.
fn other<T: PartialEq>(desired: &Option<T>, observed: &Option<T>) -> bool {
    desired.is_some() && desired != observed
}

/// `None` if the listener was deleted meanwhile.
async fn read(
    cx: &Context,
    query: &Query,
    tags: Tags,
    arn: String,
    listener: wire::Listener,
) -> Result<Option<Observed<Listener>>> {
    let Some(attributes) = attributes(cx, query, &arn).await? else { return Ok(None) };
    let secure = matches!(listener.protocol, Some(ProtocolEnum::Https | ProtocolEnum::Tls));
    let additional = match secure && query.asks("additional_certificate_arns") {
        true => Some(additional_certificates(cx, &arn).await?),
        false => None,
    };
    observed(tags, arn, listener, &attributes, additional).map(Some)
}

/// A listener as AWS describes it, with the values of separate calls.
fn observed(
    tags: Tags,
    arn: String,
    listener: wire::Listener,
    attributes: &Attributes,
    additional: Option<BTreeSet<String>>,
) -> Result<Observed<Listener>> {
    let certificate = listener.certificates.into_iter().flatten().next();
    let spec = Listener {
        load_balancer: read!(listener.load_balancer_arn)?,
        port: read!(listener.port)?,
        protocol: read!(listener.protocol)?,
        default_actions: action::observed(listener.default_actions)?,
        certificate_arn: certificate.and_then(|certificate| certificate.certificate_arn),
        additional_certificate_arns: additional,
        ssl_policy: listener.ssl_policy,
        alpn_policy: mirror::read(listener.alpn_policy.into_iter().flatten().next(), "policy")?,
        mutual_authentication: read!(listener.mutual_authentication)?,
        tcp_idle_timeout: None,
        server_header: None,
        strict_transport_security: None,
        content_security_policy: None,
        x_content_type_options: None,
        x_frame_options: None,
    };
    let spec = attributes.fill(spec, &ROWS)?;
    Ok(Observed::new(&arn, tags, spec).attr("arn", arn))
}

/// The attributes, empty if no declared listener sets any. `None` if the listener was deleted meanwhile.
async fn attributes(cx: &Context, query: &Query, arn: &str) -> Result<Option<Attributes>> {
    if ROWS.iter().all(|(field, _)| !query.asks(field)) {
        return Ok(Some(Attributes::default()));
    }
    let request = client(cx).describe_listener_attributes().listener_arn(arn);
    let Some(answer) = request.send().await.unless_gone()? else { return Ok(None) };
    let all = answer.attributes.into_iter().flatten();
    // AWS may return an attribute that is disabled without a value.
    Ok(Some(all.filter_map(|each| Some((each.key?, each.value.unwrap_or_default()))).collect()))
}

async fn additional_certificates(cx: &Context, arn: &str) -> Result<BTreeSet<String>> {
    let request = client(cx).describe_listener_certificates().listener_arn(arn);
    let all = request.into_paginator().items().send().try_collect().await.unless_gone()?.unwrap_or_default();
    let additional = all.into_iter().filter(|certificate| certificate.is_default != Some(true));
    Ok(additional.filter_map(|certificate| certificate.certificate_arn).collect())
}
