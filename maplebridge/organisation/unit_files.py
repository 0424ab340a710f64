"""The operator's own units from a file into the directory, all or nothing."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.lib.clock import local_day, now
from maplebridge.lib.tables import Problem, Row, read_table
from maplebridge.organisation import acts, units
from maplebridge.organisation.calendar import AROUND_THE_CLOCK, Hours
from maplebridge.organisation.models import Area, Deed, Unit, UnitKind
from maplebridge.organisation.people import SYSTEM, TIER_OF_LENGTH, Tier
from maplebridge.organisation.units import ROOMS

NEEDED: Final = ("code", "name", "kind", "area_code")
OPTIONAL: Final = ("name_en", "line", "hours", "begins", "ends")
CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
LINE: Final = re.compile(r"([A-Z]{2,8})?")
ALWAYS: Final = dt.date(2000, 1, 1)
AROUND: Final = "24h"
LONGEST_NAME: Final = 120
# At which tier each kind of room stands; other kinds may stand anywhere.
TIERS: Final = {
    UnitKind.CITY_CENTER: Tier.CITY,
    UnitKind.COUNTY_CENTER: Tier.COUNTY,
    UnitKind.TOWN_ROOM: Tier.TOWN,
    UnitKind.VILLAGE_STATION: Tier.VILLAGE,
}


@dataclass
class LoadedUnits:
    """What became of a file.

    rows: data rows. loaded: units that now stand as the file says, 0 when refused or only tried.
    changed: how many are new or different, also when only tried.
    """

    rows: int
    dry_run: bool
    loaded: int = 0
    changed: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """As `maplebridge load units --json` prints it."""
        return {
            "rows": self.rows,
            "loaded": self.loaded,
            "changed": self.changed,
            "refused": len({problem.line for problem in self.problems}),
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rows / self.seconds, 1) if self.seconds else 0.0,
        }


def load_units(file: Path, dry_run: bool = False) -> LoadedUnits:
    """Adds or changes the units a CSV file names; units it does not name stay. Twice is once.

    Columns: code, name, kind, area_code, and any of OPTIONAL. hours: empty for the city's usual
    ones, "24h", or "08:30-12:00 14:00-17:30". A unit is never removed: it gets a day in `ends`.
    Raises OSError when the file cannot be read.
    """
    began = time.perf_counter()
    table = read_table(file, NEEDED, OPTIONAL)
    done = LoadedUnits(table.lines, dry_run, problems=list(table.problems))
    with transaction.atomic():
        there = {unit.code: unit for unit in Unit.objects.all()}
        known = set(
            Area.objects.filter(
                code__in={row.cells["area_code"] for row in table.rows}
            ).values_list("code", flat=True)
        )
        for row in table.rows:
            done.problems += _row_problems(row, known)
        done.problems += _twice(table.rows)
        if not done.problems:
            read = [unit_of(row.cells, there.get(row.cells["code"])) for row in table.rows]
            done.problems += room_problems(table.rows, read, there)
        if not done.problems and not table.rows:
            said = _("The file names no units."), _("Add a line for each unit.")
            done.problems.append(Problem(0, "", *said))
        if not done.problems:
            fresh = [unit for unit in read if _differs(unit, there.get(unit.code))]
            done.changed = len(fresh)
            if not dry_run:
                done.loaded = len(read)
                store(fresh)
                if fresh:
                    acts.note(SYSTEM, Deed.UNIT_SET, "units:file", {"changed": len(fresh)})
    done.problems.sort(key=lambda problem: problem.line)
    done.seconds = time.perf_counter() - began
    return done


COMPARED: Final = (
    "name", "name_en", "kind", "area_code", "line", "hours", "begins", "ends", "synthetic",
)  # fmt: skip


def _differs(unit: Unit, there: Unit | None) -> bool:
    return there is None or any(getattr(unit, name) != getattr(there, name) for name in COMPARED)


def store(fresh: Sequence[Unit]) -> None:
    """Writes units as they shall stand; the directory in memory follows."""
    Unit.objects.bulk_create(
        fresh,
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=list(COMPARED),
    )
    units.kept.forget()


def _row_problems(row: Row, known: set[str]) -> list[Problem]:
    return [
        Problem(row.line, row.cells["code"], wrong, mend)
        for _column, wrong, mend in wrong_cells(row.cells, known)
    ]


def wrong_cells(cells: dict[str, str], known: set[str]) -> Iterator[tuple[str, str, str]]:
    """What is wrong with one unit's cells, as (column, wrong, mend).

    known: the codes of areas that are there, of those the cells may name.
    """
    if not CODE.fullmatch(cells["code"]):
        yield (
            "code",
            _("“%(said)s” is no code of a unit.") % {"said": cells["code"]},
            _("Use 1 to 40 letters, digits, dots, dashes or underscores."),
        )
    if not 0 < len(cells["name"]) <= LONGEST_NAME:
        yield (
            "name",
            _("The cell “%(name)s” needs 1 to %(most)d signs.")
            % {"name": "name", "most": LONGEST_NAME},
            _("Write the name as people shall read it."),
        )
    if cells["area_code"] not in known:
        yield (
            "area_code",
            _("There is no area %(code)s.") % {"code": cells["area_code"]},
            _("Mend the code, or load it first."),
        )
    if cells["kind"] not in UnitKind.values:
        yield (
            "kind",
            _("“%(said)s” is not known in the column “%(name)s”.")
            % {"said": cells["kind"], "name": "kind"},
            _("Write one of: %(names)s.") % {"names": ", ".join(sorted(UnitKind.values))},
        )
    elif cells["area_code"] in known:
        wanted = TIERS.get(UnitKind(cells["kind"]))
        if wanted is not None and TIER_OF_LENGTH[len(cells["area_code"])] != wanted:
            yield (
                "kind",
                _("A unit of this kind belongs to the tier %(tier)s.") % {"tier": wanted.label},
                _("Mend the kind or the area's code."),
            )
    if not LINE.fullmatch(cells.get("line", "")):
        yield (
            "line",
            _("“%(said)s” is no code of a line.") % {"said": cells["line"]},
            _("Write its capital letters, like HSC."),
        )
    try:
        _hours(cells.get("hours", ""))
    except ValueError:
        yield (
            "hours",
            _("The opening hours “%(said)s” cannot be read.") % {"said": cells["hours"]},
            _("Write 08:30-12:00 14:00-17:30, or 24h, or nothing for the usual ones."),
        )
    try:
        begins, ends = _days(cells)
        if ends is not None and ends < begins:
            yield (
                "ends",
                _("The row ends before it begins."),
                _("Mend one of the two days, or leave the end empty."),
            )
    except ValueError:
        yield (
            "begins",
            _("The cell “%(name)s” is no day.") % {"name": "begins, ends"},
            _("A date looks like 2026-01-31."),
        )


def _twice(rows: Sequence[Row]) -> list[Problem]:
    first: dict[str, int] = {}
    return [
        Problem(
            row.line,
            row.cells["code"],
            _("The code is already on line %(line)d.") % {"line": first[row.cells["code"]]},
            _("Keep one of the two lines."),
        )
        for row in rows
        if first.setdefault(row.cells["code"], row.line) != row.line
    ]


def room_problems(
    rows: Sequence[Row], read: Sequence[Unit], there: dict[str, Unit]
) -> list[Problem]:
    """An area has one room at a time, and the city always has one: cases fall back to it."""
    after = {**there, **{unit.code: unit for unit in read}}
    today = local_day(now())
    rooms: dict[str, list[str]] = {}
    for unit in after.values():
        if unit.kind in ROOMS and unit.begins <= today and (unit.ends or today) >= today:
            rooms.setdefault(unit.area_code, []).append(unit.code)
    found = []
    for row, unit in zip(rows, read, strict=True):
        others = [code for code in rooms.get(unit.area_code, []) if code != unit.code]
        if unit.code in rooms.get(unit.area_code, []) and others:
            found.append(
                Problem(
                    row.line,
                    unit.code,
                    _("The area has another room already: %(code)s.") % {"code": others[0]},
                    _("Give that one a last day in the same file."),
                )
            )
        old = there.get(unit.code)
        was = old is not None and old.kind == UnitKind.CITY_CENTER
        if was and not rooms.get(old.area_code if old else ""):
            found.append(
                Problem(
                    row.line,
                    unit.code,
                    _("The city would have no linkage centre any more."),
                    _("Name the one that follows it in the same file."),
                )
            )
    return found


def unit_of(cells: dict[str, str], old: Unit | None) -> Unit:
    """The unit that sound cells say; what they leave out stays as the old one had it."""
    begins, ends = _days(cells)
    return Unit(
        code=cells["code"],
        name=cells["name"],
        name_en=cells.get("name_en", old.name_en if old else ""),
        kind=cells["kind"],
        area_code=cells["area_code"],
        line=cells.get("line", old.line if old else ""),
        hours=_hours(cells["hours"]) if "hours" in cells else (old.hours if old else {}),
        begins=begins if cells.get("begins") or old is None else old.begins,
        ends=ends if "ends" in cells or old is None else old.ends,
        synthetic=False,
    )


def _days(cells: dict[str, str]) -> tuple[dt.date, dt.date | None]:
    begins = dt.date.fromisoformat(cells["begins"]) if cells.get("begins") else ALWAYS
    ends = dt.date.fromisoformat(cells["ends"]) if cells.get("ends") else None
    return begins, ends


def _hours(text: str) -> dict[str, Any]:
    """The hours as a unit keeps them. Raises ValueError when they cannot be read."""
    if not text:
        return {}
    if text == AROUND:
        return AROUND_THE_CLOCK.to_json()
    intervals = []
    for part in text.split():
        begin, dash, end = part.partition("-")
        if not dash:
            raise ValueError(part)
        intervals.append((dt.time.fromisoformat(begin), dt.time.fromisoformat(end)))
    return Hours(tuple(intervals)).to_json()


def hours_in_words(hours: dict[str, Any]) -> str:
    """A unit's hours as the column says them; empty for the usual ones."""
    if hours.get("around_the_clock"):
        return AROUND
    return " ".join(f"{begin[:5]}-{end[:5]}" for begin, end in hours.get("intervals", []))
