//! A stack may say every word that AWS's API models have for a field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{published, report, stale};

/// Enumerations that AWS calls otherwise: ours, and AWS's.
const CALLED: &[(&str, &str)] = &[
    ("ec2.eip.Domain", "DomainType"),
    ("ec2.vpc_endpoint.EndpointType", "VpcEndpointType"),
    ("ecs.service.ConstraintType", "PlacementConstraintType"),
    ("ecs.service.StrategyType", "PlacementStrategyType"),
    ("ecs.task_definition.AppProtocol", "ApplicationProtocol"),
    ("ecs.task_definition.Condition", "ContainerCondition"),
    ("ecs.task_definition.LogRouter", "FirelensConfigurationType"),
    ("ecs.task_definition.OperatingSystem", "OSFamily"),
    ("ecs.task_definition.Transport", "TransportProtocol"),
    ("elbv2.listener.RedirectStatus", "RedirectActionStatusCodeEnum"),
    ("elbv2.listener.Switch", "AdvertiseTrustStoreCaNamesEnum"),
    ("elbv2.load_balancer.Scheme", "LoadBalancerSchemeEnum"),
    ("elbv2.rule.RedirectStatus", "RedirectActionStatusCodeEnum"),
    ("elbv2.target_group.TargetAddressType", "TargetGroupIpAddressTypeEnum"),
    ("ssm.parameter.Tier", "ParameterTier"),
];

/// Enumerations that AWS's models have as free text: ours. Their words stand in the documentation of the member alone.
const FREE_TEXT: &[&str] = &[
    "ecs.cluster.ContainerInsights",
    "elbv2.listener.AlpnPolicy",
    "elbv2.listener.MutualAuthenticationMode",
    "elbv2.load_balancer.ClientRoutingPolicy",
    "elbv2.load_balancer.DesyncMitigationMode",
    "elbv2.load_balancer.XffHeaderProcessingMode",
    "elbv2.target_group.Algorithm",
    "elbv2.target_group.ProtocolVersion",
    "elbv2.target_group.StickinessType",
    "elbv2.target_group.Switch",
    "kafka.cluster.PublicAccess",
    "rds.instance.Engine",
    "rds.instance.LifecycleSupport",
    "rds.instance.StorageType",
    "sns.subscription.FilterPolicyScope",
    "sns.subscription.Protocol",
    "sns.topic.SignatureVersion",
    "sns.topic.TracingConfig",
];

/// Words of AWS's that a stack may not say: ours, the words, why.
const LEFT_OUT: &[(&str, &[&str], &str)] = &[
    ("ec2.eip.Domain", &["standard"], "EC2-Classic is gone"),
    ("ec2.vpc.Tenancy", &["host"], "CreateVpc refuses it: it is for instances"),
    ("ec2.vpc_endpoint.EndpointType", &["Resource", "ServiceNetwork", "Tunnel"], "they have no service to name"),
    (
        "ecs.task_definition.OperatingSystem",
        &["WINDOWS_SERVER_2004_CORE", "WINDOWS_SERVER_20H2_CORE"],
        "Microsoft supports them no more, and AWS has no images of them",
    ),
    ("elbv2.listener.Protocol", &["GENEVE"], GATEWAY),
    ("elbv2.load_balancer.LoadBalancerType", &["gateway"], GATEWAY),
    ("elbv2.target_group.Protocol", &["GENEVE"], GATEWAY),
];
const GATEWAY: &str = "there are no gateway load balancers yet";

#[test]
fn every_word_of_aws_may_be_said() {
    let aws: BTreeMap<String, BTreeSet<String>> = published(include_str!("enumerations.json"));
    let (mut wrong, mut met, mut compared) = (vec![], BTreeSet::new(), 0);
    for (name, words) in ours() {
        let Some(theirs) = shape(&aws, &name) else {
            match FREE_TEXT.contains(&name.as_str()) {
                true => drop(met.insert(name)),
                false => {
                    wrong.push(format!("{name}: AWS's models have no enumeration of its name; its words: {words:?}"))
                }
            }
            continue;
        };
        compared += 1;
        wrong.extend(words.difference(theirs).map(|word| format!("{name}: AWS has no word {word:?}")));
        for word in theirs.difference(&words) {
            match LEFT_OUT.iter().any(|(of, left, _)| *of == name && left.contains(&word.as_str())) {
                true => drop(met.insert(format!("{name} {word}"))),
                false => wrong.push(format!("{name}: a stack cannot say {word:?}")),
            }
        }
    }
    let left = LEFT_OUT.iter().flat_map(|(name, words, _)| words.iter().map(move |word| format!("{name} {word}")));
    wrong.extend(stale(left.chain(FREE_TEXT.iter().map(|name| (*name).to_owned())), &met));
    assert!(compared > 20, "{compared} enumerations were compared");
    report(&wrong);
}

/// The words of AWS's enumeration of the same name, or of the one that `CALLED` names.
fn shape<'a>(aws: &'a BTreeMap<String, BTreeSet<String>>, name: &str) -> Option<&'a BTreeSet<String>> {
    let (kind, own) = name.rsplit_once('.')?;
    let service = kind.split('.').next()?;
    let called = CALLED.iter().find(|(ours, _)| *ours == name).map_or(own, |(_, theirs)| theirs);
    let named = |suffix: &str| format!("{service}.{called}{suffix}").to_lowercase();
    let names = [named(""), named("Enum")];
    aws.iter().find(|(shape, _)| names.contains(&shape.to_lowercase())).map(|(_, words)| words)
}

/// Every enumeration in the schemas of the kinds, by kind and name: `ec2.vpc.Tenancy`.
fn ours() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for kind in up_kinds::all() {
        let schema = kind.schema().to_value();
        let definitions = schema["$defs"].as_object().into_iter().flatten();
        for (name, definition) in definitions {
            if let Some(words) = words(definition) {
                found.insert(format!("{}.{name}", kind.name()), words);
            }
        }
    }
    found
}

/// The words of a definition that is an enumeration: with a doc comment each, or without.
fn words(definition: &Value) -> Option<BTreeSet<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(words) = definition["enum"].as_array() {
        return words.iter().map(text).collect();
    }
    let each = |one: &Value| match one["enum"].as_array() {
        Some(words) => words.iter().map(text).collect::<Option<Vec<_>>>(),
        None => text(&one["const"]).map(|word| vec![word]),
    };
    let all: Option<Vec<_>> = definition["oneOf"].as_array()?.iter().map(each).collect();
    Some(all?.into_iter().flatten().collect())
}
