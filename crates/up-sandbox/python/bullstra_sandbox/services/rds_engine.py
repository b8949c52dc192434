"""What the engines of RDS have each for themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ..call import Refusal


@dataclass(frozen=True)
class Engine:
    """An engine: its newest version in each major one, its port, licence, and names nobody may have."""

    name: str
    newest: dict[str, str]
    default: str
    port: int
    license: str
    reserved: frozenset[str]
    logs: frozenset[str]

    def version(self, wanted: str | None) -> str:
        """The full version of a wish, which may name a major one only."""
        if not wanted:
            return self.newest[self.default]
        if self.major(wanted) not in self.newest:
            raise Refusal("InvalidParameterCombination", f"Cannot find version {wanted} for {self.name}")
        return self.newest.get(wanted, wanted)

    def major(self, version: str) -> str:
        parts = version.split(".")
        return parts[0] if self.name == "postgres" else ".".join(parts[:2])

    def family(self, version: str) -> str:
        return f"{self.name}{self.major(version)}"

    def option_group(self, version: str) -> str:
        return f"default:{self.name}-{self.major(version).replace('.', '-')}"


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "postgres",
            {"18": "18.1", "17": "17.6", "16": "16.10", "15": "15.14", "14": "14.19", "13": "13.22"},
            "17",
            5432,
            "postgresql-license",
            frozenset({"admin", "rdsadmin"}),
            frozenset({"postgresql", "upgrade", "iam-db-auth-error"}),
        ),
        Engine(
            "mysql",
            {"8.4": "8.4.6", "8.0": "8.0.43"},
            "8.4",
            3306,
            "general-public-license",
            frozenset({"rdsadmin", "rdsrepladmin"}),
            frozenset({"audit", "error", "general", "slowquery", "iam-db-auth-error"}),
        ),
        Engine(
            "mariadb",
            {"11.8": "11.8.3", "11.4": "11.4.8", "10.11": "10.11.14", "10.6": "10.6.23"},
            "11.4",
            3306,
            "general-public-license",
            frozenset({"rdsadmin"}),
            frozenset({"audit", "error", "general", "slowquery"}),
        ),
    )
}
