"""How well the handling unit and lateness are foreseen, on matters that did not teach."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from maplebridge.config.measures.judged import (
    SEED,
    Figures,
    FileRefused,
    calibration_error,
    interval,
    share,
)
from maplebridge.journey import history
from maplebridge.journey.history import Handled, HandlerModel, LateModel, Matter
from maplebridge.lib.tables import Problem, read_table

TRAIN_SHARE = 0.7
RELEARN_DAYS = 7
TOP = 3
LONGEST_CELL = 200
HANDLED_COLUMNS = (
    "created_at", "channel", "nature", "type1", "type2", "type3", "street", "community",
    "dispose_unit", "outcome",
)  # fmt: skip
OUTCOMES: dict[str, bool | None] = {"on_time": False, "overdue": True, "unknown": None}


@dataclass(frozen=True)
class HandledFile:
    """The matters of a file, the oldest first. unowned: rows that name no unit, left out."""

    cases: list[Handled]
    unowned: int


def read_handled(file: Path) -> HandledFile:
    """Past matters with the unit that had each. Raises FileRefused and OSError."""
    table = read_table(file, HANDLED_COLUMNS)
    problems, cases, unowned = list(table.problems), [], 0
    for row in table.rows:
        cells = row.cells
        try:
            at = dt.datetime.fromisoformat(cells["created_at"])
        except ValueError:
            problems.append(
                Problem(
                    row.line,
                    cells["created_at"][:LONGEST_CELL],
                    _("The cell “%(name)s” is no time.") % {"name": "created_at"},
                    _("Write it as 2026-03-01 08:30:00."),
                )
            )
            continue
        if cells["outcome"] not in OUTCOMES:
            problems.append(
                Problem(
                    row.line,
                    cells["outcome"][:LONGEST_CELL],
                    _("The cell “%(name)s” holds no word that is known.") % {"name": "outcome"},
                    _("Write one of: %(names)s.") % {"names": ", ".join(OUTCOMES)},
                )
            )
        long = [name for name, text in cells.items() if len(text) > LONGEST_CELL]
        problems += [
            Problem(
                row.line,
                "",
                _("The cell “%(name)s” is longer than %(most)d signs.")
                % {"name": name, "most": LONGEST_CELL},
                _("Please shorten it."),
            )
            for name in long
        ]
        if not cells["dispose_unit"]:
            unowned += 1
        elif not long:
            matter = Matter(
                (cells["type1"], cells["type2"], cells["type3"]),
                (cells["street"], cells["community"]),
                (f"channel {cells['channel']}", f"nature {cells['nature']}"),
                at,
            )
            cases.append(Handled(matter, cells["dispose_unit"], OUTCOMES.get(cells["outcome"])))
    if not problems and not cases:
        problems.append(
            Problem(0, "", _("The file holds no row with a unit."), _("Give at least one."))
        )
    if problems:
        raise FileRefused(problems)
    return HandledFile(sorted(cases, key=lambda case: case.matter.at), unowned)


def route(learn: Sequence[Handled], judge: Sequence[Handled], weekly: bool = False) -> Figures:
    """How often the unit is among the proposals, and how well lateness is foreseen.

    learn, judge: cases apart, the oldest first. weekly: also with the model learned anew every
    week from what was handled by then, as in service; only where `judge` comes after `learn`.
    Figures: n; top1, top3, ece of the unit; auc, late_ece of lateness, absent where the outcomes
    are all alike; interval: 95 %, by resampling cases with `seed`; seconds of learning.
    Raises history.TooLittle.
    """
    names = history.joined(case.unit for case in (*learn, *judge))
    learn = [replace(case, unit=names[case.unit]) for case in learn]
    judge = [replace(case, unit=names[case.unit]) for case in judge]
    begun = time.perf_counter()
    model = HandlerModel.learned(learn)
    spent = time.perf_counter() - begun
    first, among, sure = _hits(model, judge)
    figures: Figures = {
        "n": len(judge),
        "top1": share(first),
        "top3": share(among),
        "ece": calibration_error(sure, first),
        "units": len(model.units),
        "train_s": round(spent, 2),
        "seed": SEED,
    }
    ranges = {"top1": interval(first), "top3": interval(among)}
    if weekly:
        first, among = _week_by_week(learn, judge)
        figures |= {"top1_weekly": share(first), "top3_weekly": share(among)}
        ranges |= {"top1_weekly": interval(first), "top3_weekly": interval(among)}
    known = [case for case in judge if case.late is not None]
    late = np.array([bool(case.late) for case in known])
    if 0 < late.sum() < len(late):
        shares = LateModel.learned(learn).shares(known)
        figures |= {
            "late_n": len(known),
            "late_share": share(late),
            "auc": round(float(roc_auc_score(late, shares)), 4),
            "late_ece": calibration_error(shares, late),
        }
    return {**figures, "interval": ranges}


def _hits(
    model: HandlerModel, judge: Sequence[Handled]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    shares = model.shares([case.matter for case in judge])
    order = np.argsort(-shares, axis=1, kind="stable")[:, :TOP]
    number = {unit: n for n, unit in enumerate(model.units)}
    true = np.array([number.get(case.unit, -1) for case in judge])
    return order[:, 0] == true, (order == true[:, None]).any(axis=1), shares.max(axis=1)


def _week_by_week(
    learn: Sequence[Handled], judge: Sequence[Handled]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    firsts, amongs, begin = [], [], 0
    while begin < len(judge):
        until = judge[begin].matter.at + dt.timedelta(days=RELEARN_DAYS)
        end = next((n for n in range(begin, len(judge)) if judge[n].matter.at >= until), len(judge))
        model = HandlerModel.learned([*learn, *judge[:begin]])
        first, among, _sure = _hits(model, judge[begin:end])
        firsts.append(first)
        amongs.append(among)
        begin = end
    return np.concatenate(firsts), np.concatenate(amongs)
