"""SSM's Parameter Store."""

import pytest

TAGS = [{"Key": "bullstra:stack", "Value": "s"}]


@pytest.fixture
def ssm(client):
    return client("ssm")


def put(ssm, name="/app/key", value="v", **more):
    return ssm.put_parameter(Name=name, Value=value, **{"Type": "String", **more})


def described(ssm, name="/app/key"):
    [found] = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    return found


def test_a_parameter_is_made_once_and_written_over_where_asked(ssm, refused):
    made = put(ssm, Description="d", Tags=TAGS)
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    assert refused(put, ssm=ssm).startswith("ParameterAlreadyExists")
    assert put(ssm, value="w", Overwrite=True)["Version"] == 2
    assert refused(put, ssm=ssm, Overwrite=True, Tags=TAGS).startswith(
        "ValidationException: Invalid request: tags and overwrite can't be used together."
    )
    [found] = ssm.get_parameters(Names=["/app/key"])["Parameters"]
    assert (found["Value"], found["Version"], found["ARN"].rpartition(":")[2]) == ("w", 2, "parameter/app/key")
    assert described(ssm)["Description"] == "d"
    ssm.delete_parameter(Name="/app/key")
    assert refused(ssm.delete_parameter, Name="/app/key").startswith("ParameterNotFound")
    assert put(ssm)["Version"] == 1


def test_parameters_are_read_by_ten(ssm, refused):
    for number in range(11):
        put(ssm, f"p{number}")
    names = [f"p{number}" for number in range(11)]
    assert refused(ssm.get_parameters, Names=names).startswith("ValidationException")
    answer = ssm.get_parameters(Names=[*names[:9], "no"])
    assert len(answer["Parameters"]) == 9 and answer["InvalidParameters"] == ["no"]


def test_descriptions_are_filtered_and_paged(ssm):
    for number in range(12):
        put(ssm, f"/a/p{number:02}", Tags=TAGS)
    put(ssm, "/b/large", "x" * 5000, Tier="Intelligent-Tiering")
    put(ssm, "/b/secret", Type="SecureString")
    first = ssm.describe_parameters()
    assert len(first["Parameters"]) == 10 and first["NextToken"]
    assert len(ssm.describe_parameters(MaxResults=50)["Parameters"]) == 14

    def names(**of):
        found = ssm.describe_parameters(MaxResults=50, ParameterFilters=[of])["Parameters"]
        return [each["Name"] for each in found]

    assert len(names(Key="tag:bullstra:stack", Values=["s"])) == 12
    assert names(Key="Tier", Values=["Advanced"]) == ["/b/large"]
    assert names(Key="Type", Values=["SecureString"]) == ["/b/secret"]
    assert names(Key="Name", Option="BeginsWith", Values=["/b/"]) == ["/b/large", "/b/secret"]
    assert "Value" not in described(ssm, "/b/secret") and described(ssm, "/b/secret")["ARN"].endswith("/b/secret")
    shared = ssm.describe_parameters(Shared=True)
    assert shared["Parameters"] == []


def test_a_secret_is_shown_only_where_it_is_asked_for(ssm, refused):
    put(ssm, value="hunter2", Type="SecureString")
    hidden = ssm.get_parameter(Name="/app/key")["Parameter"]["Value"]
    assert "hunter2" not in hidden
    assert ssm.get_parameters(Names=["/app/key"], WithDecryption=True)["Parameters"][0]["Value"] == "hunter2"
    assert described(ssm)["KeyId"] == "alias/aws/ssm"
    put(ssm, value="hunter3", Type="SecureString", KeyId="alias/mine", Overwrite=True)
    assert described(ssm)["KeyId"] == "alias/mine"
    assert ssm.get_parameter(Name="/app/key")["Parameter"]["Value"] != hidden
    only = "ValidationException: KeyId is required for SecureString type parameter only."
    assert refused(put, ssm=ssm, name="/app/plain", KeyId="alias/mine") == only


def test_a_type_stays(ssm, refused):
    put(ssm)
    said = refused(put, ssm=ssm, Type="SecureString", Overwrite=True)
    assert said.startswith("HierarchyTypeMismatchException: Parameter Store doesn't support changing a parameter type")
    ssm.put_parameter(Name="/app/key", Value="w", Overwrite=True)
    assert described(ssm)["Type"] == "String"


def test_tiers_have_sizes_and_no_way_back(ssm, refused):
    long = refused(put, ssm=ssm, value="x" * 4097)
    assert long.startswith("ValidationException: Standard tier parameters support a maximum parameter value of 4096")
    assert refused(put, ssm=ssm, value="x" * 8193, Tier="Advanced").startswith("ValidationException: Advanced tier")
    assert put(ssm, value="x" * 4097, Tier="Intelligent-Tiering")["Tier"] == "Advanced"
    assert described(ssm)["Tier"] == "Advanced"
    back = refused(put, ssm=ssm, Tier="Standard", Overwrite=True)
    assert "You can't downgrade a parameter from the advanced-parameter tier" in back
    assert put(ssm, Overwrite=True)["Tier"] == "Advanced"
    assert put(ssm, "/app/small", Tier="Intelligent-Tiering")["Tier"] == "Standard"


def test_a_value_matches_its_pattern(ssm, refused):
    put(ssm, value="12", AllowedPattern=r"^\d+$")
    said = refused(put, ssm=ssm, value="x", Overwrite=True)
    words = r"Parameter value, cannot be validated against allowedPattern: ^\d+$"
    assert said == f"ParameterPatternMismatchException: {words}"
    assert refused(put, ssm=ssm, name="b", AllowedPattern="(").startswith("InvalidAllowedPatternException")
    assert refused(put, ssm=ssm, name="c", value="{{ssm:d}}").startswith("ValidationException: Can't nest")
    assert refused(put, ssm=ssm, name="d", DataType="x").startswith("ValidationException: The following data type")
    assert put(ssm, "e", "ami-12345678", DataType="aws:ec2:image")["Version"] == 1
    assert described(ssm, "e")["DataType"] == "aws:ec2:image"


def test_names_are_paths(ssm, refused):
    assert refused(put, ssm=ssm, name="a/b") == "ValidationException: Parameter name must be a fully qualified name."
    for name in ("/a b", "/a//b", "/a/", "aws-x", "/ssm/x"):
        assert refused(put, ssm=ssm, name=name).startswith("ValidationException: Parameter name: can't be"), name
    assert refused(put, ssm=ssm, name="/aws/x").startswith("AccessDeniedException")
    assert refused(put, ssm=ssm, name="/a" * 16).startswith("HierarchyLevelLimitExceededException")
    assert refused(put, ssm=ssm, name="f", Type="Text").startswith("ValidationException")
    put(ssm, "g")
    arn = ssm.get_parameter(Name="g")["Parameter"]["ARN"]
    assert arn.endswith(":parameter/g")
    assert ssm.get_parameters(Names=[arn])["Parameters"][0]["Name"] == "g"


def test_tags_have_operations_of_their_own(client, ssm, refused):
    put(ssm, Tags=TAGS)
    asked = {"ResourceType": "Parameter", "ResourceId": "/app/key"}
    ssm.add_tags_to_resource(**asked, Tags=[{"Key": "Owner", "Value": "me"}])
    ssm.remove_tags_from_resource(**asked, TagKeys=["bullstra:stack"])
    assert ssm.list_tags_for_resource(**asked)["TagList"] == [{"Key": "Owner", "Value": "me"}]
    [found] = client("resourcegroupstaggingapi").get_resources(ResourceTypeFilters=["ssm:parameter"])[
        "ResourceTagMappingList"
    ]
    assert found["ResourceARN"].endswith(":parameter/app/key")
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    assert refused(ssm.add_tags_to_resource, **asked, Tags=many).startswith("TooManyTagsError")
    missing = {"ResourceType": "Parameter", "ResourceId": "/app/no"}
    assert refused(ssm.list_tags_for_resource, **missing).startswith("InvalidResourceId")


def test_the_past_can_be_read_and_the_dump_tells_values(sandbox):
    ssm = sandbox.client("ssm")
    put(ssm)
    stale = {"match": {"service": "ssm", "operation": "GetParameter"}, "do": {"stale": {"seconds": 60}}}
    sandbox.control("faults", {"faults": [stale]})
    put(ssm, value="w", Overwrite=True)
    assert ssm.get_parameter(Name="/app/key")["Parameter"]["Value"] == "v"
    sandbox.control("faults", {"faults": []})
    assert ssm.get_parameter(Name="/app/key")["Parameter"]["Value"] == "w"
    [found] = sandbox.dump()["ssm.parameter"]
    assert (found["id"], found["attributes"]["Value"]) == ("/app/key", "w")
