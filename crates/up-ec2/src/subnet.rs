//! `ec2.subnet`: a range of addresses of a VPC, in one availability zone.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    ResourceType, Subnet as Described, SubnetCidrBlockStateCode, SubnetIpv6CidrBlockAssociation, SubnetState,
};
use up_core::{Address, prelude::*};

use crate::{
    check, client, guardduty::leave_subnet, holder::or_holders, once, ours, selected, strangers, switch, tags,
};

/// A range of IP addresses of a VPC, in one availability zone.
#[spec]
pub struct Subnet {
    /// The VPC of the subnet.
    #[spec(replace)]
    vpc: Ref<names::Vpc>,
    /// The IPv4 CIDR block, such as `10.0.1.0/24`: between a /16 and a /28, not overlapping other subnets. A new block
    /// that overlaps the old one can be used only after the old subnet is deleted, which nothing may use then.
    #[spec(replace)]
    cidr_block: Cidr,
    /// The availability zone, such as `us-east-1a`. Left out: AWS chooses.
    #[spec(replace)]
    availability_zone: Option<String>,
    /// The availability zone by its id, which is the same in all accounts: `use1-az1`. Instead of `availability_zone`.
    #[spec(replace)]
    availability_zone_id: Option<String>,
    /// The IPv6 CIDR block, from the VPC's block: at most one, usually a /64. Default: none.
    #[spec(default)]
    ipv6_cidr_blocks: BTreeSet<Cidr>,
    /// Assigns an IPv6 address to new network interfaces. Default: false.
    #[spec(default)]
    assign_ipv6_address_on_creation: bool,
    /// Makes the Amazon-provided DNS resolver return synthetic IPv6 addresses for IPv4-only destinations (DNS64).
    /// Default: false.
    #[spec(default)]
    enable_dns64: bool,
    /// Assigns a public IPv4 address to new instances. Default: false.
    #[spec(default)]
    map_public_ip_on_launch: bool,
    /// The private DNS names of new instances.
    #[spec(default)]
    private_dns_name_options: PrivateDnsNameOptions,
}

/// The private DNS names of new instances.
#[part(Default, Eq)]
struct PrivateDnsNameOptions {
    /// The type of the hostnames: `ip-name` for names derived from the IPv4 address, `resource-name` for names derived
    /// from the instance id. Default: `ip-name`.
    #[spec(default = HostnameType::IpName)]
    hostname_type: HostnameType,
    /// Answers DNS queries for resource names with A records (IPv4). Default: false.
    #[spec(default)]
    enable_resource_name_dns_a_record: bool,
    /// Answers DNS queries for resource names with AAAA records (IPv6). Default: false.
    #[spec(default)]
    enable_resource_name_dns_aaaa_record: bool,
}

up_core::aws_enum! {
    /// The type of the hostnames of instances.
    HostnameType {
        /// Derived from the private IPv4 address.
        IpName = "ip-name",
        /// Derived from the instance id.
        ResourceName = "resource-name",
    }
}

impl Kind for Subnet {
    const NAME: &'static str = names::Subnet::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::Subnet",
        actions: Actions {
            observe: actions!(ec2: DescribeSubnets),
            create: actions!(ec2: CreateSubnet CreateTags),
            update: actions!(ec2: ModifySubnetAttribute AssociateSubnetCidrBlock DisassociateSubnetCidrBlock),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteSubnet DeleteVpcEndpoints DescribeNetworkInterfaces DescribeVpcEndpoints
                ModifyVpcEndpoint),
        },
        attrs: &["arn", "availability_zone", "availability_zone_id", "cidr_block", "vpc_id"],
        // Load balancers and databases release their network interfaces late.
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(1200) },
        non_idempotent_create: true,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_subnets().set_filters(selected(query, "subnet-id"));
        let subnets = request.into_paginator().page_size(1000).items().send().try_collect().await?;
        subnets.into_iter().map(read).collect()
    }

    /// CreateSubnet takes no client token: it is sent once, and the subnet is looked up by its tags before it is sent
    /// again. Besides, EC2 refuses a second subnet with the same block.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_subnet().tag_specifications(ours(ResourceType::Subnet, new));
        let request = request.set_ipv6_cidr_block(self.ipv6_cidr_blocks.first().map(Cidr::to_string));
        let request = fill!(request, cx, self: vpc as vpc_id, cidr_block, availability_zone, availability_zone_id);
        let answer = request.customize().config_override(once()).send().await?;
        Ok(read(present(answer.subnet, "subnet that it created")?)?.into())
    }

    /// Safe to repeat: attributes are set, and blocks are compared with the present ones.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let was = &observed.spec;
        if was.assign_ipv6_address_on_creation && !self.assign_ipv6_address_on_creation {
            self.assign_ipv6(cx, &observed.id).await?;
        }
        if self.ipv6_cidr_blocks != was.ipv6_cidr_blocks || matches!(observed.status, Status::Impaired(_)) {
            self.update_blocks(cx, &observed.id).await?;
        }
        if !was.assign_ipv6_address_on_creation && self.assign_ipv6_address_on_creation {
            self.assign_ipv6(cx, &observed.id).await?;
        }
        self.update_attributes(cx, observed).await
    }

    /// If AWS refuses because of GuardDuty's endpoint, that is removed first. Safe to repeat: a second delete finds
    /// nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let deleted = client(cx).delete_subnet().subnet_id(&observed.id).send().await.map(drop).map_err(Error::from);
        let Err(refusal) = or_holders(cx, "subnet-id", &observed.id, deleted).await else { return Ok(()) };
        // Interfaces of VPC endpoints are recognized by their descriptions.
        if refusal.kind == ErrorKind::Conflict && refusal.message.contains("VPC Endpoint Interface") {
            leave_subnet(cx, &cx.id(&observed.spec.vpc)?, &observed.id).await?;
        }
        Err(refusal)
    }

    /// One call for all subnets whose VPC stays; for the others, the VPC's own check finds the interfaces.
    async fn before_delete(cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let stays = |subnet: &&Observed<Self>| cx.id(&subnet.spec.vpc).is_ok_and(|vpc| !leaving.names.contains(&vpc));
        let subnets = leaving.resources.iter().filter(stays).map(|subnet| subnet.id.clone()).collect();
        strangers::interfaces(cx, "subnet-id", &subnets, leaving.names, |interface| interface.subnet_id.clone()).await
    }

    fn unique(&self) -> Vec<Unique> {
        let ipv6 = self.ipv6_cidr_blocks.iter().map(|block| Unique::block("ipv6_cidr_blocks", block));
        let blocks = ipv6.chain([Unique::block("cidr_block", &self.cidr_block)]).flatten();
        blocks.map(|block| block.within(&self.vpc)).collect()
    }

    /// EC2 refuses a block outside the VPC's blocks only after the subnet that it replaces is deleted. Not checked if
    /// one of the VPC's blocks is not known.
    fn refuses(&self, observed: Option<&Observed<Self>>, asked: Asked<'_>) -> Vec<Problem> {
        let outside = || {
            let address = self.vpc.address().filter(|_| observed.is_none())?;
            let further = asked(address, "secondary_cidr_blocks")?;
            let blocks = format!("{},{further}", asked(address, "cidr_block")?);
            let blocks: Vec<_> = blocks.split(',').filter(|block| !block.is_empty()).collect();
            let nets = blocks.iter().map(|block| Cidr::observed(*block).net()).collect::<Option<Vec<_>>>()?;
            let net = self.cidr_block.net().filter(|net| !nets.iter().any(|around| around.contains(net)))?;
            let message = format!("{net} is outside the blocks of {address}: {}", blocks.join(", "));
            Some(Problem::new("cidr_block", message))
        };
        outside().into_iter().collect()
    }

    fn check(&self) -> Vec<Problem> {
        let blocks = &self.ipv6_cidr_blocks;
        let is_ipv6 = |cidr: &Cidr| cidr.net().is_none_or(|net| net.addr().is_ipv6() && net.prefix_len() >= 44);
        let two_zones = self.availability_zone.is_some() && self.availability_zone_id.is_some();
        let broken = problems! {
            two_zones => "availability_zone_id", "give either `availability_zone` or `availability_zone_id`";
            !blocks.iter().all(is_ipv6) => "ipv6_cidr_blocks", "expected an IPv6 block between a /44 and a /64";
            blocks.len() > 1 => "ipv6_cidr_blocks", "a subnet has one IPv6 block at most";
            self.assign_ipv6_address_on_creation && blocks.is_empty() =>
                "assign_ipv6_address_on_creation", "needs a block in `ipv6_cidr_blocks` to assign from";
        };
        check::ipv4_block("cidr_block", &self.cidr_block).into_iter().chain(broken).collect()
    }

    /// Subnets of a VPC do not overlap. Two blocks are either separate or one contains the other: in sorted order, a
    /// block that contains another comes right before it.
    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let blocks = all.iter().enumerate().filter_map(|(at, (_, it))| Some((&it.vpc, it.cidr_block.net()?, at)));
        let mut blocks: Vec<_> = blocks.collect();
        blocks.sort();
        let (mut around, mut clashes) = (Vec::<usize>::new(), BTreeMap::new());
        for (index, &(vpc, net, at)) in blocks.iter().enumerate() {
            while around.last().is_some_and(|&last| blocks[last].0 != vpc || !blocks[last].1.contains(&net)) {
                around.pop();
            }
            for other in around.iter().map(|&outer| blocks[outer].2) {
                let first = clashes.entry(at.max(other)).or_insert(other.min(at));
                *first = other.min(at).min(*first);
            }
            around.push(index);
        }
        let problem = |(at, other): (usize, usize)| {
            let ((at, subnet), (other_at, other)) = (&all[at], &all[other]);
            let message = format!("{} overlaps {} of {other_at}", subnet.cidr_block, other.cidr_block);
            ((*at).clone(), Problem::new("cidr_block", message))
        };
        clashes.into_iter().map(problem).collect()
    }
}

impl Subnet {
    async fn assign_ipv6(&self, cx: &Context, id: &str) -> Result<()> {
        let assign = switch(self.assign_ipv6_address_on_creation);
        client(cx).modify_subnet_attribute().subnet_id(id).assign_ipv6_address_on_creation(assign).send().await?;
        Ok(())
    }

    /// The old block is removed first: a subnet has at most one. So is a block whose association failed, to be
    /// associated again.
    async fn update_blocks(&self, cx: &Context, id: &str) -> Result<()> {
        let answer = client(cx).describe_subnets().subnet_ids(id).send().await?;
        let subnet = present(answer.subnets.and_then(|subnets| subnets.into_iter().next()), "subnet")?;
        let mut missing = self.ipv6_cidr_blocks.clone();
        let associations = subnet.ipv6_cidr_block_association_set().iter();
        let failed = associations.filter(|it| code(it) == Some(&SubnetCidrBlockStateCode::Failed));
        let failed = failed.filter_map(|it| it.association_id().map(str::to_owned));
        let extra = blocks(&subnet)?.into_iter().filter_map(|(cidr, it)| (!missing.remove(&cidr)).then_some(it));
        for association in failed.chain(extra) {
            client(cx).disassociate_subnet_cidr_block().association_id(association).send().await.ignore_not_found()?;
        }
        for cidr in missing {
            client(cx).associate_subnet_cidr_block().subnet_id(id).ipv6_cidr_block(cidr.as_str()).send().await?;
        }
        Ok(())
    }

    /// One call for each attribute: EC2 takes one at a time.
    async fn update_attributes(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let call = || client(cx).modify_subnet_attribute().subnet_id(&observed.id);
        let changed = |desired: bool, was: bool| (desired != was).then(|| switch(desired));
        let (is, was) = (self, &observed.spec);
        let (names, had) = (&is.private_dns_name_options, &was.private_dns_name_options);
        let kind = (names.hostname_type != had.hostname_type).then(|| names.hostname_type.as_str().into());
        let a_record = changed(names.enable_resource_name_dns_a_record, had.enable_resource_name_dns_a_record);
        let aaaa_record = changed(names.enable_resource_name_dns_aaaa_record, had.enable_resource_name_dns_aaaa_record);
        let calls = [
            changed(is.enable_dns64, was.enable_dns64).map(|it| call().enable_dns64(it)),
            changed(is.map_public_ip_on_launch, was.map_public_ip_on_launch)
                .map(|it| call().map_public_ip_on_launch(it)),
            kind.map(|it| call().private_dns_hostname_type_on_launch(it)),
            a_record.map(|it| call().enable_resource_name_dns_a_record_on_launch(it)),
            aaaa_record.map(|it| call().enable_resource_name_dns_aaaa_record_on_launch(it)),
        ];
        for call in calls.into_iter().flatten() {
            call.send().await?;
        }
        Ok(())
    }
}

fn read(subnet: Described) -> Result<Observed<Subnet>> {
    let blocks = blocks(&subnet)?;
    let status = status(&subnet)?;
    let cidr = present(subnet.cidr_block, "block of a subnet")?;
    let zone = present(subnet.availability_zone, "zone of a subnet")?;
    let zone_id = present(subnet.availability_zone_id, "zone id of a subnet")?;
    let names = present(subnet.private_dns_name_options_on_launch, "DNS name options of a subnet")?;
    let vpc = present(subnet.vpc_id, "VPC of a subnet")?;
    let spec = Subnet {
        vpc: Ref::id(&vpc),
        cidr_block: Cidr::observed(&cidr),
        availability_zone: Some(zone.clone()),
        availability_zone_id: Some(zone_id.clone()),
        ipv6_cidr_blocks: blocks.into_iter().map(|(cidr, _)| cidr).collect(),
        assign_ipv6_address_on_creation: read!(subnet.assign_ipv6_address_on_creation)?,
        // LocalStack leaves these attributes out if they are false: this one, and those of the DNS records.
        enable_dns64: read!(subnet.enable_dns64 or false)?,
        map_public_ip_on_launch: read!(subnet.map_public_ip_on_launch)?,
        private_dns_name_options: PrivateDnsNameOptions {
            hostname_type: read!(names.hostname_type)?,
            enable_resource_name_dns_a_record: read!(names.enable_resource_name_dns_a_record or false)?,
            enable_resource_name_dns_aaaa_record: read!(names.enable_resource_name_dns_aaaa_record or false)?,
        },
    };
    let observed = Observed::new(present(subnet.subnet_id, "subnet id")?, tags(subnet.tags), spec)
        .attr("arn", present(subnet.subnet_arn, "ARN of a subnet")?)
        .attr("availability_zone", zone)
        .attr("availability_zone_id", zone_id)
        .attr("vpc_id", vpc)
        .attr("cidr_block", cidr);
    Ok(Observed { status, ..observed })
}

fn status(subnet: &Described) -> Result<Status> {
    use SubnetCidrBlockStateCode::{Associated, Disassociated, Failed};
    let associations = || subnet.ipv6_cidr_block_association_set().iter();
    let unsettled = associations().filter_map(code).find(|it| !matches!(it, Associated | Disassociated | Failed));
    let failed = associations().find(|it| code(it) == Some(&Failed));
    Ok(match present(subnet.state.as_ref(), "state of a subnet")? {
        state @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity) => Status::Failed(state.to_string()),
        SubnetState::Unavailable => Impairment::explained("unavailable", "only AWS can make it available again"),
        SubnetState::Available => match (unsettled, failed) {
            (Some(state), _) => Status::Pending(state.to_string()),
            (None, Some(failed)) => {
                let state = failed.ipv6_cidr_block_state();
                let why = state.and_then(|it| it.status_message()).unwrap_or("AWS gives no reason");
                let why = format!("its IPv6 block could not be associated: {why}");
                Impairment::repairable(why, "the next apply associates it again")
            }
            (None, None) => Status::Ready,
        },
        state => Status::Pending(state.to_string()),
    })
}

/// The IPv6 blocks that are associated or being associated, with the ids of their associations.
fn blocks(subnet: &Described) -> Result<Vec<(Cidr, String)>> {
    use SubnetCidrBlockStateCode::{Associated, Associating};
    let associations = subnet.ipv6_cidr_block_association_set().iter();
    let live = associations.filter(|it| matches!(code(it), Some(Associated | Associating)));
    let block = |it: &SubnetIpv6CidrBlockAssociation| {
        let cidr = Cidr::observed(present(it.ipv6_cidr_block(), "IPv6 block of a subnet")?);
        Ok((cidr, present(it.association_id(), "association of a block")?.to_owned()))
    };
    live.map(block).collect()
}

fn code(association: &SubnetIpv6CidrBlockAssociation) -> Option<&SubnetCidrBlockStateCode> {
    association.ipv6_cidr_block_state()?.state()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::SubnetCidrBlockState;

    use super::*;

    fn of(state: &str, block: &str) -> Status {
        let block = SubnetCidrBlockState::builder().state(block.into()).build();
        let block = SubnetIpv6CidrBlockAssociation::builder().ipv6_cidr_block_state(block).build();
        status(&Described::builder().state(state.into()).ipv6_cidr_block_association_set(block).build()).unwrap()
    }

    #[test]
    fn a_block_outside_of_the_network_is_refused() {
        let network = |primary: &'static str, further: Option<&'static str>| {
            move |_: &Address, field: &str| match field {
                "cidr_block" => Some(primary.to_owned()),
                _ => further.map(str::to_owned),
            }
        };
        let subnet = |block: &str| {
            let spec = serde_json::json!({ "vpc": { "$ref": "ec2.vpc.main" }, "cidr_block": block });
            serde_json::from_value::<Subnet>(spec).unwrap()
        };
        let refused = |block: &str, primary, further| subnet(block).refuses(None, &network(primary, further));
        assert_eq!(refused("10.7.3.0/24", "10.7.0.0/16", Some("")), []);
        assert_eq!(refused("10.9.1.0/24", "10.7.0.0/16", Some("10.8.0.0/16,10.9.0.0/16")), []);
        assert_eq!(refused("10.9.1.0/24", "10.7.0.0/16", None), [], "other blocks are not known");
        let problem = "10.9.1.0/24 is outside the blocks of ec2.vpc.main: 10.7.0.0/16, 10.8.0.0/16";
        assert_eq!(refused("10.9.1.0/24", "10.7.0.0/16", Some("10.8.0.0/16")), [Problem::new("cidr_block", problem)]);
        assert_eq!(refused("10.0.0.0/8", "10.7.0.0/16", Some("")).len(), 1, "it is larger");
    }

    #[test]
    fn only_a_subnet_that_never_came_up_is_failed() {
        for state in ["failed", "failed-insufficient-capacity"] {
            assert_eq!(of(state, "associated"), Status::Failed(state.into()));
        }
        for state in ["pending", "of-tomorrow"] {
            assert_eq!(of(state, "associated"), Status::Pending(state.into()));
        }
        assert!(matches!(of("unavailable", "associated"), Status::Impaired(Impairment { repair: false, .. })));
    }

    #[test]
    fn a_block_that_failed_is_associated_again() {
        for block in ["associated", "disassociated"] {
            assert_eq!(of("available", block), Status::Ready, "{block}");
        }
        for block in ["associating", "disassociating", "failing", "of-tomorrow"] {
            assert_eq!(of("available", block), Status::Pending(block.into()));
        }
        assert!(matches!(of("available", "failed"), Status::Impaired(Impairment { repair: true, .. })));
    }
}
