//! `ec2.internet_gateway`: connects a VPC to the internet.

use aws_sdk_ec2::types::{AttachmentStatus, InternetGateway as Described, ResourceType};
use up_core::prelude::*;

use crate::{arn, client, once, ours, selected, tags};

/// Connects a VPC to the internet.
#[spec]
pub struct InternetGateway {
    /// The VPC to attach it to. A change detaches it from the old VPC, whose public addresses must be released first,
    /// and attaches it to the new one.
    #[schemars(required)]
    vpc: Option<Ref<names::Vpc>>,
}

impl Kind for InternetGateway {
    const NAME: &'static str = names::InternetGateway::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::InternetGateway",
        actions: Actions {
            observe: actions!(ec2: DescribeInternetGateways),
            create: actions!(ec2: CreateInternetGateway CreateTags),
            update: actions!(ec2: AttachInternetGateway DetachInternetGateway),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DetachInternetGateway DeleteInternetGateway),
        },
        attrs: &["arn"],
        replace: Order::DestroyBeforeCreate,
        // It cannot be detached before the VPC's NAT gateways and load balancers have released their public addresses.
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(900) },
        non_idempotent_create: true,
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_internet_gateways().set_filters(selected(query, "internet-gateway-id"));
        let gateways = request.into_paginator().page_size(1000).items().send().try_collect().await?;
        gateways.into_iter().map(|gateway| read(cx, gateway)).collect()
    }

    /// CreateInternetGateway takes no client token: it is sent once, and the gateway is looked up by its tags before it
    /// is sent again.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let request = client(cx).create_internet_gateway();
        let request = request.tag_specifications(ours(ResourceType::InternetGateway, new));
        let answer = request.customize().config_override(once()).send().await?;
        Ok(read(cx, present(answer.internet_gateway, "internet gateway that it created")?)?.into())
    }

    /// Safe to repeat: a gateway that is already attached to the VPC counts as success.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let desired = self.vpc.to_aws(cx)?;
        if desired == observed.spec.vpc.to_aws(cx)? {
            return Ok(());
        }
        detach(cx, observed).await?;
        if let Some(vpc) = desired {
            let call = client(cx).attach_internet_gateway().internet_gateway_id(&observed.id);
            call.vpc_id(vpc).send().await.ignore_exists()?;
        }
        Ok(())
    }

    /// Safe to repeat: a gateway that is already detached or deleted counts as success.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        detach(cx, observed).await?;
        client(cx).delete_internet_gateway().internet_gateway_id(&observed.id).send().await?;
        Ok(())
    }

    fn unique(&self) -> Vec<Unique> {
        // A VPC has at most one internet gateway.
        self.vpc.iter().map(|vpc| Unique::only("vpc", vpc)).collect()
    }

    fn check(&self) -> Vec<Problem> {
        problems! {
            self.vpc.is_none() => "vpc", "expected the VPC to attach it to";
        }
    }
}

fn read(cx: &Context, gateway: Described) -> Result<Observed<InternetGateway>> {
    let id = present(gateway.internet_gateway_id, "internet gateway id")?;
    let attachments = gateway.attachments.into_iter().flatten();
    let attachment = attachments.into_iter().find(|it| it.state != Some(AttachmentStatus::Detached));
    let (vpc, status) = match attachment {
        None => (None, Status::Ready),
        Some(attachment) => {
            let state = present(attachment.state, "state of an attachment")?;
            // The SDK's model has only `attached`; for internet gateways, EC2 answers `available`.
            let attached = matches!(state.as_str(), "available" | "attached");
            let status = if attached { Status::Ready } else { Status::Pending(state.to_string()) };
            (Some(read!(attachment.vpc_id)?), status)
        }
    };
    let observed = Observed::new(&id, tags(gateway.tags), InternetGateway { vpc });
    Ok(Observed { status, ..observed.attr("arn", arn(cx, "internet-gateway", &id)) })
}

/// AWS refuses this while public addresses of the VPC are in use: the engine repeats the call.
async fn detach(cx: &Context, observed: &Observed<InternetGateway>) -> Result<()> {
    let Some(vpc) = &observed.spec.vpc else { return Ok(()) };
    let call = client(cx).detach_internet_gateway().internet_gateway_id(&observed.id);
    call.vpc_id(cx.id(vpc)?).send().await.ignore_not_found()
}
