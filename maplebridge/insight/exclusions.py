"""What an indicator leaves out (剔除), by which version of which rule, for cases of which days.

The list is data in seed/exclusions.csv. A case is under the version in force on the day it was
reported, so a rule that changes within a period takes out by its old words before and by its new
ones after. Source: domain guide, section 6.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from maplebridge.insight.periods import Period

SEED = Path(__file__).parent / "seed" / "exclusions.csv"
LABELS = {
    "no_matter": _("Declined: nothing an authority could do"),
    "suspended": _("Suspended with approval"),
    "ruled": _("The tier above had to rule whose it was"),
    "not_reached": _("Reporter not reached"),
}


@dataclass(frozen=True)
class Exclusion:
    """One dated version of a rule on one indicator.

    begins, ends: days of reporting, ends not counted and None while it holds.
    """

    indicator: str
    rule: str
    version: int
    begins: dt.date
    ends: dt.date | None = None
    source: str = ""

    @property
    def key(self) -> str:
        """Names it among all."""
        return f"{self.indicator}:{self.rule}:{self.version}"

    @property
    def label(self) -> Any:
        """The rule in words."""
        return LABELS[self.rule]

    def concerns(self, period: Period) -> bool:
        """Whether it is in force on a day of the period."""
        return self.begins <= period.until and (self.ends is None or self.ends > period.since)


@dataclass(frozen=True)
class TakenOut:
    """How many cases an exclusion took out of an indicator."""

    exclusion: Exclusion
    cases: int

    def as_json(self) -> dict[str, Any]:
        """As `maplebridge report --json` prints it."""
        rule = self.exclusion
        return {
            "rule": rule.rule,
            "version": rule.version,
            "begins": rule.begins.isoformat(),
            "ends": rule.ends.isoformat() if rule.ends else None,
            "label": str(rule.label),
            "cases": self.cases,
        }


def read_exclusions(file: Path) -> list[Exclusion]:
    """The list in a file; raises ValueError with a sentence for a line that cannot be.

    Two versions of a rule on an indicator may not be in force on the same day.
    """
    with file.open(encoding="utf-8", newline="") as rows:
        found = [
            Exclusion(
                row["indicator"],
                row["rule"],
                int(row["version"]),
                dt.date.fromisoformat(row["begins"]),
                dt.date.fromisoformat(row["ends"]) if row["ends"] else None,
                row["source"],
            )
            for row in csv.DictReader(rows)
        ]
    check(found)
    return found


def check(exclusions: Sequence[Exclusion]) -> None:
    """Raises ValueError with a sentence for an unknown rule, days that end before they begin, or
    two versions at once."""
    last: dict[tuple[str, str], Exclusion] = {}
    for one in sorted(exclusions, key=lambda e: (e.indicator, e.rule, e.begins)):
        if one.rule not in LABELS:
            raise ValueError(f"{one.key}: there is no rule {one.rule!r}.")
        if one.ends is not None and one.ends <= one.begins:
            raise ValueError(f"{one.key} ends before it begins.")
        before = last.get((one.indicator, one.rule))
        if before is not None and (before.ends is None or before.ends > one.begins):
            raise ValueError(f"{before.key} and {one.key} are in force on the same day.")
        last[one.indicator, one.rule] = one


@cache
def seeded() -> tuple[Exclusion, ...]:
    """The list that comes with the platform."""
    return tuple(read_exclusions(SEED))
