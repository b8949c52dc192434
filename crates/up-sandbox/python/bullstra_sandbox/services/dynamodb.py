"""DynamoDB's tables, as moto has them."""

from collections.abc import Iterator

from ..dump import Place
from ..service import Found, Service

DYNAMODB = Service("dynamodb", tagging="dynamodb:TagResource")


@DYNAMODB.inventory
def tables(place: Place) -> Iterator[Found]:
    for name in place.every("dynamodb", "ListTables", "TableNames"):
        found = place.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
        tags = place.maybe("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"]).get("Tags")
        yield "dynamodb.table", name, tags, found
