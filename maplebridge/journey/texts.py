"""A model of which label a text bears, learned from labelled texts: quick, calibrated, explained.

Pieces of one to three characters, of the title and of the whole, weighed by how much they tell the
labels apart; a ridge over them; shares by one temperature that was found on texts left aside.
It reads words, never who wrote them.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from maplebridge.journey.history import TooLittle
from maplebridge.lib.text import normalise

LONGEST_PIECE: Final = 3
FEWEST_TEXTS: Final = 3
MOST_PIECES: Final = 60_000
MOST_CHARACTERS: Final = 4_000
TITLE_SHARE: Final = 0.5
RIDGE: Final = 0.3
# How far a rare label's texts count more: weight = frequency to the power of minus this.
RARE: Final = 0.8
IMAGINED: Final = 0.3
HINT_SHARE: Final = 4.0
DESCRIBED_SHARE: Final = 0.5
FOLDS: Final = 4
FEWEST_EXAMPLES: Final = 20
SHOWN_WORDS: Final = 6
# Which place and which number say where and how much, not what.
_ADDRESS = re.compile(r"https?://\S+")
_PLACE = re.compile(r"[a-z]\d*(?=[市区县])")
_NUMBER = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")

Array: TypeAlias = NDArray[np.float32]
Hints: TypeAlias = Callable[[str, str], Mapping[str, float]]


@dataclass(frozen=True)
class Example:
    """A text whose label people know. group: texts of one group are never apart in a split."""

    title: str
    text: str
    label: str
    group: str = ""


@dataclass(frozen=True)
class Judged:
    """labels: the likeliest first, with their shares, 0 to 1. words: what spoke for the first."""

    labels: list[tuple[str, float]]
    words: list[str]


@dataclass(frozen=True)
class TextModel:
    """Learned weights of pieces for labels; make one with `learned`.

    pieces: of the whole text first, then of titles, in the order of the weights' rows; then two
    rows of hints a label, when hints are used. scales: what a piece's presence counts. weights:
    rows by columns of `labels`. temperature: what scores are divided by before they become shares.
    hints: shares of labels that other knowledge gives for (title, text).
    """

    labels: list[str]
    wholes: list[str]
    titles: list[str]
    scales: Array
    weights: Array
    temperature: float
    hints: Hints | None = None

    @classmethod
    def learned(
        cls,
        examples: Sequence[Example],
        hints: Hints | None = None,
        described: Mapping[str, str] | None = None,
    ) -> TextModel:
        """What labelled texts teach; see `tried`, which also says how well."""
        return cls.tried(examples, hints, described)[0]

    @classmethod
    def tried(
        cls,
        examples: Sequence[Example],
        hints: Hints | None = None,
        described: Mapping[str, str] | None = None,
    ) -> tuple[TextModel, NDArray[np.float64]]:
        """What labelled texts teach, and each example's shares by a model it did not teach.

        described: a text for each label, counted as half an example. Raises history.TooLittle
        below FEWEST_EXAMPLES or with one label only.
        """
        # Only the process that learns pays for loading this.
        from sklearn.model_selection import GroupKFold

        found = sorted({example.label for example in examples} | set(described or {}))
        if len(examples) < FEWEST_EXAMPLES:
            raise TooLittle(f"{len(examples)} texts are too few to learn from: {FEWEST_EXAMPLES}.")
        if len({example.label for example in examples}) < 2:
            raise TooLittle("All texts bear one label: there is nothing to choose.")
        known = [_known(example.title, example.text, hints) for example in examples]
        more = [
            _Known(whole, whole, {label: 1.0})
            for label, whole in ((k, _pieces(v)) for k, v in (described or {}).items())
        ]
        labels = [example.label for example in examples]
        groups = [example.group or str(n) for n, example in enumerate(examples)]
        extra = list(described or {})
        scores = np.zeros((len(examples), len(found)))
        folds = GroupKFold(min(FOLDS, len(set(groups))))
        for taught, aside in folds.split(labels, groups=groups):
            part = _fitted(
                [known[n] for n in taught], [labels[n] for n in taught], more, extra, found, hints
            )
            scores[aside] = part._scores([known[n] for n in aside])
        true = np.array([found.index(label) for label in labels])
        whole = _fitted(known, labels, more, extra, found, hints)
        temperature = _temperature(scores, true)
        model = replace(whole, temperature=temperature)
        return model, _shares(scores, temperature)

    def judge(self, title: str, text: str, most: int = 3) -> Judged:
        """The likeliest labels of a text of any length, and the words that spoke for the first."""
        known = _known(title, text, self.hints)
        rows, values = self._row(known)
        shares = _shares((values @ self.weights[rows])[None, :].astype(float), self.temperature)[0]
        order = np.argsort(-shares, kind="stable")[:most]
        spoke = values * self.weights[rows, order[0]]
        return Judged(
            [(self.labels[n], round(float(shares[n]), 4)) for n in order],
            self._words(rows, spoke),
        )

    def shares(self, texts: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Of each (title, text) each label's share; a row's sum is 1."""
        known = [_known(title, text, self.hints) for title, text in texts]
        return _shares(self._scores(known), self.temperature)

    def parameters(self) -> bytes:
        """Everything learned, in numpy's own format without objects; hints are not in it."""
        said = {
            "labels": self.labels, "wholes": self.wholes, "titles": self.titles,
            "temperature": self.temperature,
        }  # fmt: skip
        out = io.BytesIO()
        np.savez_compressed(
            out,
            allow_pickle=False,
            said=np.frombuffer(json.dumps(said, ensure_ascii=False).encode(), np.uint8),
            scales=self.scales,
            weights=self.weights.astype(np.float16),
        )
        return out.getvalue()

    @classmethod
    def of_parameters(cls, parameters: bytes, hints: Hints | None = None) -> TextModel:
        """The model that `parameters` came from; it answers the same to the last bit."""
        with np.load(io.BytesIO(parameters), allow_pickle=False) as kept:
            said = json.loads(kept["said"].tobytes())
            return cls(
                said["labels"], said["wholes"], said["titles"], kept["scales"],
                kept["weights"].astype(np.float32), said["temperature"], hints,
            )  # fmt: skip

    @cached_property
    def version(self) -> str:
        """Names what was learned: "texts-" and a hash of it."""
        told = hashlib.sha256(json.dumps([self.labels, self.wholes, self.titles]).encode())
        told.update(self.scales.tobytes() + self.weights.tobytes())
        return f"texts-{told.hexdigest()[:12]}"

    @cached_property
    def _of_whole(self) -> dict[str, int]:
        return {piece: n for n, piece in enumerate(self.wholes)}

    @cached_property
    def _of_title(self) -> dict[str, int]:
        return {piece: n for n, piece in enumerate(self.titles, start=len(self.wholes))}

    @cached_property
    def _of_label(self) -> dict[str, int]:
        begin = len(self.wholes) + len(self.titles)
        return {label: n for n, label in enumerate(self.labels, start=begin)}

    def _row(self, known: _Known) -> tuple[NDArray[np.int64], Array]:
        """The rows of the weights that a text touches, and how strongly."""
        parts = [
            _view(known.whole, self._of_whole, self.scales, 1.0),
            _view(known.title, self._of_title, self.scales, TITLE_SHARE**0.5),
        ]
        hinted = [
            (self._of_label[label], share)
            for label, share in known.hints.items()
            if label in self._of_label and self.hints is not None
        ]
        if hinted:
            rows, shares = zip(*hinted, strict=True)
            parts.append((np.array(rows), HINT_SHARE * np.array(shares, np.float32)))
        return (
            np.concatenate([rows for rows, _values in parts]),
            np.concatenate([values for _rows, values in parts]).astype(np.float32),
        )

    def _scores(self, known: Sequence[_Known]) -> NDArray[np.float64]:
        scores = np.zeros((len(known), len(self.labels)))
        for n, one in enumerate(known):
            rows, values = self._row(one)
            scores[n] = values @ self.weights[rows]
        return scores

    def _words(self, rows: NDArray[np.int64], spoke: Array) -> list[str]:
        """The pieces that spoke loudest, each once, none inside another."""
        loud: dict[str, float] = {}
        every = len(self.wholes) + len(self.titles)
        for row, voice in zip(rows.tolist(), spoke.tolist(), strict=True):
            if voice > 0 and row < every:
                count = len(self.wholes)
                piece = self.wholes[row] if row < count else self.titles[row - count]
                if len(piece) > 1:
                    loud[piece] = loud.get(piece, 0.0) + voice
        words: list[str] = []
        for piece in sorted(loud, key=lambda piece: (-loud[piece], piece)):
            if not any(piece in word or word in piece for word in words):
                words.append(piece)
            if len(words) == SHOWN_WORDS:
                break
        return words


def threshold_of(wrong: float, look: float) -> float:
    """From which share on a label is used without a person, by what each mistake costs the city.

    wrong: what a wrong label costs; look: what a person's look costs, in the same unit. Using it
    costs wrong x (1 - share), so it pays above 1 - look / wrong. Raises ValueError for costs that
    are not positive.
    """
    if wrong <= 0 or look <= 0:
        raise ValueError("Both costs must be above nought.")
    return max(0.0, 1.0 - look / wrong)


@dataclass(frozen=True)
class _Known:
    """What is read of one text: pieces and how often each stands there; hints of labels."""

    whole: Counter[str]
    title: Counter[str]
    hints: Mapping[str, float]


def _folded(text: str) -> str:
    plain = _ADDRESS.sub("", normalise(text[:MOST_CHARACTERS]).casefold())
    return _SPACE.sub("", _NUMBER.sub("0", _PLACE.sub("○", plain)))


def _known(title: str, text: str, hints: Hints | None) -> _Known:
    head, body = _folded(title), _folded(text)
    return _Known(
        _pieces_of(f"{head}。{head}。{body}"), _pieces_of(head), hints(title, text) if hints else {}
    )


def _pieces(text: str) -> Counter[str]:
    return _pieces_of(_folded(text))


def _pieces_of(text: str) -> Counter[str]:
    pieces: Counter[str] = Counter(text)
    for length in range(2, LONGEST_PIECE + 1):
        pieces.update(text[n : n + length] for n in range(len(text) - length + 1))
    return pieces


def _view(
    pieces: Counter[str], places: Mapping[str, int], scales: Array, share: float
) -> tuple[NDArray[np.int64], Array]:
    """Rows and values of one view of a text; the values' length is `share`, or nought."""
    found = [(places[piece], times) for piece, times in pieces.items() if piece in places]
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    rows, times = zip(*found, strict=True)
    where = np.array(rows)
    values = (1.0 + np.log(np.array(times, np.float32))) * scales[where]
    return where, values * np.float32(share / np.linalg.norm(values))


def _fitted(
    known: Sequence[_Known],
    labels: Sequence[str],
    described: Sequence[_Known],
    extra: Sequence[str],
    found: list[str],
    hints: Hints | None,
) -> TextModel:
    from scipy import sparse
    from sklearn.linear_model import Ridge

    number = {label: n for n, label in enumerate(found)}
    true = np.array([number[label] for label in (*labels, *extra)])
    every = [*known, *described]
    wholes, of_wholes = _told_apart([one.whole for one in every], true, len(found))
    titles, of_titles = _told_apart([one.title for one in every], true, len(found))
    scales = np.concatenate([of_wholes, of_titles]).astype(np.float32)
    empty = np.zeros((0, len(found)), np.float32)
    model = TextModel(found, wholes, titles, scales, empty, 1.0, hints)
    columns = len(scales) + (len(found) if hints else 0)
    rows = [model._row(one) for one in every]
    begins = np.cumsum([0, *(len(touched) for touched, _values in rows)])
    matrix = sparse.csr_matrix(
        (np.concatenate([v for _r, v in rows]), np.concatenate([r for r, _v in rows]), begins),
        shape=(len(rows), columns),
    )
    often = np.bincount(true, minlength=len(found)) / len(true)
    weights = often[true] ** -RARE
    weights[len(known) :] *= DESCRIBED_SHARE
    weights /= weights.mean()
    wanted = np.where(true[:, None] == np.arange(len(found)), 1.0, -1.0)
    ridge = Ridge(alpha=RIDGE, solver="sparse_cg", fit_intercept=False, tol=1e-4)
    ridge.fit(matrix, wanted, sample_weight=weights)
    # Half precision is what is stored; what answers is the same.
    learned = ridge.coef_.reshape(len(found), columns).T.astype(np.float16).astype(np.float32)
    return TextModel(found, wholes, titles, scales, learned, 1.0, hints)


def _told_apart(
    texts: Sequence[Counter[str]], true: NDArray[np.int64], labels: int
) -> tuple[list[str], NDArray[np.float64]]:
    """The pieces that FEWEST_TEXTS texts hold, and what each counts.

    Its rarity, log((1 + texts) / (1 + texts with it)) + 1, times the largest log ratio of its
    share within a label to its share without.
    """
    holding: Counter[str] = Counter()
    for pieces in texts:
        holding.update(pieces.keys())
    often = [piece for piece, count in holding.items() if count >= FEWEST_TEXTS]
    kept = sorted(sorted(often, key=lambda piece: (-holding[piece], piece))[:MOST_PIECES])
    place = {piece: n for n, piece in enumerate(kept)}
    inside = np.zeros((labels, len(kept)))
    for pieces, label in zip(texts, true, strict=True):
        inside[label, [place[piece] for piece in pieces if piece in place]] += 1
    total, size = inside.sum(axis=0), np.bincount(true, minlength=labels)
    best = np.zeros(len(kept))
    for label in range(labels):
        here = (inside[label] + IMAGINED) / (size[label] + 2 * IMAGINED)
        there = (total - inside[label] + IMAGINED) / (len(texts) - size[label] + 2 * IMAGINED)
        best = np.maximum(best, np.abs(np.log(here / there)))
    rarity = np.log((1 + len(texts)) / (1 + total)) + 1
    return kept, rarity * (best + 0.1)


def _shares(scores: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    apart = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    shares: NDArray[np.float64] = apart / apart.sum(axis=1, keepdims=True)
    return shares


def _temperature(scores: NDArray[np.float64], true: NDArray[np.int64]) -> float:
    """The temperature at which the likeliest label's share best said whether it was right.

    Source: Guo et al. 2017, On Calibration of Modern Neural Networks; of the first label alone.
    """
    from scipy.optimize import minimize_scalar

    right = scores.argmax(axis=1) == true

    def surprise(logarithm: float) -> float:
        sure = _shares(scores, float(np.exp(logarithm))).max(axis=1)
        return -float(np.log(np.maximum(np.where(right, sure, 1 - sure), 1e-12)).mean())

    found: Any = minimize_scalar(surprise, bounds=(-5.0, 2.0), method="bounded")
    return float(np.exp(found.x))
