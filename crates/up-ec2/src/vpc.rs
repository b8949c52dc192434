//! `ec2.vpc`: a virtual private cloud.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    NetworkInterface, ResourceType, Vpc as Described, VpcAttributeName, VpcCidrBlockState, VpcCidrBlockStateCode,
};
use up_core::prelude::*;

use crate::{
    arn, check, client, filter, guardduty::leave_vpc, holder::or_holders, made, once, ours, selected, strangers,
    switch, tags,
};

/// A virtual private cloud (VPC): an isolated network, divided into subnets.
///
/// AWS creates a default security group and a main route table with it: see the attributes `default_security_group_id`
/// and `main_route_table_id`. The attribute `ipv6_cidr_block` exists if the VPC has an Amazon-provided IPv6 block.
#[spec]
pub struct Vpc {
    /// The primary IPv4 CIDR block, such as `10.0.0.0/16`: between a /16 and a /28.
    #[spec(replace)]
    cidr_block: Cidr,
    /// Secondary IPv4 CIDR blocks, for when the primary one is full. Default: none.
    #[spec(shared, default)]
    secondary_cidr_blocks: BTreeSet<Cidr>,
    /// Requests an Amazon-provided /56 block of IPv6 addresses. Default: false.
    #[spec(shared, default)]
    amazon_provided_ipv6_cidr_block: bool,
    /// Assigns DNS hostnames to instances with public addresses. Needs `enable_dns_support`. Default: false.
    #[spec(default)]
    enable_dns_hostnames: bool,
    /// Enables DNS resolution by the Amazon-provided DNS server of the VPC. Default: true.
    #[spec(default = true)]
    enable_dns_support: bool,
    /// Publishes network address usage as CloudWatch metrics. Left out: unchanged.
    enable_network_address_usage_metrics: Option<bool>,
    /// The tenancy of instances: `default` for shared hardware, `dedicated` for single-tenant hardware, at a price.
    /// Default: `default`.
    #[spec(replace, default = Tenancy::Default)]
    instance_tenancy: Tenancy,
}

up_core::aws_enum! {
    /// The hardware that instances run on.
    Tenancy {
        /// Hardware shared with other accounts.
        Default = "default",
        /// Single-tenant hardware.
        Dedicated = "dedicated",
    }
}

impl Kind for Vpc {
    const NAME: &'static str = names::Vpc::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::VPC",
        actions: Actions {
            observe: actions!(ec2: DescribeRouteTables DescribeSecurityGroups DescribeVpcAttribute DescribeVpcs),
            create: actions!(ec2: CreateVpc CreateTags),
            update: actions!(ec2: ModifyVpcAttribute AssociateVpcCidrBlock DisassociateVpcCidrBlock),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteSecurityGroup DeleteVpc DeleteVpcEndpoints DescribeNetworkInterfaces
                DescribeSecurityGroups DescribeSubnets DescribeVpcEndpoints),
        },
        attrs: &["arn", "cidr_block", "default_security_group_id", "ipv6_cidr_block", "main_route_table_id"],
        non_idempotent_create: true,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_vpcs().set_filters(selected(query, "vpc-id")).into_paginator();
        let vpcs = request.page_size(1000).items().send().try_collect().await?;
        let wanted = vpcs.into_iter().filter(|vpc| vpc.vpc_id.as_ref().is_none_or(|id| query.wants(id)));
        let mut observed = concurrently(wanted.map(|vpc| read(cx, query, vpc))).await?;
        tell_defaults(cx, query, &mut observed).await?;
        Ok(observed)
    }

    /// CreateVpc takes no client token: it is sent once, and the VPC is looked up by its tags before it is sent again.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_vpc().tag_specifications(ours(ResourceType::Vpc, new));
        let request = fill!(request, cx, self: cidr_block, instance_tenancy, amazon_provided_ipv6_cidr_block);
        let answer = request.customize().config_override(once()).send().await?;
        made(answer.vpc.and_then(|vpc| vpc.vpc_id)).map(Created::Id)
    }

    /// Safe to repeat: attributes are set, and blocks are compared with the present ones.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let was = &observed.spec;
        let blocks = (&self.secondary_cidr_blocks, self.amazon_provided_ipv6_cidr_block);
        let has_failed = matches!(observed.status, Status::Impaired(_));
        if has_failed || blocks != (&was.secondary_cidr_blocks, was.amazon_provided_ipv6_cidr_block) {
            self.update_blocks(cx, &observed.id).await?;
        }
        self.update_attributes(cx, observed).await
    }

    /// If AWS refuses because of resources of GuardDuty, these are deleted first. Safe to repeat: a second delete finds
    /// nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let delete = async || client(cx).delete_vpc().vpc_id(&observed.id).send().await.map(drop).map_err(Error::from);
        let deleted = match delete().await {
            Err(refusal) if refusal.kind == ErrorKind::Conflict => match leave_vpc(cx, &observed.id).await? {
                true => delete().await,
                false => Err(refusal),
            },
            deleted => deleted,
        };
        or_holders(cx, "vpc-id", &observed.id, deleted).await
    }

    /// Three calls for all VPCs: their network interfaces, subnets and security groups.
    async fn before_delete(cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let networks = leaving.resources.iter().map(|network| network.id.clone()).collect();
        let of = |interface: &NetworkInterface| {
            // Reported for the subnet, if that is deleted too.
            let is_of_subnet = interface.subnet_id().is_some_and(|subnet| leaving.names.contains(subnet));
            if is_of_subnet { interface.subnet_id.clone() } else { interface.vpc_id.clone() }
        };
        let mut found = strangers::interfaces(cx, "vpc-id", &networks, leaving.names, of).await?;
        found.extend(strangers::parts_of_networks(cx, &networks, leaving.names).await?);
        Ok(found)
    }

    fn check(&self) -> Vec<Problem> {
        let secondary = self.secondary_cidr_blocks.iter();
        let blocks = secondary.map(|cidr| check::ipv4_block("secondary_cidr_blocks", cidr));
        let first = check::ipv4_block("cidr_block", &self.cidr_block);
        let no_names = self.enable_dns_hostnames && !self.enable_dns_support;
        let names = Problem::when(no_names, "enable_dns_hostnames", "DNS hostnames need `enable_dns_support` as well");
        blocks.chain([first, names]).flatten().collect()
    }
}

impl Vpc {
    /// A block whose association failed is removed first, so that it can be associated again.
    async fn update_blocks(&self, cx: &Context, id: &str) -> Result<()> {
        let answer = client(cx).describe_vpcs().vpc_ids(id).send().await?;
        let vpc = present(answer.vpcs.and_then(|vpcs| vpcs.into_iter().next()), "VPC")?;
        let blocks = Blocks::of(&vpc)?;
        for association in &blocks.failed {
            client(cx).disassociate_vpc_cidr_block().association_id(association).send().await.ignore_not_found()?;
        }
        for cidr in self.secondary_cidr_blocks.iter().filter(|cidr| !blocks.has(cidr)) {
            client(cx).associate_vpc_cidr_block().vpc_id(id).cidr_block(cidr.as_str()).send().await?;
        }
        if self.amazon_provided_ipv6_cidr_block && blocks.ipv6.is_empty() {
            client(cx).associate_vpc_cidr_block().vpc_id(id).amazon_provided_ipv6_cidr_block(true).send().await?;
        }
        let extra = blocks.secondary.iter().filter(|block| !self.secondary_cidr_blocks.contains(&block.cidr));
        let extra_ipv6 = blocks.ipv6.iter().filter(|_| !self.amazon_provided_ipv6_cidr_block);
        for Block { association, .. } in extra.chain(extra_ipv6) {
            client(cx).disassociate_vpc_cidr_block().association_id(association).send().await.ignore_not_found()?;
        }
        Ok(())
    }

    /// One call for each attribute: EC2 takes one at a time. DNS hostnames need DNS support: they are disabled before
    /// it, and enabled after it.
    async fn update_attributes(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let call = || client(cx).modify_vpc_attribute().vpc_id(&observed.id);
        let (is, was) = (self, &observed.spec);
        let moves = is.enable_dns_support != was.enable_dns_support;
        let metrics = is.enable_network_address_usage_metrics;
        let metrics = metrics.filter(|_| metrics != was.enable_network_address_usage_metrics);
        let (drops, gains) = (
            was.enable_dns_hostnames && !is.enable_dns_hostnames,
            is.enable_dns_hostnames && !was.enable_dns_hostnames,
        );
        let calls = [
            drops.then(|| call().enable_dns_hostnames(switch(false))),
            moves.then(|| call().enable_dns_support(switch(is.enable_dns_support))),
            gains.then(|| call().enable_dns_hostnames(switch(true))),
            metrics.map(|metrics| call().enable_network_address_usage_metrics(switch(metrics))),
        ];
        for call in calls.into_iter().flatten() {
            call.send().await?;
        }
        Ok(())
    }
}

/// A VPC that is listed and then not found is either new or deleted: the engine finds out when it observes again. If it
/// were left out, it would be created twice.
async fn read(cx: &Context, query: &Query, vpc: Described) -> Result<Observed<Vpc>> {
    let blocks = Blocks::of(&vpc)?;
    let status = status(&vpc, &blocks)?;
    let id = present(vpc.vpc_id, "VPC id")?;
    let cidr = present(vpc.cidr_block, "block of a VPC")?;
    let asked = query.asks("enable_network_address_usage_metrics");
    let metrics = asked.then_some(VpcAttributeName::EnableNetworkAddressUsageMetrics);
    let names = [VpcAttributeName::EnableDnsHostnames, VpcAttributeName::EnableDnsSupport].into_iter().chain(metrics);
    let attributes = concurrently(names.map(|name| attribute(cx, &id, name))).await?;
    let ipv6 = blocks.ipv6.first().map(|block| block.cidr.to_string());
    let spec = Vpc {
        cidr_block: Cidr::observed(&cidr),
        secondary_cidr_blocks: blocks.secondary.into_iter().map(|block| block.cidr).collect(),
        amazon_provided_ipv6_cidr_block: !blocks.ipv6.is_empty(),
        enable_dns_hostnames: attributes[0],
        enable_dns_support: attributes[1],
        enable_network_address_usage_metrics: attributes.get(2).copied(),
        instance_tenancy: read!(vpc.instance_tenancy)?,
    };
    let observed = Observed::new(&id, tags(vpc.tags), spec).attr("arn", arn(cx, "vpc", &id));
    Ok(Observed { status, ..observed.attr("cidr_block", cidr).attr("ipv6_cidr_block", ipv6) })
}

/// The default security groups and main route tables: one call for all VPCs, made only if something refers to them.
async fn tell_defaults(cx: &Context, query: &Query, observed: &mut [Observed<Vpc>]) -> Result<()> {
    let vpcs = filter("vpc-id", observed.iter().map(|vpc| &vpc.id));
    let mut told = BTreeMap::new();
    if !observed.is_empty() && query.asks_attribute(DEFAULT_GROUP) {
        let request = client(cx).describe_security_groups().filters(vpcs.clone());
        let request = request.filters(filter("group-name", ["default"])).into_paginator();
        let groups = request.page_size(1000).items().send().try_collect().await?;
        told.extend(groups.into_iter().filter_map(|it| Some(((it.vpc_id?, DEFAULT_GROUP), it.group_id?))));
    }
    if !observed.is_empty() && query.asks_attribute(MAIN_TABLE) {
        let request = client(cx).describe_route_tables().filters(vpcs);
        let request = request.filters(filter("association.main", ["true"])).into_paginator();
        let tables = request.page_size(100).items().send().try_collect().await?;
        told.extend(tables.into_iter().filter_map(|it| Some(((it.vpc_id?, MAIN_TABLE), it.route_table_id?))));
    }
    for ((vpc, name), id) in told {
        let of = observed.iter_mut().filter(|observed| observed.id == vpc);
        of.for_each(|observed| _ = observed.attrs.insert(name.to_owned(), id.clone()));
    }
    Ok(())
}

const DEFAULT_GROUP: &str = "default_security_group_id";
const MAIN_TABLE: &str = "main_route_table_id";

fn status(vpc: &Described, blocks: &Blocks) -> Result<Status> {
    Ok(match present(vpc.state.as_ref(), "state of a VPC")?.as_str() {
        "available" => match (&blocks.moving, &blocks.why) {
            (Some(state), _) => Status::Pending(state.clone()),
            (None, Some(why)) => Impairment::repairable(why, "the next apply associates it again"),
            (None, None) => Status::Ready,
        },
        // The SDK's model does not have this state yet.
        "deleting" => Status::Deleting("deleting".into()),
        state => Status::Pending(state.to_owned()),
    })
}

/// The secondary CIDR blocks of a VPC.
#[derive(Default)]
struct Blocks {
    secondary: Vec<Block>,
    ipv6: Vec<Block>,
    /// AWS's state of a block that is being associated or disassociated.
    moving: Option<String>,
    /// The ids of failed associations.
    failed: Vec<String>,
    /// AWS's reason for one of them.
    why: Option<String>,
}

struct Block {
    cidr: Cidr,
    association: String,
}

impl Blocks {
    fn of(vpc: &Described) -> Result<Self> {
        let mut blocks = Self::default();
        for it in vpc.cidr_block_association_set() {
            let is_first = it.cidr_block == vpc.cidr_block;
            if !is_first && blocks.counts(it.cidr_block_state(), it.association_id()) {
                blocks.secondary.push(Block::new(it.cidr_block(), it.association_id())?);
            }
        }
        for it in vpc.ipv6_cidr_block_association_set() {
            if blocks.counts(it.ipv6_cidr_block_state(), it.association_id()) {
                blocks.ipv6.push(Block::new(it.ipv6_cidr_block(), it.association_id())?);
            }
        }
        Ok(blocks)
    }

    /// True for a block that is associated or being associated.
    fn counts(&mut self, block: Option<&VpcCidrBlockState>, association: Option<&str>) -> bool {
        use VpcCidrBlockStateCode::{Associated, Associating, Disassociated, Failed};
        let state = block.and_then(VpcCidrBlockState::state);
        match state {
            Some(Failed) => {
                let why = block.and_then(VpcCidrBlockState::status_message).unwrap_or("AWS gives no reason");
                self.why = Some(format!("a block could not be associated: {why}"));
                self.failed.extend(association.map(str::to_owned));
            }
            None | Some(Associated | Disassociated) => {}
            Some(state) => self.moving = Some(state.to_string()),
        }
        matches!(state, Some(Associated | Associating))
    }

    fn has(&self, cidr: &Cidr) -> bool {
        self.secondary.iter().any(|block| block.cidr == *cidr)
    }
}

impl Block {
    fn new(cidr: Option<&str>, association: Option<&str>) -> Result<Self> {
        let association = present(association, "association of a block")?.to_owned();
        Ok(Self { cidr: Cidr::observed(present(cidr, "block of an association")?), association })
    }
}

async fn attribute(cx: &Context, id: &str, name: VpcAttributeName) -> Result<bool> {
    let answer = client(cx).describe_vpc_attribute().vpc_id(id).attribute(name).send().await?;
    let metrics = answer.enable_network_address_usage_metrics;
    let value = answer.enable_dns_hostnames.or(answer.enable_dns_support).or(metrics);
    present(value.and_then(|value| value.value), "value of a VPC attribute")
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::VpcCidrBlockAssociation;

    use super::*;

    fn of(state: &str, block: &str) -> Status {
        let block = VpcCidrBlockState::builder().state(block.into()).build();
        let block =
            VpcCidrBlockAssociation::builder().cidr_block("10.1.0.0/16").association_id("a").cidr_block_state(block);
        let vpc = Described::builder().state(state.into()).cidr_block("10.0.0.0/16");
        let vpc = vpc.cidr_block_association_set(block.build()).build();
        status(&vpc, &Blocks::of(&vpc).unwrap()).unwrap()
    }

    #[test]
    fn no_state_of_a_block_is_a_reason_to_delete_the_network() {
        for block in ["associated", "disassociated"] {
            assert_eq!(of("available", block), Status::Ready, "{block}");
        }
        for block in ["associating", "disassociating", "failing", "of-tomorrow"] {
            assert_eq!(of("available", block), Status::Pending(block.into()));
        }
        assert!(matches!(of("available", "failed"), Status::Impaired(Impairment { repair: true, .. })));
        assert!(matches!(of("deleting", "associated"), Status::Deleting(_)));
        for state in ["pending", "of-tomorrow"] {
            assert_eq!(of(state, "associated"), Status::Pending(state.into()));
        }
    }
}
