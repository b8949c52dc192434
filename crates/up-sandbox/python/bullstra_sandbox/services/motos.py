"""Services that moto answers alone: names, words and times. A value moves to a file of its own with its first hook."""

from ..service import Service

AMP = Service("amp", signed_as="aps")
APIGATEWAY = Service("apigateway", invalid_codes=("BadRequestException",) * 2)
APIGATEWAYV2 = Service(
    "apigatewayv2",
    signed_as="apigateway",
    claims=lambda signed: signed.path.startswith("/v2/"),
    iam_prefix="apigateway",
    invalid_codes=("BadRequestException",) * 2,
)
CLOUDWATCH = Service(
    "cloudwatch", signed_as="monitoring", invalid_codes=("InvalidParameterValue", "MissingParameter")
)
COGNITO_IDP = Service("cognito-idp", invalid_codes=("InvalidParameterException",) * 2)
DOCDB = Service(
    "docdb",
    # Its requests are RDS's in all but the name of the engine.
    signed_as="rds",
    claims=lambda _: False,
    iam_prefix="rds",
    invalid_codes=("InvalidParameterValue", "MissingParameter"),
    spells_as_modelled=True,
)
DYNAMODBSTREAMS = Service(
    "dynamodbstreams",
    signed_as="dynamodb",
    claims=lambda signed: signed.headers.get("X-Amz-Target", "").startswith("DynamoDBStreams"),
    iam_prefix="dynamodb",
)
EFS = Service("efs", signed_as="elasticfilesystem", iam_prefix="elasticfilesystem")
EKS = Service(
    "eks",
    tagging="eks:TagResource",
    durations={"eks.cluster": 750.0, "eks.node_group": 130.0, "eks.addon": 60.0},
    invalid_codes=("InvalidParameterException",) * 2,
)
ELASTICACHE = Service(
    "elasticache",
    tagging="elasticache:AddTagsToResource",
    durations={"elasticache.replication_group": 480.0},
    invalid_codes=("InvalidParameterValue", "MissingParameter"),
    spells_as_modelled=True,
)
ELB = Service(
    "elb",
    signed_as="elasticloadbalancing",
    claims=lambda signed: "Version=2012-06-01" in signed.form,
    iam_prefix="elasticloadbalancing",
)
EMR = Service("emr", signed_as="elasticmapreduce", iam_prefix="elasticmapreduce")
EVENTS = Service("events", tagging="events:TagResource")
IOT_DATA = Service("iot-data", signed_as="iotdata", iam_prefix="iot")
KEYSPACES = Service("keyspaces", signed_as="cassandra", iam_prefix="cassandra")
KMS = Service("kms", tagging="kms:TagResource")
LAMBDA = Service("lambda", actions={"Invoke": "InvokeFunction"})
MQ = Service(
    "mq", tagging="mq:CreateTags", durations={"mq.broker": 900.0}, invalid_codes=("BadRequestException",) * 2
)
MWAA = Service("mwaa", signed_as="airflow", iam_prefix="airflow")
OPENSEARCH = Service(
    "opensearch", signed_as="es", claims=lambda signed: signed.path.startswith("/2021-01-01/"), iam_prefix="es"
)
ROUTE53 = Service("route53", is_global=True, invalid_codes=("InvalidInput",) * 2)
S3CONTROL = Service(
    "s3control", signed_as="s3", claims=lambda signed: signed.path.startswith("/v20180820/"), iam_prefix="s3"
)
SESV2 = Service("sesv2", signed_as="ses", claims=lambda signed: signed.path.startswith("/v2/"), iam_prefix="ses")
STEPFUNCTIONS = Service("stepfunctions", signed_as="states", iam_prefix="states")
WAFV2 = Service("wafv2")
