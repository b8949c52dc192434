"""Lists every enumeration that AWS's own API models name in the answers of `answers.json`, for `enumerations.json`.

    enumerations.py > enumerations.json

with a Python that has botocore (the sandbox's has). A state is an enumeration whose name ends in `State` or `Status`. What the
models leave open as free text comes from AWS's documentation: `DOCUMENTED`.
"""

import json
import pathlib
import re
import sys

import botocore.session

# The services of all kinds: botocore has the same names for them.
KINDS = pathlib.Path(__file__).parents[4] / "tests/kinds"
SERVICES = sorted({kind.name.split(".")[0] for kind in KINDS.iterdir() if kind.is_dir()})

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html#Overview.DBInstance.Status
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html and API_Service.html
DOCUMENTED = {
    ("DescribeDBInstances", ("DBInstanceStatus",)): """
        available backing-up configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports
        converting-to-vpc creating delete-precheck deleting failed inaccessible-encryption-credentials
        inaccessible-encryption-credentials-recoverable incompatible-create incompatible-credentials incompatible-network
        incompatible-option-group incompatible-parameters incompatible-restore insufficient-capacity maintenance modifying
        moving-to-vpc rebooting renaming resetting-master-credentials restore-error starting stopped stopping
        storage-config-upgrade storage-full storage-initialization storage-optimization upgrading""".split(),
    ("DescribeClusters", ("clusters", "status")): "ACTIVE PROVISIONING DEPROVISIONING FAILED INACTIVE".split(),
    ("DescribeClusters", ("clusters", "attachmentsStatus")): "UPDATE_IN_PROGRESS UPDATE_COMPLETE UPDATE_FAILED".split(),
    ("DescribeServices", ("services", "status")): "ACTIVE DRAINING INACTIVE".split(),
    ("DescribeServices", ("deployments", "status")): "PRIMARY ACTIVE INACTIVE".split(),
}


def named(shape, path, found, seen):
    """The enumerations inside of a shape, with the names that lead there on the wire."""
    if shape.name in seen:
        return
    seen = seen | {shape.name}
    if shape.type_name == "list":
        named(shape.member, path, found, seen)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = path + (member.serialization.get("name", name),)
            if member.type_name == "string" and member.enum:
                found[inner] = list(member.enum)
            else:
                named(member, inner, found, seen)


def is_state(path):
    return bool(re.search("(state|status)$", path[-1], re.IGNORECASE)) or path[-2:] == ("State", "Code")


answers = json.loads((pathlib.Path(__file__).parent / "answers.json").read_text())
called = {answer["operation"] for answer in answers}
enumerations = []
for service in SERVICES:
    model = botocore.session.get_session().get_service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        paths = {name, operation.http["requestUri"].split("?")[0]}
        # A part of a path that stands for an ARN may be any text.
        forms = [re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)) + "$") for path in paths if path != "/"]
        labels = sorted(label for label in called if any(form.match(label) for form in forms))
        if not labels or not operation.output_shape:
            continue
        found = {}
        named(operation.output_shape, (), found, frozenset())
        for path, values in found.items():
            enumerations += [(label, path, is_state(path), values) for label in labels]
enumerations += [(name, path, True, values) for (name, path), values in DOCUMENTED.items()]
rows = [dict(zip(("operation", "path", "state", "values"), row)) for row in sorted(enumerations)]
json.dump(rows, sys.stdout, indent=1)
print()
