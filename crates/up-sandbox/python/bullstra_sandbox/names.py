"""Which of botocore's services a request is for.

A request names its service only by the name it is signed with, which several services share.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SIGNED_AS = {
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
    "eventbridge": "events",
    "aps": "amp",
    "airflow": "mwaa",
    "cassandra": "keyspaces",
    "states": "stepfunctions",
    "elasticfilesystem": "efs",
    "elasticmapreduce": "emr",
    "data.iot": "iot-data",
}

# What IAM calls a service where that is not what botocore calls it.
IAM_PREFIX = {
    "apigatewayv2": "apigateway",
    "cloudwatch": "cloudwatch",
    "efs": "elasticfilesystem",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "sesv2": "ses",
    "stepfunctions": "states",
}

# One backend serves all regions.
GLOBAL = ("iam", "s3", "route53")

CREDENTIAL = re.compile(r"Credential=([^/,]+)/\d+/([^/]+)/([^/]+)/aws4_request")


def service_of(signed_as: str, headers: Mapping[str, str], path: str, form: str) -> str:
    """Botocore's name of the service of a request signed for `signed_as`; `form` is a query protocol's body."""
    target = headers.get("X-Amz-Target", "")
    if signed_as == "elasticloadbalancing":
        return "elb" if "Version=2012-06-01" in form else "elbv2"
    if signed_as == "apigateway":
        return "apigatewayv2" if path.startswith("/v2/") else "apigateway"
    if signed_as == "ses":
        return "sesv2" if path.startswith("/v2/") else "ses"
    if signed_as == "es":
        return "opensearch" if path.startswith("/2021-01-01/") else "es"
    if signed_as == "wafv2" or signed_as == "waf":
        return "wafv2" if target.startswith("AWSWAF_20190729") else "waf"
    if signed_as == "dynamodb" and target.startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if signed_as == "s3" and path.startswith("/v20180820/"):
        return "s3control"
    return SIGNED_AS.get(signed_as, signed_as)


def iam_prefix(service: str) -> str:
    """The name of `service` in an IAM action."""
    return IAM_PREFIX.get(service, service)
