//! `ec2.vpc_endpoint`: a way to an AWS service that stays inside the network.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{self as wire, ResourceType, VpcEndpoint as Described};
use serde::Deserializer;
use serde_json::{Value, json};
use up_core::{mirror::beyond, prelude::*};

use crate::{arn, client, filter, ours, owned, tags, token};

/// A way to an AWS service, or to a partner's, that stays inside the network.
///
/// A gateway endpoint (S3 and DynamoDB) costs nothing and is a route in the tables it names; an interface endpoint is
/// billed by the hour and zone. `dns_name` and `hosted_zone_id` are attributes of interface endpoints alone, and
/// `prefix_list_id`, the service's addresses as rules of security groups name them, is one of gateway endpoints.
#[spec]
pub struct VpcEndpoint {
    /// The network it is in.
    #[spec(replace)]
    vpc: Ref<names::Vpc>,
    /// The service, such as `com.amazonaws.us-east-1.s3`.
    #[spec(replace)]
    service_name: String,
    /// `Gateway`, `Interface`, or `GatewayLoadBalancer`. Default: `Gateway`.
    #[spec(replace, default = EndpointType::Gateway)]
    vpc_endpoint_type: EndpointType,
    /// The region the service is in. Left out: the endpoint's own.
    #[spec(replace)]
    service_region: Option<String>,
    /// Who may do what through it. Default: everybody everything that their own policies allow.
    #[serde(deserialize_with = "policy")]
    #[spec(default = full_access())]
    policy_document: PolicyDocument,
    /// Gateway: the tables that get a route to the service. Default: none.
    #[spec(default)]
    route_tables: BTreeSet<Ref<names::RouteTable>>,
    /// Interface: where it has network interfaces, one subnet a zone at most. Default: none.
    #[spec(default)]
    subnets: BTreeSet<Ref<names::Subnet>>,
    /// Interface: the groups its network interfaces wear. Default: none.
    #[spec(default)]
    security_groups: BTreeSet<Ref<names::SecurityGroup>>,
    /// Interface: makes the service's usual names lead here; the network needs both of its DNS settings on. Default:
    /// false.
    #[spec(default)]
    private_dns_enabled: bool,
    /// Interface: `ipv4`, `ipv6` or `dualstack`. Left out: AWS chooses by the subnets.
    ip_address_type: Option<IpAddressType>,
    /// Interface: which names answer with what. Left out: AWS chooses.
    dns_options: Option<DnsOptions>,
}

/// Which names of an interface endpoint answer with what.
#[part(Eq, sends = wire::DnsOptionsSpecification, reads = wire::DnsOptions)]
struct DnsOptions {
    /// `ipv4`, `ipv6`, `dualstack` or `service-defined`. Left out: AWS chooses by `ip_address_type`.
    dns_record_ip_type: Option<DnsRecordIpType>,
    /// Leads only networks connected to this one to the interface, and the network itself to the gateway endpoint of
    /// the same service. Left out: as it is.
    private_dns_only_for_inbound_resolver_endpoint: Option<bool>,
}

up_core::aws_enum! {
    /// How an endpoint is reached.
    EndpointType {
        /// By a route.
        Gateway = "Gateway",
        /// By network interfaces.
        Interface = "Interface",
        /// By a route to a network interface, for traffic to be inspected.
        GatewayLoadBalancer = "GatewayLoadBalancer",
    }

    /// The addresses an endpoint has.
    IpAddressType {
        /// IPv4 alone.
        Ipv4 = "ipv4",
        /// IPv6 alone.
        Ipv6 = "ipv6",
        /// Both.
        Dualstack = "dualstack",
    }

    /// The addresses an endpoint's names answer with.
    DnsRecordIpType {
        /// IPv4 alone.
        Ipv4 = "ipv4",
        /// IPv6 alone.
        Ipv6 = "ipv6",
        /// Both.
        Dualstack = "dualstack",
        /// As the service decides.
        ServiceDefined = "service-defined",
    }
}

impl Kind for VpcEndpoint {
    const NAME: &'static str = names::VpcEndpoint::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::VPCEndpoint",
        actions: Actions {
            observe: actions!(ec2: DescribeManagedPrefixLists DescribeVpcEndpoints),
            create: actions!(ec2: CreateTags CreateVpcEndpoint DescribeVpcEndpoints DescribeSecurityGroups
                DescribeSubnets DescribeVpcs, route53: AssociateVPCWithHostedZone),
            update: actions!(ec2: ModifyVpcEndpoint DescribeSecurityGroups DescribeSubnets DescribeVpcs),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteVpcEndpoints),
        },
        attrs: &["arn", "dns_name", "hosted_zone_id", PREFIX_LIST],
        client_token: true,
        wait: Wait { every: Duration::from_secs(5), at_most: Duration::from_secs(900) },
        takes: Takes { create: Duration::from_secs(60), delete: Duration::from_secs(60), ..Takes::DEFAULT },
        tags: TagRules::FREE,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        // LocalStack does not know the filter by id.
        let filters = owned(query).into_iter().collect();
        let request = client(cx).describe_vpc_endpoints().set_filters(Some(filters));
        let request = request.into_paginator().page_size(1000);
        let mut endpoints = request.items().send().try_collect().await?;
        endpoints.retain(|endpoint| state(endpoint) != "deleted");
        let mut observed = endpoints.into_iter().map(|endpoint| read(cx, endpoint)).collect::<Result<Vec<_>>>()?;
        if query.asks_attribute(PREFIX_LIST) {
            tell_prefix_lists(cx, &mut observed).await?;
        }
        Ok(observed)
    }

    /// Sent with a client token, so that EC2 makes one however often it is sent.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_vpc_endpoint().tag_specifications(ours(ResourceType::VpcEndpoint, new));
        let request = fill!(request, cx, self: vpc as vpc_id, service_name, vpc_endpoint_type, service_region,
            route_tables as route_table_ids, subnets as subnet_ids, security_groups as security_group_ids,
            ip_address_type, dns_options);
        let request = request.set_policy_document(self.restriction());
        let request = request.set_private_dns_enabled(self.is_interface().then_some(self.private_dns_enabled));
        let make = async |token| {
            let made = request.clone().client_token(token).send().await?.vpc_endpoint;
            Ok(made.and_then(|endpoint| endpoint.vpc_endpoint_id))
        };
        token::create(cx, new, request.as_input(), make, |id| is_kept(cx, id)).await
    }

    /// All in one call. Safe to repeat: adding a member twice, or removing it twice, changes nothing.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let was = &observed.spec;
        let call = client(cx)
            .modify_vpc_endpoint()
            .vpc_endpoint_id(&observed.id)
            .set_add_route_table_ids(beyond(&self.route_tables, &was.route_tables, cx)?)
            .set_remove_route_table_ids(beyond(&was.route_tables, &self.route_tables, cx)?)
            .set_add_subnet_ids(beyond(&self.subnets, &was.subnets, cx)?)
            .set_remove_subnet_ids(beyond(&was.subnets, &self.subnets, cx)?)
            .set_add_security_group_ids(beyond(&self.security_groups, &was.security_groups, cx)?)
            .set_remove_security_group_ids(beyond(&was.security_groups, &self.security_groups, cx)?);
        let call = match (self.policy_document != was.policy_document, self.restriction()) {
            (false, _) => call,
            (true, Some(policy)) => call.policy_document(policy),
            (true, None) => call.reset_policy(true),
        };
        fill_changed!(call, cx, self, was: private_dns_enabled, ip_address_type, dns_options).send().await?;
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. EC2 answers with success and lists what it refused.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let answer = client(cx).delete_vpc_endpoints().vpc_endpoint_ids(&observed.id).send().await?;
        let refusal = answer.unsuccessful.into_iter().flatten().find_map(|item| item.error);
        let Some(refusal) = refusal else { return Ok(()) };
        let (code, message): (String, String) = (read!(refusal.code)?, read!(refusal.message)?);
        Err::<(), _>(Error::answered(&code, &message)).ignore_not_found()
    }

    fn unique(&self) -> Vec<Unique> {
        let service = |field| Unique::value(field, &self.service_name);
        // A table has one route to a service, and a network one answer to its usual names.
        let routes = self.route_tables.iter().filter_map(|table| Some(service("route_tables")?.within(table)));
        let names = service("private_dns_enabled").filter(|_| self.private_dns_enabled);
        routes.chain(names.map(|names| names.within(&self.vpc))).collect()
    }

    fn check(&self) -> Vec<Problem> {
        let (gateway, interface) = (self.vpc_endpoint_type == EndpointType::Gateway, self.is_interface());
        let [tables, subnets] = [!self.route_tables.is_empty(), !self.subnets.is_empty()];
        let groups = !self.security_groups.is_empty();
        let names = self.private_dns_enabled || self.dns_options.is_some();
        problems! {
            gateway && !tables => "route_tables", "a gateway endpoint needs the route tables that lead to it";
            !gateway && tables => "route_tables", "only gateway endpoints are in route tables";
            !gateway && !subnets => "subnets", "an endpoint with network interfaces needs subnets for them";
            gateway && subnets => "subnets", "a gateway endpoint has no network interfaces, and no subnets";
            interface && !groups => "security_groups", "an interface endpoint needs a group that lets traffic in";
            !interface && groups => "security_groups", "only interface endpoints wear security groups";
            !interface && names => "private_dns_enabled", "only interface endpoints have names in the DNS";
        }
    }
}

impl VpcEndpoint {
    fn is_interface(&self) -> bool {
        self.vpc_endpoint_type == EndpointType::Interface
    }

    /// The policy to send; none for full access, which some services take no policy for.
    fn restriction(&self) -> Option<String> {
        (self.policy_document != full_access()).then(|| self.policy_document.text())
    }
}

fn read(cx: &Context, endpoint: Described) -> Result<Observed<VpcEndpoint>> {
    let (status, notes) = (status(&endpoint), notes(&endpoint));
    let id = present(endpoint.vpc_endpoint_id, "endpoint id")?;
    let policy_document = match endpoint.policy_document {
        Some(text) => {
            normal(PolicyDocument::parse(&text).map_err(|error| Error::ours(format!("policy of {id}: {error}")))?)
        }
        None => full_access(),
    };
    let groups = endpoint.groups.into_iter().flatten().filter_map(|group| group.group_id);
    let vpc_endpoint_type = read!(endpoint.vpc_endpoint_type)?;
    let private_dns: bool = read!(endpoint.private_dns_enabled)?;
    let spec = VpcEndpoint {
        vpc: read!(endpoint.vpc_id)?,
        service_name: read!(endpoint.service_name)?,
        vpc_endpoint_type,
        service_region: endpoint.service_region,
        policy_document,
        route_tables: read!(endpoint.route_table_ids)?,
        subnets: read!(endpoint.subnet_ids)?,
        security_groups: groups.map(Ref::id).collect(),
        // It means nothing for other types, whatever is answered for them.
        private_dns_enabled: private_dns && vpc_endpoint_type == EndpointType::Interface,
        ip_address_type: read!(endpoint.ip_address_type)?,
        dns_options: read!(endpoint.dns_options)?,
    };
    // The first entry is the one for all zones.
    let entry = endpoint.dns_entries.into_iter().flatten().next();
    let (name, zone) = entry.map_or((None, None), |entry| (entry.dns_name, entry.hosted_zone_id));
    let observed = Observed::new(&id, tags(endpoint.tags), spec).attr("arn", arn(cx, "vpc-endpoint", &id));
    let observed = observed.created_at(endpoint.creation_timestamp);
    Ok(Observed { status, notes, ..observed.attr("dns_name", name).attr("hosted_zone_id", zone) })
}

const PREFIX_LIST: &str = "prefix_list_id";

/// The prefix lists of gateway endpoints' services, all by one call.
async fn tell_prefix_lists(cx: &Context, observed: &mut [Observed<VpcEndpoint>]) -> Result<()> {
    let specs = observed.iter().map(|observed| &observed.spec);
    let gateways = specs.filter(|spec| spec.vpc_endpoint_type == EndpointType::Gateway);
    let services: BTreeSet<String> = gateways.map(|spec| spec.service_name.clone()).collect();
    if services.is_empty() {
        return Ok(());
    }
    let named = filter("prefix-list-name", services);
    let request = client(cx).describe_managed_prefix_lists().filters(named).into_paginator().page_size(100);
    for list in request.items().send().try_collect().await? {
        let (Some(id), Some(name)) = (list.prefix_list_id, list.prefix_list_name) else { continue };
        let of = observed.iter_mut().filter(|observed| observed.spec.service_name == name);
        of.for_each(|observed| _ = observed.attrs.insert(PREFIX_LIST.to_owned(), id.clone()));
    }
    Ok(())
}

/// One that was never let in, or never came up, is replaced by one that asks again. The owner of the service can also reject
/// one that was available: it stays, because its addresses and its name may be in use again once it is accepted.
fn status(endpoint: &Described) -> Status {
    let state = state(endpoint);
    let error = endpoint.last_error().and_then(|error| error.message()).or(endpoint.failure_reason());
    let why = |text: &str| error.map_or_else(|| text.to_owned(), |error| format!("{text}: {error}"));
    match state.as_str() {
        // Whether it is let in is up to the owner of the service, and may take days.
        "available" | "pendingacceptance" => Status::Ready,
        "deleting" => Status::Deleting(state),
        "failed" => Status::Failed(why("failed")),
        "rejected" => Impairment::explained(
            why("rejected by the owner of the service"),
            "ask the owner to accept it (`aws ec2 accept-vpc-endpoint-connections`); or delete it, and the next apply \
             creates one that asks again",
        ),
        "expired" => Status::Failed(why("expired before the owner of the service let it in; a new one asks again")),
        "partial" => Impairment::explained(why("partial"), "see in the console which of its parts AWS could not make"),
        _ => Status::Pending(state),
    }
}

/// What a user should know of one that stands.
fn notes(endpoint: &Described) -> Vec<String> {
    let waits = state(endpoint) == "pendingacceptance";
    let service = endpoint.service_name().unwrap_or("its service");
    waits.then(|| format!("the owner of {service} has not accepted it yet")).into_iter().collect()
}

/// EC2 spells its states in lower case, and its API model in upper.
fn state(endpoint: &Described) -> String {
    endpoint.state.as_ref().map_or("pending".into(), |state| state.as_str().to_ascii_lowercase())
}

async fn is_kept(cx: &Context, id: String) -> Result<bool> {
    let answer = client(cx).describe_vpc_endpoints().vpc_endpoint_ids(id).send().await?;
    Ok(!answer.vpc_endpoints().iter().any(|it| matches!(state(it).as_str(), "deleting" | "deleted")))
}

fn full_access() -> PolicyDocument {
    let policy = json!({ "Statement": [{ "Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*" }] });
    Document::from(policy).into()
}

fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PolicyDocument, D::Error> {
    PolicyDocument::deserialize(deserializer).map(normal)
}

/// Services spell "full access" in several ways, some with a version and a `Sid`; one of them is the normal form.
fn normal(document: PolicyDocument) -> PolicyDocument {
    let sole = document.statements().and_then(|statements| match statements {
        [Value::Object(statement)] => Some(statement.clone()),
        _ => None,
    });
    let is_full = sole.is_some_and(|mut statement| {
        statement.shift_remove("Sid");
        PolicyDocument::from(Document::from(json!({ "Statement": statement }))) == full_access()
    });
    if is_full { full_access() } else { document }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_access_has_one_spelling() {
        let same = [
            r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
            r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["*"],"Resource":"*","Sid":"x"}}"#,
        ];
        for text in same {
            assert_eq!(normal(PolicyDocument::parse(text).unwrap()), full_access());
        }
        let denied = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}"#;
        assert_ne!(normal(PolicyDocument::parse(denied).unwrap()), full_access());
    }

    #[test]
    fn only_one_that_never_came_up_is_failed() {
        let of = |state: &str| {
            let endpoint = Described::builder().state(state.into()).build();
            (status(&endpoint), notes(&endpoint).len())
        };
        // EC2 answers in lower case, and its model has the words in upper.
        for state in ["available", "Available"] {
            assert_eq!(of(state), (Status::Ready, 0));
        }
        for state in ["pendingAcceptance", "PendingAcceptance"] {
            assert_eq!(of(state), (Status::Ready, 1));
        }
        for state in ["pending", "of-tomorrow"] {
            assert_eq!(of(state), (Status::Pending(state.into()), 0));
        }
        assert!(matches!(of("deleting"), (Status::Deleting(_), 0)));
        for state in ["partial", "rejected"] {
            assert!(matches!(of(state), (Status::Impaired(_), 0)), "{state}");
        }
        for state in ["failed", "expired"] {
            assert!(matches!(of(state), (Status::Failed(_), 0)), "{state}");
        }
    }

    #[test]
    fn policies_compare_as_iam_does() {
        let one = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}}"#;
        let other = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
        assert_eq!(normal(PolicyDocument::parse(one).unwrap()), normal(PolicyDocument::parse(other).unwrap()));
    }
}
