"""Whose matter it is: the responsibility table, and the room that answers for it meanwhile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from maplebridge.journey.decision import Decision
from maplebridge.journey.models import Responsibility
from maplebridge.lib.kept import Kept
from maplebridge.organisation.people import Tier
from maplebridge.organisation.units import Directory

VERSION = "responsibility"


@dataclass(frozen=True)
class Row:
    """One row of the responsibility table."""

    number: int
    category: str
    area_code: str
    unit_code: str
    begins: dt.date
    ends: dt.date | None
    clause: str = ""


class Table:
    """The responsibility table in memory; a lookup costs a few dictionary reads.

    The row for the smallest area wins; within an area the exact category before its group, the
    group before the row for all; among dated rows the newest in force.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}
        newest = 0
        for row in rows:
            self._rows.setdefault((row.area_code, row.category), []).append(row)
            newest = max(newest, row.number)
        for dated in self._rows.values():
            dated.sort(key=lambda row: row.begins, reverse=True)
        self.version = f"{VERSION}-{len(self._rows)}-{newest}"

    def find(self, category: str, area_code: str, day: dt.date) -> Row | None:
        """The row in force for a category at a place on a day, or None."""
        code = area_code
        while len(code) >= 4:
            for key in (category, category[:2], ""):
                for row in self._rows.get((code, key), ()):
                    if row.begins <= day and (row.ends is None or day <= row.ends):
                        return row
            code = code[:-3] if len(code) > 6 else code[:-2]
        return None


def find_owner(
    category: str, area_code: str, day: dt.date, table: Table, units: Directory
) -> Decision:
    """The unit that shall handle a matter; value None leaves it to the room's people.

    Without a category, without a row, or with a row for a unit that is gone, a person decides.
    """
    if not category:
        return Decision(
            None, 0.0, _("The kind of matter is not known yet; the room decides."), table.version
        )
    row = table.find(category, area_code, day)
    if row is None or row.unit_code not in units:
        return Decision(
            None,
            0.0,
            _("The responsibility table has no row for this kind of matter here."),
            table.version,
            {"category": category, "area": area_code},
        )
    unit = units.unit(row.unit_code)
    exact = row.category == category
    return Decision(
        unit.code,
        1.0 if exact else 0.8,
        _("Responsibility table, row %(row)d: %(unit)s handles this in its area.")
        % {"row": row.number, "unit": unit.name},
        table.version,
        {"row": row.number, "category": row.category, "area": row.area_code, "clause": row.clause},
    )


def desk_for(area_code: str, units: Directory) -> str:
    """The room that answers for a matter from now on: the place's township, county or city.

    Never nobody: a matter without a place is the city centre's.
    Source: domain guide, 2.2, row 9 (what a grid reports lands at the township).
    """
    return units.room_of(area_code, Tier.TOWN).code


def _read() -> Table:
    return Table(
        Row(*values)
        for values in Responsibility.objects.values_list(
            "pk", "category", "area_code", "unit_code", "begins", "ends", "clause"
        )
    )


kept: Kept[Table] = Kept(_read)


def table() -> Table:
    """The present table, at most half a minute old."""
    return kept.get()


def open_responsibility(
    county_codes: Iterable[str], lines: dict[str, str], units: Directory
) -> int:
    """A first responsibility table by rule: each category to its line's unit in each county.

    lines: category code to line. A line of the villages (VIL) goes to the township's room.
    The rows stand beside whatever a city has entered; rows that exist are left alone.
    Returns the number of rows by rule.
    """
    rows = []
    for county in county_codes:
        for category, line in lines.items():
            unit = units.of_line(line, county)
            if unit is not None and unit.area_code == county:
                rows.append(
                    Responsibility(
                        category=category,
                        area_code=county,
                        unit_code=unit.code,
                        clause=_("By rule from the category's line; not yet confirmed."),
                    )
                )
    Responsibility.objects.bulk_create(rows, ignore_conflicts=True)
    kept.forget()
    return len(rows)
