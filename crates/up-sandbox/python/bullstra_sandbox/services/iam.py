"""IAM: what cannot be deleted yet, and the account's details in pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from moto.iam.models import AWSManagedPolicy
from moto.iam.policy_validation import IAMPolicyDocumentValidator, IAMTrustPolicyDocumentValidator

from ..call import Call, Refusal
from ..dump import Place
from ..service import Found, Limit, Service
from ..world import backend
from . import query, tag_rules

IAM = Service(
    "iam",
    is_global=True,
    is_about_roles=True,
    tagging={
        "CreateRole": "iam:TagRole",
        "CreatePolicy": "iam:TagPolicy",
        "CreateInstanceProfile": "iam:TagInstanceProfile",
        "CreateUser": "iam:TagUser",
        "CreateOpenIDConnectProvider": "iam:TagOpenIDConnectProvider",
    },
    durations={"iam.instance_profile": 8.0, "iam.role": 8.0},
    limits=(
        Limit("Get*", 100, 50, shared="read", guess=True),
        Limit("List*", 100, 50, shared="read", guess=True),
        Limit("*", 20, 20, shared="modify", guess=True),
    ),
    failures=("ServiceFailure", "ServiceUnavailable"),
    shared=lambda backend: backend.aws_managed_policies,
)

TAGGING = (
    "CreateRole",
    "CreatePolicy",
    "CreateInstanceProfile",
    "CreateUser",
    "TagRole",
    "TagPolicy",
    "TagInstanceProfile",
    "TagUser",
)
NOT_FOUND = (
    (re.compile(r"Role (\S+) not found"), "The role with name {} cannot be found."),
    (re.compile(r"Instance profile (\S+) not found", re.I), "Instance Profile {} cannot be found."),
    (re.compile(r"Policy (arn:\S+) (?:not found|was not found\.)"), "Policy {} does not exist or is not attachable."),
    (re.compile(r"Policy Document (\S+) not attached to role"), "The role policy with name {} cannot be found."),
)


moto_checks_conditions = IAMPolicyDocumentValidator._validate_condition_syntax


def conditions(statement: dict[str, Any]) -> None:
    """Lets a number stand in a condition: a value there is "string", "number" or "Boolean" (IAM User Guide, "Grammar of the
    IAM JSON policy language"), of which moto takes the first and the last."""
    told = statement.get("Condition")
    if isinstance(told, dict) and all(isinstance(keys, dict) for keys in told.values()):
        plain = {
            operator: {key: str(value) if isinstance(value, (int, float)) else value for key, value in keys.items()}
            for operator, keys in told.items()
        }
        statement = {**statement, "Condition": plain}
    moto_checks_conditions(statement)


IAMPolicyDocumentValidator._validate_condition_syntax = staticmethod(conditions)


@IAM.around("*")
def not_found_in_iams_words(call: Call, proceed: Any) -> None:
    try:
        proceed()
    except Refusal as refusal:
        if refusal.code == "NoSuchEntity":
            for pattern, words in NOT_FOUND:
                if found := pattern.search(refusal.message):
                    raise Refusal("NoSuchEntity", words.format(found.group(1)), 404) from None
        raise


# "Tag keys for IAM users and roles are not case sensitive, but case is preserved … For other IAM resource types, tag keys
# are case sensitive" (IAM User Guide, "Tagging IAM resources"). Seen on AWS: aws/aws-cdk issue 26253. moto takes no two
# cases of a key for policies and profiles either.
CASE_BLIND = ("CreateRole", "CreateUser", "TagRole", "TagUser")


@IAM.around(*TAGGING)
def tags(call: Call, proceed: Any) -> None:
    given = call.get("Tags", default=[])
    keys = [tag["Key"].lower() for tag in given]
    if call.operation in CASE_BLIND and len(set(keys)) < len(keys):
        raise Refusal("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    tag_rules.check(given, code="InvalidInput", too_many="LimitExceeded")
    if call.operation in ("TagRole", "TagUser"):
        forget(call, set(keys))
    proceed()


@IAM.around("UntagRole", "UntagUser")
def untag(call: Call, proceed: Any) -> None:
    forget(call, {key.lower() for key in call.get("TagKeys", default=[])})
    proceed()


def forget(call: Call, keys: set[str]) -> None:
    """Takes the tags with these keys, however they are spelled, from the role or user that the call is about."""
    iam = backend("iam", call)
    name = call.get("RoleName")
    holder = iam.get_role(name) if name else iam.get_user(call.get("UserName"))
    if holder.tags:
        holder.tags = [tag for tag in holder.tags if tag["Key"].lower() not in keys]


@IAM.around("CreateRole")
def names_and_trust(call: Call, proceed: Any) -> None:
    name = call.params["RoleName"]
    if any(role.name.lower() == name.lower() for role in backend("iam", call).roles.values()):
        raise Refusal("EntityAlreadyExists", f"Role with name {name} already exists.", 409)
    # moto looks at a trust policy only where it is replaced.
    IAMTrustPolicyDocumentValidator(call.params["AssumeRolePolicyDocument"]).validate()
    proceed()


@IAM.around("AttachRolePolicy")
def attached_once(call: Call, proceed: Any) -> dict[str, Any] | None:
    # moto counts a policy once more each time it is attached to the same role.
    role = backend("iam", call).roles.values()
    if any(it.name == call.params["RoleName"] and call.params["PolicyArn"] in it.managed_policies for it in role):
        return {}
    proceed()
    return None


@IAM.around("DeletePolicy")
def policy_in_use(call: Call, proceed: Any) -> None:
    iam = backend("iam", call)
    policy = iam.get_policy(call.params["PolicyArn"])
    holders = [*iam.roles.values(), *iam.users.values(), *iam.groups.values()]
    if any(policy.arn in holder.managed_policies for holder in holders) or bounded_by(iam, policy):
        raise Refusal("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if len(policy.versions) > 1:
        message = (
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy."
        )
        raise Refusal("DeleteConflict", message, 409)
    proceed()


def bounded_by(iam: Any, policy: Any) -> int:
    """How many roles have the policy for a boundary."""
    return sum(role.permissions_boundary_arn == policy.arn for role in iam.roles.values())


@IAM.around("DetachRolePolicy")
def detaching_what_is_not_attached(call: Call, proceed: Any) -> None:
    arn = call.params["PolicyArn"]
    if arn not in backend("iam", call).get_role(call.params["RoleName"]).managed_policies:
        raise Refusal("NoSuchEntity", f"Policy {arn} was not found.", 404)
    proceed()


@IAM.around("RemoveRoleFromInstanceProfile")
def removing_what_is_not_there(call: Call, proceed: Any) -> None:
    name = call.params["RoleName"]
    profile = backend("iam", call).get_instance_profile(call.params["InstanceProfileName"])
    if all(role.name != name for role in profile.roles):
        message = f"The role with name {name} cannot be found in the instance profile {profile.name}."
        raise Refusal("NoSuchEntity", message, 404)
    proceed()


@IAM.around("ListInstanceProfiles")
def instance_profiles(call: Call, proceed: Any) -> dict[str, Any]:
    """The profiles under a path, in pages; moto lists all there are, in one."""
    under = call.get("PathPrefix", default="/")
    found = [profile for profile in proceed()["InstanceProfiles"] if profile["Path"].startswith(under)]
    shown, following = query.page(found, call.get("Marker"), call.get("MaxItems"), default=100)
    return {"InstanceProfiles": shown, "IsTruncated": bool(following), **({"Marker": following} if following else {})}


@IAM.around("ListEntitiesForPolicy")
def holders(call: Call, proceed: Any) -> dict[str, Any]:
    """Who has a policy attached, or for a boundary, or either; moto knows of no boundaries."""
    wanted, entity = call.get("PolicyUsageFilter"), call.get("EntityFilter")
    answer = proceed()
    if wanted == "PermissionsBoundary":
        answer |= {"PolicyRoles": [], "PolicyUsers": [], "PolicyGroups": []}
    if wanted != "PermissionsPolicy" and entity in (None, "Role"):
        iam, under = backend("iam", call), call.get("PathPrefix", default="/")
        bounded = [
            {"RoleName": role.name, "RoleId": role.id}
            for role in iam.roles.values()
            if role.permissions_boundary_arn == call.params["PolicyArn"] and role.path.startswith(under)
        ]
        answer["PolicyRoles"] = list({role["RoleId"]: role for role in answer["PolicyRoles"] + bounded}.values())
    return answer


@IAM.around("ListInstanceProfileTags")
def tags_of_instance_profile(call: Call, _: Any) -> dict[str, Any]:
    tags = backend("iam", call).get_instance_profile(call.params["InstanceProfileName"]).tags
    shown, following = query.page(tags, call.get("Marker"), call.get("MaxItems"), default=100)
    return {"Tags": shown, "IsTruncated": bool(following), **({"Marker": following} if following else {})}


@IAM.around("GetAccountAuthorizationDetails")
def account_details(call: Call, proceed: Any) -> dict[str, Any]:
    iam = backend("iam", call)
    wanted = set(call.get("Filter", default=["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]))
    details: list[tuple[str, dict[str, Any]]] = []
    if wanted & {"User", "Group"}:
        whole = proceed({"Filter": sorted(wanted & {"User", "Group"})})
        details += [("UserDetailList", user) for user in whole.get("UserDetailList", [])]
        details += [("GroupDetailList", group) for group in whole.get("GroupDetailList", [])]
    if "Role" in wanted:
        details += [("RoleDetailList", role_detail(iam, role)) for role in iam.roles.values()]
    for policy in iam.managed_policies.values():
        kind = "AWSManagedPolicy" if isinstance(policy, AWSManagedPolicy) else "LocalManagedPolicy"
        # AWS lists its own policies only where something uses them.
        if kind in wanted and (kind == "LocalManagedPolicy" or policy.attachment_count):
            details.append(("Policies", policy_detail(iam, policy)))
    shown, following = query.page(details, call.get("Marker"), call.get("MaxItems"), default=100)
    answer: dict[str, Any] = {name: [] for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")}
    for name, detail in shown:
        answer[name].append(detail)
    return {**answer, "IsTruncated": bool(following), **({"Marker": following} if following else {})}


def role_detail(iam: Any, role: Any) -> dict[str, Any]:
    detail = {
        **role_of(role),
        "InstanceProfileList": [
            {
                "Path": profile.path,
                "InstanceProfileName": profile.name,
                "InstanceProfileId": profile.id,
                "Arn": profile.arn,
                "CreateDate": profile.create_date,
                "Roles": [role_of(role)],
            }
            for profile in iam.instance_profiles.values()
            if any(held.name == role.name for held in profile.roles)
        ],
        "RolePolicyList": [
            {"PolicyName": name, "PolicyDocument": quote(document, safe="")} for name, document in role.policies.items()
        ],
        "AttachedManagedPolicies": role.attached_managed_policies,
        "Tags": list(role.tags or []),
        "RoleLastUsed": {},
    }
    if role.permissions_boundary:
        detail["PermissionsBoundary"] = role.permissions_boundary
    return detail


def role_of(role: Any) -> dict[str, Any]:
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.create_date,
        "AssumeRolePolicyDocument": quote(role.assume_role_policy_document, safe=""),
    }


def policy_detail(iam: Any, policy: Any) -> dict[str, Any]:
    detail = {
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": policy.default_version_id,
        "AttachmentCount": policy.attachment_count,
        "PermissionsBoundaryUsageCount": bounded_by(iam, policy),
        "IsAttachable": True,
        "CreateDate": policy.create_date,
        "UpdateDate": policy.update_date,
        "PolicyVersionList": [
            {
                "Document": quote(version.document, safe=""),
                "VersionId": version.version_id,
                "IsDefaultVersion": version.is_default,
                "CreateDate": version.create_date,
            }
            for version in policy.versions
        ],
    }
    return {**detail, "Description": policy.description} if policy.description else detail


@IAM.inventory
def everything(place: Place) -> Iterator[Found]:
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
