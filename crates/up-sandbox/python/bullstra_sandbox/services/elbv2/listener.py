"""Listeners and rules of Elastic Load Balancing v2."""

from __future__ import annotations

import re
from typing import Any

from moto.elbv2 import models as elbv2_models
from moto.elbv2.models import ELBv2Backend, FakeAction
from moto.moto_api._internal import mock_random

from ...call import Call, Refusal
from ...world import backend
from . import ELBV2
from .load_balancer import change_attributes, paged
from .load_balancer import find as find_balancer
from .target_group import targets_of, users_of

SECURE = ("HTTPS", "TLS")
DEFAULT_POLICY = "ELBSecurityPolicy-2016-08"
REDIRECT = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
CONFIGS = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig"}

HEADERS = (
    "access_control_allow_credentials",
    "access_control_allow_headers",
    "access_control_allow_methods",
    "access_control_allow_origin",
    "access_control_expose_headers",
    "access_control_max_age",
    "content_security_policy",
    "strict_transport_security",
    "x_content_type_options",
    "x_frame_options",
)
HTTP = {
    "routing.http.response.server.enabled": "true",
    **{f"routing.http.response.{header}.header_value": "" for header in HEADERS},
}
HTTPS = {
    f"routing.http.request.{header}.header_name": ""
    for header in (
        "x_amzn_mtls_clientcert",
        "x_amzn_mtls_clientcert_issuer",
        "x_amzn_mtls_clientcert_leaf",
        "x_amzn_mtls_clientcert_serial_number",
        "x_amzn_mtls_clientcert_subject",
        "x_amzn_mtls_clientcert_validity",
        "x_amzn_tls_cipher_suite",
        "x_amzn_tls_version",
    )
}


def default_attributes(protocol: str) -> dict[str, str]:
    if protocol in ("HTTP", "HTTPS"):
        return {**HTTP, **(HTTPS if protocol == "HTTPS" else {})}
    return {"tcp.idle_timeout.seconds": "350"} if protocol in ("TCP", "TLS") else {}


def find(call: Call, arn: str) -> Any:
    for balancer in backend("elbv2", call).load_balancers.values():
        if arn in balancer.listeners:
            return balancer.listeners[arn]
    raise Refusal("ListenerNotFound", "One or more listeners not found")


def described(listener: Any) -> dict[str, Any]:
    seen = {
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.load_balancer_arn,
        "Port": int(listener.port) if listener.port else None,
        "Protocol": listener.protocol or None,
        "DefaultActions": [action_as_described(action.data) for action in listener.default_actions],
    }
    if listener.protocol in SECURE:
        seen["SslPolicy"] = listener.ssl_policy
        seen["Certificates"] = [{"CertificateArn": arn} for arn in listener.certificates[:1]]
        seen["MutualAuthentication"] = getattr(listener, "mutual_authentication", {"Mode": "off"})
    if listener.alpn_policy:
        seen["AlpnPolicy"] = listener.alpn_policy
    return {name: value for name, value in seen.items() if value is not None}


def action_as_described(action: dict[str, Any]) -> dict[str, Any]:
    """An action with what AWS adds: both ways to say where to, and the placeholders of a redirect."""
    if action["Type"] == "redirect":
        return {**action, "RedirectConfig": {**REDIRECT, **action["RedirectConfig"]}}
    if action["Type"] != "forward":
        return action
    given = action.get("ForwardConfig") or {}
    groups = given.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    config = {
        "TargetGroups": [{"Weight": 1, **group} for group in groups],
        "TargetGroupStickinessConfig": given.get("TargetGroupStickinessConfig") or {"Enabled": False},
    }
    alone = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {**action, **alone, "ForwardConfig": config}


def condition_as_described(condition: dict[str, Any]) -> dict[str, Any]:
    """A condition with its values both where they are now and where they used to be."""
    config = CONFIGS.get(condition.get("Field", ""))
    if not config:
        return condition
    values = condition.get("Values") or condition.get(config, {}).get("Values", [])
    return {**condition, "Values": values, config: {**condition.get(config, {}), "Values": values}}


def refuse_bad_targets(call: Call, balancer_arn: str, actions: list[dict[str, Any]]) -> None:
    elb = backend("elbv2", call)
    for arn in [arn for action in actions for arn in targets_of(action)]:
        if arn not in elb.target_groups:
            raise Refusal("TargetGroupNotFound", f"Target groups '{arn}' not found")
        if any(user != balancer_arn for user in users_of(call, arn)):
            message = f"The following target groups cannot be associated with more than one load balancer: {arn}"
            raise Refusal("TargetGroupAssociationLimit", message)


# A certificate is issued to whoever proves a domain, which cannot be done here: one with an id like ACM's exists.
ISSUED = re.compile(r"arn:aws[\w-]*:acm:[\w-]+:\d{12}:certificate/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
known_to_moto = ELBv2Backend._certificate_exists
noted_by_moto = elbv2_models.register_certificate


def certificate_exists(elb: ELBv2Backend, certificate_arn: str) -> bool:
    return bool(ISSUED.fullmatch(certificate_arn)) or known_to_moto(elb, certificate_arn)


def register_certificate(**given: Any) -> None:
    """Notes in ACM who uses a certificate, where moto knows it."""
    if not ISSUED.fullmatch(given["arn_certificate"]):
        noted_by_moto(**given)


ELBv2Backend._certificate_exists = certificate_exists
elbv2_models.register_certificate = register_certificate


def refuse_bad_certificates(call: Call, protocol: str, certificates: list[str]) -> None:
    if protocol in SECURE and not certificates:
        raise Refusal("ValidationError", f"A certificate must be specified for {protocol} listeners")
    for arn in certificates:
        if not backend("elbv2", call)._certificate_exists(arn):
            raise Refusal("CertificateNotFound", f"Certificate '{arn}' not found")


def certificates_of(call: Call) -> list[str]:
    return [each["CertificateArn"] for each in call.get("Certificates", default=[])]


@ELBV2.around("CreateListener")
def create(call: Call, proceed: Any) -> dict[str, Any]:
    balancer = find_balancer(call, call.params["LoadBalancerArn"])
    protocol, certificates = call.get("Protocol", default=""), certificates_of(call)
    refuse_bad_targets(call, balancer.arn, call.params["DefaultActions"])
    refuse_bad_certificates(call, protocol, certificates)
    for other in balancer.listeners.values():
        if call.get("Port") and str(other.port) == str(call.get("Port")):
            return same_or_refused(call, other)
    arn = proceed()["Listeners"][0]["ListenerArn"]
    made = balancer.listeners[arn]
    made.certificates = certificates
    made.attributes = default_attributes(protocol)
    made.mutual_authentication = call.get("MutualAuthentication", default={"Mode": "off"})
    # moto names the default rule by where it lies in memory.
    default = made._default_rule[0]
    default.arn = f"{default.arn.rpartition('/')[0]}/{mock_random.get_random_hex(16)}"
    return {"Listeners": [described(made)]}


def same_or_refused(call: Call, other: Any) -> dict[str, Any]:
    seen = described(other)
    actions = [action_as_described(action) for action in call.params["DefaultActions"]]
    same = (
        seen["Protocol"] == call.get("Protocol"),
        seen["DefaultActions"] == actions,
        seen.get("SslPolicy") in (None, call.get("SslPolicy", default=DEFAULT_POLICY)),
        [each["CertificateArn"] for each in seen.get("Certificates", [])] == certificates_of(call)[:1],
    )
    if not all(same):
        message = f"A listener already exists on this port for this load balancer '{other.load_balancer_arn}'"
        raise Refusal("DuplicateListener", message)
    return {"Listeners": [seen]}


@ELBV2.around("DescribeListeners")
def describe(call: Call, proceed: Any) -> dict[str, Any]:
    if call.get("LoadBalancerArn"):
        listeners = list(find_balancer(call, call.params["LoadBalancerArn"]).listeners.values())
    elif call.get("ListenerArns"):
        listeners = [find(call, arn) for arn in call.params["ListenerArns"]]
    else:
        raise Refusal("ValidationError", "You must specify either listener ARNs or a load balancer ARN")
    return paged(call, "Listeners", [described(listener) for listener in listeners])


@ELBV2.around("ModifyListener")
def modify(call: Call, proceed: Any) -> dict[str, Any]:
    listener = find(call, call.params["ListenerArn"])
    balancer = find_balancer(call, listener.load_balancer_arn)
    protocol = call.get("Protocol", default=listener.protocol)
    port = call.get("Port", default=listener.port)
    if any(other is not listener and str(other.port) == str(port) for other in balancer.listeners.values()):
        message = f"A listener already exists on this port for this load balancer '{balancer.arn}'"
        raise Refusal("DuplicateListener", message)
    certificates = certificates_of(call) or listener.certificates[:1]
    refuse_bad_certificates(call, protocol, certificates if protocol in SECURE else [])
    actions = call.get("DefaultActions", default=[])
    refuse_bad_targets(call, balancer.arn, actions)
    if actions:
        listener.default_actions = [FakeAction(action) for action in actions]
        listener._default_rule[0].actions = listener.default_actions
    if protocol != listener.protocol:
        listener.attributes = default_attributes(protocol)
    listener.protocol, listener.port = protocol, port
    listener.certificates = [*certificates, *listener.certificates[1:]] if protocol in SECURE else []
    listener.certificate = next(iter(listener.certificates), None)
    listener.ssl_policy = call.get("SslPolicy", default=listener.ssl_policy)
    listener.alpn_policy = call.get("AlpnPolicy", default=listener.alpn_policy)
    listener.mutual_authentication = call.get("MutualAuthentication", default=listener.mutual_authentication)
    return {"Listeners": [described(listener)]}


@ELBV2.around("ModifyListenerAttributes")
def modify_attributes(call: Call, proceed: Any) -> dict[str, Any]:
    return change_attributes(call, find(call, call.params["ListenerArn"]).attributes, "Listener")


@ELBV2.around("DeleteListener")
def delete(call: Call, proceed: Any) -> None:
    listener = find(call, call.params["ListenerArn"])
    proceed()
    for arn in (listener.arn, *listener._non_default_rules):
        backend("elbv2", call).tagging_service.delete_all_tags_for_resource(arn)


def find_rule(call: Call, arn: str) -> Any:
    for balancer in backend("elbv2", call).load_balancers.values():
        for listener in balancer.listeners.values():
            for rule in listener.rules.values():
                if rule.arn == arn:
                    return rule
    raise Refusal("RuleNotFound", "One or more rules not found")


def rule_as_described(rule: Any) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": str(rule.priority),
        "Conditions": [condition_as_described(condition) for condition in rule.conditions],
        "Actions": [action_as_described(action.data) for action in rule.actions],
        "IsDefault": rule.is_default,
    }


def in_order(rules: Any) -> list[Any]:
    return sorted(rules, key=lambda rule: (rule.is_default, 0 if rule.is_default else int(rule.priority)))


@ELBV2.around("CreateRule")
def create_rule(call: Call, proceed: Any) -> dict[str, Any]:
    listener = find(call, call.params["ListenerArn"])
    refuse_bad_targets(call, listener.load_balancer_arn, call.params["Actions"])
    for rule in listener._non_default_rules.values():
        if int(rule.priority) == int(call.params["Priority"]):
            raise Refusal("PriorityInUse", f"Priority '{rule.priority}' is currently in use")
    arn = proceed()["Rules"][0]["RuleArn"]
    return {"Rules": [rule_as_described(find_rule(call, arn))]}


@ELBV2.around("DescribeRules")
def describe_rules(call: Call, proceed: Any) -> dict[str, Any]:
    listener, arns = call.get("ListenerArn"), call.get("RuleArns")
    if bool(listener) == bool(arns):
        both = "Listener rule ARNs and a listener ARN cannot be specified at the same time"
        neither = "You must specify either listener rule ARNs or a listener ARN"
        raise Refusal("ValidationError", both if listener else neither)
    rules = in_order(find(call, listener).rules.values()) if listener else [find_rule(call, arn) for arn in arns or []]
    return paged(call, "Rules", [rule_as_described(rule) for rule in rules])


@ELBV2.around("ModifyRule")
def modify_rule(call: Call, proceed: Any) -> dict[str, Any]:
    rule = find_rule(call, call.params["RuleArn"])
    refuse_bad_targets(call, find(call, rule.listener_arn).load_balancer_arn, call.get("Actions", default=[]))
    proceed()
    return {"Rules": [rule_as_described(rule)]}


@ELBV2.around("SetRulePriorities")
def set_priorities(call: Call, proceed: Any) -> dict[str, Any]:
    wanted = {each["RuleArn"]: each["Priority"] for each in call.params["RulePriorities"]}
    rules = {arn: find_rule(call, arn) for arn in wanted}
    if len(set(wanted.values())) < len(wanted):
        raise Refusal("ValidationError", "A priority was provided multiple times")
    for arn, rule in rules.items():
        # Rules that move in the same call do not stand in each other's way.
        others = (each for each in find(call, rule.listener_arn)._non_default_rules.values() if each.arn not in wanted)
        if any(int(other.priority) == wanted[arn] for other in others):
            raise Refusal("PriorityInUse", f"Priority '{wanted[arn]}' is currently in use")
    for arn, rule in rules.items():
        rule.priority = wanted[arn]
    return {"Rules": [rule_as_described(rule) for rule in rules.values()]}


@ELBV2.around("DeleteRule")
def delete_rule(call: Call, proceed: Any) -> None:
    rule = find_rule(call, call.params["RuleArn"])
    if rule.is_default:
        raise Refusal("OperationNotPermitted", f"Default rule '{rule.arn}' cannot be deleted")
    proceed()
    backend("elbv2", call).tagging_service.delete_all_tags_for_resource(rule.arn)
