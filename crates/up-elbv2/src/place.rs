//! The subnets of a load balancer, and its IP addresses in them.

use aws_sdk_elasticloadbalancingv2::types as wire;
use up_core::prelude::*;

/// A subnet, and the IP addresses of a network load balancer in it.
#[part(Eq, PartialOrd, Ord, sends = wire::SubnetMapping)]
pub(crate) struct SubnetMapping {
    /// The subnet.
    #[spec(member = subnet_id)]
    subnet: Ref<names::Subnet>,
    /// The Elastic IP address, for an internet-facing load balancer. Left out: AWS assigns an address.
    #[spec(member = allocation_id)]
    allocation: Option<Ref<names::Eip>>,
    /// The private IPv4 address, for an internal load balancer. Left out: AWS assigns one.
    private_ipv4_address: Option<String>,
}

impl SubnetMapping {
    pub(crate) fn observed(zone: wire::AvailabilityZone) -> Option<Self> {
        let address = zone.load_balancer_addresses.unwrap_or_default().into_iter().next();
        let (allocation, private) = address.map(|each| (each.allocation_id, each.private_ipv4_address)).unzip();
        let (allocation, private_ipv4_address) = (allocation.flatten().map(Ref::id), private.flatten());
        Some(Self { subnet: Ref::id(zone.subnet_id?), allocation, private_ipv4_address })
    }
}
