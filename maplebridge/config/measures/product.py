"""How well the city's own categories are told, on messages that people labelled by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from sklearn.metrics import cohen_kappa_score

from maplebridge.config.measures.judged import (
    SEED,
    Figures,
    FileRefused,
    calibration_error,
    interval,
    share,
)
from maplebridge.journey.classify import category_rows, classify_text
from maplebridge.lib.tables import Problem, read_table

TRUTH = Path(__file__).parent / "truth" / "categories.csv"
MESSAGES = "petitions_messages.csv"
COLUMNS = ("msg_id", "title", "detail")
TOP = 3


def measure(data: Path, test: Path | None) -> Figures:
    """Judges the product's classification by the codes people gave.

    test: a file of msg_id,title,detail,code; without it, the messages of `data` whose ids and codes
    stand in truth/categories.csv. n; top1, top3: how often the code is the first, or among the
    first three; either: how often the first is the code or the second choice of a careful reader;
    coverage, top1_decided: how many are decided without a person, and how many of those rightly;
    ece; agreement: share of those read twice that both readers gave one code, kappa: the same
    beyond chance. Raises FileRefused and OSError.
    """
    marked = _of_file(test) if test else _of_truth(data / MESSAGES)
    first, among, either, sure, decided = [], [], [], [], []
    for title, text, code, alternative in marked:
        decision = classify_text(text, title=title)
        ranked = [found for found, _share in decision.evidence["candidates"]]
        best = decision.value or (ranked[0] if ranked else "")
        first.append(best == code)
        among.append(code in ranked[:TOP])
        either.append(best in (code, alternative) and bool(best))
        sure.append(decision.confidence)
        decided.append(decision.value is not None)
    hits = np.array(first)
    figures: Figures = {
        "n": len(marked),
        "top1": share(hits),
        "top3": share(np.array(among)),
        "either": share(np.array(either)),
        "coverage": share(np.array(decided)),
        "top1_decided": share(hits[np.array(decided)]) if any(decided) else float("nan"),
        "ece": calibration_error(np.array(sure), hits),
        "seed": SEED,
    }
    twice = [] if test else _read_twice()
    if twice:
        once, again = zip(*twice, strict=True)
        figures |= {
            "agreement": share(np.array(once) == np.array(again)),
            "kappa": round(float(cohen_kappa_score(once, again)), 4),
            "n_twice": len(twice),
        }
    return {**figures, "interval": {"top1": interval(hits), "top3": interval(np.array(among))}}


def _truth() -> list[dict[str, str]]:
    with TRUTH.open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["part"] == "test"]


def _read_twice() -> list[tuple[str, str]]:
    return [(row["code"], row["second"]) for row in _truth() if row["second"]]


def _of_truth(messages: Path) -> list[tuple[str, str, str, str]]:
    table = read_table(messages, COLUMNS)
    if table.problems:
        raise FileRefused(table.problems)
    said = {row.cells["msg_id"]: row.cells for row in table.rows}
    missing = [row["msg_id"] for row in _truth() if row["msg_id"] not in said]
    if missing:
        raise FileRefused(
            [
                Problem(
                    0,
                    missing[0],
                    _("%(n)d of the labelled messages are not in the file.") % {"n": len(missing)},
                    _("Give the whole file of messages."),
                )
            ]
        )
    return [
        (
            said[row["msg_id"]]["title"],
            said[row["msg_id"]]["detail"],
            row["code"],
            row["alternative"],
        )
        for row in _truth()
    ]


def _of_file(file: Path) -> list[tuple[str, str, str, str]]:
    table = read_table(file, (*COLUMNS, "code"))
    problems = list(table.problems)
    problems += [
        Problem(
            row.line,
            row.cells["code"],
            _("There is no category %(code)s.") % {"code": row.cells["code"][:20]},
            _("Write four digits; the first two name its group."),
        )
        for row in table.rows
        if row.cells["code"] not in category_rows()
    ]
    if not problems and not table.rows:
        problems.append(
            Problem(0, "", _("The file holds no line below its first."), _("Give at least one."))
        )
    if problems:
        raise FileRefused(problems)
    return [(row.cells["title"], row.cells["detail"], row.cells["code"], "") for row in table.rows]
