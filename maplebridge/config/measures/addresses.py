"""How well a written address finds its area, on addresses made up over the city's real names."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from maplebridge.config.measures.judged import SEED, Figures, FileRefused, interval, share
from maplebridge.journey.gazetteer import Gazetteer, PlaceRow
from maplebridge.journey.locate import AGREED, locate
from maplebridge.lib.tables import Problem, read_table
from maplebridge.organisation import divisions

TRUTH = Path(__file__).parent / "truth" / "addresses.csv"
COLUMNS = ("text", "context", "expected", "direction", "metres")
LONGEST_ADDRESS = 100_000


@dataclass(frozen=True)
class Address:
    """A written address, where it was taken in, and what a person finds by it.

    context, expected: area codes, or empty. direction, metres: from a landmark, or empty and 0.
    """

    text: str
    context: str
    expected: str
    direction: str
    metres: float


def measure(test: Path | None) -> Figures:
    """Judges names, nesting, context and offsets by truth/addresses.csv (part test) or a file.

    n; precision: of those answered as agreed, how many are right; recall: of those with a place in
    the city, how many are answered rightly; offsets: of those with one, how many are read to the
    metre; refused: of those that name no place of ours, how many are left alone.
    Raises FileRefused and OSError.
    """
    addresses = read_addresses(test) if test else _truth()
    known = Gazetteer.from_rows(_divisions())
    answered, placed, left_alone, offsets = [], [], [], []
    for one in addresses:
        decision = locate(text=one.text, context_area=one.context or None, places=known)
        agreed = decision.value is not None and decision.confidence >= AGREED
        found = decision.value if agreed else ""
        hit = found == one.expected and bool(one.expected)
        if agreed:
            answered.append(hit)
        if one.expected:
            placed.append(hit)
        else:
            left_alone.append(not agreed)
        if one.direction:
            read = decision.evidence.get("offset", {})
            said = (read.get("direction"), read.get("metres"))
            offsets.append(said == (one.direction, one.metres))
    figures: Figures = {
        "n": len(addresses),
        "precision": share(np.array(answered)) if answered else float("nan"),
        "recall": share(np.array(placed)) if placed else float("nan"),
        "answered": len(answered),
        "seed": SEED,
    }
    if offsets:
        figures |= {"offsets": share(np.array(offsets)), "n_offsets": len(offsets)}
    if left_alone:
        figures |= {"refused": share(np.array(left_alone)), "n_strange": len(left_alone)}
    ranges = {}
    if answered:
        ranges["precision"] = interval(np.array(answered))
    if placed:
        ranges["recall"] = interval(np.array(placed))
    return {**figures, "interval": ranges}


def read_addresses(file: Path) -> list[Address]:
    """The addresses of a file of COLUMNS. Raises FileRefused and OSError."""
    table = read_table(file, COLUMNS)
    problems = list(table.problems)
    for row in table.rows:
        if not row.cells["text"] or len(row.cells["text"]) > LONGEST_ADDRESS:
            problems.append(
                Problem(
                    row.line,
                    "",
                    _("The cell “%(name)s” is empty or longer than %(most)d signs.")
                    % {"name": "text", "most": LONGEST_ADDRESS},
                    _("Please shorten it, fill it in, or leave the line out."),
                )
            )
        if row.cells["metres"] and not row.cells["metres"].isdecimal():
            problems.append(
                Problem(
                    row.line,
                    row.cells["metres"][:20],
                    _("The cell “%(name)s” is no whole number.") % {"name": "metres"},
                    _("Write digits only, or leave it empty."),
                )
            )
    if not problems and not table.rows:
        problems.append(
            Problem(0, "", _("The file holds no line below its first."), _("Give at least one."))
        )
    if problems:
        raise FileRefused(problems)
    return [_address(row.cells) for row in table.rows]


def _truth() -> list[Address]:
    with TRUTH.open(encoding="utf-8", newline="") as handle:
        return [_address(row) for row in csv.DictReader(handle) if row["part"] == "test"]


def _address(cells: dict[str, str]) -> Address:
    return Address(
        cells["text"],
        cells["context"],
        cells["expected"],
        cells["direction"],
        float(cells["metres"] or 0),
    )


def _divisions() -> Iterable[PlaceRow]:
    rows = divisions.read_divisions(divisions.SEED_FILE)
    if isinstance(rows, divisions.DivisionErrors):
        raise FileRefused(rows)
    return (PlaceRow(row.code, row.name) for row in rows)
