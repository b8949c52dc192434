"""AWS's request limits as token buckets: reads `limits.json`, which says what its rows mean; `throttling.py` keeps count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One limit."""

    service: str
    operation: str
    capacity: float
    refill: float
    shared: str = ""


# Lists that are dearer when they have neither filter, ids nor page size.
UNFILTERED = {
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeNetworkInterfaces"),
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeVolumes"),
}


def read(also: bool) -> tuple[Row, ...]:
    """The rows of which the first that matches counts, or those that count besides."""
    table = json.loads(Path(__file__).with_name("limits.json").read_text(encoding="utf-8"))["limits"]
    chosen = [row for row in table if row.get("also", False) == also]
    return tuple(Row(**{name: value for name, value in row.items() if name in Row._fields}) for row in chosen)


ROWS = read(also=False)
ALSO = read(also=True)
