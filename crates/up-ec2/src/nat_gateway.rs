//! `ec2.nat_gateway`: a way out for what has no public address.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    NatGateway as Described, NatGatewayAddress, NatGatewayAddressStatus, NatGatewayState, ResourceType,
};
use up_core::prelude::*;

use crate::{arn, client, filter, ids, ours, selected, tags, token};

/// A way out for what has no public address of its own. AWS bills it by the hour and by the gigabyte.
///
/// A public one stands in a subnet whose network has an internet gateway.
#[spec]
pub struct NatGateway {
    /// Where it stands.
    #[spec(replace)]
    subnet: Ref<names::Subnet>,
    /// `public` to reach the internet, `private` to reach other networks. Default: `public`.
    #[spec(replace, default = ConnectivityType::Public)]
    connectivity_type: ConnectivityType,
    /// The address it goes out with, which a public one needs. One that replaces it with the same address can be made
    /// only when the old one is gone: minutes without a way out.
    #[spec(name)]
    allocation: Option<Ref<names::Eip>>,
    /// Its address in the subnet. Left out: AWS chooses.
    #[spec(name)]
    private_ip_address: Option<String>,
    /// Further addresses to go out with, for more than 55,000 connections to one destination. Default: none.
    #[spec(default)]
    secondary_allocations: BTreeSet<Ref<names::Eip>>,
}

up_core::aws_enum! {
    /// What a NAT gateway leads to.
    ConnectivityType {
        /// The internet.
        Public = "public",
        /// Other networks.
        Private = "private",
    }
}

impl Kind for NatGateway {
    const NAME: &'static str = names::NatGateway::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::NatGateway",
        actions: Actions {
            observe: actions!(ec2: DescribeNatGateways),
            create: actions!(ec2: CreateNatGateway CreateTags DescribeInternetGateways DescribeNatGateways
                DescribeSubnets),
            update: actions!(ec2: AssociateNatGatewayAddress DescribeNatGateways DisassociateNatGatewayAddress),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteNatGateway),
        },
        attrs: &["arn", "private_ip", "public_ip"],
        client_token: true,
        wait: Wait { every: Duration::from_secs(5), at_most: Duration::from_secs(900) },
        takes: Takes { create: Duration::from_secs(115), delete: Duration::from_secs(60), ..Takes::DEFAULT },
        tags: TagRules::FREE,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_nat_gateways().set_filter(selected(query, "nat-gateway-id"));
        let mut gateways = request.into_paginator().page_size(1000).items().send().try_collect().await?;
        // EC2 describes what it has deleted for about an hour.
        gateways.retain(|gateway| gateway.state != Some(NatGatewayState::Deleted));
        gateways.into_iter().map(|gateway| read(cx, gateway)).collect()
    }

    /// Sent with a client token, so that EC2 makes one however often it is sent.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        if self.is_public() {
            self.await_internet(cx, &cx.id(&self.subnet)?).await?;
        }
        let request = client(cx).create_nat_gateway().tag_specifications(ours(ResourceType::Natgateway, new));
        let request = fill!(request, cx, self: subnet as subnet_id, allocation as allocation_id, connectivity_type,
            private_ip_address);
        let make = async |token| {
            let made = request.clone().client_token(token).send().await?.nat_gateway;
            Ok(made.and_then(|gateway| gateway.nat_gateway_id))
        };
        token::create(cx, new, request.as_input(), make, |id| is_kept(cx, id)).await
    }

    /// Safe to repeat: addresses are compared with what is there now. New ones come before old ones go. What is left of one
    /// that failed goes first, so that it can come again.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let answer = client(cx).describe_nat_gateways().nat_gateway_ids(&observed.id).send().await?;
        let gateway = present(answer.nat_gateways.and_then(|them| them.into_iter().next()), "NAT gateway")?;
        let (mut missing, mut extra) = (ids(cx, &self.secondary_allocations)?, Vec::new());
        let failed = gateway.nat_gateway_addresses().iter().filter(|it| !is_first(it) && is_failed(it));
        let failed: Vec<_> = failed.filter_map(|it| it.association_id().map(str::to_owned)).collect();
        if !failed.is_empty() {
            let call = client(cx).disassociate_nat_gateway_address().nat_gateway_id(&observed.id);
            call.set_association_ids(Some(failed)).send().await.ignore_not_found()?;
        }
        for address in secondary(&gateway) {
            let known = address.allocation_id().is_some_and(|allocation| missing.remove(allocation));
            extra.extend(address.association_id().filter(|_| !known).map(str::to_owned));
        }
        if !missing.is_empty() {
            let call = client(cx).associate_nat_gateway_address().nat_gateway_id(&observed.id);
            call.set_allocation_ids(Some(missing.into_iter().collect())).send().await?;
        }
        if !extra.is_empty() {
            let call = client(cx).disassociate_nat_gateway_address().nat_gateway_id(&observed.id);
            call.set_association_ids(Some(extra)).send().await?;
        }
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        client(cx).delete_nat_gateway().nat_gateway_id(&observed.id).send().await?;
        Ok(())
    }

    fn unique(&self) -> Vec<Unique> {
        let addresses = self.allocation.iter().chain(&self.secondary_allocations);
        let private = self.private_ip_address.as_ref().and_then(|ip| Unique::value("private_ip_address", ip));
        let private = private.map(|ip| ip.within(&self.subnet));
        addresses.map(|address| Unique::only("allocation", address)).chain(private).collect()
    }

    fn check(&self) -> Vec<Problem> {
        let (public, first) = (self.is_public(), self.allocation.is_some());
        let any = first || !self.secondary_allocations.is_empty();
        problems! {
            public && !first => "allocation", "a public NAT gateway needs an address";
            !public && any => "allocation", "a private NAT gateway takes no public address";
        }
    }
}

impl NatGateway {
    fn is_public(&self) -> bool {
        self.connectivity_type == ConnectivityType::Public
    }

    /// A public gateway made before its network has an internet gateway fails for good: better not made yet.
    async fn await_internet(&self, cx: &Context, subnet: &str) -> Result<()> {
        let known = self.subnet.address().and_then(|subnet| cx.known(subnet)?.attrs.remove("vpc_id"));
        let vpc = match known {
            Some(vpc) => vpc,
            None => {
                let answer = client(cx).describe_subnets().subnet_ids(subnet).send().await?;
                let vpc = answer.subnets.and_then(|subnets| subnets.into_iter().next()?.vpc_id);
                present(vpc, "VPC of a subnet")?
            }
        };
        let is_attached = async {
            let attached = filter("attachment.vpc-id", [&vpc]);
            let answer = client(cx).describe_internet_gateways().filters(attached).send().await?;
            Ok(!answer.internet_gateways().is_empty())
        };
        if cx.established(&format!("internet gateway of {vpc}"), is_attached).await? {
            return Ok(());
        }
        let message = format!("{vpc} has no internet gateway yet, which a public NAT gateway needs");
        Err(Error { kind: ErrorKind::Propagating, ..Error::refused("Gateway.NotAttached", message) })
    }
}

async fn is_kept(cx: &Context, id: String) -> Result<bool> {
    use NatGatewayState::{Deleted, Deleting};
    let answer = client(cx).describe_nat_gateways().nat_gateway_ids(id).send().await?;
    Ok(!answer.nat_gateways().iter().any(|gateway| matches!(gateway.state, Some(Deleted | Deleting))))
}

fn read(cx: &Context, gateway: Described) -> Result<Observed<NatGateway>> {
    let status = status(&gateway)?;
    let extra = secondary(&gateway).filter_map(NatGatewayAddress::allocation_id).map(Ref::id).collect();
    let first = gateway.nat_gateway_addresses().iter().find(|address| is_first(address)).cloned();
    let (allocation, private_ip, public_ip) =
        first.map_or((None, None, None), |first| (first.allocation_id, first.private_ip, first.public_ip));
    let spec = NatGateway {
        subnet: read!(gateway.subnet_id)?,
        connectivity_type: read!(gateway.connectivity_type)?,
        allocation: allocation.map(Ref::id),
        private_ip_address: private_ip.clone(),
        secondary_allocations: extra,
    };
    let id = present(gateway.nat_gateway_id, "NAT gateway id")?;
    let observed = Observed::new(&id, tags(gateway.tags), spec).attr("arn", arn(cx, "natgateway", &id));
    let observed = observed.created_at(gateway.create_time);
    Ok(Observed { status, ..observed.attr("private_ip", private_ip).attr("public_ip", public_ip) })
}

/// Only a gateway that never came up is failed. An address beside its first is associated again, the others go on meanwhile.
fn status(gateway: &Described) -> Result<Status> {
    use NatGatewayAddressStatus::Succeeded;
    let addresses = || gateway.nat_gateway_addresses().iter();
    let moving = addresses().filter(|it| !is_failed(it)).filter_map(NatGatewayAddress::status);
    let moving = moving.into_iter().find(|status| **status != Succeeded);
    let why = |text: Option<&str>| text.unwrap_or("AWS gives no reason").to_owned();
    Ok(match present(gateway.state.as_ref(), "state of a NAT gateway")? {
        NatGatewayState::Failed => Status::Failed(why(gateway.failure_message())),
        NatGatewayState::Deleting => Status::Deleting("deleting".into()),
        NatGatewayState::Available => match (moving, addresses().find(|it| is_failed(it))) {
            (Some(moving), _) => Status::Pending(moving.to_string()),
            (None, Some(address)) => {
                let allocation = address.allocation_id().unwrap_or("an address");
                let why = format!("{allocation} could not be associated: {}", why(address.failure_message()));
                Impairment::repairable(why, "the next apply associates it again")
            }
            (None, None) => Status::Ready,
        },
        state => Status::Pending(state.to_string()),
    })
}

/// The addresses beside its first that stay.
fn secondary(gateway: &Described) -> impl Iterator<Item = &NatGatewayAddress> {
    use NatGatewayAddressStatus::{Disassociating, Failed, Unassigning};
    let addresses = gateway.nat_gateway_addresses().iter();
    addresses.filter(|it| !is_first(it) && !matches!(it.status, Some(Disassociating | Failed | Unassigning)))
}

fn is_failed(address: &NatGatewayAddress) -> bool {
    address.status == Some(NatGatewayAddressStatus::Failed)
}

/// EC2 did not mark the first address while a gateway could have only one.
fn is_first(address: &NatGatewayAddress) -> bool {
    address.is_primary != Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(state: &str, address: &str) -> Status {
        let first = NatGatewayAddress::builder().is_primary(true).status("succeeded".into()).build();
        let more = NatGatewayAddress::builder().is_primary(false).status(address.into()).build();
        let gateway = Described::builder().state(state.into()).nat_gateway_addresses(first).nat_gateway_addresses(more);
        status(&gateway.build()).unwrap()
    }

    #[test]
    fn only_a_gateway_that_never_came_up_is_failed() {
        assert!(matches!(of("failed", "succeeded"), Status::Failed(_)));
        assert!(matches!(of("deleting", "succeeded"), Status::Deleting(_)));
        assert_eq!(of("available", "succeeded"), Status::Ready);
        for state in ["pending", "of-tomorrow"] {
            assert_eq!(of(state, "succeeded"), Status::Pending(state.into()));
        }
    }

    #[test]
    fn an_address_that_failed_is_associated_again() {
        for address in ["assigning", "unassigning", "associating", "disassociating", "of-tomorrow"] {
            assert_eq!(of("available", address), Status::Pending(address.into()));
        }
        assert!(matches!(of("available", "failed"), Status::Impaired(Impairment { repair: true, .. })));
    }
}
