//! `ec2.vpc`: a private network.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use up_core::prelude::*;

use crate::{client, made, once, ours, owned, retag, tags};

/// A private network, to be cut into subnets.
#[derive(Spec, Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vpc {
    /// Its addresses, such as `10.0.0.0/16`: between a /16 and a /28.
    #[spec(replace)]
    cidr_block: Cidr,
    /// Gives instances with public addresses DNS names. Default: false.
    #[serde(default)]
    enable_dns_hostnames: bool,
    /// Answers DNS at the network's own resolver. Default: true.
    #[serde(default = "yes")]
    enable_dns_support: bool,
    /// `default`, or `dedicated` for hardware of its own, at a price. Default: `default`.
    #[serde(default = "default_tenancy")]
    #[spec(replace)]
    instance_tenancy: String,
}

impl Kind for Vpc {
    type Name = names::Vpc;

    const ABOUT: About = About {
        cloudformation: "AWS::EC2::VPC",
        actions: Actions {
            observe: &["ec2:DescribeVpcs", "ec2:DescribeVpcAttribute"],
            create: &["ec2:CreateVpc", "ec2:CreateTags"],
            update: &["ec2:ModifyVpcAttribute"],
            tag: &["ec2:CreateTags", "ec2:DeleteTags"],
            delete: &["ec2:DeleteVpc"],
        },
        attrs: &["cidr_block"],
        ..About::DEFAULT
    };

    async fn observe(cx: &Cx, scope: &Scope) -> Result<Vec<Seen<Self>>> {
        let request = client(cx).describe_vpcs().filters(owned(scope));
        let mut seen = Vec::new();
        for vpc in request.into_paginator().items().send().try_collect().await? {
            let (Some(id), Some(cidr)) = (vpc.vpc_id, vpc.cidr_block) else { return Err(Error::absent("vpc id")) };
            let spec = Self {
                cidr_block: Cidr::seen(&cidr),
                enable_dns_hostnames: attribute(cx, &id, VpcAttributeName::EnableDnsHostnames).await?,
                enable_dns_support: attribute(cx, &id, VpcAttributeName::EnableDnsSupport).await?,
                instance_tenancy: vpc.instance_tenancy.map_or_else(default_tenancy, |tenancy| tenancy.to_string()),
            };
            let status = match vpc.state {
                Some(VpcState::Available) => Status::Ready,
                state => Status::Pending(state.map_or("pending".into(), |state| state.to_string())),
            };
            seen.push(Seen { id, tags: tags(vpc.tags), attrs: [("cidr_block".into(), cidr)].into(), status, spec });
        }
        Ok(seen)
    }

    /// EC2 takes no client token here: sent once, and looked for by tag before it is sent again.
    async fn create(&self, cx: &Cx, birth: &Birth) -> Result<String> {
        let request = client(cx).create_vpc().cidr_block(self.cidr_block.as_str());
        let request = request.instance_tenancy(self.instance_tenancy.as_str().into());
        let request = request.tag_specifications(ours(ResourceType::Vpc, birth));
        let answer = request.customize().config_override(once()).send().await?;
        made(answer.vpc.and_then(|vpc| vpc.vpc_id))
    }

    /// One attribute a call: EC2 takes no more. Safe to repeat: attributes are set.
    async fn update(&self, cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        let set = |value| AttributeBooleanValue::builder().value(value).build();
        if self.enable_dns_support != seen.spec.enable_dns_support {
            let call = client(cx).modify_vpc_attribute().vpc_id(&seen.id);
            call.enable_dns_support(set(self.enable_dns_support)).send().await?;
        }
        if self.enable_dns_hostnames != seen.spec.enable_dns_hostnames {
            let call = client(cx).modify_vpc_attribute().vpc_id(&seen.id);
            call.enable_dns_hostnames(set(self.enable_dns_hostnames)).send().await?;
        }
        Ok(())
    }

    async fn tag(cx: &Cx, seen: &Seen<Self>, change: &TagChange) -> Result<()> {
        retag(cx, &seen.id, change).await
    }

    /// Safe to repeat: gone is gone.
    async fn delete(cx: &Cx, seen: &Seen<Self>) -> Result<()> {
        client(cx).delete_vpc().vpc_id(&seen.id).send().await.gone()
    }

    fn check(&self) -> Vec<Problem> {
        let outside = self.cidr_block.net().is_some_and(|net| !(16..=28).contains(&net.prefix_len()));
        let message = format!("a VPC is between a /16 and a /28, and this is {}", self.cidr_block);
        outside.then(|| Problem::new("cidr_block", message)).into_iter().collect()
    }
}

fn yes() -> bool {
    true
}

fn default_tenancy() -> String {
    "default".into()
}

async fn attribute(cx: &Cx, id: &str, name: VpcAttributeName) -> Result<bool> {
    let answer = client(cx).describe_vpc_attribute().vpc_id(id).attribute(name).send().await?;
    let value = answer.enable_dns_hostnames.or(answer.enable_dns_support);
    value.and_then(|value| value.value).ok_or_else(|| Error::absent("value of a VPC attribute"))
}
