//! Where a load balancer stands: its subnets, and the addresses it has in them.

use aws_sdk_elasticloadbalancingv2::types;
use up_core::{Name, prelude::*};

/// A subnet, and the addresses a network load balancer has in it.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct SubnetMapping {
    /// The subnet.
    subnet: Ref<names::Subnet>,
    /// Its public address there. Left out: none of the stack's; AWS assigns one.
    allocation: Option<Ref<names::Eip>>,
    /// Its private address there, for an internal one. Left out: AWS assigns one.
    private_ipv4_address: Option<String>,
}

impl SubnetMapping {
    pub(crate) fn observed(zone: types::AvailabilityZone) -> Option<Self> {
        let address = zone.load_balancer_addresses.unwrap_or_default().into_iter().next();
        let (allocation, private) = address.map(|each| (each.allocation_id, each.private_ipv4_address)).unzip();
        let (allocation, private_ipv4_address) = (allocation.flatten().map(Ref::id), private.flatten());
        Some(Self { subnet: Ref::id(zone.subnet_id?), allocation, private_ipv4_address })
    }

    fn wire(&self, cx: &Context) -> Result<types::SubnetMapping> {
        let allocation = self.allocation.as_ref().map(|address| cx.id(address)).transpose()?;
        let mapping = types::SubnetMapping::builder().subnet_id(cx.id(&self.subnet)?);
        let mapping = mapping.set_allocation_id(allocation);
        Ok(mapping.set_private_ipv4_address(self.private_ipv4_address.clone()).build())
    }
}

/// Mappings as the API takes them, in the order of their subnets.
pub(crate) fn mappings<'a>(
    cx: &Context,
    mappings: Option<impl IntoIterator<Item = &'a SubnetMapping>>,
) -> Result<Option<Vec<types::SubnetMapping>>> {
    let Some(mappings) = mappings else { return Ok(None) };
    let mut wire = mappings.into_iter().map(|mapping| mapping.wire(cx)).collect::<Result<Vec<_>>>()?;
    wire.sort_by(|one, other| one.subnet_id.cmp(&other.subnet_id));
    Ok(Some(wire))
}

/// What references stand for, in order.
pub(crate) fn ids<'a, K: Name>(
    cx: &Context,
    references: Option<impl IntoIterator<Item = &'a Ref<K>>>,
) -> Result<Option<Vec<String>>> {
    let Some(references) = references else { return Ok(None) };
    let mut ids = references.into_iter().map(|reference| cx.id(reference)).collect::<Result<Vec<_>>>()?;
    ids.sort();
    Ok(Some(ids))
}
