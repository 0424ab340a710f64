"""What confirmed cases taught of the city's categories: stored, carded, watched for drift.

Learned anew from the words of filed cases, with our own words as what is known beforehand; used
only when it tells cases it did not learn from better than our words alone. Nothing about a reporter
is read, and confidential matters (C2) are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from maplebridge.cases.models import Case, Payload
from maplebridge.journey.classify import classify_text, describing, own_shares
from maplebridge.journey.models import DecisionRecord, LearnedLabels, Step
from maplebridge.journey.texts import Example, TextModel, threshold_of
from maplebridge.lib.clock import now
from maplebridge.lib.kept import Kept
from maplebridge.lib.text import normalise

FEWEST_EXAMPLES: Final = 100
MOST_EXAMPLES: Final = 6_000
# Cases that begin alike are kept together when some are left aside.
ALIKE_CHARACTERS: Final = 24
SMALLEST_GROUP: Final = 10
# How unlikely an error rate must be before it is called drift: one false alarm in twenty years of
# weekly looks.
DRIFT_CHANCE: Final = 0.001
WATCHED: Final = 300


@dataclass(frozen=True)
class Drift:
    """Of the newest machine answers that people confirmed or overruled: how many, how many wrong,
    what share was expected wrong, and whether chance could be the cause."""

    answers: int
    wrong: int
    expected: float
    chance: float

    @property
    def alarm(self) -> bool:
        """Whether it errs oftener than its card says, beyond chance."""
        return self.chance < DRIFT_CHANCE


def learn_labels() -> LearnedLabels | None:
    """Learns from the newest filed cases, whose category a person confirmed by filing them.

    Returns the newly stored version; None below FEWEST_EXAMPLES, when nothing changed, or when our
    own words alone tell the examples as well.
    """
    filed = {
        pk: facts
        for pk, *facts in Case.objects.filter(filer_code__gt="")
        .exclude(confidentiality="C2")
        .exclude(category="")
        .order_by("-opened_at", "pk")
        .values_list("pk", "category", "area_code", "channel")[:MOST_EXAMPLES]
    }
    contents = Payload.objects.filter(
        case_id__in=list(filed), sequence=1, part="words", content__isnull=False
    ).values_list("case_id", "content")
    examples, groups = [], []
    for case_id, content in sorted(contents, key=lambda pair: pair[0]):
        category, area, channel = filed[case_id]
        said = content or {}
        title, text = str(said.get("title", "")), str(said.get("text", ""))
        alike = normalise(f"{title}{text}")[:ALIKE_CHARACTERS]
        examples.append(Example(title, text, category, alike))
        groups.append((area[:9], channel, _length(text)))
    if len(examples) < FEWEST_EXAMPLES or len({one.label for one in examples}) < 2:
        return None
    model, shares = TextModel.tried(examples, own_shares, describing())
    true = np.array([one.label for one in examples])
    right = np.array(model.labels)[shares.argmax(axis=1)] == true
    ours = np.array([_by_our_words(one) == one.label for one in examples])
    if right.mean() <= ours.mean():
        return None
    made, fresh = LearnedLabels.objects.get_or_create(
        version=model.version,
        defaults={
            "parameters": model.parameters(),
            "card": card(model, true, shares, groups) | {"ours": round(float(ours.mean()), 4)},
            "learned_from": len(examples),
            "at": now(),
        },
    )
    kept_labels.forget()
    return made if fresh else None


def card(
    model: TextModel,
    true: NDArray[np.str_],
    shares: NDArray[np.float64],
    groups: Sequence[tuple[str, str, str]],
) -> dict[str, Any]:
    """The model card: what it is for, what it must not be used for, how well it does, and for whom.

    true, shares: of examples by models that they did not teach. groups: each one's township,
    channel and length of text; groups of fewer than SMALLEST_GROUP are left out, for chance rules
    them.
    Source: Mitchell et al. 2019, Model Cards for Model Reporting.
    """
    order = np.argsort(-shares, axis=1, kind="stable")[:, :3]
    named = np.array(model.labels)[order]
    right = named[:, 0] == true
    sure = shares.max(axis=1)
    return {
        "purpose": "category",
        "not_for": ["persons", "refusal", "ranking"],
        "version": model.version,
        "n": len(true),
        "labels": len(set(true)),
        "top1": round(float(right.mean()), 4),
        "top3": round(float((named == true[:, None]).any(axis=1).mean()), 4),
        "calibration": _calibration(sure, right),
        "parity": {
            name: _parity([group[n] for group in groups], right)
            for n, name in enumerate(("area", "channel", "length"))
        },
    }


def model() -> TextModel | None:
    """The newest learned version, at most half a minute old; None before there is one."""
    return kept_labels.get()


def threshold() -> float:
    """From which share on a category is used without a person, by the costs the city set."""
    return threshold_of(settings.WRONG_CATEGORY_COST, 1.0)


def drift(area_code: str = "") -> Drift | None:
    """Whether the machine's category errs oftener than when it was learned.

    Looks at the WATCHED newest filed cases that it decided. None before there is a card or an
    answer.
    """
    newest = LearnedLabels.objects.order_by("-at").only("card", "version").first()
    if newest is None:
        return None
    answered = DecisionRecord.objects.filter(
        step=Step.CLASSIFY, by_person=False, version__contains=newest.version
    ).exclude(value="")
    if area_code:
        answered = answered.filter(area_code__startswith=area_code)
    said = dict(answered.order_by("-at").values_list("case_id", "value")[:WATCHED])
    filed = dict(
        Case.objects.filter(pk__in=list(said), filer_code__gt="").values_list("pk", "category")
    )
    if not filed:
        return None
    wrong = sum(said[pk] != category for pk, category in filed.items())
    return drifted(wrong, len(filed), 1 - float(newest.card["top1"]))


def drifted(wrong: int, answers: int, expected: float) -> Drift:
    """Whether so many wrong answers are more than chance brings. expected: share wrong, 0 to 1."""
    from scipy.stats import binomtest

    chance = float(binomtest(wrong, answers, min(expected, 1.0), alternative="greater").pvalue)
    return Drift(answers, wrong, expected, chance)


def _calibration(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> list[list[float]]:
    """[share said, share right, answers] by tenths of what was said; empty tenths are left out."""
    tenths = np.minimum((sure * 10).astype(int), 9)
    return [
        [
            round(float(sure[tenths == n].mean()), 3),
            round(float(right[tenths == n].mean()), 3),
            int((tenths == n).sum()),
        ]
        for n in np.unique(tenths)
    ]


def _parity(names: Sequence[str], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    places: dict[str, list[int]] = {}
    for n, name in enumerate(names):
        places.setdefault(name, []).append(n)
    return [
        {"group": name, "n": len(rows), "top1": round(float(right[rows].mean()), 4)}
        for name, rows in sorted(places.items())
        if len(rows) >= SMALLEST_GROUP
    ]


def _length(text: str) -> str:
    return "short" if len(text) < 40 else "middle" if len(text) < 200 else "long"


def _by_our_words(one: Example) -> str | None:
    decision = classify_text(one.text, title=one.title)
    return next((code for code, _share in decision.evidence["candidates"]), None)


def _read() -> TextModel | None:
    newest = LearnedLabels.objects.order_by("-at").only("version").first()
    if newest is None:
        return None
    if not _last or _last[0].version != newest.version:
        _last[:] = [TextModel.of_parameters(bytes(newest.parameters), own_shares)]
    return _last[0]


_last: list[TextModel] = []
kept_labels: Kept[TextModel | None] = Kept(_read)
