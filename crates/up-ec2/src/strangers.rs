//! Resources outside the stack that are in its VPCs, subnets and security groups: checked before these are deleted.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceType, SecurityGroup, Subnet};
use up_core::{Address, Context, DeleteRemark, Result, Tags};

use crate::{client, filter, tagging::VALUES, tags};

/// The network interfaces that match a filter (`vpc-id`, `subnet-id`, `group-id`), without those of the resources in
/// `names`, which are deleted with these. `about` returns the resource of the stack that an interface prevents from
/// being deleted. One call for 200 ids.
pub(crate) async fn interfaces(
    cx: &Context,
    by: &str,
    ids: &BTreeSet<String>,
    names: &BTreeSet<String>,
    about: impl Fn(&NetworkInterface) -> Option<String>,
) -> Result<Vec<DeleteRemark>> {
    let mut all: Vec<NetworkInterface> = vec![];
    for filter in filters(by, ids) {
        let request = client(cx).describe_network_interfaces().filters(filter).into_paginator().page_size(1000);
        all.extend(request.items().send().try_collect().await?);
    }
    let strange = all.iter().filter(|interface| is_strange(interface, names));
    let remarks = strange.filter_map(|interface| {
        let message = format!("{} is in it, and is not in the stack", interface_in_words(interface, cx.account()));
        Some(DeleteRemark::blocking(about(interface)?, message))
    });
    Ok(remarks.collect())
}

/// Subnets and security groups in these VPCs that are not in the stack. Two calls.
pub(crate) async fn parts_of_networks(
    cx: &Context,
    networks: &BTreeSet<String>,
    names: &BTreeSet<String>,
) -> Result<Vec<DeleteRemark>> {
    let (mut subnets, mut groups): (Vec<Subnet>, Vec<SecurityGroup>) = Default::default();
    for filter in filters("vpc-id", networks) {
        let request = client(cx).describe_subnets().filters(filter.clone()).into_paginator().page_size(1000);
        subnets.extend(request.items().send().try_collect().await?);
        let request = client(cx).describe_security_groups().filters(filter).into_paginator().page_size(1000);
        groups.extend(request.items().send().try_collect().await?);
    }
    let subnets = subnets.into_iter().map(|it| (it.vpc_id, it.subnet_id, tags(it.tags), None));
    // AWS deletes the default group with its VPC.
    let groups = groups.into_iter().filter(|it| it.group_name.as_deref() != Some("default"));
    let groups = groups.map(|it| (it.vpc_id, it.group_id, tags(it.tags), it.group_name));
    let remarks = subnets.chain(groups).filter_map(|(network, id, tags, name)| {
        let (network, id) = (network?, id?);
        // Deleting a VPC also deletes what GuardDuty has created in it.
        let is_strange = !names.contains(&id) && !tags.contains_key("GuardDutyManaged");
        let name = name.or_else(|| tags.get("Name").cloned()).map(|name| format!("`{name}`, "));
        let message = format!("{id} ({}{}) is in it", name.unwrap_or_default(), owner_in_words(&tags));
        is_strange.then(|| DeleteRemark::blocking(network, message))
    });
    Ok(remarks.collect())
}

/// Rules that refer to these groups, in groups outside the stack. Two calls: EC2 has a filter for each direction.
pub(crate) async fn rules(
    cx: &Context,
    groups: &BTreeSet<String>,
    names: &BTreeSet<String>,
) -> Result<Vec<DeleteRemark>> {
    let mut found = BTreeSet::new();
    let ways = ["ip-permission.group-id", "egress.ip-permission.group-id"];
    for filter in ways.into_iter().flat_map(|by| filters(by, groups)) {
        let request = client(cx).describe_security_groups().filters(filter).into_paginator().page_size(1000);
        for other in request.items().send().try_collect().await? {
            let rules = other.ip_permissions().iter().chain(other.ip_permissions_egress());
            let named = rules.flat_map(|rule| rule.user_id_group_pairs()).filter_map(|pair| pair.group_id());
            let named: Vec<_> = named.filter(|group| groups.contains(*group)).map(str::to_owned).collect();
            let owner = owner_in_words(&tags(other.tags));
            let Some(id) = other.group_id.filter(|id| !names.contains(id)) else { continue };
            found.extend(named.into_iter().map(|group| (group, format!("a rule of {id} ({owner}) refers to it"))));
        }
    }
    Ok(found.into_iter().map(|(group, message)| DeleteRemark::blocking(group, message)).collect())
}

/// Filters for these values, split by the number of values that one filter takes.
fn filters(by: &str, values: &BTreeSet<String>) -> Vec<Filter> {
    let values: Vec<_> = values.iter().cloned().collect();
    values.chunks(VALUES).map(|some| filter(by, some.to_vec())).collect()
}

/// True unless the interface belongs to a resource in `names`. Most services write the id of their resource into its
/// description; for the others, the interface's security groups tell.
fn is_strange(interface: &NetworkInterface, names: &BTreeSet<String>) -> bool {
    let owner = description(interface).and_then(|text| text.split_whitespace().next_back()).unwrap_or_default();
    let (is_gateway, is_balancer) = (owner.starts_with("nat-"), owner.contains('/') && !owner.starts_with("arn:"));
    if is_gateway || owner.starts_with("vpce-") || owner.starts_with("arn:aws:kafka:") {
        return !names.contains(owner);
    }
    if is_balancer {
        return !names.iter().any(|name| name.split_once(":loadbalancer/").is_some_and(|(_, tail)| tail == owner));
    }
    let is_plain = interface.interface_type().is_none_or(|kind| *kind == NetworkInterfaceType::Interface);
    if interface.requester_managed() != Some(true) && is_plain {
        return true;
    }
    let is_of_service = |name: &String| {
        let service = interface.requester_id().and_then(|requester| requester.strip_prefix("amazon-"));
        service.is_some() && name.split(':').nth(2) == service
    };
    let is_in_ours = interface.groups().iter().filter_map(|group| group.group_id()).any(|id| names.contains(id));
    !is_in_ours && !names.iter().any(is_of_service)
}

/// `eni-1 (RDSNetworkInterface, of amazon-rds)`.
fn interface_in_words(interface: &NetworkInterface, account: &str) -> String {
    let is_managed = interface.requester_managed() == Some(true);
    let requester = interface.requester_id().filter(|_| is_managed).map(|requester| format!("of {requester}"));
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    let owner = interface.owner_id().filter(|owner| *owner != account).map(|owner| format!("of account {owner}"));
    let instance = instance.map(|instance| format!("attached to {instance}"));
    let description = description(interface).map(str::to_owned);
    let parts: Vec<_> = [description, requester, instance, owner].into_iter().flatten().collect();
    let id = interface.network_interface_id().unwrap_or("a network interface");
    if parts.is_empty() { id.to_owned() } else { format!("{id} ({})", parts.join(", ")) }
}

fn owner_in_words(tags: &Tags) -> String {
    match tags.get(Address::STACK_TAG) {
        Some(stack) => format!("of the stack `{stack}`"),
        None => "of no stack".to_owned(),
    }
}

fn description(interface: &NetworkInterface) -> Option<&str> {
    interface.description().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::GroupIdentifier;

    use super::*;

    fn interface(description: &str, requester: Option<&str>, group: &str) -> NetworkInterface {
        let interface = NetworkInterface::builder().network_interface_id("eni-1").description(description);
        let interface = interface.requester_managed(requester.is_some()).set_requester_id(requester.map(str::to_owned));
        interface.groups(GroupIdentifier::builder().group_id(group).build()).build()
    }

    #[test]
    fn interfaces_of_the_stack_s_own_resources_are_no_strangers() {
        let names = ["nat-1", "vpce-1", "sg-1", "arn:aws:kafka:us-east-1:1:cluster/a/b"].map(str::to_owned);
        let balancer = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/web/12".to_owned();
        let names: BTreeSet<_> = names.into_iter().chain([balancer]).collect();
        let is = |description: &str, requester: Option<&str>, group: &str| {
            is_strange(&interface(description, requester, group), &names)
        };
        let kafka = "DO NOT DELETE - Amazon MSK network interface for cluster arn:aws:kafka:us-east-1:1:cluster/a/";
        for (description, group) in [
            ("Interface for NAT Gateway nat-1", "sg-9"),
            ("VPC Endpoint Interface vpce-1", "sg-9"),
            ("ELB app/web/12", "sg-9"),
            (&format!("{kafka}b"), "sg-9"),
            ("RDSNetworkInterface", "sg-1"),
            ("arn:aws:ecs:us-east-1:1:attachment/uuid", "sg-1"),
        ] {
            assert!(!is(description, Some("amazon-aws"), group), "{description}");
        }
        for (description, requester) in [
            ("Interface for NAT Gateway nat-2", Some("amazon-aws")),
            ("VPC Endpoint Interface vpce-2", Some("amazon-aws")),
            ("ELB app/other/12", Some("amazon-elb")),
            (&format!("{kafka}c"), Some("amazon-aws")),
            ("RDSNetworkInterface", Some("amazon-rds")),
            ("", None),
        ] {
            assert!(is(description, requester, "sg-9"), "{description}");
        }
        assert!(is("", None, "sg-1"), "an interface that somebody made is of no resource of the stack");
        let with_database = ["arn:aws:rds:us-east-1:1:db:shop".to_owned()].into();
        assert!(!is_strange(&interface("RDSNetworkInterface", Some("amazon-rds"), "sg-9"), &with_database));
    }
}
