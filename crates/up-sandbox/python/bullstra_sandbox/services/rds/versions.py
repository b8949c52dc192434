"""The versions of database engines that RDS makes new databases of, which moto does not list."""

from __future__ import annotations

from typing import Any

from ...call import Call
from .. import query
from . import RDS
from .engine import ENGINES, Engine


def offered(engine: Engine) -> list[str]:
    """All from the oldest to the newest minor version of each major one."""
    ranges = [(major, oldest, newest) for major, (newest, oldest) in engine.versions.items()]
    return [
        f"{major}.{minor}"
        for major, oldest, newest in ranges
        for minor in range(int(oldest.rsplit(".", 1)[1]), int(newest.rsplit(".", 1)[1]) + 1)
    ]


@RDS.around("DescribeDBEngineVersions")
def versions(call: Call, proceed: Any) -> dict[str, Any]:
    engines = [engine for name, engine in ENGINES.items() if call.get("Engine", default=name) == name]
    wanted = call.get("EngineVersion")
    found = [
        {
            "Engine": engine.name,
            "EngineVersion": version,
            "MajorEngineVersion": engine.major(version),
            "DBParameterGroupFamily": engine.family(version),
            "Status": "available",
        }
        for engine in engines
        for version in offered(engine)
        if wanted in (None, version, engine.major(version))
    ]
    if call.get("DefaultOnly"):
        found = [each for each in found if each["EngineVersion"] == ENGINES[each["Engine"]].version(None)]
    shown, following = query.page(found, call.get("Marker"), call.get("MaxRecords"), default=100)
    return {"DBEngineVersions": shown, **({"Marker": following} if following else {})}
