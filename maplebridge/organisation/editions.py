"""Editions of a configuration table: dated, numbered, never changed, comparable, from files.

One mechanism for whatever a city sets without a programmer. A room declares its `Table` once; the
edition in force is what the room reads. docs/decisions/editions.md says why.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Func, IntegerField
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from maplebridge.lib.clock import local_day, now
from maplebridge.lib.kept import Kept
from maplebridge.lib.tables import Problem, Row, read_table
from maplebridge.organisation import acts
from maplebridge.organisation.models import Deed, Edition
from maplebridge.organisation.people import Actor, Role, Tier

Value = TypeVar("Value")
Cells = dict[str, str]
Said = tuple[str, str]
ALWAYS: Final = dt.date(2000, 1, 1)
LONGEST_CELL: Final = 400
LONGEST_NOTE: Final = 400
# A cell that begins so would be run as a formula by the program the export is opened with.
FORMULA_SIGNS: Final = ("=", "+", "-", "@")


class EditionRefused(Exception):
    """An edition that was not published; its text is a sentence for whoever tried."""


def _nothing(_rows: Sequence[Row]) -> Iterable[Problem]:
    return ()


@dataclass(frozen=True)
class Table(Generic[Value]):
    """What a room declares of one of its tables.

    columns: every one, in the order of the export. key: the columns that name a row.
    optional: columns a file may leave out, with what then stands there.
    check: (wrong, mend) for each thing wrong with a row; whole: problems of all rows together.
    build: what the room reads, from the edition's number and its rows.
    """

    name: str
    label: str | Promise
    columns: tuple[str, ...]
    key: tuple[str, ...]
    check: Callable[[Cells], Iterable[Said]]
    build: Callable[[int, Sequence[Cells]], Value]
    optional: Mapping[str, str] = field(default_factory=dict)
    whole: Callable[[Sequence[Row]], Iterable[Problem]] = _nothing

    def number(self, on: dt.date | None = None) -> int:
        """The number of the edition in force on a day, today when left out; 0 without one."""
        found = in_force(self.name, on)
        return found.number if found else 0

    def value(self, number: int | None = None) -> Value:
        """What the room reads: of the edition in force today, or of that number.

        Without any edition, or for a number that is not there, it is built of no rows.
        """
        shelf = kept.get()
        if number is None:
            found = shelf.present.get(self.name)
        else:
            headings = shelf.headings.get(self.name, ())
            found = next((h for h in headings if h.number == number), None)
        mark = (self.name, found.number, found.sha256) if found else (self.name, 0, "")
        if mark not in _built:
            _built[mark] = self.build(mark[1], rows_of(self, mark[1]) if found else [])
        made: Value = _built[mark]
        return made


@dataclass(frozen=True)
class Heading:
    """An edition without its rows."""

    number: int
    begins: dt.date
    sha256: str


@dataclass(frozen=True)
class Shelf:
    """Every edition's heading by table, and by table the one in force when this was read."""

    headings: Mapping[str, tuple[Heading, ...]]
    present: Mapping[str, Heading]


@dataclass(frozen=True)
class Listed:
    """An edition as lists show it; rows: how many."""

    number: int
    begins: dt.date
    sha256: str
    note: str
    account_id: UUID | None
    role: str
    unit_code: str
    at: dt.datetime
    rows: int


@dataclass(frozen=True)
class Read:
    """What was read of a file: its rows in the table's order, its problems, its data rows."""

    rows: list[Cells]
    problems: list[Problem]
    lines: int


@dataclass(frozen=True)
class Differences:
    """How one set of rows becomes another; changed rows as (before, after)."""

    added: list[Cells]
    removed: list[Cells]
    changed: list[tuple[Cells, Cells]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each."""
        return {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed),
        }


def _read_headings() -> dict[str, tuple[Heading, ...]]:
    found: dict[str, list[Heading]] = {}
    rows = Edition.objects.order_by("name", "begins", "number")
    for name, number, begins, sha256 in rows.values_list("name", "number", "begins", "sha256"):
        found.setdefault(name, []).append(Heading(number, begins, sha256))
    return {name: tuple(headings) for name, headings in found.items()}


def _read_shelf() -> Shelf:
    headings = _read_headings()
    today = local_day(now())
    present = {name: _holding(known, today) for name, known in headings.items()}
    return Shelf(headings, {name: found for name, found in present.items() if found})


# An edition never changes, so what was built of one is kept for good; which editions there are is
# asked again after half a minute.
_built: dict[tuple[str, int, str], Any] = {}
kept: Kept[Shelf] = Kept(_read_shelf)


def in_force(name: str, on: dt.date | None = None) -> Heading | None:
    """The heading of a table's edition that holds on a day (today), at most half a minute old.

    It is the one that began last; of two that began on one day the later number.
    """
    shelf = kept.get()
    if on is None:
        return shelf.present.get(name)
    return _holding(shelf.headings.get(name, ()), on)


def _holding(headings: Sequence[Heading], day: dt.date) -> Heading | None:
    return next((h for h in reversed(headings) if h.begins <= day), None)


def listed(name: str) -> list[Listed]:
    """Every edition of a table, the oldest first; one statement that reads none of their rows."""
    counted = Func(F("rows"), function="jsonb_array_length", output_field=IntegerField())
    found = Edition.objects.filter(name=name).order_by("number")
    return [
        Listed(*values)
        for values in found.values_list(
            "number", "begins", "sha256", "note", "account_id", "role", "unit_code", "at", counted
        )
    ]


def rows_of(table: Table[Any], number: int) -> list[Cells]:
    """The rows of an edition; columns that came later hold what a file may leave out.

    An edition that does not exist has no rows.
    """
    found = Edition.objects.filter(name=table.name, number=number).first()
    return _cells(table, found.columns, found.rows) if found else []


def _cells(table: Table[Any], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Cells]:
    named = (dict(zip(columns, row, strict=True)) for row in rows)
    return [
        {name: cells.get(name, table.optional.get(name, "")) for name in table.columns}
        for cells in named
    ]


def canonical(table: Table[Any], rows: Iterable[Cells]) -> list[list[str]]:
    """The rows as an edition keeps them: cells in the columns' order, sorted by the key."""
    ordered = sorted(rows, key=lambda cells: [cells[name] for name in table.key])
    return [[cells[name] for name in table.columns] for cells in ordered]


def digest(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """SHA-256 over columns and rows as JSON without spaces, in UTF-8."""
    text = json.dumps([list(columns), *rows], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def as_csv(table: Table[Any], rows: Iterable[Cells]) -> bytes:
    """The rows as a file: always the same bytes for the same rows, readable by spreadsheets."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(canonical(table, rows))
    return out.getvalue().encode("utf-8-sig")


def read_file(table: Table[Any], file: Path) -> Read:
    """The rows of a CSV file, or everything that is wrong with it, by line.

    Raises OSError when the file cannot be read.
    """
    needed = [name for name in table.columns if name not in table.optional]
    found = read_table(file, needed, tuple(table.optional))
    rows = [Row(row.line, {**table.optional, **row.cells}) for row in found.rows]
    problems = list(found.problems)
    lines: dict[tuple[str, ...], int] = {}
    for row in rows:
        key = tuple(row.cells[name] for name in table.key)
        shown = " ".join(filter(None, key))
        said = [*_unfit(row.cells), *table.check(row.cells)]
        if key in lines:
            said.append(
                (
                    _("The same row is already on line %(line)d.") % {"line": lines[key]},
                    _("Keep one of the two lines."),
                )
            )
        lines.setdefault(key, row.line)
        problems += [Problem(row.line, shown, wrong, mend) for wrong, mend in said]
    if not problems:
        problems += table.whole(rows)
    problems.sort(key=lambda problem: problem.line)
    ordered = canonical(table, (row.cells for row in rows))
    return Read(_cells(table, table.columns, ordered), problems, found.lines)


def read_bytes(table: Table[Any], raw: bytes) -> Read:
    """The same for a file that somebody sent."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(raw)
        file.flush()
        return read_file(table, Path(file.name))


def _unfit(cells: Cells) -> Iterable[Said]:
    for name, cell in cells.items():
        if len(cell) > LONGEST_CELL:
            yield (
                _("The cell “%(name)s” is longer than %(most)d signs.")
                % {"name": name, "most": LONGEST_CELL},
                _("Please shorten it."),
            )
        if cell.startswith(FORMULA_SIGNS) or not cell.isprintable():
            yield (
                _("The cell “%(name)s” holds signs that a spreadsheet would run.") % {"name": name},
                _("Begin it with a letter, a digit or a Chinese character, in one line."),
            )


def compare(table: Table[Any], before: Iterable[Cells], after: Iterable[Cells]) -> Differences:
    """How the rows before become the rows after, by the table's key and in its order."""

    def by_key(rows: Iterable[Cells]) -> dict[tuple[str, ...], Cells]:
        return {tuple(cells[name] for name in table.key): cells for cells in rows}

    old, new = by_key(before), by_key(after)
    return Differences(
        [new[key] for key in sorted(new.keys() - old.keys())],
        [old[key] for key in sorted(old.keys() - new.keys())],
        [(old[key], new[key]) for key in sorted(old.keys() & new.keys()) if old[key] != new[key]],
    )


def may_configure(actor: Actor) -> bool:
    """Whether somebody may publish editions: the city's administrators."""
    return actor.role == Role.ADMINISTRATOR and actor.tier == Tier.CITY


def publish(
    table: Table[Any],
    rows: Sequence[Cells],
    *,
    note: str,
    by: Actor,
    begins: dt.date | None = None,
    expected: int | None = None,
) -> Edition | None:
    """Adds an edition that holds from a day on, today when left out; rows as `read_file` gives.

    None when they equal the edition that holds on that day: nothing is added.
    expected: the newest number the publisher saw, 0 for none; None does not ask.
    Raises EditionRefused with a sentence: without a note, for a day before the present edition's
    first, when somebody else published meanwhile. Of two at once one is refused.
    """
    note = note.strip()
    if not note:
        raise EditionRefused(_("Please say in a note why this edition is published."))
    if len(note) > LONGEST_NOTE:
        raise EditionRefused(_("The note is longer than %(most)d signs.") % {"most": LONGEST_NOTE})
    today = local_day(now())
    begins = begins or today
    ordered = canonical(table, rows)
    mark = digest(table.columns, ordered)
    try:
        with transaction.atomic():
            headings = _read_headings().get(table.name, ())
            newest = max((h.number for h in headings), default=0)
            if expected is not None and expected != newest:
                raise _meanwhile()
            present = _holding(headings, today)
            if present and begins < present.begins:
                raise EditionRefused(
                    _("Edition %(n)d holds since %(day)s; another cannot begin before it.")
                    % {"n": present.number, "day": present.begins.isoformat()}
                )
            then = _holding(headings, max(begins, today))
            if then.sha256 == mark if then else not ordered:
                return None
            made = Edition.objects.create(
                name=table.name,
                number=newest + 1,
                begins=begins,
                columns=list(table.columns),
                rows=ordered,
                sha256=mark,
                note=note,
                account_id=by.account_id,
                role=by.role,
                unit_code=by.unit_code,
                at=now(),
            )
            facts = {"rows": len(ordered), "sha256": mark}
            acts.note(by, Deed.PUBLISHED, f"table:{table.name}:{made.number}", facts)
    except IntegrityError:
        raise _meanwhile() from None
    finally:
        kept.forget()
    return made


def _meanwhile() -> EditionRefused:
    return EditionRefused(
        _("Somebody published another edition meanwhile; look at the differences again.")
    )


# -- what several tables check alike --------------------------------------------------------


def is_day(text: str) -> bool:
    """Whether a cell is a day like 2026-01-31."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def wrong_day(column: str) -> Said:
    """What is said of a cell that should be a day."""
    return (
        _("The cell “%(name)s” is no day.") % {"name": column},
        _("A date looks like 2026-01-31."),
    )


def wrong_choice(column: str, text: str, choices: Iterable[str]) -> Said:
    """What is said of a cell that should be one of a few words."""
    return (
        _("“%(said)s” is not known in the column “%(name)s”.") % {"said": text, "name": column},
        _("Write one of: %(names)s.") % {"names": ", ".join(sorted(choices))},
    )
