//! `ec2.eip`: an Elastic IP address.

use aws_sdk_ec2::types::{Address as Described, ResourceType};
use up_core::prelude::*;

use crate::{arn, client, once, ours, selected, tags};

/// An Elastic IP address: a static public IPv4 address.
#[spec]
pub struct Eip {
    /// The scope of the address. `vpc` is the only value that AWS supports. Default: `vpc`.
    #[spec(replace, default = Domain::Vpc)]
    domain: Domain,
    /// A specific address: from a BYOIP address pool, or one that the account has released recently. Left out: AWS
    /// chooses.
    #[spec(replace)]
    address: Option<String>,
    /// The address pool to allocate from, for addresses brought to AWS (BYOIP): `ipv4pool-ec2-…`. Left out: Amazon's
    /// pool.
    #[spec(replace)]
    public_ipv4_pool: Option<String>,
    /// The network border group, the zones from which AWS advertises the address, such as the Local Zone group
    /// `us-west-2-lax-1`. Left out: that of the region.
    #[spec(replace)]
    network_border_group: Option<String>,
}

up_core::aws_enum! {
    /// The scope of an Elastic IP address.
    Domain {
        /// For use in a VPC.
        Vpc = "vpc",
    }
}

impl Kind for Eip {
    const NAME: &'static str = names::Eip::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::EIP",
        actions: Actions {
            observe: actions!(ec2: DescribeAddresses),
            create: actions!(ec2: AllocateAddress CreateTags),
            update: &[],
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: ReleaseAddress),
        },
        attrs: &["arn", "public_ip"],
        // A NAT gateway releases its address only when its deletion is complete.
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(900) },
        non_idempotent_create: true,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    /// DescribeAddresses has no pages: one call lists all addresses.
    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let answer = client(cx).describe_addresses().set_filters(selected(query, "allocation-id")).send().await?;
        answer.addresses.into_iter().flatten().map(|address| read(cx, address)).collect()
    }

    /// AllocateAddress takes no client token: it is sent once, and the address is looked up by its tags before it is
    /// sent again.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).allocate_address().tag_specifications(ours(ResourceType::ElasticIp, new));
        let request = fill!(request, cx, self: domain, address, public_ipv4_pool, network_border_group);
        let made = request.customize().config_override(once()).send().await?;
        let address = Described::builder().set_allocation_id(made.allocation_id).set_public_ip(made.public_ip);
        let address = address.set_domain(made.domain).set_public_ipv4_pool(made.public_ipv4_pool);
        let address = address.set_network_border_group(made.network_border_group);
        // The answer does not contain the tags.
        Ok(Observed { tags: new.tags.clone(), ..read(cx, address.build())? }.into())
    }

    /// Only the tags of an address can change in place.
    async fn update(&self, _: &Context, _: &Observed<Self>) -> Result<()> {
        Ok(())
    }

    /// Safe to repeat: a second delete finds nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let released =
            client(cx).release_address().allocation_id(&observed.id).send().await.map(drop).map_err(Error::from);
        // EC2's error while an AWS service still uses the address, such as a NAT gateway that is being deleted.
        released.map_err(|error| match error.code.as_str() {
            "AuthFailure" if error.message.contains("specified resource") => {
                Error::in_use(format!("{} is still in use by an AWS service", observed.id))
            }
            _ => error,
        })
    }
}

fn read(cx: &Context, address: Described) -> Result<Observed<Eip>> {
    let id = present(address.allocation_id, "allocation id")?;
    let public_ip = present(address.public_ip, "public address")?;
    let spec = Eip {
        domain: read!(address.domain)?,
        address: Some(public_ip.clone()),
        public_ipv4_pool: address.public_ipv4_pool,
        network_border_group: address.network_border_group,
    };
    // No kind is an EC2 instance: an instance that has the address is outside the stack.
    let held = address.instance_id.filter(|instance| !instance.is_empty());
    let notes = held.map(|instance| format!("{id} is associated with {instance}, which is outside the stack"));
    let observed = Observed::new(&id, tags(address.tags), spec).attr("arn", arn(cx, "elastic-ip", &id));
    Ok(Observed { notes: notes.into_iter().collect(), ..observed.attr("public_ip", public_ip) })
}
