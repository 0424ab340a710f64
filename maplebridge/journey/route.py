"""Whose matter it is: the responsibility table, and the room that answers for it meanwhile."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.journey.decision import Decision
from maplebridge.journey.models import Category
from maplebridge.lib.tables import Problem
from maplebridge.lib.tables import Row as FileRow
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, Said
from maplebridge.organisation.models import Area, Unit
from maplebridge.organisation.people import SYSTEM, Tier
from maplebridge.organisation.units import Directory

VERSION = "responsibilities"
CATEGORY = re.compile(r"(\d{2}(\d{2})?)?")
AREA = re.compile(r"\d{4}(\d{2}(\d{3}(\d{3}(\d{3})?)?)?)?")
MOST_CLAUSE = 200
# Below this an answer is only a proposal and a person decides.
AGREED_CONFIDENCE = 0.7


@dataclass(frozen=True)
class Row:
    """One row of the responsibility table; number: its place in the edition, from 1."""

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
    group before the row for all; among dated rows the newest in force. edition: whose rows these
    are; 0 for a table that is only tried.
    """

    def __init__(self, rows: Iterable[Row], edition: int = 0) -> None:
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            self._rows.setdefault((row.area_code, row.category), []).append(row)
        for dated in self._rows.values():
            dated.sort(key=lambda row: row.begins, reverse=True)
        self.version = f"{VERSION}-{edition}"

    def find(self, category: str, area_code: str, day: dt.date) -> Row | None:
        """The row in force for a category at a place on a day, or None."""
        rows = self.equals(category, area_code, day)
        return rows[0] if rows else None

    def units(self) -> set[str]:
        """The codes of all units that any row names."""
        return {row.unit_code for rows in self._rows.values() for row in rows}

    def equals(self, category: str, area_code: str, day: dt.date) -> list[Row]:
        """All rows in force that are as specific as the one found, which is the first."""
        code = area_code
        while len(code) >= 4:
            for key in (category, category[:2], ""):
                found = [
                    row
                    for row in self._rows.get((code, key), ())
                    if row.begins <= day and (row.ends is None or day <= row.ends)
                ]
                if found:
                    return found
            code = code[:-3] if len(code) > 6 else code[:-2]
        return []


def find_owner(
    category: str, area_code: str, day: dt.date, table: Table, units: Directory, about: str = ""
) -> Decision:
    """The unit that shall handle a matter; value None leaves it to the room's people.

    about: the unit it complains about. Without a category, without a row, with a row for a unit
    that is gone, or for that unit or one under it, a person decides.
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
    if units.is_kept_out(unit.code, about):
        return Decision(
            None,
            0.0,
            _("The responsible unit may be the one complained about; the room decides."),
            table.version,
            {"row": row.number},
        )
    exact = row.category == category
    return Decision(
        unit.code,
        1.0 if exact else 0.8,
        _("Responsibility table, row %(row)d: %(unit)s handles this in its area.")
        % {"row": row.number, "unit": unit.name},
        table.version,
        {"row": row.number, "category": row.category, "area": row.area_code, "clause": row.clause},
    )


def is_decided(decision: Decision) -> bool:
    """Whether the responsibility table names the owner; less sure, it is a proposal."""
    return decision.value is not None and decision.confidence >= AGREED_CONFIDENCE


def desk_for(area_code: str, units: Directory, about: str = "") -> str:
    """The room that answers for a matter from now on: the place's township, county or city.

    about: the unit it complains about; then the room of the next tier above that unit.
    Never nobody: a matter without a place is the city centre's.
    Source: domain guide, 2.2, row 9 (what a grid reports lands at the township).
    """
    apart = units.room_apart(about)
    return apart.code if apart else units.room_of(area_code, Tier.TOWN).code


def _check(cells: Cells) -> Iterable[Said]:
    if not CATEGORY.fullmatch(cells["category"]):
        yield (
            _("“%(said)s” is no code of a category.") % {"said": cells["category"]},
            _("Write four digits, two for a whole group, or nothing for all."),
        )
    if not AREA.fullmatch(cells["area_code"]):
        yield (
            _("“%(said)s” is no code of an area.") % {"said": cells["area_code"]},
            _("An area code has 4, 6, 9, 12 or 15 digits."),
        )
    if not editions.is_day(cells["begins"]):
        yield editions.wrong_day("begins")
    if cells["ends"] and not editions.is_day(cells["ends"]):
        yield editions.wrong_day("ends")
    elif cells["ends"] and cells["ends"] < cells["begins"]:
        yield (
            _("The row ends before it begins."),
            _("Mend one of the two days, or leave the end empty."),
        )
    if len(cells["clause"]) > MOST_CLAUSE:
        yield (
            _("The cell “%(name)s” is longer than %(most)d signs.")
            % {"name": "clause", "most": MOST_CLAUSE},
            _("Please shorten it."),
        )


def _whole(rows: Sequence[FileRow]) -> Iterable[Problem]:
    """Categories, areas and units are those the city has; a unit may have ended."""
    codes = set(Category.objects.values_list("code", flat=True))
    known = {
        "category": {"", *codes, *(code[:2] for code in codes)},
        "area_code": set(
            Area.objects.filter(code__in={r.cells["area_code"] for r in rows}).values_list(
                "code", flat=True
            )
        ),
        "unit_code": set(
            Unit.objects.filter(code__in={r.cells["unit_code"] for r in rows}).values_list(
                "code", flat=True
            )
        ),
    }
    wrong = {
        "category": _("There is no category %(code)s."),
        "area_code": _("There is no area %(code)s."),
        "unit_code": _("There is no unit %(code)s."),
    }
    for row in rows:
        for name, there in known.items():
            if row.cells[name] not in there:
                yield Problem(
                    row.line,
                    row.cells["category"],
                    wrong[name] % {"code": row.cells[name]},
                    _("Mend the code, or load it first."),
                )


def table_of(rows: Sequence[Cells], edition: int = 0) -> Table:
    """The table of an edition's rows, or of rows that are only tried."""
    return Table(
        (
            Row(
                number,
                cells["category"],
                cells["area_code"],
                cells["unit_code"],
                dt.date.fromisoformat(cells["begins"]),
                dt.date.fromisoformat(cells["ends"]) if cells["ends"] else None,
                cells["clause"],
            )
            for number, cells in enumerate(rows, start=1)
        ),
        edition,
    )


RESPONSIBILITIES = editions.Table(
    name=VERSION,
    label=_l("Responsibility table"),
    columns=("category", "area_code", "unit_code", "begins", "ends", "clause"),
    key=("category", "area_code", "begins"),
    optional={"begins": editions.ALWAYS.isoformat(), "ends": "", "clause": ""},
    check=_check,
    whole=_whole,
    build=lambda number, rows: table_of(rows, number),
)


def table() -> Table:
    """The table in force, at most half a minute old."""
    return RESPONSIBILITIES.value()


def open_responsibility(
    county_codes: Iterable[str], lines: dict[str, str], units: Directory
) -> int:
    """A first responsibility table by rule: each category to its line's unit in each county.

    lines: category code to line. Where a city has a table, nothing is added.
    Returns the number of rows by rule.
    """
    rows = []
    for county in county_codes:
        for category, line in lines.items():
            unit = units.of_line(line, county)
            if unit is not None and unit.area_code == county:
                rows.append(
                    {
                        "category": category,
                        "area_code": county,
                        "unit_code": unit.code,
                        "begins": editions.ALWAYS.isoformat(),
                        "ends": "",
                        "clause": _("By rule from the category's line; not yet confirmed."),
                    }
                )
    if not RESPONSIBILITIES.number():
        editions.publish(
            RESPONSIBILITIES,
            rows,
            begins=editions.ALWAYS,
            note=_("Made by rule from the lines of the categories."),
            by=SYSTEM,
        )
    return len(rows)
