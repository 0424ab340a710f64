"""Gaps and overlaps of the responsibility table: who answers where, for what, on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.journey import route
from maplebridge.journey.learn import CategoryFacts
from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level
from maplebridge.organisation.models import Area, Unit


class What(models.TextChoices):
    """What may be wrong with a place in the table."""

    GAP = "gap", _l("Nobody")
    OVERLAP = "overlap", _l("More than one")
    DOUBTFUL = "doubtful", _l("Doubtful")


@dataclass
class Finding:
    """One thing wrong in a county, with the townships where it is so.

    units: those named by the rows that are equally specific, the one taken first; none for a gap.
    rows: their numbers in the edition. why: a sentence.
    """

    what: What
    category: str
    county: str
    units: tuple[str, ...]
    rows: tuple[int, ...]
    why: str
    townships: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {**vars(self), "what": str(self.what)}


@dataclass(frozen=True)
class Coverage:
    """What was looked at, and everything found: gaps first, then overlaps, then doubts."""

    day: dt.date
    townships: int
    categories: int
    findings: list[Finding]

    @property
    def counts(self) -> dict[str, int]:
        """Places in the table (a township and a category) of each finding."""
        return {
            what.value: sum(len(f.townships) for f in self.findings if f.what == what)
            for what in What
        }


def coverage(
    area_code: str,
    day: dt.date,
    table: route.Table,
    categories: Mapping[str, CategoryFacts],
) -> Coverage:
    """Every township of an area (or the one that holds it) with every category, on a day.

    An empty area code means the city. Three statements, then only memory.
    """
    area_code = area_code or settings.CITY_CODE
    if areas.level(area_code) > Level.TOWNSHIP:
        area_code = areas.at_level(area_code, Level.TOWNSHIP)
    within = Area.objects.within(area_code).filter(code__regex=r"^\d{9}$")
    townships = list(within.order_by("code").values_list("code", flat=True))
    lines = dict(
        Unit.objects.filter(Q(begins__lte=day) & (Q(ends__isnull=True) | Q(ends__gte=day)))
        .exclude(line="")
        .values_list("code", "line")
    )
    units = _units_on(day, table)
    found: dict[tuple[What, str, str, tuple[int, ...]], Finding] = {}
    for township in townships:
        for category in categories.values():
            rows = table.equals(category.code, township, day)
            for what, why in _wrong(rows, category, units, lines):
                key = (what, category.code, township[:6], tuple(row.number for row in rows))
                finding = found.setdefault(
                    key,
                    Finding(
                        what,
                        category.code,
                        township[:6],
                        tuple(row.unit_code for row in rows),
                        key[3],
                        why,
                    ),
                )
                finding.townships.append(township)
    order = list(What)
    ordered = sorted(found.values(), key=lambda f: (order.index(f.what), f.county, f.category))
    return Coverage(day, len(townships), len(categories), ordered)


def _units_on(day: dt.date, table: route.Table) -> set[str]:
    """Of the units the table names, those that exist on a day."""
    there = Unit.objects.filter(
        Q(begins__lte=day) & (Q(ends__isnull=True) | Q(ends__gte=day)), code__in=table.units()
    )
    return set(there.values_list("code", flat=True))


def _wrong(
    rows: Sequence[route.Row],
    category: CategoryFacts,
    units: set[str],
    lines: Mapping[str, str],
) -> list[tuple[What, str]]:
    if not rows:
        return [(What.GAP, _("No row covers it; a person decides each time."))]
    said: list[tuple[What, str]] = []
    if len({row.unit_code for row in rows}) > 1:
        said.append((What.OVERLAP, _("Several rows hold at once; the newest is taken.")))
    unit = rows[0].unit_code
    if unit not in units:
        said.append((What.DOUBTFUL, _("The unit does not exist on that day.")))
    elif lines.get(unit, category.line) != category.line:
        said.append(
            (
                What.DOUBTFUL,
                _("The unit is of the line %(unit)s, the category of %(category)s.")
                % {"unit": lines[unit], "category": category.line},
            )
        )
    return said
