"""EC2: networks, groups, addresses, endpoints."""

from ...service import Error, Limit, Service

DESCRIBED = ("GroupIds", "GroupNames", "InstanceIds", "NetworkInterfaceIds", "VolumeIds")

EC2 = Service(
    "ec2",
    tagging="ec2:CreateTags",
    ignored={
        "AllocateAddress.PublicIpv4Pool": "the account has no pool but Amazon's, which moto takes",
        "AllocateAddress.NetworkBorderGroup": "the region has no border group but its own, which moto takes",
    },
    durations={
        "ec2.nat_gateway": 115.0,
        "ec2.vpc_endpoint": 60.0,
        "ec2.instance": 40.0,
    },
    # "Request throttling for the Amazon EC2 API".
    limits=(
        Limit("* unfiltered", 50, 10),
        Limit("Describe*", 100, 20),
        Limit("Get*", 100, 20),
        Limit("RunInstances", 5, 2),
        Limit("CreateTags", 100, 10),
        Limit("CreateNatGateway", 10, 1),
        Limit("DeleteNatGateway", 10, 1),
        Limit("CreateVpcEndpoint", 4, 0.3),
        Limit("ModifyVpcEndpoint", 4, 0.3),
        Limit("DeleteVpcEndpoints", 4, 0.3),
        Limit("*", 50, 5),
    ),
    dear_unfiltered=(
        "DescribeInstances",
        "DescribeNetworkInterfaces",
        "DescribeSecurityGroups",
        "DescribeVolumes",
    ),
    narrowing=("Filters", *DESCRIBED, "MaxResults", "NextToken"),
    invalid_codes=("InvalidParameterValue", "MissingParameter"),
    invalid_message="Value ({value}) for parameter {path} is invalid. {constraint}.",
    tells_path=True,
    unchecked=("ClientToken",),
    expired=Error("RequestExpired", "Request has expired.", 400),
    unknown_key=Error("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    denied=Error("UnauthorizedOperation", "You are not authorized to perform this operation. {message}", 403),
    throttled=Error("RequestLimitExceeded", "Request limit exceeded.", 503),
    failures=("InternalError", "Unavailable"),
    unknown_ids={
        "eipalloc": ("InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
        "igw": ("InvalidInternetGatewayID.NotFound", "The internetGateway ID '{}' does not exist"),
        "nat": ("InvalidNatGatewayID.NotFound", "The natGateway ID '{}' does not exist"),
        "rtb": ("InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
        "sg": ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
        "subnet": ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
        "vpc": ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
        "vpce": ("InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
    },
    # The images of AWS's, which no call changes.
    shared=lambda backend: [part for image in backend.amis.values() for part in (image, image.ebs_snapshot)],
)
