//! Compares the IAM actions that a kind declares with those that its calls needed. The sandbox's record has the user
//! agent of each call, which names the kind and verb.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use serde_json::Value;
use up_core::Actions;

use crate::harness::{Account, Result, fail};

/// Declared actions that no call in the kind's life cycle needs: the kind, the verb, the actions, and the reason.
const NOT_CALLED: &[(&str, &str, &[&str], &str)] = &[
    (
        "ec2.security_group",
        "delete",
        &["ec2:DescribeSecurityGroups"],
        "asked only where EC2 refuses the delete at first",
    ),
    (
        "ec2.route_table",
        "delete",
        &["ec2:DescribeRouteTables"],
        "asked only where the table has got another association since it was read",
    ),
    ("sns.subscription", "observe", &["sns:ListSubscriptions"], "asked only where those of others are wanted too"),
    ("sns.subscription", "create", &["iam:PassRole"], "checked by SNS, and no call of ours"),
    ("sns.subscription", "update", &["iam:PassRole"], "checked by SNS, and no call of ours"),
    ("ssm.parameter", "create", &["kms:Encrypt", "kms:GenerateDataKey"], "calls that SSM makes in the caller's name"),
    ("ssm.parameter", "update", &["kms:Encrypt", "kms:GenerateDataKey"], "calls that SSM makes in the caller's name"),
    ("ec2.nat_gateway", "create", &["ec2:DescribeSubnets"], "asked only of a subnet that is not the stack's"),
    ("ec2.route_table", "update", &["ec2:EnableVgwRoutePropagation"], "no kind makes a virtual gateway to declare"),
    (
        "ec2.subnet",
        "delete",
        &[
            "ec2:DeleteVpcEndpoints",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeVpcEndpoints",
            "ec2:ModifyVpcEndpoint",
        ],
        GUARD_DUTY,
    ),
    (
        "ec2.vpc",
        "delete",
        &[
            "ec2:DeleteSecurityGroup",
            "ec2:DeleteVpcEndpoints",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcEndpoints",
        ],
        GUARD_DUTY,
    ),
    ("ec2.vpc", "observe", &["ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups"], NOT_QUOTED),
    ("ec2.vpc_endpoint", "observe", &["ec2:DescribeManagedPrefixLists"], NOT_QUOTED),
    ("ec2.vpc_endpoint", "update", &["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"], BY_AWS),
    ("ecr.repository", "observe", &["ecr:ListImages"], NOT_QUOTED),
    ("ecr.repository", "create", &["ecr:ListTagsForResource"], TAKEN),
    ("ecr.repository", "create", &["kms:CreateGrant", "kms:DescribeKey", "kms:RetireGrant"], BY_AWS),
    ("ecr.repository", "delete", &["kms:RetireGrant"], BY_AWS),
    ("ecs.cluster", "create", &["iam:CreateServiceLinkedRole"], BY_AWS),
    ("ecs.service", "create", &["iam:CreateServiceLinkedRole"], BY_AWS),
    (
        "elbv2.listener",
        "update",
        &["elasticloadbalancing:RemoveListenerCertificates"],
        "every change of the case goes back to HTTP, which has no certificates",
    ),
    (
        "elbv2.load_balancer",
        "create",
        &[
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "iam:CreateServiceLinkedRole",
        ],
        BY_AWS,
    ),
    ("elbv2.load_balancer", "update", &["ec2:DescribeSubnets"], BY_AWS),
    ("elbv2.rule", "observe", &["elasticloadbalancing:DescribeListeners"], "the tagging index names the listeners"),
    ("elbv2.rule", "create", &["elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTags"], TAKEN),
    (
        "elbv2.target_group",
        "create",
        &["ec2:DescribeInternetGateways", "ec2:DescribeVpcs", "iam:CreateServiceLinkedRole"],
        BY_AWS,
    ),
    ("iam.policy", "delete", &["iam:DetachRolePolicy"], BY_HAND),
    ("iam.role", "observe", &["iam:GetRole"], "asked only of roles that stand under another path than the stack's"),
    ("iam.role", "create", &["iam:PutRolePermissionsBoundary"], "in the policies that AWS gives as examples"),
    (
        "iam.role",
        "delete",
        &["iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:RemoveRoleFromInstanceProfile"],
        BY_HAND,
    ),
    ("kafka.cluster", "create", LOG_DELIVERY, BY_AWS),
    ("kafka.cluster", "update", LOG_DELIVERY, BY_AWS),
    (
        "kafka.cluster",
        "update",
        &["kafka:UpdateBrokerCount", "kafka:UpdateClusterKafkaVersion", "kafka:UpdateStorage"],
        "MSK has no way back: tests of their own change these",
    ),
    ("logs.log_group", "create", &["logs:ListTagsForResource"], TAKEN),
    ("rds.instance", "create", &["iam:CreateServiceLinkedRole"], BY_AWS),
    ("rds.subnet_group", "create", &["iam:CreateServiceLinkedRole"], BY_AWS),
];
const BY_AWS: &str = "AWS does it in the caller's name, as the documentation of the service says";
const BY_HAND: &str = "asked only where other hands attached something";
const GUARD_DUTY: &str = "`network::what_guardduty_made_goes_with_the_network` calls it";
const NOT_QUOTED: &str = "asked only for an attribute, and nothing in the case quotes it";
const TAKEN: &str = "asked only where the name or the priority is taken";
const LOG_DELIVERY: &[&str] = &[
    "firehose:TagDeliveryStream",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
];

/// Checks that the kind which made a call declares the call's actions for its verb, and that `kind`, whose whole life
/// cycle is in the record, declares no others.
pub(crate) fn are_as_declared(account: &Account, kind: &str) -> Result {
    let called = called(account)?;
    let mut wrong = vec![];
    for ((of, verb), actions) in &called {
        let declared = declared(of, verb)?;
        let missing = actions.iter().filter(|action| !declared.contains(&action.as_str()));
        wrong.extend(missing.map(|action| format!("{of} calls {action} in {verb}, and does not declare it there")));
    }
    for verb in ["observe", "create", "update", "tag", "delete"] {
        let needed = called.get(&(kind.to_owned(), verb.to_owned())).cloned().unwrap_or_default();
        let asked =
            |action: &str| needed.contains(action) || depends(&needed, action) || is_excused(kind, verb, action);
        let never = of_verb(kind, verb)?.iter().filter(|action| !asked(action));
        wrong.extend(never.map(|action| format!("{kind} declares {action} in {verb}, and never calls it there")));
    }
    if wrong.is_empty() { Ok(()) } else { fail(wrong.join("\n")) }
}

/// The actions needed, by kind and verb.
fn called(account: &Account) -> Result<BTreeMap<(String, String), BTreeSet<String>>> {
    let mut called: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for call in account.record()? {
        if let Some((kind, verb)) = call["caller"].as_str().and_then(|caller| caller.split_once('#')) {
            let actions = call["actions"].as_array().into_iter().flatten().filter_map(Value::as_str);
            called.entry((kind.to_owned(), verb.to_owned())).or_default().extend(actions.map(str::to_owned));
        }
    }
    Ok(called)
}

/// The actions that a role needs for a verb of a kind: a step that changes a resource reads it as well.
fn declared(kind: &str, verb: &str) -> Result<Vec<&'static str>> {
    Ok([of_verb(kind, verb)?, of_verb(kind, "observe")?].concat())
}

fn of_verb(kind: &str, verb: &str) -> Result<&'static [&'static str]> {
    let known = up_kinds::find(kind).ok_or_else(|| format!("there is no kind {kind}"))?;
    let Actions { observe, create, update, tag, delete } = known.info().actions;
    match verb {
        "observe" => Ok(observe),
        "create" => Ok(create),
        "update" => Ok(update),
        "tag" => Ok(tag),
        "delete" => Ok(delete),
        _ => fail(format!("{kind} has no verb {verb}")),
    }
}

/// True if AWS checks `action` as a dependent action of one in `needed`.
fn depends(needed: &BTreeSet<String>, action: &str) -> bool {
    static ACTIONS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
        let published = include_str!("../../crates/up-kinds/tests/aws/actions.json");
        serde_json::from_str(published).expect("write.py wrote it")
    });
    let depends = |by: &String| ACTIONS.get(by).is_some_and(|on| on.iter().any(|on| on == action));
    needed.iter().any(depends)
}

fn is_excused(kind: &str, verb: &str, action: &str) -> bool {
    NOT_CALLED.iter().any(|(of, its, actions, _)| *of == kind && *its == verb && actions.contains(&action))
}
