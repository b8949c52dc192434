//! The VPC endpoint and the security group that GuardDuty's Runtime Monitoring creates in the VPCs of an account.
//!
//! GuardDuty creates them automatically, and does not delete them with a VPC or a subnet, whose deletion AWS then
//! refuses (terraform-provider-aws#46747). They are recognized by GuardDuty's own tag and by their names. No other
//! resource is changed.

use aws_sdk_ec2::types::{Filter, VpcEndpoint};
use up_core::{AlreadyDone, Context, Result};

use crate::{client, filter};

/// Removes a subnet from GuardDuty's endpoint; deletes the endpoint if this is its last subnet. Returns false if the
/// subnet has no such endpoint. Safe to repeat: a second delete finds nothing.
pub(crate) async fn leave_subnet(cx: &Context, vpc: &str, subnet: &str) -> Result<bool> {
    let mut left = false;
    for endpoint in endpoints(cx, vpc).await? {
        let subnets = endpoint.subnet_ids();
        let Some(id) = endpoint.vpc_endpoint_id().filter(|_| subnets.iter().any(|it| it == subnet)) else { continue };
        match subnets {
            [_] => delete_endpoint(cx, id).await?,
            _ => client(cx)
                .modify_vpc_endpoint()
                .vpc_endpoint_id(id)
                .remove_subnet_ids(subnet)
                .send()
                .await
                .ignore_not_found()?,
        }
        left = true;
    }
    Ok(left)
}

/// Deletes GuardDuty's endpoint and security group in a VPC. Returns false if there are none. Safe to repeat: a second
/// delete finds nothing.
pub(crate) async fn leave_vpc(cx: &Context, vpc: &str) -> Result<bool> {
    let mut left = false;
    for endpoint in endpoints(cx, vpc).await? {
        if let Some(id) = endpoint.vpc_endpoint_id() {
            delete_endpoint(cx, id).await?;
            left = true;
        }
    }
    let named = filter("group-name", [format!("GuardDutyManagedSecurityGroup-{vpc}")]);
    let request = client(cx).describe_security_groups().filters(filter("vpc-id", [vpc])).filters(managed());
    for group in request.filters(named).send().await?.security_groups() {
        // The endpoint uses the group until its deletion is complete: the engine repeats the call.
        client(cx)
            .delete_security_group()
            .set_group_id(group.group_id().map(str::to_owned))
            .send()
            .await
            .ignore_not_found()?;
        left = true;
    }
    Ok(left)
}

async fn endpoints(cx: &Context, vpc: &str) -> Result<Vec<VpcEndpoint>> {
    let request = client(cx).describe_vpc_endpoints().filters(filter("vpc-id", [vpc])).filters(managed());
    let found = request.send().await?.vpc_endpoints.unwrap_or_default();
    let is_guardduty = |it: &VpcEndpoint| {
        let is_data = it.service_name().is_some_and(|name| name.ends_with(".guardduty-data"));
        is_data && !it.state().is_some_and(|state| state.as_str().to_ascii_lowercase().starts_with("delet"))
    };
    Ok(found.into_iter().filter(is_guardduty).collect())
}

async fn delete_endpoint(cx: &Context, id: &str) -> Result<()> {
    client(cx).delete_vpc_endpoints().vpc_endpoint_ids(id).send().await?;
    Ok(())
}

/// The tag that GuardDuty sets on its resources.
fn managed() -> Filter {
    filter("tag:GuardDutyManaged", ["true"])
}
