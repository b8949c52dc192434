"""Security groups and their rules."""

import pytest

WEB = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}


@pytest.fixture
def ec2(client):
    return client("ec2")


def peers(ec2, group):
    filters = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
    return [rule for rule in rules if not rule["IsEgress"]]


@pytest.mark.parametrize(("ipv6", "ways_out"), [(False, ["0.0.0.0/0"]), (True, ["0.0.0.0/0", "::/0"])])
def test_a_new_group_lets_out_what_its_network_has(ec2, ipv6, ways_out):
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16", AmazonProvidedIpv6CidrBlock=ipv6)["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="out", Description="out", VpcId=vpc)["GroupId"]
    [out] = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    ranges = [it["CidrIp"] for it in out["IpRanges"]] + [it["CidrIpv6"] for it in out["Ipv6Ranges"]]
    assert (out["IpProtocol"], ranges) == ("-1", ways_out)


def test_a_group_others_refer_to_stays(ec2, network, refused):
    other = ec2.create_security_group(GroupName="db", Description="db", VpcId=network["vpc"])["GroupId"]
    permission = {**WEB, "UserIdGroupPairs": [{"GroupId": network["group"], "Description": "from app"}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[permission])
    words = f"DependencyViolation: resource {network['group']} has a dependent object"
    assert refused(ec2.delete_security_group, GroupId=network["group"]) == words
    # A rule is the same rule whatever its description.
    ec2.revoke_security_group_ingress(
        GroupId=other, IpPermissions=[{**WEB, "UserIdGroupPairs": [{"GroupId": network["group"]}]}]
    )
    ec2.delete_security_group(GroupId=network["group"])


def test_a_rule_of_a_peered_network_does_not_keep_a_group(ec2, network):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    peering = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=network["vpc"])["VpcPeeringConnection"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering["VpcPeeringConnectionId"])
    other = ec2.create_security_group(GroupName="peer", Description="peer", VpcId=vpc)["GroupId"]
    permission = {**WEB, "UserIdGroupPairs": [{"GroupId": network["group"]}]}
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=[permission])
    ec2.delete_security_group(GroupId=network["group"])


def test_the_default_group_stays(ec2, network, refused):
    filters = [{"Name": "vpc-id", "Values": [network["vpc"]]}, {"Name": "group-name", "Values": ["default"]}]
    [default] = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    assert refused(ec2.delete_security_group, GroupId=default["GroupId"]).startswith("CannotDelete")
    assert default["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == default["GroupId"]


def test_a_bad_rule_leaves_none_behind(ec2, network, refused):
    good = {**WEB, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    bad = {**WEB, "IpRanges": [{"CidrIp": "300.0.0.0/8"}]}
    words = "InvalidParameterValue: CIDR block 300.0.0.0/8 is malformed"
    assert refused(ec2.authorize_security_group_ingress, GroupId=network["group"], IpPermissions=[good, bad]) == words
    assert not peers(ec2, network["group"])


def test_a_rule_that_is_there_is_refused(ec2, network, refused):
    permission = {**WEB, "IpRanges": [{"CidrIp": "10.0.0.7/8", "Description": "one"}]}
    ec2.authorize_security_group_ingress(GroupId=network["group"], IpPermissions=[permission])
    permission["IpRanges"] = [{"CidrIp": "10.0.0.0/8", "Description": "two"}]
    words = (
        'InvalidPermission.Duplicate: the specified rule "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" '
        "already exists"
    )
    assert refused(ec2.authorize_security_group_ingress, GroupId=network["group"], IpPermissions=[permission]) == words


def test_descriptions_are_kept_for_every_peer_and_changed(ec2, network):
    lists = ec2.describe_prefix_lists()["PrefixLists"]
    prefix_list = next(each["PrefixListId"] for each in lists if each["PrefixListName"].endswith(".s3"))
    permission = {
        **WEB,
        "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "address"}],
        "Ipv6Ranges": [{"CidrIpv6": "fd00::/8", "Description": "address six"}],
        "UserIdGroupPairs": [{"GroupId": network["group"], "Description": "itself"}],
        "PrefixListIds": [{"PrefixListId": prefix_list, "Description": "s3"}],
    }
    answer = ec2.authorize_security_group_ingress(GroupId=network["group"], IpPermissions=[permission])
    assert len(answer["SecurityGroupRules"]) == 4
    assert {rule["Description"] for rule in peers(ec2, network["group"])} == {"address", "address six", "itself", "s3"}
    [seen] = ec2.describe_security_groups(GroupIds=[network["group"]])["SecurityGroups"]
    assert seen["IpPermissions"][0]["PrefixListIds"] == [{"PrefixListId": prefix_list, "Description": "s3"}]
    changed = {**WEB, "PrefixListIds": [{"PrefixListId": prefix_list, "Description": "buckets"}]}
    ec2.update_security_group_rule_descriptions_ingress(GroupId=network["group"], IpPermissions=[changed])
    assert "buckets" in {rule["Description"] for rule in peers(ec2, network["group"])}


def test_rules_are_tagged_and_revoked_by_id(ec2, network, refused):
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "stack", "Value": "one"}]}]
    permission = {**WEB, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    made = ec2.authorize_security_group_ingress(
        GroupId=network["group"], IpPermissions=[permission], TagSpecifications=tags
    )
    [rule] = ec2.describe_security_group_rules(Filters=[{"Name": "tag:stack", "Values": ["one"]}])["SecurityGroupRules"]
    id = rule["SecurityGroupRuleId"]
    assert made["SecurityGroupRules"][0]["SecurityGroupRuleId"] == id
    ec2.revoke_security_group_ingress(GroupId=network["group"], SecurityGroupRuleIds=[id])
    gone = refused(ec2.revoke_security_group_ingress, GroupId=network["group"], SecurityGroupRuleIds=[id])
    assert gone.startswith("InvalidSecurityGroupRuleId.NotFound")


def test_a_rule_changes_in_place(ec2, network):
    permission = {**WEB, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    made = ec2.authorize_security_group_ingress(GroupId=network["group"], IpPermissions=[permission])
    id = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    change = {**WEB, "FromPort": 80, "CidrIpv4": "10.1.0.0/16", "Description": "narrower"}
    ec2.modify_security_group_rules(
        GroupId=network["group"], SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": change}]
    )
    [rule] = peers(ec2, network["group"])
    assert (rule["SecurityGroupRuleId"], rule["FromPort"], rule["CidrIpv4"]) == (id, 80, "10.1.0.0/16")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"GroupName": "default", "Description": "d"}, "InvalidParameterValue"),
        ({"GroupName": "sg-x", "Description": "d"}, "InvalidParameterValue"),
        ({"GroupName": "x", "Description": "über"}, "InvalidParameterValue"),
        ({"GroupName": "app", "Description": "d"}, "InvalidGroup.Duplicate"),
    ],
)
def test_names_and_descriptions_are_checked(ec2, network, refused, members, code):
    assert refused(ec2.create_security_group, VpcId=network["vpc"], **members).startswith(code)


def test_groups_of_other_networks_are_foreign(ec2, network, refused):
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    foreign = ec2.create_security_group(GroupName="f", Description="f", VpcId=vpc)["GroupId"]
    permission = {**WEB, "UserIdGroupPairs": [{"GroupId": foreign}]}
    words = refused(ec2.authorize_security_group_ingress, GroupId=network["group"], IpPermissions=[permission])
    assert words == "InvalidGroup.NotFound: You have specified two resources that belong to different networks."
