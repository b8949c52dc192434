"""Lists every enumeration that AWS's own API models name in the answers of `answers.json`, for `enumerations.json`.

    enumerations.py > enumerations.json

with a Python that has botocore (the sandbox's has). A state is an enumeration whose name ends in `State` or `Status`; it has an
example of an answer, for those that were recorded without the member. What the models leave open as free text comes from AWS's
documentation: `DOCUMENTED`.
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
    ("DescribeDBInstances", ("DBInstances", "DBInstanceStatus")): """
        available backing-up configuring-enhanced-monitoring configuring-iam-database-auth configuring-log-exports
        converting-to-vpc creating delete-precheck deleting failed inaccessible-encryption-credentials
        inaccessible-encryption-credentials-recoverable incompatible-create incompatible-credentials incompatible-network
        incompatible-option-group incompatible-parameters incompatible-restore insufficient-capacity maintenance modifying
        moving-to-vpc rebooting renaming resetting-master-credentials restore-error starting stopped stopping
        storage-config-upgrade storage-full storage-initialization storage-optimization upgrading""".split(),
    ("DescribeClusters", ("clusters", "status")): "ACTIVE PROVISIONING DEPROVISIONING FAILED INACTIVE".split(),
    ("DescribeClusters", ("clusters", "attachmentsStatus")): "UPDATE_IN_PROGRESS UPDATE_COMPLETE UPDATE_FAILED".split(),
    ("DescribeServices", ("services", "status")): "ACTIVE DRAINING INACTIVE".split(),
    ("DescribeServices", ("services", "deployments", "status")): "PRIMARY ACTIVE INACTIVE".split(),
}


# What stands for a value in the examples.
SCALARS = {"string": "text", "integer": 1, "long": 1, "boolean": False, "float": 1.5, "double": 1.5}


def named(operation, shape, steps, found, seen):
    """The enumerations inside of a shape: `steps` are the shapes that lead there, each with the name of its next member."""
    if shape.name in seen:
        return
    seen = seen | {shape.name}
    if shape.type_name == "list":
        named(operation, shape.member, steps + ((shape, item(operation, shape)),), found, seen)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = steps + ((shape, member.serialization.get("name", name)),)
            path = tuple(name for shape, name in inner if shape.type_name == "structure")
            if member.type_name == "string" and (member.enum or (operation.name, path) in DOCUMENTED):
                found[inner] = path, DOCUMENTED.get((operation.name, path)) or list(member.enum)
            else:
                named(operation, member, inner, found, seen)


def is_json(operation):
    return "json" in operation.service_model.metadata["protocol"]


def item(operation, shape):
    """What an item of a list is called on the wire: JSON has its place."""
    return "0" if is_json(operation) else shape.member.serialization.get("name", "member")


def roots(operation):
    """The elements that an answer in XML is in."""
    if is_json(operation):
        return ()
    wrapper = operation.output_shape.serialization.get("resultWrapper")
    return (f"{operation.name}Response",) + ((wrapper,) if wrapper else ())


def example(operation, steps, value):
    """An answer with the value at the end of the steps, and all text, numbers and words beside the way there."""
    for shape, name in reversed(steps):
        if shape.type_name == "list":
            value = [value] if is_json(operation) else {name: value}
            continue
        members = {member.serialization.get("name", key): member for key, member in shape.members.items()}
        scalars = {key: member for key, member in members.items() if member.type_name in SCALARS and key != name}
        beside = {key: (getattr(it, "enum", None) or [SCALARS[it.type_name]])[0] for key, it in scalars.items()}
        value = {**beside, name: value}
    return value


def is_state(path):
    return bool(re.search("(state|status)$", path[-1], re.IGNORECASE)) or path[-2:] == ("State", "Code")


answers = json.loads((pathlib.Path(__file__).parent / "answers.json").read_text())
called = {answer["operation"] for answer in answers}
rows = []
for service in SERVICES:
    model = botocore.session.get_session().get_service_model(service)
    for name in model.operation_names:
        operation = model.operation_model(name)
        paths = {name, operation.http["requestUri"].split("?")[0]}
        # Of the operations of one path, the one that reads. A part of a path that stands for an ARN may be any text.
        paths = {path for path in paths if path == name or operation.http["method"] == "GET"}
        forms = [re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)) + "$") for path in paths if path != "/"]
        labels = sorted(label for label in called if any(form.match(label) for form in forms))
        if not labels or not operation.output_shape:
            continue
        found = {}
        named(operation, operation.output_shape, (), found, frozenset())
        for steps, (path, values) in found.items():
            wire = roots(operation) + tuple(name for _, name in steps)
            row = {"path": path, "wire": wire, "state": is_state(path), "values": values}
            if row["state"]:
                row["example"] = example(operation, steps, values[0])
            rows += [{"operation": label, **row} for label in labels]
json.dump(sorted(rows, key=lambda row: (row["operation"], row["path"])), sys.stdout, indent=1)
print()
