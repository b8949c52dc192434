"""RDS: instances, subnet groups, parameter groups; Neptune and DocumentDB are signed for it too."""

from ...service import Limit, Service

RDS = Service(
    "rds",
    tagging="rds:AddTagsToResource",
    durations={
        "rds.instance": 600.0,
        "rds.cluster": 300.0,
        "docdb.cluster": 300.0,
        "docdb.instance": 480.0,
    },
    limits=(
        Limit("Describe*", 50, 20, guess=True),
        Limit("List*", 50, 20, guess=True),
        Limit("*", 20, 5, guess=True),
    ),
    invalid_codes=("InvalidParameterValue", "MissingParameter"),
    spells_as_modelled=True,
    # Databases hold network interfaces.
    changes=("ec2",),
)
