//! A rule of a security group.

use std::{collections::BTreeSet, fmt};

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, UserIdGroupPair};
use up_core::{placeholder, prelude::*};

use crate::ports::Ports;

pub(crate) type Rules = BTreeSet<Rule>;

/// A rule: a protocol, its ports, and one peer (the source of inbound, or the destination of outbound traffic).
#[part(Default, Eq, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, `-1` for all, or a protocol number. Default: `tcp`.
    #[spec(default = "tcp".into())]
    protocol: String,
    /// The port or port range for TCP or UDP: `443`, or `"8000-8100"`. `"0-65535"` means all ports.
    ports: Option<Ports>,
    /// The ICMP type, such as `8` for an echo request. Left out: all types.
    icmp_type: Option<i32>,
    /// The ICMP code. Left out: all codes of the type.
    icmp_code: Option<i32>,
    /// Peer: an IPv4 or IPv6 CIDR block, such as `10.0.0.0/8` or `::/0`.
    cidr: Option<Cidr>,
    /// Peer: a prefix list, `pl-…`.
    prefix_list_id: Option<String>,
    /// Peer: resources with another security group; for a group of another account, `{ id = "<account>/sg-…" }`.
    group: Option<Ref<names::SecurityGroup>>,
    /// Peer: resources with this security group.
    #[serde(rename = "self")]
    #[spec(default)]
    itself: bool,
    /// A description of the rule.
    description: Option<String>,
}

/// The security group that has the rules, and its account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    pub(crate) group: &'a str,
    pub(crate) account: &'a str,
}

/// All traffic to all IPv4 addresses: the rule that EC2 adds to a new group.
pub(crate) fn everywhere() -> Rules {
    [Rule { protocol: ALL.into(), cidr: Some(Cidr::observed("0.0.0.0/0")), ..Rule::default() }].into()
}

/// The rules as EC2 returns them, split into one rule for each peer: EC2 combines rules with the same ports.
pub(crate) fn unfold(permissions: Option<Vec<IpPermission>>, owner: Owner<'_>) -> Result<Rules> {
    let mut rules = Rules::new();
    for permission in permissions.into_iter().flatten() {
        let open = Rule::opened(&permission)?;
        let with =
            |cidr: Option<String>, description| Rule { cidr: cidr.map(Cidr::observed), description, ..open.clone() };
        rules.extend(permission.ip_ranges.into_iter().flatten().map(|it| with(it.cidr_ip, it.description)));
        rules.extend(permission.ipv6_ranges.into_iter().flatten().map(|it| with(it.cidr_ipv6, it.description)));
        rules.extend(permission.prefix_list_ids.into_iter().flatten().map(|it| Rule {
            prefix_list_id: it.prefix_list_id,
            description: it.description,
            ..open.clone()
        }));
        for pair in permission.user_id_group_pairs.into_iter().flatten() {
            rules.insert(open.clone().with_group(pair, owner)?);
        }
    }
    Ok(rules)
}

/// The rules without those that Kubernetes controllers add to security groups of others, and the number of the latter.
/// Controllers mark their rules in the description, and remove them themselves (aws-load-balancer-controller, the cloud
/// provider for AWS).
pub(crate) fn without_controllers(rules: Rules) -> (Rules, usize) {
    let count = rules.len();
    let own: Rules = rules.into_iter().filter(|rule| !rule.is_of_controller()).collect();
    let others = count - own.len();
    (own, others)
}

impl Rule {
    /// The rule in EC2's form.
    pub(crate) fn permission(&self, cx: &Context, owner: Owner<'_>) -> Result<IpPermission> {
        let (from, to) = self.ends()?.unzip();
        let open = IpPermission::builder().ip_protocol(&self.protocol).set_from_port(from).set_to_port(to);
        let description = self.description.clone();
        let open = match (self.cidr.as_ref().map(Cidr::as_str), &self.prefix_list_id) {
            (Some(cidr), _) if cidr.contains(':') => {
                open.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(cidr).set_description(description).build())
            }
            (Some(cidr), _) => open.ip_ranges(IpRange::builder().cidr_ip(cidr).set_description(description).build()),
            (None, Some(list)) => {
                let list = PrefixListId::builder().prefix_list_id(list).set_description(description);
                open.prefix_list_ids(list.build())
            }
            (None, None) => {
                let group = self.group.as_ref().map_or_else(|| Ok(owner.group.to_owned()), |group| cx.id(group))?;
                let (account, group) = group.split_once('/').map_or((None, &*group), |(a, group)| (Some(a), group));
                let pair = UserIdGroupPair::builder().set_user_id(account.map(str::to_owned)).group_id(group);
                open.user_id_group_pairs(pair.set_description(description).build())
            }
        };
        Ok(open.build())
    }

    /// The same rule with ids instead of addresses, so that rules can be compared.
    pub(crate) fn resolved(&self, cx: &Context) -> Result<Self> {
        Ok(Self { group: self.group.to_aws(cx)?.map(Ref::id), ..self.clone() })
    }

    /// The rule without its description: EC2 does not accept two rules that differ only in that.
    pub(crate) fn undescribed(&self) -> Self {
        Self { description: None, ..self.clone() }
    }

    /// True if its peer is another security group.
    pub(crate) fn is_to_group(&self) -> bool {
        self.group.is_some()
    }

    /// True if its peer is the group that has the rule.
    pub(crate) fn names(&self, group: &Ref<names::SecurityGroup>) -> bool {
        self.group.as_ref() == Some(group)
    }

    fn is_of_controller(&self) -> bool {
        self.is_described_as(["elbv2.k8s.aws/", "kubernetes.io/rule/"])
    }

    /// True if its description begins with one of these.
    pub(crate) fn is_described_as(&self, beginnings: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
        let Some(text) = &self.description else { return false };
        beginnings.into_iter().any(|beginning| text.starts_with(beginning.as_ref()))
    }

    /// A message for what is wrong with the rule.
    pub(crate) fn problem(&self) -> Option<String> {
        let peers = [self.cidr.is_some(), self.prefix_list_id.is_some(), self.group.is_some(), self.itself];
        let peers = peers.into_iter().filter(|given| *given).count();
        if peers != 1 {
            let fields = "`cidr`, `prefix_list_id`, `group` or `self`";
            return Some(format!("the rule for {self} needs one peer, {fields}, and has {peers}"));
        }
        if self.is_of_controller() {
            let text = self.description.as_deref().unwrap_or_default();
            return Some(format!(
                "the description `{text}` is that of a Kubernetes controller, whose rules are left alone"
            ));
        }
        let text = self.description.as_deref().filter(|text| !is_text(text));
        self.traffic_problem().or_else(|| text.map(|text| format!("the description `{text}` {TEXT_RULE}")))
    }

    fn traffic_problem(&self) -> Option<String> {
        let icmp = self.icmp_type.is_some() || self.icmp_code.is_some();
        let (named, number) = (&self.protocol, self.protocol.parse::<u8>());
        match named.as_str() {
            _ if placeholder::has_placeholder(named) => None,
            "tcp" | "udp" if self.ports.is_none() => {
                Some(format!("a {named} rule needs `ports`, such as 443 or \"8000-8100\"; \"0-65535\" is all"))
            }
            "icmp" | "icmpv6" if self.icmp_code.is_some() && self.icmp_type.is_none() => {
                Some("an `icmp_code` needs an `icmp_type`".into())
            }
            "tcp" | "udp" if icmp => Some(format!("`icmp_type` and `icmp_code` are not possible for {named}")),
            "tcp" | "udp" => None,
            _ if self.ports.is_some() => Some(format!("`ports` are only possible for tcp and udp, not for `{named}`")),
            "icmp" | "icmpv6" => None,
            _ if icmp => Some(format!("`icmp_type` and `icmp_code` are not possible for `{named}`")),
            ALL => None,
            "1" | "6" | "17" | "58" => Some(format!("write protocol {named} by its name: tcp, udp, icmp or icmpv6")),
            _ if number.is_ok() => None,
            _ => Some(format!("`{named}` is no protocol: expected tcp, udp, icmp, icmpv6, -1 for all, or a number")),
        }
    }

    /// `FromPort` and `ToPort`, which for ICMP are the type and the code.
    fn ends(&self) -> Result<Option<(i32, i32)>> {
        match self.protocol.as_str() {
            "icmp" | "icmpv6" => Ok(Some((self.icmp_type.unwrap_or(ANY), self.icmp_code.unwrap_or(ANY)))),
            _ => self.ports.as_ref().map(Ports::range).transpose(),
        }
    }

    /// The traffic of a permission, without its peer.
    fn opened(permission: &IpPermission) -> Result<Self> {
        let protocol = present(permission.ip_protocol.clone(), "protocol of a rule")?;
        let ends = permission.from_port.zip(permission.to_port);
        let part = |end: i32| (end != ANY).then_some(end);
        let (icmp_type, icmp_code) = match (protocol.as_str(), ends) {
            ("icmp" | "icmpv6", Some((kind, code))) => (part(kind), part(code)),
            _ => (None, None),
        };
        let ports = ends.filter(|_| matches!(protocol.as_str(), "tcp" | "udp")).map(|(from, to)| Ports::new(from, to));
        Ok(Self { protocol, ports, icmp_type, icmp_code, ..Self::default() })
    }

    fn with_group(self, pair: UserIdGroupPair, owner: Owner<'_>) -> Result<Self> {
        let group = present(pair.group_id, "group of a rule")?;
        let description = pair.description;
        if group == owner.group {
            return Ok(Self { itself: true, description, ..self });
        }
        let group = match pair.user_id {
            Some(account) if account != owner.account => format!("{account}/{group}"),
            _ => group,
        };
        Ok(Self { group: Some(Ref::id(group)), description, ..self })
    }
}

const ALL: &str = "-1";

/// EC2's value for "all types" or "all codes".
const ANY: i32 = -1;

/// Its traffic, for messages.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.ports, self.protocol.as_str()) {
            (Some(ports), protocol) => write!(f, "{protocol} {ports}"),
            (None, ALL) => f.write_str("all traffic"),
            (None, protocol) => f.write_str(protocol),
        }
    }
}

/// The characters that EC2 accepts in a description.
pub(crate) const TEXT_RULE: &str = "may have 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*";

/// See [`TEXT_RULE`]. Text with a placeholder passes.
pub(crate) fn is_text(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    placeholder::has_placeholder(text) || (text.len() <= 255 && text.chars().all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_permissions_unfold_to_one_rule_a_peer() {
        let owner = Owner { group: "sg-1", account: "111122223333" };
        let pair = |account: &str, group: &str| UserIdGroupPair::builder().user_id(account).group_id(group).build();
        let permission = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
        let permission = permission.ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").description("office").build());
        let permission = permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6("::/0").build());
        let permission = permission.user_id_group_pairs(pair("111122223333", "sg-1"));
        let permission = permission.user_id_group_pairs(pair("444455556666", "sg-2"));
        let rules = unfold(Some(vec![permission.build()]), owner).unwrap();
        let desired = serde_json::json!([
            { "ports": 443, "cidr": "10.0.0.0/8", "description": "office" },
            { "ports": 443, "cidr": "::/0" },
            { "ports": 443, "self": true },
            { "ports": 443, "group": { "id": "444455556666/sg-2" } },
        ]);
        assert_eq!(rules, serde_json::from_value(desired).unwrap());
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let problem = |rule: serde_json::Value| serde_json::from_value::<Rule>(rule).unwrap().problem();
        assert_eq!(problem(serde_json::json!({ "ports": 443, "cidr": "10.0.0.0/8" })), None);
        assert_eq!(problem(serde_json::json!({ "protocol": "icmp", "icmp_type": 8, "cidr": "10.0.0.0/8" })), None);
        assert_eq!(problem(serde_json::json!({ "protocol": "50", "cidr": "10.0.0.0/8" })), None);
        for wrong in [
            serde_json::json!({ "ports": 443 }),
            serde_json::json!({ "ports": 443, "cidr": "10.0.0.0/8", "self": true }),
            serde_json::json!({ "cidr": "10.0.0.0/8" }),
            serde_json::json!({ "protocol": "-1", "ports": 443, "cidr": "10.0.0.0/8" }),
            serde_json::json!({ "protocol": "6", "cidr": "10.0.0.0/8" }),
            serde_json::json!({ "protocol": "TCP", "cidr": "10.0.0.0/8" }),
            serde_json::json!({ "protocol": "icmp", "icmp_code": 4, "cidr": "10.0.0.0/8" }),
            serde_json::json!({ "ports": 443, "self": true, "description": "naïve" }),
            serde_json::json!({ "ports": 443, "self": true, "description": "elbv2.k8s.aws/targetGroupBinding=shared" }),
        ] {
            assert!(problem(wrong.clone()).is_some(), "{wrong}");
        }
    }
}
