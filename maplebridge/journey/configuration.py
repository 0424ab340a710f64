"""Every configuration table of the city, and how an edition of one is tried and published."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.utils.translation import gettext as _

from maplebridge.cases import wall
from maplebridge.cases.deadlines import DURATIONS
from maplebridge.journey import learn, rehearsal
from maplebridge.journey.learn import CATEGORIES
from maplebridge.journey.notice import TEXTS
from maplebridge.journey.rehearsal import Effect
from maplebridge.journey.retention import TERMS
from maplebridge.journey.route import RESPONSIBILITIES
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.tables import Problem
from maplebridge.organisation import editions
from maplebridge.organisation.calendar import EXCEPTIONS
from maplebridge.organisation.editions import Cells, Differences, Table
from maplebridge.organisation.models import Edition
from maplebridge.organisation.people import SYSTEM, Actor

# In the order in which they rest on one another: an import publishes the first ones first.
TABLES: Final[Mapping[str, Table[Any]]] = {
    table.name: table
    for table in (CATEGORIES, DURATIONS, EXCEPTIONS, RESPONSIBILITIES, TEXTS, TERMS)
}


@dataclass(frozen=True)
class Trial:
    """What publishing a set of rows would do.

    newest: the newest edition there is, 0 for none. differences: to the edition that holds on the
    day they would begin. effect: over past cases, for tables that sort or route them.
    """

    table: Table[Any]
    rows: list[Cells]
    begins: dt.date
    newest: int
    differences: Differences
    effect: Effect | None


def try_out(table: Table[Any], rows: Sequence[Cells], begins: dt.date | None = None) -> Trial:
    """What would change if these rows, as `editions.read_file` gives them, were published."""
    today = local_day(now())
    begins = begins or today
    number = table.number(max(begins, today))
    present = editions.rows_of(table, number) if number else []
    differences = editions.compare(table, present, rows)
    effect = None
    # It counts cases of the whole city and gives the counts alone.
    with wall.standing(SYSTEM):
        if differences and table is RESPONSIBILITIES:
            effect = rehearsal.of_responsibilities(rows, begins)
        elif differences and table is CATEGORIES:
            effect = rehearsal.of_categories(present, rows)
    return Trial(table, list(rows), begins, newest_number(table), differences, effect)


def newest_number(table: Table[Any]) -> int:
    """The highest number published of a table, also of one that begins later; 0 for none."""
    known = Edition.objects.filter(name=table.name).order_by("-number")
    return known.values_list("number", flat=True).first() or 0


def publish(
    table: Table[Any],
    rows: Sequence[Cells],
    *,
    note: str,
    by: Actor,
    begins: dt.date | None = None,
    expected: int | None = None,
) -> Edition | None:
    """Publishes an edition, as `editions.publish`, and what pages join with follows it."""
    made = editions.publish(table, rows, note=note, by=by, begins=begins, expected=expected)
    if made is not None and table is CATEGORIES:
        learn.show_categories()
    return made


def tables_in(place: Path) -> tuple[dict[str, Path], list[Problem]]:
    """The files of a folder, or the one file, by the table their name says; and those it does not.

    Raises OSError when the folder cannot be read.
    """
    files = sorted(place.glob("*.csv")) if place.is_dir() else [place]
    found = {file.stem: file for file in files if file.stem in TABLES}
    problems = [
        Problem(
            0,
            file.name,
            _("No configuration table is named “%(name)s”.") % {"name": file.stem},
            _("Name the file after one of: %(names)s.") % {"names": ", ".join(TABLES)},
        )
        for file in files
        if file.stem not in TABLES
    ]
    if not files:
        problems.append(
            Problem(0, place.name, _("The folder holds no CSV file."), _("Export one first."))
        )
    return {name: found[name] for name in TABLES if name in found}, problems
