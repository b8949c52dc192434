"""ECR's repositories and CloudWatch Logs' groups."""

import hashlib
import json
import time

import pytest

EXPIRE = {
    "rulePriority": 1,
    "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
    "action": {"type": "expire"},
}
GROUP = {"logGroupName": "/app/web"}


@pytest.fixture
def ecr(client):
    return client("ecr")


@pytest.fixture
def logs(client):
    return client("logs")


def test_a_repository_keeps_its_settings(ecr, refused):
    tags = [{"Key": "stack", "Value": "one"}]
    scan = {"scanOnPush": True}
    made = ecr.create_repository(
        repositoryName="app", imageTagMutability="IMMUTABLE", imageScanningConfiguration=scan, tags=tags
    )["repository"]
    assert (made["imageTagMutability"], made["imageScanningConfiguration"]) == ("IMMUTABLE", scan)
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == tags
    assert refused(ecr.create_repository, repositoryName="app").startswith("RepositoryAlreadyExistsException")
    ecr.put_lifecycle_policy(repositoryName="app", lifecyclePolicyText=json.dumps({"rules": [EXPIRE]}))
    assert json.loads(ecr.get_lifecycle_policy(repositoryName="app")["lifecyclePolicyText"])["rules"] == [EXPIRE]
    ecr.delete_lifecycle_policy(repositoryName="app")
    assert refused(ecr.get_lifecycle_policy, repositoryName="app").startswith("LifecyclePolicyNotFoundException")


def test_a_repository_with_images_stays(ecr, refused):
    ecr.create_repository(repositoryName="app", tags=[{"Key": "stack", "Value": "one"}])
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "x", "size": 1, "digest": "sha256:" + "0" * 64},
        "layers": [],
    }
    ecr.put_image(repositoryName="app", imageTag="1", imageManifest=json.dumps(manifest))
    assert refused(ecr.delete_repository, repositoryName="app").startswith("RepositoryNotEmptyException")
    ecr.delete_repository(repositoryName="app", force=True)
    again = ecr.create_repository(repositoryName="app")["repository"]
    assert ecr.list_tags_for_resource(resourceArn=again["repositoryArn"])["tags"] == []


def test_repositories_come_in_pages(ecr):
    for number in range(5):
        ecr.create_repository(repositoryName=f"app-{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["repositories"]) for page in pages] == [2, 2, 1]


def test_tags_of_repositories_are_plain(ecr, refused):
    starred = [{"Key": "a", "Value": "*"}]
    assert refused(ecr.create_repository, repositoryName="app", tags=starred).startswith("InvalidTagParameterException")


def test_a_log_group_keeps_its_settings(logs, refused):
    logs.create_log_group(logGroupClass="INFREQUENT_ACCESS", tags={"stack": "one"}, **GROUP)
    assert refused(logs.create_log_group, **GROUP).startswith("ResourceAlreadyExistsException")
    logs.put_retention_policy(retentionInDays=14, **GROUP)
    assert refused(logs.put_retention_policy, retentionInDays=8, **GROUP).startswith("InvalidParameterException")
    key = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    logs.associate_kms_key(kmsKeyId=key, **GROUP)
    [seen] = logs.describe_log_groups(logGroupNamePrefix="/app")["logGroups"]
    assert (seen["logGroupClass"], seen["retentionInDays"], seen["kmsKeyId"]) == ("INFREQUENT_ACCESS", 14, key)
    logs.disassociate_kms_key(**GROUP)
    logs.delete_retention_policy(**GROUP)
    [seen] = logs.describe_log_groups(logGroupNamePrefix="/app")["logGroups"]
    assert "kmsKeyId" not in seen and "retentionInDays" not in seen
    assert logs.list_tags_for_resource(resourceArn=seen["logGroupArn"])["tags"] == {"stack": "one"}
    assert refused(logs.list_tags_for_resource, resourceArn=seen["logGroupArn"] + "x").startswith(
        "ResourceNotFoundException"
    )


def test_a_protected_log_group_stays(logs, refused):
    logs.create_log_group(**GROUP)
    logs.put_log_group_deletion_protection(logGroupIdentifier="/app/web", deletionProtectionEnabled=True)
    assert refused(logs.delete_log_group, **GROUP).startswith("ValidationException")
    logs.put_log_group_deletion_protection(logGroupIdentifier="/app/web", deletionProtectionEnabled=False)
    logs.delete_log_group(**GROUP)
    assert refused(logs.delete_log_group, **GROUP).startswith("ResourceNotFoundException")


def test_every_tag_of_an_image_is_listed(ecr, refused):
    ecr.create_repository(repositoryName="app")
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "x", "config": {}, "layers": []})
    for tag in ("1", "latest"):
        ecr.put_image(repositoryName="app", imageTag=tag, imageManifest=manifest)
    listed = ecr.list_images(repositoryName="app", filter={"tagStatus": "TAGGED"})["imageIds"]
    assert sorted(each["imageTag"] for each in listed) == ["1", "latest"]
    assert ecr.list_images(repositoryName="app", filter={"tagStatus": "UNTAGGED"})["imageIds"] == []
    assert refused(ecr.list_images, repositoryName="none").startswith("RepositoryNotFoundException")


def test_a_policy_names_roles_that_are_known(ecr, client, refused):
    ecr.create_repository(repositoryName="app")
    account = client("sts").get_caller_identity()["Account"]

    def policy():
        principal = {"AWS": [f"arn:aws:iam::{account}:role/puller"]}
        statement = {"Effect": "Allow", "Principal": principal, "Action": "ecr:BatchGetImage"}
        return {"repositoryName": "app", "policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}

    assert "Invalid repository policy provided" in refused(ecr.set_repository_policy, **policy())
    statement = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    client("iam").create_role(RoleName="puller", AssumeRolePolicyDocument=json.dumps(trust))
    for _ in range(100):
        try:
            ecr.set_repository_policy(**policy())
            break
        except ecr.exceptions.InvalidParameterException:
            time.sleep(0.05)
    assert "puller" in ecr.get_repository_policy(repositoryName="app")["policyText"]


def test_a_delivery_group_keeps_lines_for_two_days(logs, refused):
    logs.create_log_group(**GROUP, logGroupClass="DELIVERY")
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 2
    words = "ValidationException: PutRetentionPolicy is not supported for Delivery log class"
    assert refused(logs.put_retention_policy, **GROUP, retentionInDays=7) == words
    assert refused(logs.delete_retention_policy, **GROUP).endswith("is not supported for Delivery log class")


def test_groups_are_described_by_name_prefix_pattern_or_class(client, refused):
    logs = client("logs")
    for name, kind in (("/a/1", "STANDARD"), ("/a/2", "INFREQUENT_ACCESS"), ("/b/1", "STANDARD")):
        logs.create_log_group(logGroupName=name, logGroupClass=kind)

    def names(**of):
        return [group["logGroupName"] for group in logs.describe_log_groups(**of)["logGroups"]]

    assert names(logGroupIdentifiers=["/b/1", "/a/1", "/no"]) == ["/a/1", "/b/1"]
    arn = logs.describe_log_groups(logGroupNamePrefix="/a/2")["logGroups"][0]["arn"]
    assert names(logGroupIdentifiers=[arn.removesuffix(":*")]) == ["/a/2"]
    assert names(logGroupNamePattern="/1") == ["/a/1", "/b/1"]
    assert "storedBytes" not in logs.describe_log_groups(logGroupNamePattern="/1")["logGroups"][0]
    assert names(logGroupClass="ESSENTIALS") == ["/a/2"]
    first = logs.describe_log_groups(limit=2)
    assert names(limit=2, nextToken=first["nextToken"]) == ["/b/1"]
    both = {"logGroupIdentifiers": ["/a/1"], "logGroupNamePrefix": "/a"}
    assert refused(logs.describe_log_groups, **both).startswith("InvalidParameterException")
    both = {"logGroupNamePattern": "a", "logGroupNamePrefix": "/a"}
    assert refused(logs.describe_log_groups, **both).startswith("InvalidParameterException")


def test_fifty_names_are_one_page(client):
    logs = client("logs")
    names = [f"/g/{number}" for number in range(60)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    answer = logs.describe_log_groups(logGroupIdentifiers=names[:50])
    assert len(answer["logGroups"]) == 50 and "nextToken" not in answer


def test_an_image_is_got_with_its_manifest(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="app")
    index = "application/vnd.oci.image.index.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": index, "manifests": []})
    put = ecr.put_image(repositoryName="app", imageTag="1", imageManifest=manifest, imageManifestMediaType=index)

    def get(*accepted, **image):
        return ecr.batch_get_image(repositoryName="app", imageIds=[image], acceptedMediaTypes=list(accepted))

    [found] = get(index, imageTag="1")["images"]
    digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()
    assert found["imageId"]["imageDigest"] == put["image"]["imageId"]["imageDigest"] == digest
    assert json.loads(found["imageManifest"])["manifests"] == []
    other = get("application/vnd.oci.image.manifest.v1+json", imageTag="1")
    assert [each["failureCode"] for each in other["failures"]] == ["UnsupportedImageType"]
    assert [each["failureCode"] for each in get(index, imageTag="2")["failures"]] == ["ImageNotFound"]
