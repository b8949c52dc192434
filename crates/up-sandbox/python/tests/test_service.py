"""The values that say all there is to a service."""

import re
from pathlib import Path

import pytest

from bullstra_sandbox import hooks, service, wire

PACKAGE = Path(service.__file__).parent


@pytest.fixture(scope="module", autouse=True)
def loaded():
    hooks.load_services()


def test_every_value_is_of_a_service_that_botocore_knows_and_signed_as_botocore_signs():
    for each in service.every():
        model = wire.service_model(each.name)
        assert model is not None, each.name
        assert model.signing_name == (each.signed_as or each.name), each.name


def test_every_operation_that_a_value_names_exists():
    for each in service.every():
        tagging = each.tagging if isinstance(each.tagging, dict) else {}
        for operation in {*each.actions, *tagging, *each.reads, *each.dear_unfiltered}:
            exists = wire.operation_model(each.name, operation) is not None
            assert exists or operation == "AssumeRoot", f"{each.name}.{operation}"


# What no value of a service could say.
NAMED_ELSEWHERE = {
    "credentials.py": {"iam", "sts"},  # access keys and sessions are theirs
    "dump.py": {"ec2"},  # a region that nobody has used has its default network
    "validate.py": {"ec2"},  # also the name of a protocol
    "wire.py": {"ec2", "s3"},  # also a protocol; who signs nothing asks for an object
}


def test_no_file_outside_of_services_names_one():
    names = "|".join(re.escape(each.name) for each in service.every())
    for path in sorted(PACKAGE.glob("*.py")):
        code = re.sub(r'"""(?s:.*?)"""|#.*', "", path.read_text(encoding="utf-8"))
        named = set(re.findall(rf'"({names})[".]', code))
        assert named == NAMED_ELSEWHERE.get(path.name, set()), path.name
