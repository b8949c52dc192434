"""Secrets, as moto has them."""

from collections.abc import Iterator

from ..dump import Place
from ..service import Found, Service

SECRETSMANAGER = Service("secretsmanager", tagging="secretsmanager:TagResource")


@SECRETSMANAGER.inventory
def secrets(place: Place) -> Iterator[Found]:
    for found in place.every("secretsmanager", "ListSecrets", "SecretList"):
        yield "secretsmanager.secret", found["ARN"], found.get("Tags"), found
