"""What the engines of RDS have each for themselves."""

from __future__ import annotations

from dataclasses import dataclass

from ...call import Refusal


# Older than AWS makes new ones of, and made here nevertheless: a database that AWS has moved on has to begin somewhere.
# On AWS such a one is left over from before.
LEFT_OVER = frozenset({"15.7", "16.3", "16.9"})


@dataclass(frozen=True)
class Engine:
    """An engine: its versions, its port, licence, and names nobody may have.

    `versions` has, of each major version, the newest minor one and the oldest that AWS still makes; `ended` the major ones
    past their standard support, which are made with paid extended support only.
    """

    name: str
    versions: dict[str, tuple[str, str]]
    ended: frozenset[str]
    default: str
    port: int
    license: str
    reserved: frozenset[str]
    logs: frozenset[str]

    def version(self, wanted: str | None) -> str:
        """The full version of a wish, which may name a major one only."""
        if not wanted:
            return self.versions[self.default][0]
        newest, oldest = self.versions.get(self.major(wanted), (None, ""))
        if newest is None or wanted != self.major(wanted) and not self.is_offered(wanted, newest, oldest):
            raise Refusal("InvalidParameterCombination", f"Cannot find version {wanted} for {self.name}")
        return newest if wanted == self.major(wanted) else wanted

    def is_offered(self, wanted: str, newest: str, oldest: str) -> bool:
        return wanted in LEFT_OVER or numbers(oldest) <= numbers(wanted) <= numbers(newest)

    def major(self, version: str) -> str:
        parts = version.split(".")
        return parts[0] if self.name == "postgres" else ".".join(parts[:2])

    def family(self, version: str) -> str:
        return f"{self.name}{self.major(version)}"

    def option_group(self, version: str) -> str:
        return f"default:{self.name}-{self.major(version).replace('.', '-')}"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


# As of November 2026. PostgreSQL: AWS's notice that 14.18, 14.19, 15.13, 15.14, 16.9, 16.10, 17.5 and 17.6 are not made any
# more from 1 October 2026 (CredentialEngine/CredentialRegistry#1036), and 16.5 to 16.8 not from 1 May; the newest ones of
# which there is word are of February 2026 (aws-cdk#37713). MySQL: 8.4.3, 8.4.4, 8.0.40 and 8.0.41 went in July (aws-cdk#38261),
# 8.4.11 came in August (aws-cdk#38737); the standard support of 8.0 ended in July 2026, that of PostgreSQL 13 in February.
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(
            "postgres",
            {
                "18": ("18.3", "18.1"),
                "17": ("17.9", "17.7"),
                "16": ("16.13", "16.11"),
                "15": ("15.17", "15.15"),
                "14": ("14.22", "14.20"),
                "13": ("13.23", "13.22"),
            },
            frozenset({"13"}),
            "17",
            5432,
            "postgresql-license",
            frozenset({"admin", "rdsadmin"}),
            frozenset({"postgresql", "upgrade", "iam-db-auth-error"}),
        ),
        Engine(
            "mysql",
            {"8.4": ("8.4.11", "8.4.5"), "8.0": ("8.0.46", "8.0.42")},
            frozenset({"8.0"}),
            "8.4",
            3306,
            "general-public-license",
            frozenset({"rdsadmin", "rdsrepladmin"}),
            frozenset({"audit", "error", "general", "slowquery", "iam-db-auth-error"}),
        ),
        Engine(
            "mariadb",
            {
                "11.8": ("11.8.6", "11.8.3"),
                "11.4": ("11.4.10", "11.4.5"),
                "10.11": ("10.11.16", "10.11.11"),
                "10.6": ("10.6.25", "10.6.21"),
            },
            frozenset(),
            "11.4",
            3306,
            "general-public-license",
            frozenset({"rdsadmin"}),
            frozenset({"audit", "error", "general", "slowquery"}),
        ),
    )
}
