"""IAM's roles, policies and instance profiles."""

import json

import pytest

PATH = "/bullstra-up/one/"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
READ = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]})


@pytest.fixture
def iam(client):
    return client("iam")


@pytest.fixture
def role(iam):
    tags = [{"Key": "stack", "Value": "one"}]
    made = iam.create_role(
        RoleName="app", Path=PATH, AssumeRolePolicyDocument=TRUST, MaxSessionDuration=7200, Tags=tags
    )
    return made["Role"]["RoleName"]


@pytest.fixture
def policy(iam):
    return iam.create_policy(PolicyName="read", Path=PATH, PolicyDocument=READ, Description="reads")["Policy"]["Arn"]


def test_a_role_goes_only_when_nothing_is_on_it(iam, role, policy, refused):
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=READ)
    iam.create_instance_profile(InstanceProfileName="app", Path=PATH)
    iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName=role)
    assert "must remove roles from instance profile first" in refused(iam.delete_role, RoleName=role)
    assert refused(iam.delete_instance_profile, InstanceProfileName="app").startswith("DeleteConflict")
    iam.remove_role_from_instance_profile(InstanceProfileName="app", RoleName=role)
    assert "must detach all policies first" in refused(iam.delete_role, RoleName=role)
    iam.detach_role_policy(RoleName=role, PolicyArn=policy)
    assert "must delete policies first" in refused(iam.delete_role, RoleName=role)
    iam.delete_role_policy(RoleName=role, PolicyName="inline")
    iam.delete_role(RoleName=role)
    assert refused(iam.get_role, RoleName=role) == "NoSuchEntity: The role with name app cannot be found."


def test_a_policy_goes_only_when_it_is_free_and_has_one_version(iam, role, policy, refused):
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    assert (
        refused(iam.delete_policy, PolicyArn=policy) == "DeleteConflict: Cannot delete a policy attached to entities."
    )
    iam.detach_role_policy(RoleName=role, PolicyArn=policy)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=READ, SetAsDefault=True)
    assert "more than one version" in refused(iam.delete_policy, PolicyArn=policy)
    iam.delete_policy_version(PolicyArn=policy, VersionId="v1")
    iam.delete_policy(PolicyArn=policy)


def test_a_policy_has_five_versions_at_most(iam, policy, refused):
    for _ in range(4):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=READ, SetAsDefault=True)
    assert refused(iam.create_policy_version, PolicyArn=policy, PolicyDocument=READ).startswith("LimitExceeded")


def test_a_policy_attached_twice_counts_once(iam, role, policy):
    for _ in range(2):
        iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    assert iam.get_policy(PolicyArn=policy)["Policy"]["AttachmentCount"] == 1


def test_names_differ_by_more_than_case(iam, role, refused):
    made = refused(iam.create_role, RoleName="APP", AssumeRolePolicyDocument=TRUST)
    assert made == "EntityAlreadyExists: Role with name APP already exists."


def test_a_trust_policy_is_read(iam, refused):
    assert refused(iam.create_role, RoleName="bad", AssumeRolePolicyDocument="{}").startswith("MalformedPolicyDocument")


def test_tags_have_plain_characters_and_case_blind_keys(iam, refused):
    wanted = {"RoleName": "tagged", "AssumeRolePolicyDocument": TRUST}
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refused(iam.create_role, Tags=twice, **wanted).startswith("InvalidInput: Duplicate tag keys")
    assert refused(iam.create_role, Tags=[{"Key": "a", "Value": "b*"}], **wanted).startswith("ValidationError")
    assert refused(iam.create_role, Tags=[{"Key": "aws:a", "Value": "b"}], **wanted).startswith("InvalidInput")


def test_a_condition_takes_texts_numbers_and_bools(iam):
    condition = {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}
    trust = json.loads(TRUST)
    trust["Statement"][0]["Condition"] = condition
    iam.create_role(RoleName="conditions", AssumeRolePolicyDocument=json.dumps(trust))
    read = iam.get_role(RoleName="conditions")["Role"]["AssumeRolePolicyDocument"]
    assert read["Statement"][0]["Condition"] == condition


def test_another_case_of_a_key_is_the_same_key_of_a_role(iam, role, refused):
    def tags():
        return {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=role)["Tags"]}

    iam.tag_role(RoleName=role, Tags=[{"Key": "environment", "Value": "test"}])
    iam.tag_role(RoleName=role, Tags=[{"Key": "Environment", "Value": "prod"}])
    assert tags() == {"stack": "one", "Environment": "prod"}
    twice = [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]
    assert refused(iam.tag_role, RoleName=role, Tags=twice).startswith("InvalidInput: Duplicate tag keys")
    iam.untag_role(RoleName=role, TagKeys=["environment", "STACK"])
    assert tags() == {}


def test_the_accounts_details_have_all_of_a_role(iam, role, policy):
    iam.attach_role_policy(RoleName=role, PolicyArn=policy)
    iam.put_role_policy(RoleName=role, PolicyName="inline", PolicyDocument=READ)
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=policy)
    iam.create_instance_profile(InstanceProfileName="app", Path=PATH)
    iam.add_role_to_instance_profile(InstanceProfileName="app", RoleName=role)
    details = iam.get_account_authorization_details(Filter=["Role", "LocalManagedPolicy"])
    [seen] = details["RoleDetailList"]
    assert (seen["Path"], seen["Tags"]) == (PATH, [{"Key": "stack", "Value": "one"}])
    assert seen["PermissionsBoundary"]["PermissionsBoundaryArn"] == policy
    assert [each["PolicyName"] for each in seen["RolePolicyList"]] == ["inline"]
    assert [each["PolicyArn"] for each in seen["AttachedManagedPolicies"]] == [policy]
    assert [each["InstanceProfileName"] for each in seen["InstanceProfileList"]] == ["app"]
    [mine] = details["Policies"]
    assert mine["PolicyVersionList"][0]["Document"] == json.loads(READ)
    assert mine["PermissionsBoundaryUsageCount"] == 1


def test_the_accounts_details_come_in_pages(iam):
    for number in range(5):
        iam.create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=TRUST)
    pages = iam.get_paginator("get_account_authorization_details").paginate(
        Filter=["Role"], PaginationConfig={"PageSize": 2}
    )
    assert [len(page["RoleDetailList"]) for page in pages] == [2, 2, 1]


def test_lists_take_a_path_prefix(iam, role, policy):
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=TRUST)
    assert [each["RoleName"] for each in iam.list_roles(PathPrefix=PATH)["Roles"]] == ["app"]
    assert [each["Arn"] for each in iam.list_policies(PathPrefix=PATH)["Policies"]] == [policy]


def test_an_instance_profile_lists_its_tags(iam):
    tags = [{"Key": "stack", "Value": "one"}, {"Key": "team", "Value": "tracks"}]
    iam.create_instance_profile(InstanceProfileName="tagged", Path=PATH, Tags=tags[:1])
    iam.tag_instance_profile(InstanceProfileName="tagged", Tags=tags[1:])
    assert iam.list_instance_profile_tags(InstanceProfileName="tagged")["Tags"] == tags


def test_instance_profiles_are_listed_by_path_and_in_pages(client):
    iam = client("iam")
    for name in ("a", "b"):
        iam.create_instance_profile(InstanceProfileName=name, Path="/x/")
    iam.create_instance_profile(InstanceProfileName="c", Path="/y/")
    listed = iam.list_instance_profiles(PathPrefix="/x/")["InstanceProfiles"]
    assert [profile["InstanceProfileName"] for profile in listed] == ["a", "b"]
    first = iam.list_instance_profiles(MaxItems=2)
    assert first["IsTruncated"]
    rest = iam.list_instance_profiles(MaxItems=2, Marker=first["Marker"])
    assert len(first["InstanceProfiles"]) == 2 and len(rest["InstanceProfiles"]) == 1 and not rest["IsTruncated"]


def test_a_policy_is_held_in_two_ways(client):
    iam = client("iam")
    policy = iam.create_policy(PolicyName="p", PolicyDocument=READ)["Policy"]["Arn"]
    iam.create_role(RoleName="attached", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="attached", PolicyArn=policy)
    iam.create_role(RoleName="bounded", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=policy)

    def roles(**of):
        found = iam.list_entities_for_policy(PolicyArn=policy, **of)["PolicyRoles"]
        return [role["RoleName"] for role in found]

    assert roles(PolicyUsageFilter="PermissionsPolicy") == ["attached"]
    assert roles(PolicyUsageFilter="PermissionsBoundary") == ["bounded"]
    assert roles() == ["attached", "bounded"]
    assert roles(PolicyUsageFilter="PermissionsBoundary", PathPrefix="/no/") == []
