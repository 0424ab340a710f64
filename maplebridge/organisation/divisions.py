"""Administrative divisions from a public file into the area tree, all or nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.lib.tables import Problem, Row, read_table
from maplebridge.organisation import areas
from maplebridge.organisation.areas import PROVINCE_ZEROS, Level
from maplebridge.organisation.models import Area

COLUMNS: Final = ("code", "name", "level", "parent_code")
SEED_FILE: Final = Path(__file__).parent / "seed" / "quzhou_divisions.csv"
SEED_SOURCE: Final = "National Bureau of Statistics, division codes as of 2023-06-30"
PROVINCE: Final = "province"
LEVEL_NAMES: Final = tuple(level.name.lower() for level in Level if level is not Level.GRID)
LONGEST_NAME: Final = 120
BATCH: Final = 5000


class DivisionRow(NamedTuple):
    """One division: our code of 4, 6, 9 or 12 digits, and its name as published."""

    code: str
    name: str


class DivisionErrors(list[Problem]):
    """All problems of a file that was refused, by line."""


@dataclass(frozen=True)
class Loaded:
    """What became of a file.

    rows: data rows read. loaded: rows now in the area tree; 0 when refused or only tried.
    changed: how many rows are new or different, also when only tried. refused: rows with a problem.
    notes: what was left out and why, in the user's language.
    """

    rows: int
    loaded: int
    changed: int
    refused: int
    seconds: float
    dry_run: bool = False
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def figures(self) -> dict[str, Any]:
        """The figures that the command prints."""
        return {
            "rows": self.rows,
            "loaded": self.loaded,
            "changed": self.changed,
            "refused": self.refused,
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rate, 1),
        }


def read_divisions(file: Path, known: Collection[str] = ()) -> list[DivisionRow] | DivisionErrors:
    """The divisions of a CSV file with the columns code, name, level, parent_code.

    Codes in the file are national, 12 digits. Encodings: UTF-8 with or without a byte order
    mark, GB18030. A province on top is left out. known: codes (our form) that already stand in
    the tree, so that a county's file may follow its city's.
    Returns the rows parents first, or every problem of the file.
    Raises OSError when the file cannot be read.
    """
    return _read(file, known)[0]


def load_divisions(file: Path, dry_run: bool = False, source: str = "") -> Loaded:
    """Load a file of divisions into the area tree: every row or none; twice changes nothing.

    Outlines that are already there stay. source: where the codes come from; the file's name
    when empty.
    Raises OSError when the file cannot be read.
    """
    began = time.perf_counter()
    with transaction.atomic():
        known = frozenset(Area.objects.filter(code__lt=":").values_list("code", flat=True))
        divisions, rows, provinces = _read(file, known)
        if isinstance(divisions, DivisionErrors):
            lines = {problem.line for problem in divisions}
            return Loaded(
                rows,
                0,
                0,
                min(rows, len(lines)) if rows else 0,
                time.perf_counter() - began,
                dry_run,
                problems=divisions,
            )
        changed = _store(divisions, source or file.name, dry_run)
    notes = [_("%(name)s is a province and was left out.") % {"name": name} for name in provinces]
    loaded = 0 if dry_run else rows - len(provinces)
    return Loaded(rows, loaded, changed, 0, time.perf_counter() - began, dry_run, notes=notes)


def load_seed_divisions() -> Loaded:
    """Load the 1,771 divisions of Quzhou that ship with the product."""
    return load_divisions(SEED_FILE, source=SEED_SOURCE)


def _store(divisions: Sequence[DivisionRow], source: str, dry_run: bool) -> int:
    there = dict(
        Area.objects.filter(code__in=[d.code for d in divisions]).values_list("code", "name")
    )
    different = [d for d in divisions if there.get(d.code) != d.name]
    if different and not dry_run:
        Area.objects.bulk_create(
            [Area(code=d.code, name=d.name, source=source) for d in different],
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["code"],
            update_fields=["name", "source"],
        )
    return len(different)


def _read(
    file: Path, known: Collection[str]
) -> tuple[list[DivisionRow] | DivisionErrors, int, list[str]]:
    table = read_table(file, COLUMNS)
    provinces = {row.cells["code"]: row.cells["name"] for row in table.rows if _is_province(row)}
    rows = [row for row in table.rows if not _is_province(row)]
    problems = list(table.problems)
    first_lines: dict[str, int] = {}
    for row in rows:
        first_lines.setdefault(row.cells["code"], row.line)
    for row in rows:
        problems += _row_problems(row, first_lines, provinces, known)
    if not problems and not rows:
        problems.append(
            Problem(0, "", _("The file names no divisions."), _("Add a line for each division."))
        )
    if problems:
        problems.sort(key=lambda problem: problem.line)
        return DivisionErrors(problems), table.lines, []
    divisions = [DivisionRow(areas.short(r.cells["code"]), r.cells["name"]) for r in rows]
    divisions.sort(key=lambda division: (len(division.code), division.code))
    return divisions, table.lines, list(provinces.values())


def _is_province(row: Row) -> bool:
    code = row.cells["code"]
    return (
        row.cells["level"] == PROVINCE
        and ((len(code) == 12 and code.endswith(PROVINCE_ZEROS)) or len(code) == 2)
        and code.isascii()
        and code.isdigit()
    )


def _row_problems(
    row: Row,
    first_lines: dict[str, int],
    provinces: Collection[str],
    known: Collection[str],
) -> list[Problem]:
    code, name = row.cells["code"], row.cells["name"]
    found: list[Problem] = []

    def add(wrong: str, mend: str) -> None:
        found.append(Problem(row.line, code, wrong, mend))

    if not name:
        add(_("The name is empty."), _("Write the name as it is published."))
    elif len(name) > LONGEST_NAME:
        add(
            _("The name is longer than %(most)d signs.") % {"most": LONGEST_NAME},
            _("Write the name as it is published."),
        )
    try:
        own = areas.short(code)
    except ValueError:
        add(
            _("The code “%(code)s” is not one of 12 digits below a province.") % {"code": code},
            _("Write the national statistical code with all 12 digits; format the column as text."),
        )
        return found
    if first_lines[code] != row.line:
        add(
            _("The code is already on line %(line)d.") % {"line": first_lines[code]},
            _("Keep one of the two lines."),
        )
    level = areas.level(own).name.lower()
    if row.cells["level"] != level:
        add(
            _("The level is “%(written)s”, but the code is that of a %(level)s.")
            % {"written": row.cells["level"], "level": level},
            _("Write one of %(names)s, as the code says.") % {"names": ", ".join(LEVEL_NAMES)},
        )
    found += _parent_problems(row, own, first_lines, provinces, known)
    return found


def _parent_problems(
    row: Row,
    own: str,
    first_lines: dict[str, int],
    provinces: Collection[str],
    known: Collection[str],
) -> list[Problem]:
    code, written = row.cells["code"], row.cells["parent_code"]
    above = areas.parent(own)
    if above is None:
        allowed = {"", own[:2], own[:2] + PROVINCE_ZEROS, *provinces}
        if written in allowed:
            return []
        return [
            Problem(
                row.line,
                code,
                _("A city has no parent here, but “%(code)s” is written.") % {"code": written},
                _("Leave the parent empty, or write the province's code."),
            )
        ]
    expected = areas.national(above)
    if written != expected:
        return [
            Problem(
                row.line,
                code,
                _("The parent is “%(written)s”, but the code lies below %(expected)s.")
                % {"written": written, "expected": expected},
                _("Write %(expected)s as the parent, or mend the code.") % {"expected": expected},
            )
        ]
    if expected not in first_lines and above not in known:
        return [
            Problem(
                row.line,
                code,
                _("The parent %(expected)s is neither in this file nor loaded.")
                % {"expected": expected},
                _("Add the parent's line, or load its file first."),
            )
        ]
    return []


def count_by_level(divisions: Sequence[DivisionRow]) -> dict[Level, int]:
    """How many divisions there are of each level."""
    return dict(Counter(areas.level(division.code) for division in divisions))
