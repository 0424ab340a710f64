"""Tables that people hand in: encodings, columns, line numbers, and a list of all that is wrong."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

# A cell that begins so would be run as a formula by the program the error file is opened with.
_FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file.

    line: line of the file, from 1, or 0 for the file as a whole. code: the row's code as written.
    wrong, mend: what is wrong and how to mend it, sentences in the user's language.
    """

    line: int
    code: str
    wrong: str
    mend: str


@dataclass(frozen=True)
class Row:
    """One data row of a table. line: where it begins, from 1. cells: column to text, stripped."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """What was read of a file: its rows, and its problems, of which any refuses the file.

    lines: how many data rows the file holds, those that could not be read included.
    """

    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)
    lines: int = 0


def read_text(file: Path) -> str | Problem:
    """The text of a file in UTF-8, with or without a byte order mark, or in GB18030.

    Raises OSError when the file cannot be read.
    """
    raw = file.read_bytes()
    if raw.startswith(_UTF16) or b"\0" in raw:
        return _unreadable()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return _unreadable()


def read_table(file: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """The rows of a CSV file whose first line names its columns.

    needed: columns that must be there; columns in neither list are ignored. Empty lines are
    skipped. Every row with a wrong number of cells is a problem.
    Raises OSError when the file cannot be read.
    """
    text = read_text(file)
    if isinstance(text, Problem):
        return Table([], [text])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    columns: list[str] | None = None
    line, lines = 1, -1
    try:
        for cells in reader:
            here, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            lines += 1
            if columns is None:
                columns = [cell.strip().lower() for cell in cells]
                problems += _column_problems(here, columns, needed)
                if problems:
                    break
            elif len(cells) != len(columns):
                problems.append(
                    Problem(
                        here,
                        cells[0].strip(),
                        _("This line has %(found)d cells; the first line has %(wanted)d.")
                        % {"found": len(cells), "wanted": len(columns)},
                        _("Put text that holds a comma between double quotes."),
                    )
                )
            else:
                named = {
                    column: cell.strip()
                    for column, cell in zip(columns, cells, strict=True)
                    if column in needed or column in optional
                }
                rows.append(Row(here, named))
    except csv.Error as problem:
        problems.append(
            Problem(
                line,
                "",
                _("The table cannot be read from here on: %(why)s") % {"why": problem},
                _("Look for a double quote that is opened and not closed."),
            )
        )
    if columns is None and not problems:
        problems.append(
            Problem(
                0,
                "",
                _("The file is empty."),
                _("The first line must name the columns: %(names)s.")
                % {"names": ", ".join(needed)},
            )
        )
    return Table(rows, problems, max(lines, 0))


def write_problems(problems: Iterable[Problem], file: Path) -> None:
    """Write problems as a CSV file that spreadsheets open in the right encoding.

    Raises OSError when the file cannot be written.
    """
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            [
                pgettext("column of the error file", "line"),
                pgettext("column of the error file", "code"),
                pgettext("column of the error file", "what is wrong"),
                pgettext("column of the error file", "how to mend it"),
            ]
        )
        for problem in problems:
            cells = (str(problem.line), problem.code, problem.wrong, problem.mend)
            writer.writerow([harmless(cell) for cell in cells])


def _column_problems(line: int, columns: Sequence[str], needed: Sequence[str]) -> list[Problem]:
    found = [
        Problem(
            line,
            "",
            _("The column “%(name)s” is missing.") % {"name": name},
            _("The first line must name the columns: %(names)s.") % {"names": ", ".join(needed)},
        )
        for name in needed
        if name not in columns
    ]
    found += [
        Problem(
            line,
            "",
            _("The column “%(name)s” is there twice.") % {"name": name},
            _("Keep one of them."),
        )
        for name in needed
        if columns.count(name) > 1
    ]
    return found


def harmless(cell: str) -> str:
    """A cell that no program runs as a formula: one that would be is marked as text."""
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell


def _unreadable() -> Problem:
    return Problem(
        0,
        "",
        _("This is no text file in UTF-8 or GB18030."),
        _("Save the table as CSV in UTF-8 and hand it in again."),
    )
