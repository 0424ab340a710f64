"""How well the city's own categories are told, on messages that people labelled by hand."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from maplebridge.config.measures.judged import (
    SEED,
    Figures,
    FileRefused,
    calibration_error,
    interval,
    share,
)
from maplebridge.journey.classify import category_rows, classify_text, describing, own_shares
from maplebridge.journey.texts import Example, TextModel
from maplebridge.lib.tables import Problem, read_table

TRUTH = Path(__file__).parent / "truth" / "categories.csv"
MESSAGES = "petitions_messages.csv"
REPLIED = "petitions_replies.csv"
COLUMNS = ("msg_id", "title", "detail")
TOP = 3

# Title, text, the code, and the reader's second choice or nothing.
Marked: TypeAlias = tuple[str, str, str, str]


def measure(data: Path, test: Path | None) -> Figures:
    """Judges the product's classification by the codes people gave.

    test: a file of msg_id,title,detail,code; without it, the messages of `data` whose ids and codes
    stand in truth/categories.csv. As in service the model has learned from confirmed cases: the
    petitions of `data` that the same file names to learn from; top1_words, top3_words are those of
    our own words alone, as on a city's first day.
    n; top1, top3: how often the code is the first, or among the first three; either: how often the
    first is the code or the second choice of a careful reader; coverage, top1_decided: how many are
    decided without a person, and how many of those rightly; ece; agreement: share of those read
    twice that both readers gave one code, kappa: the same beyond chance.
    Raises FileRefused and OSError.
    """
    marked = _of_file(test) if test else _of_truth(data / MESSAGES, "test")
    taught = [
        Example(title, text, code)
        for title, text, code, _other in _of_truth(data / REPLIED, "learn")
    ]
    learned = TextModel.learned(taught, own_shares, describing())
    by_words = _answers(marked, None)
    answers = _answers(marked, learned)
    figures: Figures = {
        "n": len(marked),
        "top1": share(answers.first),
        "top3": share(answers.among),
        "either": share(answers.either),
        "top1_words": share(by_words.first),
        "top3_words": share(by_words.among),
        "coverage": share(answers.decided),
        "top1_decided": share(answers.first[answers.decided]),
        "ece": calibration_error(answers.sure, answers.first),
        "ece_words": calibration_error(by_words.sure, by_words.first),
        "learned_from": len(taught),
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
    return {
        **figures,
        "interval": {
            "top1": interval(answers.first),
            "top3": interval(answers.among),
            "top1_words": interval(by_words.first),
            "top3_words": interval(by_words.among),
        },
    }


@dataclass(frozen=True)
class _Answers:
    """Per text: whether the code was first, among the first three, the first or second choice;
    whether it was decided without a person; how sure."""

    first: NDArray[np.bool_]
    among: NDArray[np.bool_]
    either: NDArray[np.bool_]
    decided: NDArray[np.bool_]
    sure: NDArray[np.float64]


def _answers(marked: Sequence[Marked], learned: TextModel | None) -> _Answers:
    first, among, either, decided, sure = [], [], [], [], []
    for title, text, code, alternative in marked:
        decision = classify_text(text, title, learned)
        ranked = [found for found, _share in decision.evidence["candidates"]]
        best = ranked[0] if ranked else None
        first.append(best == code)
        among.append(code in ranked[:TOP])
        either.append(best is not None and best in (code, alternative))
        decided.append(decision.value is not None)
        sure.append(decision.confidence)
    return _Answers(
        np.array(first), np.array(among), np.array(either), np.array(decided), np.array(sure)
    )


def _truth(part: str) -> list[dict[str, str]]:
    with TRUTH.open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["part"] == part]


def _read_twice() -> list[tuple[str, str]]:
    return [(row["code"], row["second"]) for row in _truth("test") if row["second"]]


def _of_truth(messages: Path, part: str) -> list[Marked]:
    table = read_table(messages, COLUMNS)
    if table.problems:
        raise FileRefused(table.problems)
    said = {row.cells["msg_id"]: row.cells for row in table.rows}
    missing = [row["msg_id"] for row in _truth(part) if row["msg_id"] not in said]
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
        for row in _truth(part)
    ]


def _of_file(file: Path) -> list[Marked]:
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
