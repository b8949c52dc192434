//! `ec2.security_group`: a virtual firewall.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{IpPermission, NetworkInterface, ResourceType, SecurityGroup as Described};
use up_core::{Address, prelude::*};

use crate::{
    client, filter,
    holder::{Holders, holders},
    made, ours,
    rule::{Owner, Rule, Rules, TEXT_RULE, everywhere, is_text, unfold, without_controllers},
    rule_change::{RuleChange, Way, permissions},
    selected, strangers, tags,
};

/// A virtual firewall: the inbound and outbound traffic that is allowed for the resources that use it.
///
/// Two security groups may refer to each other. The resource manages all rules of the group: rules that are added
/// outside the stack are drift, and the next apply removes them. Only rules of Kubernetes controllers, whose
/// descriptions begin with `elbv2.k8s.aws/` or `kubernetes.io/rule/`, are left alone.
#[spec]
pub struct SecurityGroup {
    /// Its name, unique in the VPC. Default: derived from stack and address.
    #[spec(name)]
    name: Option<String>,
    /// A description, shown in the console.
    #[spec(replace)]
    description: String,
    /// The VPC of the security group.
    #[spec(replace)]
    vpc: Ref<names::Vpc>,
    /// Inbound traffic that is allowed, such as `{ ports = 443, cidr = "0.0.0.0/0" }`. Default: none.
    #[spec(deferred, default)]
    ingress: Rules,
    /// Outbound traffic that is allowed. Default: all IPv4 traffic, as in a new group of AWS; `[]` allows none.
    #[spec(deferred, default = everywhere())]
    egress: Rules,
    /// Prefixes of descriptions: rules whose descriptions begin with one of them are managed elsewhere (by a controller
    /// or another team), and are left alone. Default: none.
    #[spec(initial, default)]
    ignore_rules: BTreeSet<String>,
}

impl Kind for SecurityGroup {
    const NAME: &'static str = names::SecurityGroup::NAME;
    const SERVICE: &'static up_core::Service = &crate::SERVICE;

    const INFO: KindInfo = KindInfo {
        cloudformation: "AWS::EC2::SecurityGroup",
        actions: Actions {
            observe: actions!(ec2: DescribeSecurityGroups),
            create: actions!(ec2: CreateSecurityGroup CreateTags),
            update: actions!(ec2: AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress
                RevokeSecurityGroupIngress UpdateSecurityGroupRuleDescriptionsEgress
                UpdateSecurityGroupRuleDescriptionsIngress),
            tag: actions!(ec2: CreateTags DeleteTags),
            delete: actions!(ec2: DeleteSecurityGroup DescribeNetworkInterfaces DescribeSecurityGroups
                RevokeSecurityGroupEgress RevokeSecurityGroupIngress),
        },
        attrs: &["arn", "name"],
        longest_name: 255,
        // Load balancers and databases release their network interfaces late.
        wait: Wait { every: Duration::from_secs(2), at_most: Duration::from_secs(1200) },
        tags: TagRules::FREE,
        deletes_at_once: true,
        ..KindInfo::DEFAULT
    };

    async fn observe(cx: &Context, query: &Query) -> Result<Vec<Observed<Self>>> {
        let request = client(cx).describe_security_groups().set_filters(selected(query, "group-id"));
        let groups = request.into_paginator().page_size(1000).items().send().try_collect().await?;
        groups.into_iter().map(read).collect()
    }

    /// Safe to repeat: names of security groups are unique in a VPC.
    async fn create(&self, cx: &Context, new: &NewResource) -> Result<Created<Self>> {
        let name = self.name.clone().unwrap_or_else(|| new.name(Self::INFO.longest_name));
        let request = client(cx).create_security_group().group_name(&name);
        let request = fill!(request, cx, self: description, vpc as vpc_id);
        let answer = request.tag_specifications(ours(ResourceType::SecurityGroup, new)).send().await?;
        let id = made(answer.group_id)?;
        // In a VPC with an IPv6 block, EC2 adds a second rule: the new group must be read.
        let network = self.vpc.address().and_then(|vpc| cx.known(vpc));
        let (Some(network), Some(arn)) = (network, answer.security_group_arn) else { return Ok(id.into()) };
        if network.attrs.contains_key("ipv6_cidr_block") {
            return Ok(id.into());
        }
        let (ingress, egress) = (Rules::new(), everywhere());
        let spec = Self { name: Some(name.clone()), ingress, egress, ignore_rules: BTreeSet::new(), ..self.clone() };
        Ok(Observed::new(id, new.tags.clone(), spec).attr("arn", arn).attr("name", name).into())
    }

    /// Adds missing rules before it removes others, so that traffic is not interrupted. Safe to repeat: a rule that
    /// exists is not added again, and one that does not exist is not removed.
    async fn update(&self, cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let owner = Owner { group: &observed.id, account: cx.account() };
        let ways = [(Way::In, &observed.spec.ingress, &self.ingress), (Way::Out, &observed.spec.egress, &self.egress)];
        let mut changes = Vec::new();
        for (way, was, desired) in ways {
            changes.push((way, RuleChange::between(cx, was, desired)?));
        }
        for (way, change) in &changes {
            way.open(cx, &observed.id, permissions(cx, &change.open, owner)?).await?;
        }
        for (way, change) in &changes {
            way.close(cx, &observed.id, permissions(cx, &change.close, owner)?).await?;
            way.describe(cx, &observed.id, permissions(cx, &change.describe, owner)?).await?;
        }
        Ok(())
    }

    /// AWS refuses to delete a group that is used by a network interface, or that a rule of another group refers to.
    /// Only then is AWS asked for these. While an interface uses the group, its rules are needed and stay. Otherwise
    /// the rules that refer to other groups are revoked, in this group and in the other groups of the stack, so that
    /// groups which refer to each other can be deleted together. Safe to repeat: a second delete or revoke finds
    /// nothing.
    async fn delete(cx: &Context, observed: &Observed<Self>) -> Result<()> {
        let refusal = match delete(cx, observed).await {
            Err(refusal) if refusal.kind == ErrorKind::Conflict => refusal,
            deleted => return deleted,
        };
        let wearers = holders(cx, "group-id", &observed.id).await?;
        if !wearers.is_empty() {
            return Err(wearers.refusal(&observed.id, refusal));
        }
        if close_own(cx, observed).await? {
            match delete(cx, observed).await {
                Err(refusal) if refusal.kind == ErrorKind::Conflict => {}
                deleted => return deleted,
            }
        }
        let others = close_in_others(cx, observed).await?;
        if !others.is_empty() {
            return Err(others.refusal(&observed.id, refusal));
        }
        delete(cx, observed).await
    }

    /// Two calls for rules outside the stack that refer to any of the groups, and one for the interfaces in groups
    /// whose VPC stays; for the others, the VPC's own check finds them.
    async fn before_delete(cx: &Context, leaving: &Leaving<'_, Self>) -> Result<Vec<DeleteRemark>> {
        let groups = leaving.resources.iter().map(|group| group.id.clone()).collect();
        let mut found = strangers::rules(cx, &groups, leaving.names).await?;
        let stays = |group: &&Observed<Self>| cx.id(&group.spec.vpc).is_ok_and(|vpc| !leaving.names.contains(&vpc));
        let alone: BTreeSet<_> = leaving.resources.iter().filter(stays).map(|group| group.id.clone()).collect();
        let worn = |interface: &NetworkInterface| {
            let worn = interface.groups().iter().filter_map(|group| group.group_id());
            worn.map(str::to_owned).find(|group| alone.contains(group))
        };
        found.extend(strangers::interfaces(cx, "group-id", &alone, leaving.names, worn).await?);
        Ok(found)
    }

    fn unique(&self) -> Vec<Unique> {
        let name = self.name.as_ref().and_then(|name| Unique::value("name", name));
        name.map(|name| name.within(&self.vpc)).into_iter().collect()
    }

    /// Rules that match `ignore_rules` stay.
    fn accept(mut self, observed: &Observed<Self>) -> Self {
        let kept =
            |rules: &Rules| rules.iter().filter(|rule| rule.is_described_as(&self.ignore_rules)).cloned().collect();
        let (ingress, egress) = (kept(&observed.spec.ingress), kept(&observed.spec.egress));
        self.ingress = with_others(self.ingress, ingress);
        self.egress = with_others(self.egress, egress);
        self
    }

    fn check(&self) -> Vec<Problem> {
        let name = self.name.as_deref().unwrap_or("unnamed");
        let text = |field, text| Problem::when(!is_text(text), field, format!("the {field} {TEXT_RULE}"));
        let reserved = name.starts_with("sg-") || name == "default";
        let own = [
            text("name", name),
            Problem::when(reserved, "name", "`default`, and names that begin with `sg-`, are reserved by AWS"),
            text("description", &self.description),
            Problem::when(self.ignore_rules.contains(""), "ignore_rules", "an empty prefix matches all rules"),
        ];
        let ways = [("ingress", &self.ingress), ("egress", &self.egress)];
        let of_rules = ways.into_iter().flat_map(|(field, rules)| {
            let is_twice = rules.iter().map(Rule::undescribed).collect::<Rules>().len() < rules.len();
            let twice = Problem::when(is_twice, field, "two rules differ only in their description");
            let each = rules.iter().filter_map(Rule::problem).map(move |message| Problem::new(field, message));
            each.chain(twice)
        });
        own.into_iter().flatten().chain(of_rules).collect()
    }

    /// EC2 does not distinguish between a group that names itself and `self`.
    fn check_together<'a>(all: impl Iterator<Item = (&'a Address, Self)>) -> Vec<(Address, Problem)> {
        let all: Vec<_> = all.collect();
        let names_itself = |at: &Address, rules: &Rules| rules.iter().any(|rule| rule.names(&Ref::to(at.clone())));
        let problems = all.iter().flat_map(|(at, group)| {
            let ways = [("ingress", &group.ingress), ("egress", &group.egress)].into_iter();
            let wrong = ways.filter(|(_, rules)| names_itself(at, rules));
            wrong.map(|(field, _)| ((*at).clone(), Problem::new(field, "write `self = true` for the group itself")))
        });
        problems.collect()
    }
}

/// A rule that the stack declares belongs to the stack, whatever its description is.
fn with_others(mut rules: Rules, others: Rules) -> Rules {
    let own: Rules = rules.iter().map(Rule::undescribed).collect();
    rules.extend(others.into_iter().filter(|rule| !own.contains(&rule.undescribed())));
    rules
}

fn read(group: Described) -> Result<Observed<SecurityGroup>> {
    let id: String = present(group.group_id, "group id")?;
    let (account, name): (String, String) = (read!(group.owner_id)?, read!(group.group_name)?);
    let owner = Owner { group: &id, account: &account };
    let (ingress, others_in) = without_controllers(unfold(group.ip_permissions, owner)?);
    let (egress, others_out) = without_controllers(unfold(group.ip_permissions_egress, owner)?);
    let others = others_in + others_out;
    let note =
        (others > 0).then(|| format!("{others} of its rules belong to a Kubernetes controller, and are left alone"));
    let spec = SecurityGroup {
        name: Some(name.clone()),
        description: read!(group.description)?,
        vpc: read!(group.vpc_id)?,
        ingress,
        egress,
        ignore_rules: BTreeSet::new(),
    };
    let arn = present(group.security_group_arn, "ARN of a group")?;
    let observed = Observed::new(id, tags(group.tags), spec).attr("arn", arn).attr("name", name);
    Ok(Observed { notes: note.into_iter().collect(), ..observed })
}

async fn delete(cx: &Context, observed: &Observed<SecurityGroup>) -> Result<()> {
    client(cx).delete_security_group().group_id(&observed.id).send().await?;
    Ok(())
}

/// Revokes the group's own rules that refer to other groups. Returns false if it has none.
async fn close_own(cx: &Context, observed: &Observed<SecurityGroup>) -> Result<bool> {
    let owner = Owner { group: &observed.id, account: cx.account() };
    let mut has_some = false;
    for (way, rules) in [(Way::In, &observed.spec.ingress), (Way::Out, &observed.spec.egress)] {
        let named = permissions(cx, rules.iter().filter(|rule| rule.is_to_group()), owner)?;
        has_some |= !named.is_empty();
        way.close(cx, &observed.id, named).await?;
    }
    Ok(has_some)
}

/// Revokes the rules that refer to this group in other groups of its stack, and returns those outside the stack, which
/// are not changed. Only rules in the same VPC prevent a deletion: one call lists its groups with the rules of both
/// directions.
async fn close_in_others(cx: &Context, observed: &Observed<SecurityGroup>) -> Result<Holders> {
    let (stack, named) = (observed.tags.get(Address::STACK_TAG), Ref::id(&observed.id));
    let network = filter("vpc-id", [cx.id(&observed.spec.vpc)?]);
    let request = client(cx).describe_security_groups().filters(network).into_paginator().page_size(1000);
    let mut others = Holders::default();
    for group in request.items().send().try_collect().await? {
        let ways = [(Way::In, group.ip_permissions()), (Way::Out, group.ip_permissions_egress())];
        let ways = ways.into_iter().filter(|(_, permissions)| name(permissions, &observed.id)).map(|(way, _)| way);
        let ways: Vec<_> = ways.collect();
        if ways.is_empty() || group.group_id() == Some(&observed.id) {
            continue;
        }
        let other = read(group)?;
        let is_ours = stack.is_some() && other.tags.get(Address::STACK_TAG) == stack;
        let owner = Owner { group: &other.id, account: cx.account() };
        for way in ways {
            let rules = match way {
                Way::In => &other.spec.ingress,
                Way::Out => &other.spec.egress,
            };
            let rules = rules.iter().filter(|rule| is_ours && rule.names(&named));
            match permissions(cx, rules, owner)? {
                // In a group of the stack, a rule that stays is a controller's.
                rules if rules.is_empty() => others.add_rule_of(&other.id),
                rules => way.close(cx, &other.id, rules).await?,
            }
        }
    }
    Ok(others)
}

fn name(permissions: &[IpPermission], group: &str) -> bool {
    permissions.iter().flat_map(IpPermission::user_id_group_pairs).any(|pair| pair.group_id() == Some(group))
}
