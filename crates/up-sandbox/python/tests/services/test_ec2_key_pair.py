"""Key pairs."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJ7n3jQ0q0gqvWzq3mXrQ6a0d4u5n6o7p8q9r0s1t2u"


@pytest.fixture
def ec2(sandbox):
    return sandbox.client("ec2")


def names(ec2):
    return [pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]]


def test_a_key_is_deleted_by_id_and_no_other_with_it(ec2):
    first = ec2.import_key_pair(KeyName="first", PublicKeyMaterial=KEY)["KeyPairId"]
    ec2.import_key_pair(KeyName="second", PublicKeyMaterial=KEY)
    ec2.delete_key_pair(KeyPairId=first)
    assert names(ec2) == ["second"]
    assert ec2.delete_key_pair(KeyPairId=first)["Return"] is True, "gone is gone"
    assert names(ec2) == ["second"]


def test_a_name_is_taken_once(ec2):
    ec2.import_key_pair(KeyName="first", PublicKeyMaterial=KEY)
    with pytest.raises(ClientError, match="InvalidKeyPair.Duplicate"):
        ec2.import_key_pair(KeyName="first", PublicKeyMaterial=KEY)


def test_the_public_key_is_told_to_those_who_ask(ec2):
    ec2.import_key_pair(KeyName="first", PublicKeyMaterial=KEY)
    assert "PublicKey" not in ec2.describe_key_pairs()["KeyPairs"][0]
    assert ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"][0]["PublicKey"].startswith(KEY)
