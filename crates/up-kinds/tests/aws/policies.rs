//! A change replaces a resource where CloudFormation's schema says that only a create sets the property.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use up_core::{AnyKind, Change};

use crate::{published, report, stale};

/// What CloudFormation's schema of a type says. Paths are separated by `/`.
#[derive(Debug, Deserialize)]
struct PublishedType {
    /// What only a create sets.
    create_only: Vec<String>,
    /// What an update replaces the resource for, under some conditions.
    conditional: Vec<String>,
    /// All properties at the top.
    properties: Vec<String>,
}

/// Properties with a name that does not follow from the field's: the kind, the field, the path of the property.
const NAMED: &[(&str, &str, &str)] = &[
    ("ec2.key_pair", "public_key", "PublicKeyMaterial"),
    ("ec2.security_group", "description", "GroupDescription"),
    ("ec2.vpc_endpoint", "endpoint_type", "VpcEndpointType"),
    ("ecs.task_definition", "containers", "ContainerDefinitions"),
    ("iam.policy", "name", "ManagedPolicyName"),
    ("kafka.cluster", "client_subnets", "BrokerNodeGroupInfo/ClientSubnets"),
    ("kafka.cluster", "data_volume_kms_key_id", "EncryptionInfo/EncryptionAtRest"),
    ("kafka.cluster", "in_cluster_encryption", "EncryptionInfo/EncryptionInTransit/InCluster"),
    ("kafka.cluster", "security_groups", "BrokerNodeGroupInfo/SecurityGroups"),
    ("kafka.configuration", "kafka_versions", "KafkaVersionsList"),
];

/// Where we say otherwise than CloudFormation's schema: the kind, the field, why.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("ec2.eip", "domain", "EC2 has one domain left"),
    ("ec2.eip", "public_ipv4_pool", "EC2 has no call that moves an address to another pool"),
    ("kafka.configuration", "server_properties", "clusters stay on their revision until a step moves them"),
    ("logs.log_group", "log_group_class", "CloudWatch Logs has no call that changes it"),
    ("ssm.parameter", "type", "PutParameter refuses another type, with HierarchyTypeMismatch"),
];

/// What only a create sets, and we have no field for: the kind, and the paths.
const NO_FIELD: &[(&str, &[&str])] = &[
    ("ec2.eip", &["IpamPoolId", "TransferAddress"]),
    // A key is imported, not made by EC2; and tags are no field.
    ("ec2.key_pair", &["KeyFormat", "KeyType", "Tags"]),
    // Of NAT gateways for a whole region.
    ("ec2.nat_gateway", &["AvailabilityMode", "VpcId"]),
    (
        "ec2.subnet",
        &["Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn"],
    ),
    ("ec2.vpc", &["Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"]),
    (
        "ec2.vpc_endpoint",
        &[
            "DnsOptions/PrivateDnsPreference",
            "DnsOptions/PrivateDnsSpecifiedDomains",
            "ResourceConfigurationArn",
            "ServiceNetworkArn",
        ],
    ),
    // The service-linked role of ECS has taken its place.
    ("ecs.service", &["Role"]),
    (
        "ecs.task_definition",
        &["EnableFaultInjection", "InferenceAccelerators", "IpcMode", "PlacementConstraints", "ProxyConfiguration"],
    ),
    // The path is the stack's, by which its roles, policies and profiles are found.
    ("iam.instance_profile", &["Path"]),
    ("iam.policy", &["Path"]),
    ("iam.role", &["Path"]),
    // It has one value.
    ("kafka.cluster", &["BrokerNodeGroupInfo/BrokerAZDistribution"]),
    // Its name is made from the stack's and its own.
    ("kafka.configuration", &["Name"]),
    (
        "rds.instance",
        &[
            "BackupTarget",
            "CharacterSetName",
            "CustomIAMInstanceProfile",
            "DBClusterIdentifier",
            "DBSystemId",
            "NcharCharacterSetName",
            "SourceRegion",
            "Timezone",
        ],
    ),
];

#[test]
fn a_field_replaces_where_only_a_create_sets_it() {
    let types: BTreeMap<String, PublishedType> = published(include_str!("cloudformation.json"));
    let (mut wrong, mut met) = (vec![], BTreeSet::new());
    for kind in up_kinds::all() {
        let Some(schema) = types.get(kind.info().cloudformation) else {
            wrong.push(format!("{}: CloudFormation has no type {:?}", kind.name(), kind.info().cloudformation));
            continue;
        };
        let mut ours = BTreeSet::new();
        for field in kind.fields().iter().filter(|field| field.change != Change::Initial) {
            let property = property(kind, schema, field.name);
            ours.extend(property.clone());
            if let Err(why) = agrees(schema, property.as_deref(), field.change != Change::Update) {
                let entry = format!("{} {}", kind.name(), field.name);
                match OTHERWISE.iter().any(|(of, name, _)| *of == kind.name() && *name == field.name) {
                    true => drop(met.insert(entry)),
                    false => wrong.push(format!("{entry}: {why}")),
                }
            }
        }
        for path in schema.create_only.iter().filter(|path| !is_covered(schema, &ours, path)) {
            let entry = format!("{} {path}", kind.name());
            match NO_FIELD.iter().any(|(of, paths)| *of == kind.name() && paths.contains(&path.as_str())) {
                true => drop(met.insert(entry)),
                false => wrong.push(format!("{entry}: only a create sets it, and no field is known to be it")),
            }
        }
    }
    let excused = OTHERWISE.iter().map(|(kind, field, _)| format!("{kind} {field}"));
    let no_field = NO_FIELD.iter().flat_map(|(kind, paths)| paths.iter().map(move |path| format!("{kind} {path}")));
    wrong.extend(stale(excused.chain(no_field), &met));
    report(&wrong);
}

/// What is wrong with a field that replaces, or that does not.
fn agrees(schema: &PublishedType, property: Option<&str>, replaces: bool) -> Result<(), &'static str> {
    let is_in = |paths: &[String]| property.is_some_and(|property| paths.iter().any(|path| path == property));
    match replaces {
        true if property.is_none() => Err("it replaces, and CloudFormation has no property of its name"),
        true if !is_in(&schema.create_only) && !is_in(&schema.conditional) => {
            Err("it replaces, and CloudFormation changes it in place")
        }
        false if is_in(&schema.create_only) => Err("it changes in place, and CloudFormation replaces"),
        _ => Ok(()),
    }
}

/// True for a path that a field of ours is, or that lies inside of one that only a create sets.
fn is_covered(schema: &PublishedType, ours: &BTreeSet<String>, path: &str) -> bool {
    let is_around = |outer: &&String| path == **outer || path.starts_with(&format!("{outer}/"));
    schema.create_only.iter().filter(is_around).any(|outer| ours.contains(outer))
}

/// The path of the property that a field is: by `NAMED`, or by the field's own name, which may leave out what every reference
/// and every name has: `vpc` is `VpcId`, `name` is `RoleName`.
fn property(kind: &dyn AnyKind, schema: &PublishedType, field: &str) -> Option<String> {
    if let Some((.., path)) = NAMED.iter().find(|(of, name, _)| *of == kind.name() && *name == field) {
        return Some((*path).to_owned());
    }
    let plain = field.replace('_', "");
    let resource = kind.info().cloudformation.rsplit("::").next().unwrap_or_default().to_lowercase();
    let mut names = vec![plain.clone(), format!("{plain}id"), format!("{plain}s"), format!("{plain}arn")];
    names.extend([format!("{}ids", plain.trim_end_matches('s')), format!("db{plain}name")]);
    if field == "name" {
        names.extend(["name", "identifier"].map(|end| format!("{resource}{end}")));
        names.extend(["keyname", "groupname", "dbsubnetgroupname"].map(str::to_owned));
    }
    let is_named = |property: &&String| names.contains(&property.to_lowercase());
    // What AWS tells of a resource may have the shorter name: a service's `Name` beside the `ServiceName` that a create sets.
    schema.create_only.iter().find(is_named).or_else(|| schema.properties.iter().find(is_named)).cloned()
}
