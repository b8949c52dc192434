"""Load balancers, target groups, listeners and rules."""

import pytest


@pytest.fixture
def elb(client):
    return client("elbv2")


@pytest.fixture
def balancer(elb, network):
    return elb.create_load_balancer(**application(network))["LoadBalancers"][0]["LoadBalancerArn"]


@pytest.fixture
def group(elb, network):
    return elb.create_target_group(**targets(network))["TargetGroups"][0]["TargetGroupArn"]


@pytest.fixture
def listener(elb, balancer, group):
    return elb.create_listener(**http(balancer, group))["Listeners"][0]["ListenerArn"]


def application(network, **more):
    return {"Name": "app", "Subnets": network["subnets"][:2], "SecurityGroups": [network["group"]], **more}


def targets(network, **more):
    return {"Name": "app", "Protocol": "HTTP", "Port": 80, "VpcId": network["vpc"], "TargetType": "ip", **more}


def http(balancer, group, **more):
    action = {"Type": "forward", "TargetGroupArn": group}
    return {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": [action], **more}


def attributes(answer):
    return {each["Key"]: each["Value"] for each in answer["Attributes"]}


def test_a_load_balancer_takes_time(elb, balancer, until):
    def state():
        return elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"][0]["State"]["Code"]

    assert state() == "provisioning"
    until(state, "active")


def test_identical_settings_answer_with_the_one_there_is(elb, network, balancer, refused):
    assert elb.create_load_balancer(**application(network))["LoadBalancers"][0]["LoadBalancerArn"] == balancer
    words = "DuplicateLoadBalancerName: A load balancer with the same name 'app' exists, but with different settings"
    assert refused(elb.create_load_balancer, **application(network, Scheme="internal")) == words
    assert len(elb.describe_load_balancers()["LoadBalancers"]) == 1


@pytest.mark.usefixtures("slowly")
def test_it_holds_interfaces_until_it_is_gone(elb, client, network, balancer, refused, until):
    ec2 = client("ec2")
    [held] = ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": network["subnets"][:1]}])[
        "NetworkInterfaces"
    ]
    assert held["Description"] == f"ELB {balancer.split('loadbalancer/')[1]}"
    assert held["RequesterId"] == "amazon-elb"
    elb.delete_load_balancer(LoadBalancerArn=balancer)
    assert refused(elb.describe_load_balancers, LoadBalancerArns=[balancer]).startswith("LoadBalancerNotFound")
    assert refused(ec2.delete_security_group, GroupId=network["group"]).startswith("DependencyViolation")
    filters = [{"Name": "requester-id", "Values": ["amazon-elb"]}]
    until(lambda: ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"], [])
    ec2.delete_security_group(GroupId=network["group"])


def test_deletion_protection_protects(elb, balancer, refused):
    protection = {"Key": "deletion_protection.enabled", "Value": "true"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[protection])
    assert refused(elb.delete_load_balancer, LoadBalancerArn=balancer).startswith("OperationNotPermitted")
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{**protection, "Value": "false"}])
    elb.delete_load_balancer(LoadBalancerArn=balancer)


def test_attributes_have_awss_defaults(elb, balancer, network, refused):
    seen = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=balancer))
    assert (seen["idle_timeout.timeout_seconds"], seen["routing.http2.enabled"]) == ("60", "true")
    unknown = [{"Key": "colour", "Value": "blue"}]
    words = "ValidationError: Load balancer attribute key 'colour' is not recognized"
    assert refused(elb.modify_load_balancer_attributes, LoadBalancerArn=balancer, Attributes=unknown) == words
    network_one = elb.create_load_balancer(Name="net", Type="network", Subnets=network["subnets"])["LoadBalancers"][0]
    assert ":loadbalancer/net/net/" in network_one["LoadBalancerArn"]
    seen = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=network_one["LoadBalancerArn"]))
    assert seen["load_balancing.cross_zone.enabled"] == "false" and "idle_timeout.timeout_seconds" not in seen


def test_places_are_checked(elb, client, network, refused):
    one = {**application(network), "Subnets": network["subnets"][:1]}
    assert "At least two subnets" in refused(elb.create_load_balancer, **one)
    client("ec2").detach_internet_gateway(InternetGatewayId=network["gateway"], VpcId=network["vpc"])
    words = f"InvalidSubnet: VPC {network['vpc']} has no internet gateway"
    assert refused(elb.create_load_balancer, **application(network)) == words
    elb.create_load_balancer(**application(network, Scheme="internal"))


def test_subnets_and_groups_change(elb, client, network, balancer):
    ec2 = client("ec2")
    other = ec2.create_security_group(GroupName="other", Description="other", VpcId=network["vpc"])["GroupId"]
    elb.set_subnets(LoadBalancerArn=balancer, Subnets=network["subnets"])
    elb.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=[other])
    [seen] = elb.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"]
    assert {zone["SubnetId"] for zone in seen["AvailabilityZones"]} == set(network["subnets"])
    assert seen["SecurityGroups"] == [other]
    ec2.delete_security_group(GroupId=network["group"])


def test_a_load_balancer_stays_in_its_vpc(elb, client, balancer, refused):
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for number, zone in enumerate(zones)
    ]
    refusal = refused(elb.set_subnets, LoadBalancerArn=balancer, Subnets=subnets)
    assert refusal.startswith("InvalidConfigurationRequest")


def test_a_target_group_once_more(elb, network, group, refused):
    assert elb.create_target_group(**targets(network))["TargetGroups"][0]["TargetGroupArn"] == group
    words = "DuplicateTargetGroupName: A target group with the same name 'app' exists, but with different settings"
    assert refused(elb.create_target_group, **targets(network, Port=81)) == words


def test_a_target_group_in_use_stays(elb, balancer, group, listener, refused):
    [seen] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert seen["LoadBalancerArns"] == [balancer]
    words = f"ResourceInUse: Target group '{group}' is currently in use by a listener or a rule"
    assert refused(elb.delete_target_group, TargetGroupArn=group) == words
    elb.delete_listener(ListenerArn=listener)
    elb.delete_target_group(TargetGroupArn=group)


def test_health_checks_and_attributes_change(elb, group, refused):
    elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/up", Matcher={"HttpCode": "200-299"})
    [seen] = elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"]
    assert (seen["HealthCheckPath"], seen["Matcher"]) == ("/up", {"HttpCode": "200-299"})
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
    seen = attributes(elb.describe_target_group_attributes(TargetGroupArn=group))
    assert seen["deregistration_delay.timeout_seconds"] == "30"
    assert seen["stickiness.lb_cookie.duration_seconds"] == "86400"
    unknown = [{"Key": "colour", "Value": "blue"}]
    assert "not recognized" in refused(elb.modify_target_group_attributes, TargetGroupArn=group, Attributes=unknown)


def test_one_listener_a_port(elb, balancer, group, listener, refused):
    assert elb.create_listener(**http(balancer, group))["Listeners"][0]["ListenerArn"] == listener
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    words = f"DuplicateListener: A listener already exists on this port for this load balancer '{balancer}'"
    assert refused(elb.create_listener, **http(balancer, group, DefaultActions=fixed)) == words


def test_a_secure_listener_needs_a_certificate(elb, balancer, group, refused):
    secure = http(balancer, group, Protocol="HTTPS", Port=443)
    assert "A certificate must be specified" in refused(elb.create_listener, **secure)
    unknown = [{"CertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/none"}]
    assert refused(elb.create_listener, Certificates=unknown, **secure).startswith("CertificateNotFound")


def test_actions_and_conditions_read_in_full(elb, listener, group):
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    condition = {"Field": "path-pattern", "Values": ["/a/*"]}
    [made] = elb.create_rule(ListenerArn=listener, Priority=7, Conditions=[condition], Actions=[redirect])["Rules"]
    assert made["Actions"][0]["RedirectConfig"]["Host"] == "#{host}"
    assert made["Conditions"][0]["PathPatternConfig"] == {"Values": ["/a/*"]}
    [seen] = elb.describe_listeners(ListenerArns=[listener])["Listeners"]
    assert seen["DefaultActions"][0]["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": group, "Weight": 1}]


def rule(listener, group, priority):
    condition = {"Field": "path-pattern", "Values": [f"/{priority}"]}
    action = {"Type": "forward", "TargetGroupArn": group}
    return {"ListenerArn": listener, "Priority": priority, "Conditions": [condition], "Actions": [action]}


def test_rules_come_in_order_and_swap(elb, listener, group, refused):
    arns = [elb.create_rule(**rule(listener, group, number))["Rules"][0]["RuleArn"] for number in (20, 10)]
    words = "PriorityInUse: Priority '10' is currently in use"
    assert refused(elb.create_rule, **rule(listener, group, 10)) == words

    def priorities():
        return [each["Priority"] for each in elb.describe_rules(ListenerArn=listener)["Rules"]]

    assert priorities() == ["10", "20", "default"]
    swapped = [{"RuleArn": arns[0], "Priority": 10}, {"RuleArn": arns[1], "Priority": 20}]
    elb.set_rule_priorities(RulePriorities=swapped)
    assert elb.describe_rules(ListenerArn=listener)["Rules"][0]["RuleArn"] == arns[0]
    elb.delete_rule(RuleArn=arns[0])
    assert priorities() == ["20", "default"]


def test_a_target_group_serves_one_load_balancer(elb, network, group, listener, refused):
    other = elb.create_load_balancer(**application(network, Name="other"))["LoadBalancers"][0]["LoadBalancerArn"]
    assert refused(elb.create_listener, **http(other, group)).startswith("TargetGroupAssociationLimit")


def test_tags_are_on_everything_and_checked(elb, network, refused):
    tags = [{"Key": "stack", "Value": "one"}]
    arn = elb.create_load_balancer(**application(network, Tags=tags))["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(**targets(network, Tags=tags))["TargetGroups"][0]["TargetGroupArn"]
    listener = elb.create_listener(**http(arn, group, Tags=tags))["Listeners"][0]["ListenerArn"]
    made = elb.create_rule(**rule(listener, group, 1), Tags=tags)["Rules"][0]["RuleArn"]
    described = elb.describe_tags(ResourceArns=[arn, group, listener, made])["TagDescriptions"]
    assert [each["Tags"] for each in described] == [tags] * 4
    default = elb.describe_rules(ListenerArn=listener)["Rules"][-1]["RuleArn"]
    assert elb.describe_tags(ResourceArns=[default])["TagDescriptions"][0]["Tags"] == []
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert refused(elb.add_tags, ResourceArns=[arn], Tags=twice).startswith("DuplicateTagKeys")
    starred = [{"Key": "a", "Value": "*"}]
    assert refused(elb.add_tags, ResourceArns=[arn], Tags=starred).startswith("ValidationError")
    assert refused(elb.describe_tags, ResourceArns=[arn + "0"]).startswith("LoadBalancerNotFound")


def test_a_certificate_with_an_id_like_acms_exists(elb, balancer, group):
    arn = "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c0d0e-52a6-4d4b-9c8f-0f6f7f5a3b21"
    secure = http(balancer, group, Protocol="HTTPS", Port=443)
    [made] = elb.create_listener(Certificates=[{"CertificateArn": arn}], **secure)["Listeners"]
    assert made["Certificates"] == [{"CertificateArn": arn}]
