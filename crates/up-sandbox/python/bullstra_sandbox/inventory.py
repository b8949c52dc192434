"""How every kind is listed: functions that yield (type, id, tags, attributes), a service each or a part of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

from .dump import Place

Found = Iterator[tuple[str, str, Any, dict[str, Any]]]

# What EC2 describes in one call: type, operation, list in the answer, id.
EC2 = (
    ("ec2.vpc", "DescribeVpcs", "Vpcs", "VpcId"),
    ("ec2.subnet", "DescribeSubnets", "Subnets", "SubnetId"),
    ("ec2.internet_gateway", "DescribeInternetGateways", "InternetGateways", "InternetGatewayId"),
    (
        "ec2.egress_only_internet_gateway",
        "DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
    ),
    ("ec2.eip", "DescribeAddresses", "Addresses", "AllocationId"),
    ("ec2.nat_gateway", "DescribeNatGateways", "NatGateways", "NatGatewayId"),
    ("ec2.route_table", "DescribeRouteTables", "RouteTables", "RouteTableId"),
    ("ec2.security_group", "DescribeSecurityGroups", "SecurityGroups", "GroupId"),
    ("ec2.security_group_rule", "DescribeSecurityGroupRules", "SecurityGroupRules", "SecurityGroupRuleId"),
    ("ec2.vpc_endpoint", "DescribeVpcEndpoints", "VpcEndpoints", "VpcEndpointId"),
    ("ec2.network_interface", "DescribeNetworkInterfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2.dhcp_options", "DescribeDhcpOptions", "DhcpOptions", "DhcpOptionsId"),
    ("ec2.network_acl", "DescribeNetworkAcls", "NetworkAcls", "NetworkAclId"),
    ("ec2.vpc_peering_connection", "DescribeVpcPeeringConnections", "VpcPeeringConnections", "VpcPeeringConnectionId"),
    ("ec2.launch_template", "DescribeLaunchTemplates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2.volume", "DescribeVolumes", "Volumes", "VolumeId"),
    ("ec2.key_pair", "DescribeKeyPairs", "KeyPairs", "KeyPairId"),
    ("ec2.flow_log", "DescribeFlowLogs", "FlowLogs", "FlowLogId"),
)
ENDED = ("deleted", "terminated")


def ec2(place: Place) -> Found:
    for type, operation, key, id in EC2:
        for found in place.every("ec2", operation, key):
            # AWS goes on describing these for an hour.
            if found.get("State") in ENDED or found.get("Status", {}) in ENDED:
                continue
            if type == "ec2.vpc":
                found |= vpc_attributes(place, found["VpcId"])
            yield type, found.get(id, ""), found.get("Tags") or found.get("TagSet"), found
    for reservation in place.every("ec2", "DescribeInstances", "Reservations"):
        for found in reservation["Instances"]:
            if found["State"]["Name"] not in ENDED:
                yield "ec2.instance", found["InstanceId"], found.get("Tags"), found


def vpc_attributes(place: Place, vpc: str) -> dict[str, Any]:
    names = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}
    return {
        name: place.maybe("ec2", "DescribeVpcAttribute", VpcId=vpc, Attribute=asked).get(name, {}).get("Value")
        for name, asked in names.items()
    }


def iam(place: Place) -> Found:
    for role in place.every("iam", "ListRoles", "Roles"):
        name = role["RoleName"]
        inline = place.every("iam", "ListRolePolicies", "PolicyNames", RoleName=name)
        role["AssumeRolePolicyDocument"] = document(role["AssumeRolePolicyDocument"])
        role["InlinePolicies"] = {
            policy: document(place.ask("iam", "GetRolePolicy", RoleName=name, PolicyName=policy)["PolicyDocument"])
            for policy in inline
        }
        attached = place.every("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=name)
        role["AttachedPolicies"] = sorted(policy["PolicyArn"] for policy in attached)
        yield "iam.role", name, place.ask("iam", "ListRoleTags", RoleName=name).get("Tags"), role
    for policy in place.every("iam", "ListPolicies", "Policies", Scope="Local"):
        arn = policy["Arn"]
        version = place.ask("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        policy["Document"] = document(version["PolicyVersion"]["Document"])
        yield "iam.policy", arn, place.ask("iam", "ListPolicyTags", PolicyArn=arn).get("Tags"), policy
    for profile in place.every("iam", "ListInstanceProfiles", "InstanceProfiles"):
        name = profile["InstanceProfileName"]
        profile["Roles"] = [role["RoleName"] for role in profile["Roles"]]
        tags = place.maybe("iam", "ListInstanceProfileTags", InstanceProfileName=name).get("Tags")
        yield "iam.instance_profile", name, tags or profile.get("Tags"), profile


def document(text: str) -> Any:
    """A policy document, which IAM hands over percent-encoded."""
    return json.loads(unquote(text))


def elbv2(place: Place) -> Found:
    for found in place.every("elbv2", "DescribeTargetGroups", "TargetGroups"):
        arn = found["TargetGroupArn"]
        found["Attributes"] = pairs(place.ask("elbv2", "DescribeTargetGroupAttributes", TargetGroupArn=arn))
        health = place.ask("elbv2", "DescribeTargetHealth", TargetGroupArn=arn)
        found["Targets"] = [described["Target"] for described in health["TargetHealthDescriptions"]]
        yield "elbv2.target_group", arn, elb_tags(place, arn), found
    for balancer in place.every("elbv2", "DescribeLoadBalancers", "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        balancer["Attributes"] = pairs(place.ask("elbv2", "DescribeLoadBalancerAttributes", LoadBalancerArn=arn))
        yield "elbv2.load_balancer", arn, elb_tags(place, arn), balancer
        for listener in place.every("elbv2", "DescribeListeners", "Listeners", LoadBalancerArn=arn):
            its = listener["ListenerArn"]
            yield "elbv2.listener", its, elb_tags(place, its), listener
            for rule in place.every("elbv2", "DescribeRules", "Rules", ListenerArn=its):
                yield "elbv2.rule", rule["RuleArn"], elb_tags(place, rule["RuleArn"]), rule


def pairs(answer: dict[str, Any]) -> dict[str, str]:
    return {found["Key"]: found["Value"] for found in sorted(answer["Attributes"], key=lambda found: found["Key"])}


def elb_tags(place: Place, arn: str) -> Any:
    described = place.ask("elbv2", "DescribeTags", ResourceArns=[arn])["TagDescriptions"]
    return described[0]["Tags"] if described else []


def ecs(place: Place) -> Found:
    for cluster in place.every("ecs", "ListClusters", "clusterArns"):
        include = ["TAGS", "SETTINGS", "CONFIGURATIONS"]
        for found in place.ask("ecs", "DescribeClusters", clusters=[cluster], include=include)["clusters"]:
            if found.get("status") != "INACTIVE":
                yield "ecs.cluster", cluster, found.get("tags"), found
        for service in place.every("ecs", "ListServices", "serviceArns", cluster=cluster):
            asked = {"cluster": cluster, "services": [service], "include": ["TAGS"]}
            for found in place.ask("ecs", "DescribeServices", **asked)["services"]:
                # Its log of events grows while nothing changes.
                found.pop("events", None)
                if found.get("status") != "INACTIVE":
                    yield "ecs.service", service, found.get("tags"), found
    for status in ("ACTIVE", "INACTIVE"):
        for arn in place.every("ecs", "ListTaskDefinitions", "taskDefinitionArns", status=status):
            answer = place.ask("ecs", "DescribeTaskDefinition", taskDefinition=arn, include=["TAGS"])
            yield "ecs.task_definition", arn, answer.get("tags"), {**answer["taskDefinition"], "status": status}


def ecr(place: Place) -> Found:
    for found in place.every("ecr", "DescribeRepositories", "repositories"):
        name, arn = found["repositoryName"], found["repositoryArn"]
        found["lifecyclePolicyText"] = place.maybe("ecr", "GetLifecyclePolicy", repositoryName=name).get(
            "lifecyclePolicyText"
        )
        found["policyText"] = place.maybe("ecr", "GetRepositoryPolicy", repositoryName=name).get("policyText")
        yield "ecr.repository", name, place.ask("ecr", "ListTagsForResource", resourceArn=arn).get("tags"), found


def rds(place: Place) -> Found:
    listed = (
        ("rds.instance", "DescribeDBInstances", "DBInstances", "DBInstanceIdentifier", "DBInstanceArn"),
        ("rds.cluster", "DescribeDBClusters", "DBClusters", "DBClusterIdentifier", "DBClusterArn"),
        ("rds.subnet_group", "DescribeDBSubnetGroups", "DBSubnetGroups", "DBSubnetGroupName", "DBSubnetGroupArn"),
        (
            "rds.parameter_group",
            "DescribeDBParameterGroups",
            "DBParameterGroups",
            "DBParameterGroupName",
            "DBParameterGroupArn",
        ),
    )
    for type, operation, key, id, arn in listed:
        for found in place.every("rds", operation, key):
            name = found[id]
            if type == "rds.parameter_group":
                asked = {"DBParameterGroupName": name, "Source": "user"}
                found["Parameters"] = list(place.every("rds", "DescribeDBParameters", "Parameters", **asked))
            tags = place.maybe("rds", "ListTagsForResource", ResourceName=found[arn]).get("TagList")
            yield type.replace("rds.", "docdb.") if found.get("Engine") == "docdb" else type, name, tags, found


def kafka(place: Place) -> Found:
    for found in place.every("kafka", "ListClustersV2", "ClusterInfoList"):
        yield "kafka.cluster", found["ClusterArn"], found.get("Tags"), found


def kafka_configurations(place: Place) -> Found:
    for found in place.every("kafka", "ListConfigurations", "Configurations"):
        arn = found["Arn"]
        revision = found["LatestRevision"]["Revision"]
        described = place.maybe("kafka", "DescribeConfigurationRevision", Arn=arn, Revision=revision)
        properties = described.get("ServerProperties", b"")
        text = properties.decode("utf-8", "replace") if isinstance(properties, bytes) else properties
        yield "kafka.configuration", arn, {}, {**found, "ServerProperties": text}


def logs(place: Place) -> Found:
    for found in place.every("logs", "DescribeLogGroups", "logGroups"):
        arn = found["arn"].removesuffix(":*")
        yield (
            "logs.log_group",
            found["logGroupName"],
            place.maybe("logs", "ListTagsForResource", resourceArn=arn).get("tags"),
            found,
        )


def autoscaling(place: Place) -> Found:
    for found in place.every("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups"):
        yield "autoscaling.group", found["AutoScalingGroupName"], found.get("Tags"), found


def secretsmanager(place: Place) -> Found:
    for found in place.every("secretsmanager", "ListSecrets", "SecretList"):
        yield "secretsmanager.secret", found["ARN"], found.get("Tags"), found


def s3(place: Place) -> Found:
    for found in place.every("s3", "ListBuckets", "Buckets"):
        tags = place.maybe("s3", "GetBucketTagging", Bucket=found["Name"]).get("TagSet")
        yield "s3.bucket", found["Name"], tags, found


def dynamodb(place: Place) -> Found:
    for name in place.every("dynamodb", "ListTables", "TableNames"):
        found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
        tags = place.maybe("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags")
        yield "dynamodb.table", name, tags, found


INVENTORY: tuple[tuple[str, Callable[[Place], Found]], ...] = (
    ("ec2", ec2),
    ("iam", iam),
    ("elbv2", elbv2),
    ("ecs", ecs),
    ("ecr", ecr),
    ("rds", rds),
    ("kafka", kafka),
    ("kafka", kafka_configurations),
    ("logs", logs),
    ("autoscaling", autoscaling),
    ("secretsmanager", secretsmanager),
    ("s3", s3),
    ("dynamodb", dynamodb),
)
