//! A route of a route table.

use std::fmt;

use aws_sdk_ec2::types::{Route as Described, RouteOrigin};
use up_core::prelude::*;

use crate::client;

/// A route: one destination and one target.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    /// Destination: an IPv4 CIDR block, such as `0.0.0.0/0` for all addresses that no more specific route matches.
    destination_cidr_block: Option<Cidr>,
    /// Destination: an IPv6 CIDR block, such as `::/0`.
    destination_ipv6_cidr_block: Option<Cidr>,
    /// Destination: a prefix list, `pl-…`.
    destination_prefix_list_id: Option<String>,
    /// Target: the VPC's internet gateway, or a virtual private gateway as `{ id = "vgw-…" }`.
    gateway: Option<Ref<names::InternetGateway>>,
    /// Target: a NAT gateway.
    nat_gateway: Option<Ref<names::NatGateway>>,
    /// Target: a Gateway Load Balancer endpoint.
    vpc_endpoint: Option<Ref<names::VpcEndpoint>>,
    /// Target: a transit gateway, `tgw-…`.
    transit_gateway_id: Option<String>,
    /// Target: a VPC peering connection, `pcx-…`.
    vpc_peering_connection_id: Option<String>,
    /// Target: a network interface, `eni-…`, of an instance that forwards traffic.
    network_interface_id: Option<String>,
    /// Target: an egress-only internet gateway, `eigw-…`, for IPv6.
    egress_only_internet_gateway_id: Option<String>,
    /// Target: a carrier gateway, `cagw-…`.
    carrier_gateway_id: Option<String>,
    /// Target: a local gateway of an Outpost, `lgw-…`.
    local_gateway_id: Option<String>,
    /// Target: the ARN of a Cloud WAN core network.
    core_network_arn: Option<String>,
}

/// CreateRoute and ReplaceRoute have the same members, but different types.
macro_rules! lead {
    ($call:expr, $cx:expr, $route:expr) => {
        fill!($call, $cx, $route: destination_cidr_block, destination_ipv6_cidr_block, destination_prefix_list_id,
            gateway as gateway_id, nat_gateway as nat_gateway_id, vpc_endpoint as vpc_endpoint_id, transit_gateway_id,
            vpc_peering_connection_id, network_interface_id, egress_only_internet_gateway_id, carrier_gateway_id,
            local_gateway_id, core_network_arn)
    };
}

impl Route {
    /// The route as a user can declare it. `None` for the VPC's local routes, and for those of gateway endpoints and
    /// route propagation.
    pub(crate) fn read(route: Described) -> Option<Self> {
        let gateway = route.gateway_id;
        let is_endpoint = gateway.as_deref().is_some_and(|id| id.starts_with("vpce-"));
        let others = [RouteOrigin::EnableVgwRoutePropagation, RouteOrigin::Advertisement];
        let is_made = route.origin.is_some_and(|origin| others.contains(&origin));
        let is_local = gateway.as_deref() == Some("local");
        if is_made || is_local || (is_endpoint && route.destination_prefix_list_id.is_some()) {
            return None;
        }
        let (vpc_endpoint, gateway) = if is_endpoint { (gateway, None) } else { (None, gateway) };
        Some(Self {
            destination_cidr_block: route.destination_cidr_block.map(Cidr::observed),
            destination_ipv6_cidr_block: route.destination_ipv6_cidr_block.map(Cidr::observed),
            destination_prefix_list_id: route.destination_prefix_list_id,
            gateway: gateway.map(Ref::id),
            nat_gateway: route.nat_gateway_id.map(Ref::id),
            vpc_endpoint: vpc_endpoint.map(Ref::id),
            transit_gateway_id: route.transit_gateway_id,
            vpc_peering_connection_id: route.vpc_peering_connection_id,
            network_interface_id: route.network_interface_id,
            egress_only_internet_gateway_id: route.egress_only_internet_gateway_id,
            carrier_gateway_id: route.carrier_gateway_id,
            local_gateway_id: route.local_gateway_id,
            core_network_arn: route.core_network_arn,
        })
    }

    /// The same route with ids instead of addresses, so that routes can be compared.
    pub(crate) fn resolved(&self, cx: &Context) -> Result<Self> {
        Ok(Self {
            gateway: resolved(cx, &self.gateway)?,
            nat_gateway: resolved(cx, &self.nat_gateway)?,
            vpc_endpoint: resolved(cx, &self.vpc_endpoint)?,
            ..self.clone()
        })
    }

    /// Its destination, which is unique in a route table.
    pub(crate) fn destination(&self) -> [Option<&str>; 3] {
        let [ipv4, ipv6] = [&self.destination_cidr_block, &self.destination_ipv6_cidr_block];
        [ipv4.as_ref().map(Cidr::as_str), ipv6.as_ref().map(Cidr::as_str), self.destination_prefix_list_id.as_deref()]
    }

    /// Safe to repeat: a route that exists is replaced. So is the VPC's local route if the stack declares another
    /// target for it.
    pub(crate) async fn create(&self, cx: &Context, table: &str) -> Result<()> {
        let call = lead!(client(cx).create_route().route_table_id(table), cx, self);
        match call.send().await.map_err(Error::from) {
            Err(error) if error.kind == ErrorKind::Exists => self.replace(cx, table).await,
            created => created.map(drop),
        }
    }

    /// Safe to repeat: the route is set.
    pub(crate) async fn replace(&self, cx: &Context, table: &str) -> Result<()> {
        lead!(client(cx).replace_route().route_table_id(table), cx, self).send().await?;
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing. The VPC's local route cannot be deleted: if it had another
    /// target, its target becomes `local` again.
    pub(crate) async fn delete(&self, cx: &Context, table: &str) -> Result<()> {
        let call = client(cx).delete_route().route_table_id(table);
        let call = fill!(call, cx, self: destination_cidr_block, destination_ipv6_cidr_block,
            destination_prefix_list_id);
        match call.send().await.map_err(Error::from) {
            Err(error) if error.code == "InvalidParameterValue" && error.message.contains("local route") => {
                let call = client(cx).replace_route().route_table_id(table).local_target(true);
                fill!(call, cx, self: destination_cidr_block, destination_ipv6_cidr_block).send().await?;
                Ok(())
            }
            deleted => deleted.ignore_not_found(),
        }
    }

    /// A message for what is wrong with the route.
    pub(crate) fn problem(&self) -> Option<String> {
        let (destinations, targets) = (self.destination().iter().flatten().count(), self.targets());
        let family = |cidr: &Option<Cidr>, ipv4| {
            cidr.as_ref().and_then(Cidr::net).is_none_or(|net| net.addr().is_ipv4() == ipv4)
        };
        if destinations != 1 {
            let fields = "`destination_cidr_block`, `destination_ipv6_cidr_block` or `destination_prefix_list_id`";
            Some(format!("a route has one destination, {fields}; this one has {destinations}"))
        } else if targets != 1 {
            Some(format!("the route to {self} needs one target, and has {targets}"))
        } else if !family(&self.destination_cidr_block, true) {
            Some(format!("{self} is IPv6: write it as `destination_ipv6_cidr_block`"))
        } else if !family(&self.destination_ipv6_cidr_block, false) {
            Some(format!("{self} is IPv4: write it as `destination_cidr_block`"))
        } else {
            None
        }
    }

    fn targets(&self) -> usize {
        let refs = [self.gateway.is_some(), self.nat_gateway.is_some(), self.vpc_endpoint.is_some()];
        let ids = [
            &self.transit_gateway_id,
            &self.vpc_peering_connection_id,
            &self.network_interface_id,
            &self.egress_only_internet_gateway_id,
            &self.carrier_gateway_id,
            &self.local_gateway_id,
            &self.core_network_arn,
        ];
        refs.into_iter().chain(ids.map(Option::is_some)).filter(|given| *given).count()
    }
}

/// Its destination, for messages.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.destination().into_iter().flatten().next().unwrap_or("nowhere"))
    }
}

fn resolved<K: Name>(cx: &Context, reference: &Option<Ref<K>>) -> Result<Option<Ref<K>>> {
    Ok(reference.to_aws(cx)?.map(Ref::id))
}
