"""What a table that is not published yet would have changed for the cases of the last months."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case
from maplebridge.journey import route
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.editions import Cells
from maplebridge.organisation.units import Directory, directory

DAYS = 90
MOST_NUMBERS = 20
# (category, area code, day opened) to what holds before and after.
Answers = Callable[[str, str, dt.date], tuple[str, str]]
# What a category brings into a case and how the case is treated; its names change nothing.
BROUGHT = ("line", "sla_class", "confidentiality", "handoff")


@dataclass
class EffectRow:
    """Cases that would have gone another way alike.

    category: its code. before, after: unit codes, empty for nobody; or what the category brought.
    numbers: up to 20 case numbers, none of confidential cases.
    """

    category: str
    before: str
    after: str
    cases: int = 0
    numbers: list[str] = field(default_factory=list)


@dataclass
class Effect:
    """Over how many cases it was tried, how many would have changed, and how.

    unowned: of the changed ones, those that nobody would have owned any more.
    """

    days: int = DAYS
    cases: int = 0
    changed: int = 0
    unowned: int = 0
    rows: list[EffectRow] = field(default_factory=list)

    def as_json(self, most_numbers: int = MOST_NUMBERS) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "days": self.days,
            "cases": self.cases,
            "changed": self.changed,
            "unowned": self.unowned,
            "rows": [{**vars(row), "numbers": row.numbers[:most_numbers]} for row in self.rows],
        }


def of_responsibilities(rows: Sequence[Cells], begins: dt.date) -> Effect:
    """For each sorted case: its owner by the table in force when it came, and by these rows.

    The rows are asked for the day they begin, or for the case's own day where that is later.
    """
    present, candidate, units = route.table(), route.table_of(rows), directory()
    known: dict[tuple[str, str, dt.date], tuple[str, str]] = {}

    def owners(category: str, area_code: str, day: dt.date) -> tuple[str, str]:
        key = (category, area_code, day)
        if key not in known:
            known[key] = (
                _owner(present, category, area_code, day, units),
                _owner(candidate, category, area_code, max(day, begins), units),
            )
        return known[key]

    return _over_past_cases(owners)


def of_categories(present: Sequence[Cells], rows: Sequence[Cells]) -> Effect:
    """For each sorted case: what its category brings today, and would bring by these rows."""

    def brought(among: Sequence[Cells]) -> dict[str, str]:
        return {
            cells["code"]: " ".join(filter(None, (cells[name] for name in BROUGHT)))
            for cells in among
        }

    before, after = brought(present), brought(rows)
    return _over_past_cases(
        lambda category, _area, _day: (before.get(category, ""), after.get(category, ""))
    )


def _owner(
    table: route.Table, category: str, area_code: str, day: dt.date, units: Directory
) -> str:
    row = table.find(category, area_code, day)
    return row.unit_code if row is not None and row.unit_code in units else ""


def _over_past_cases(answers: Answers) -> Effect:
    effect = Effect()
    grouped: dict[tuple[str, str, str], EffectRow] = {}
    since = now() - dt.timedelta(days=DAYS)
    cases = (
        Case.objects.filter(opened_at__gte=since)
        .exclude(category="")
        .order_by("-opened_at")
        .values_list("number", "category", "area_code", "opened_at", "confidentiality")
    )
    for number, category, area_code, opened_at, confidentiality in cases.iterator():
        effect.cases += 1
        before, after = answers(category, area_code, local_day(opened_at))
        if before == after:
            continue
        effect.changed += 1
        effect.unowned += not after
        row = grouped.setdefault((category, before, after), EffectRow(category, before, after))
        row.cases += 1
        if len(row.numbers) < MOST_NUMBERS and confidentiality != Confidentiality.C2:
            row.numbers.append(number)
    effect.rows = sorted(grouped.values(), key=lambda row: (-row.cases, row.category, row.before))
    return effect
