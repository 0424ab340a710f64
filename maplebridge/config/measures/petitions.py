"""How well a label is told from a text, on petitions that did not teach."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GroupShuffleSplit

from maplebridge.config.measures.judged import (
    RESAMPLED,
    SEED,
    Figures,
    FileRefused,
    calibration_error,
)
from maplebridge.journey.texts import Example, TextModel
from maplebridge.lib.tables import Problem, read_table

TEACHING = "petitions_labelled_train.csv"
COLUMNS = ("title", "detail", "label", "text_kind", "group_id")
JUDGE_SHARE = 0.3
MOST = {"title": 1_000, "detail": 100_000, "label": 60, "group_id": 60}
TIMED = 500
# A share of 0.8 is asked where a wrong label costs five times a person's look.
AGREED = 0.8


@dataclass(frozen=True)
class Labelled:
    """Petitions with their labels; whole: which of them came unshortened."""

    examples: list[Example]
    whole: NDArray[np.bool_]


def read_labelled(file: Path) -> Labelled:
    """The petitions of a file of COLUMNS. Raises FileRefused and OSError."""
    table = read_table(file, COLUMNS)
    problems = list(table.problems)
    examples, whole = [], []
    for row in table.rows:
        cells = row.cells
        problems += [
            Problem(
                row.line,
                "",
                _("The cell “%(name)s” is longer than %(most)d signs.")
                % {"name": name, "most": most},
                _("Please shorten it."),
            )
            for name, most in MOST.items()
            if len(cells[name]) > most
        ]
        problems += [
            Problem(
                row.line,
                "",
                _("The cell “%(name)s” is empty.") % {"name": name},
                _("Fill it in, or leave the line out."),
            )
            for name in ("label", "group_id")
            if not cells[name]
        ]
        if not cells["title"] and not cells["detail"]:
            problems.append(
                Problem(
                    row.line,
                    "",
                    _("The line holds no text."),
                    _("Fill in the title or the detail, or leave the line out."),
                )
            )
        examples.append(Example(cells["title"], cells["detail"], cells["label"], cells["group_id"]))
        whole.append(cells["text_kind"] == "full")
    if not problems and not examples:
        problems.append(
            Problem(0, "", _("The file holds no line below its first."), _("Give at least one."))
        )
    if problems:
        raise FileRefused(problems)
    return Labelled(examples, np.array(whole))


def measure(data: Path, test: Path | None) -> Figures:
    """Learns from the petitions of `data` and judges those of `test`, or 30 % of the groups.

    n; macro_f1 and accuracy over all that judge, macro_f1_full over the unshortened; ece of the
    likeliest label's share; coverage and accuracy_agreed: how many reach the share AGREED, and how
    many of those are right; p50_ms: one text from words to label; train_s; interval: 95 %, by
    resampling whole groups with `seed`. Raises FileRefused, OSError, history.TooLittle.
    """
    known = read_labelled(data / TEACHING)
    if test:
        learn = known.examples
        asked = read_labelled(test)
        judge, whole = asked.examples, asked.whole
        _refuse_strange(learn, judge)
    else:
        split = GroupShuffleSplit(1, test_size=JUDGE_SHARE, random_state=SEED)
        groups = [example.group for example in known.examples]
        taught, aside = next(split.split(groups, groups=groups))
        learn = [known.examples[n] for n in taught]
        judge, whole = [known.examples[n] for n in aside], known.whole[aside]
    begun = time.perf_counter()
    model = TextModel.learned(learn)
    spent = time.perf_counter() - begun
    shares = model.shares([(one.title, one.text) for one in judge])
    said = np.array(model.labels)[shares.argmax(axis=1)]
    true = np.array([one.label for one in judge])
    sure = shares.max(axis=1)
    agreed = sure >= AGREED
    figures: Figures = {
        "n": len(judge),
        "macro_f1": _macro(true, said),
        "macro_f1_full": _macro(true[whole], said[whole]),
        "n_full": int(whole.sum()),
        "accuracy": round(float(accuracy_score(true, said)), 4),
        "ece": calibration_error(sure, said == true),
        "coverage": round(float(agreed.mean()), 4),
        "accuracy_agreed": _share_right(said[agreed] == true[agreed]),
        "seed": SEED,
        "p50_ms": _median_milliseconds(model, judge[:TIMED]),
        "train_s": round(spent, 1),
    }
    return {**figures, "interval": _intervals(judge, true, said, whole)}


def _refuse_strange(learn: Sequence[Example], judge: Sequence[Example]) -> None:
    known = {one.label for one in learn}
    strange = sorted({one.label for one in judge} - known)
    if strange:
        raise FileRefused(
            [
                Problem(
                    0,
                    label,
                    _("No text that teaches bears the label “%(label)s”.") % {"label": label},
                    _("Write one of: %(names)s.") % {"names": ", ".join(sorted(known))},
                )
                for label in strange
            ]
        )
    if len({one.label for one in judge}) < 2:
        raise FileRefused(
            [
                Problem(
                    0,
                    "",
                    _("All texts that judge bear one label; nothing can be told apart."),
                    _("Give texts of at least two labels."),
                )
            ]
        )


def _macro(true: NDArray[np.str_], said: NDArray[np.str_]) -> float:
    if not len(true):
        return float("nan")
    return round(float(f1_score(true, said, average="macro", labels=np.unique(true))), 4)


def _share_right(right: NDArray[np.bool_]) -> float:
    return round(float(right.mean()), 4) if len(right) else float("nan")


def _median_milliseconds(model: TextModel, texts: Sequence[Example]) -> float:
    spent = []
    for one in texts:
        begun = time.perf_counter()
        model.judge(one.title, one.text)
        spent.append(time.perf_counter() - begun)
    return round(float(np.median(spent)) * 1000, 3)


def _intervals(
    judge: Sequence[Example],
    true: NDArray[np.str_],
    said: NDArray[np.str_],
    whole: NDArray[np.bool_],
) -> dict[str, list[float]]:
    """Resamples whole groups, for the texts of a group are nearly one text."""
    places: dict[str, list[int]] = {}
    for n, one in enumerate(judge):
        places.setdefault(one.group, []).append(n)
    groups = [np.array(rows) for rows in places.values()]
    random = np.random.default_rng(SEED)
    drawn: dict[str, list[float]] = {"macro_f1": [], "macro_f1_full": [], "accuracy": []}
    for _again in range(RESAMPLED // 5):
        rows = np.concatenate([groups[n] for n in random.integers(0, len(groups), len(groups))])
        of_whole = rows[whole[rows]]
        drawn["macro_f1"].append(_macro(true[rows], said[rows]))
        drawn["macro_f1_full"].append(_macro(true[of_whole], said[of_whole]))
        drawn["accuracy"].append(float((true[rows] == said[rows]).mean()))
    return {
        name: [round(float(cut), 4) for cut in np.nanpercentile(values, (2.5, 97.5))]
        for name, values in drawn.items()
    }
