//! `ec2.vpc`: a private network.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType, Vpc as Described, VpcAttributeName, VpcCidrBlockState, VpcCidrBlockStateCode,
    VpcState,
};
use up_core::prelude::*;

use crate::{
    arn,
    check::{self, must},
    client,
    holder::or_holders,
    made, once, ours, owned, present, retag, tags,
};

/// A private network, to be cut into subnets.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// Its addresses, such as `10.0.0.0/16`: between a /16 and a /28.
    #[spec(replace)]
    cidr_block: Cidr,
    /// Further IPv4 blocks, for when the first is full. Default: none.
    #[serde(default)]
    secondary_cidr_blocks: BTreeSet<Cidr>,
    /// Adds a /56 of IPv6 addresses that Amazon picks. Default: false.
    #[serde(default)]
    amazon_provided_ipv6_cidr_block: bool,
    /// Gives instances with public addresses DNS names, which needs `enable_dns_support`. Default: false.
    #[serde(default)]
    enable_dns_hostnames: bool,
    /// Answers DNS at the network's own resolver. Default: true.
    #[serde(default = "yes")]
    enable_dns_support: bool,
    /// Publishes how many addresses are used, as CloudWatch metrics. Left out: as it is.
    enable_network_address_usage_metrics: Option<bool>,
    /// `default`, or `dedicated` for hardware of its own, at a price. Default: `default`.
    #[serde(default = "shared")]
    #[spec(replace)]
    instance_tenancy: Tenancy,
}

up_core::words! {
    /// Whose hardware instances run on.
    Tenancy {
        /// Shared with other accounts.
        Default = "default",
        /// One's own.
        Dedicated = "dedicated",
    }
}

impl Kind for Vpc {
    const NAME: &'static str = names::Vpc::NAME;

    const ABOUT: About = About {
        cloudformation: "AWS::EC2::VPC",
        actions: Actions {
            observe: &["ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"],
            create: &["ec2:CreateVpc", "ec2:CreateTags"],
            update: &["ec2:ModifyVpcAttribute", "ec2:AssociateVpcCidrBlock", "ec2:DisassociateVpcCidrBlock"],
            tag: &["ec2:CreateTags", "ec2:DeleteTags"],
            delete: &["ec2:DeleteVpc", "ec2:DescribeNetworkInterfaces"],
        },
        attrs: &["arn", "cidr_block"],
        sent_once: true,
        tags: TagRules::FREE,
        ..About::DEFAULT
    };

    async fn observe(cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Self>>> {
        let request = client(cx).describe_vpcs().set_filters(owned(scope, "vpc-id")).into_paginator().page_size(1000);
        let vpcs = request.items().send().try_collect().await?.into_iter();
        let wanted = vpcs.filter(|vpc| vpc.vpc_id.as_ref().is_none_or(|id| scope.wants(id)));
        let seen = at_once(wanted.map(|vpc| read(cx, scope, vpc))).await?;
        Ok(seen.into_iter().flatten().collect())
    }

    /// EC2 takes no client token here: sent once, and looked for by tag before it is sent again.
    async fn create(&self, cx: &Cx, birth: &Birth) -> Result<String> {
        let request = client(cx).create_vpc().cidr_block(self.cidr_block.as_str());
        let request = request.instance_tenancy(self.instance_tenancy.as_str().into());
        let request = request.amazon_provided_ipv6_cidr_block(self.amazon_provided_ipv6_cidr_block);
        let request = request.tag_specifications(ours(ResourceType::Vpc, birth));
        let answer = request.customize().config_override(once()).send().await?;
        made(answer.vpc.and_then(|vpc| vpc.vpc_id))
    }

    /// Safe to repeat: attributes are set, and blocks are compared with what is there now.
    async fn update(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let was = &seen.spec;
        let blocks = (&self.secondary_cidr_blocks, self.amazon_provided_ipv6_cidr_block);
        if blocks != (&was.secondary_cidr_blocks, was.amazon_provided_ipv6_cidr_block) {
            self.update_blocks(cx, &seen.id).await?;
        }
        self.update_attributes(cx, seen).await
    }

    /// Safe to repeat: keys are set and removed.
    async fn tag(cx: &Cx, seen: &Seen<Self>, change: &TagChange) -> Result<()> {
        retag(cx, &seen.id, change).await
    }

    /// Safe to repeat: gone is gone.
    async fn delete(cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let deleted = client(cx).delete_vpc().vpc_id(&seen.id).send().await.gone();
        or_holders(cx, "vpc-id", &seen.id, deleted).await
    }

    fn check(&self) -> Vec<Problem> {
        let secondary = self.secondary_cidr_blocks.iter();
        let blocks = secondary.map(|cidr| check::ipv4_block("secondary_cidr_blocks", cidr));
        let first = check::ipv4_block("cidr_block", &self.cidr_block);
        let can_name = self.enable_dns_support || !self.enable_dns_hostnames;
        let hostnames = must(can_name, "enable_dns_hostnames", "DNS names need `enable_dns_support` as well");
        blocks.chain([first, hostnames]).flatten().collect()
    }
}

impl Vpc {
    async fn update_blocks(&self, cx: &Cx, id: &str) -> Result<()> {
        let answer = client(cx).describe_vpcs().vpc_ids(id).send().await?;
        let vpc = present(answer.vpcs.and_then(|vpcs| vpcs.into_iter().next()), "VPC")?;
        let blocks = Blocks::of(&vpc)?;
        for cidr in self.secondary_cidr_blocks.iter().filter(|cidr| !blocks.has(cidr)) {
            client(cx).associate_vpc_cidr_block().vpc_id(id).cidr_block(cidr.as_str()).send().await?;
        }
        if self.amazon_provided_ipv6_cidr_block && blocks.ipv6.is_empty() {
            client(cx).associate_vpc_cidr_block().vpc_id(id).amazon_provided_ipv6_cidr_block(true).send().await?;
        }
        let extra = blocks.secondary.iter().filter(|block| !self.secondary_cidr_blocks.contains(&block.cidr));
        let extra_ipv6 = blocks.ipv6.iter().filter(|_| !self.amazon_provided_ipv6_cidr_block);
        for Block { association, .. } in extra.chain(extra_ipv6) {
            client(cx).disassociate_vpc_cidr_block().association_id(association).send().await.gone()?;
        }
        Ok(())
    }

    /// One attribute a call: EC2 takes no more. Host names need DNS support: they go before it, and come after it.
    async fn update_attributes(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let set = |value| AttributeBooleanValue::builder().value(value).build();
        let call = || client(cx).modify_vpc_attribute().vpc_id(&seen.id);
        let was = &seen.spec;
        if was.enable_dns_hostnames && !self.enable_dns_hostnames {
            call().enable_dns_hostnames(set(false)).send().await?;
        }
        if self.enable_dns_support != was.enable_dns_support {
            call().enable_dns_support(set(self.enable_dns_support)).send().await?;
        }
        if self.enable_dns_hostnames && !was.enable_dns_hostnames {
            call().enable_dns_hostnames(set(true)).send().await?;
        }
        match self.enable_network_address_usage_metrics {
            Some(want) if was.enable_network_address_usage_metrics != Some(want) => {
                call().enable_network_address_usage_metrics(set(want)).send().await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// `None`: deleted between the two calls.
async fn read(cx: &Cx, scope: &Scope, vpc: Described) -> Result<Option<Seen<Vpc>>> {
    let blocks = Blocks::of(&vpc)?;
    let id = present(vpc.vpc_id, "VPC id")?;
    let cidr = present(vpc.cidr_block, "block of a VPC")?;
    let asked = scope.asks("enable_network_address_usage_metrics");
    let metrics = asked.then_some(VpcAttributeName::EnableNetworkAddressUsageMetrics);
    let names = [VpcAttributeName::EnableDnsHostnames, VpcAttributeName::EnableDnsSupport].into_iter().chain(metrics);
    let attributes = match at_once(names.map(|name| attribute(cx, &id, name))).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        attributes => attributes?,
    };
    let spec = Vpc {
        cidr_block: Cidr::seen(&cidr),
        secondary_cidr_blocks: blocks.secondary.into_iter().map(|block| block.cidr).collect(),
        amazon_provided_ipv6_cidr_block: !blocks.ipv6.is_empty(),
        enable_dns_hostnames: attributes[0],
        enable_dns_support: attributes[1],
        enable_network_address_usage_metrics: attributes.get(2).copied(),
        instance_tenancy: Tenancy::seen(present(vpc.instance_tenancy, "tenancy of a VPC")?.as_str())?,
    };
    let status = match present(vpc.state, "state of a VPC")? {
        VpcState::Available if blocks.settled => Status::Ready,
        VpcState::Available => Status::Pending("associating".into()),
        state => Status::Pending(state.to_string()),
    };
    let attrs = [("arn".into(), arn(cx, "vpc", &id)), ("cidr_block".into(), cidr)].into();
    Ok(Some(Seen { id, tags: tags(vpc.tags), attrs, status, notes: vec![], spec }))
}

/// The blocks of a VPC beside its first.
struct Blocks {
    secondary: Vec<Block>,
    ipv6: Vec<Block>,
    /// False while AWS adds or removes one.
    settled: bool,
}

struct Block {
    cidr: Cidr,
    association: String,
}

impl Blocks {
    fn of(vpc: &Described) -> Result<Self> {
        let mut blocks = Self { secondary: Vec::new(), ipv6: Vec::new(), settled: true };
        for it in vpc.cidr_block_association_set() {
            if it.cidr_block != vpc.cidr_block && blocks.counts(it.cidr_block_state()) {
                blocks.secondary.push(Block::new(it.cidr_block(), it.association_id())?);
            }
        }
        for it in vpc.ipv6_cidr_block_association_set() {
            if blocks.counts(it.ipv6_cidr_block_state()) {
                blocks.ipv6.push(Block::new(it.ipv6_cidr_block(), it.association_id())?);
            }
        }
        Ok(blocks)
    }

    /// True for a block that is there or coming.
    fn counts(&mut self, state: Option<&VpcCidrBlockState>) -> bool {
        use VpcCidrBlockStateCode::{Associated, Associating, Disassociating};
        let state = state.and_then(VpcCidrBlockState::state);
        self.settled &= !matches!(state, Some(Associating | Disassociating));
        matches!(state, Some(Associated | Associating))
    }

    fn has(&self, cidr: &Cidr) -> bool {
        self.secondary.iter().any(|block| block.cidr == *cidr)
    }
}

impl Block {
    fn new(cidr: Option<&str>, association: Option<&str>) -> Result<Self> {
        let association = present(association, "association of a block")?.to_owned();
        Ok(Self { cidr: Cidr::seen(present(cidr, "block of an association")?), association })
    }
}

fn yes() -> bool {
    true
}

fn shared() -> Tenancy {
    Tenancy::Default
}

async fn attribute(cx: &Cx, id: &str, name: VpcAttributeName) -> Result<bool> {
    let answer = client(cx).describe_vpc_attribute().vpc_id(id).attribute(name).send().await?;
    let metrics = answer.enable_network_address_usage_metrics;
    let value = answer.enable_dns_hostnames.or(answer.enable_dns_support).or(metrics);
    present(value.and_then(|value| value.value), "value of a VPC attribute")
}
