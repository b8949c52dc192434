"""The Resource Groups Tagging API over all services."""

import json

import pytest

ONE = {"Key": "stack", "Value": "one"}
LOWER = {"key": "stack", "value": "one"}


@pytest.fixture
def tagging(client):
    return client("resourcegroupstaggingapi")


def arns(tagging, **filters):
    pages = tagging.get_paginator("get_resources").paginate(**filters)
    return {each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]}


def of_ec2(client, network):
    ec2 = client("ec2")
    ids = {"vpc": network["vpc"], "subnet": network["subnets"][0], "internet-gateway": network["gateway"]}
    ids["security-group"] = network["group"]
    ids["elastic-ip"] = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ids["route-table"] = ec2.create_route_table(VpcId=network["vpc"])["RouteTable"]["RouteTableId"]
    nat = ec2.create_nat_gateway(SubnetId=network["subnets"][0], AllocationId=ids["elastic-ip"])
    ids["natgateway"] = nat["NatGateway"]["NatGatewayId"]
    endpoint = ec2.create_vpc_endpoint(VpcId=network["vpc"], ServiceName="com.amazonaws.eu-central-1.s3")
    ids["vpc-endpoint"] = endpoint["VpcEndpoint"]["VpcEndpointId"]
    ec2.create_tags(Resources=list(ids.values()), Tags=[ONE])
    account = client("sts").get_caller_identity()["Account"]
    return {f"arn:aws:ec2:eu-central-1:{account}:{kind}/{id}" for kind, id in ids.items()}


def of_elb(client, network):
    elb = client("elbv2")
    balancer = elb.create_load_balancer(Name="app", Subnets=network["subnets"], Tags=[ONE])["LoadBalancers"][0]
    group = elb.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=network["vpc"], Tags=[ONE])[
        "TargetGroups"
    ][0]
    action = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=80, DefaultActions=action, Tags=[ONE]
    )["Listeners"][0]
    condition = [{"Field": "path-pattern", "Values": ["/"]}]
    rule = elb.create_rule(
        ListenerArn=listener["ListenerArn"], Priority=1, Conditions=condition, Actions=action, Tags=[ONE]
    )["Rules"][0]
    return {balancer["LoadBalancerArn"], group["TargetGroupArn"], listener["ListenerArn"], rule["RuleArn"]}


def of_the_rest(client, network):
    ecs, rds, kafka = client("ecs"), client("rds"), client("kafka")
    container = [{"name": "web", "image": "nginx", "memory": 128}]
    subnets = {"DBSubnetGroupName": "data", "DBSubnetGroupDescription": "d", "SubnetIds": network["subnets"]}
    group = {"DBParameterGroupName": "pg", "DBParameterGroupFamily": "postgres16", "Description": "d"}
    nodes = {"ClientSubnets": network["subnets"], "InstanceType": "kafka.t3.small"}
    provisioned = {"BrokerNodeGroupInfo": nodes, "KafkaVersion": "3.8.x", "NumberOfBrokerNodes": 3}
    client("logs").create_log_group(logGroupName="/app", tags={"stack": "one"})
    [log_group] = client("logs").describe_log_groups()["logGroups"]
    return {
        ecs.create_cluster(clusterName="app", tags=[LOWER])["cluster"]["clusterArn"],
        ecs.register_task_definition(family="app", containerDefinitions=container, tags=[LOWER])["taskDefinition"][
            "taskDefinitionArn"
        ],
        rds.create_db_subnet_group(Tags=[ONE], **subnets)["DBSubnetGroup"]["DBSubnetGroupArn"],
        rds.create_db_parameter_group(Tags=[ONE], **group)["DBParameterGroup"]["DBParameterGroupArn"],
        kafka.create_cluster_v2(ClusterName="app", Provisioned=provisioned, Tags={"stack": "one"})["ClusterArn"],
        client("ecr").create_repository(repositoryName="app", tags=[ONE])["repository"]["repositoryArn"],
        log_group["logGroupArn"],
    }


def test_all_that_is_tagged_is_found(client, network, tagging):
    made = of_ec2(client, network) | of_elb(client, network) | of_the_rest(client, network)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    client("iam").create_role(RoleName="app", AssumeRolePolicyDocument=json.dumps(trust), Tags=[ONE])
    assert arns(tagging, TagFilters=[{"Key": "stack", "Values": ["one", "two"]}]) == made
    assert arns(tagging, TagFilters=[{"Key": "stack", "Values": ["two"]}]) == set()
    assert arns(tagging, TagFilters=[{"Key": "stack"}], ResourceTypeFilters=["ec2:vpc"]) == {
        arn for arn in made if ":vpc/" in arn
    }


def test_they_come_in_pages(client, tagging, refused):
    for number in range(7):
        client("logs").create_log_group(logGroupName=f"/app/{number}", tags={"stack": "one"})
    pages = tagging.get_paginator("get_resources").paginate(PaginationConfig={"PageSize": 3})
    assert [len(page["ResourceTagMappingList"]) for page in pages] == [3, 3, 1]
    assert refused(tagging.get_resources, ResourcesPerPage=101).startswith("InvalidParameterException")
