"""Who handled matters of a kind at a place before, and how often such matters ran late.

Where the responsibility table is silent, history proposes; a person decides. It knows kinds, places
and units, never a reporter and never a worker. What it learns is carried from place to place by
roles: "the market office of this street" is one role, however many streets have such an office.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Endings of the names of places, which a unit's name leaves out or changes.
_PLACE_ENDING = re.compile(
    r"(街道办事处|办事处|街道|居民委员会|村民委员会|居委会|村委会|社区|镇|乡|村)$"
)
_OFFICE_ENDING = re.compile(r"^(街道办事处|办事处|街道|镇|乡)")
_BRACKET = re.compile(r"[（(]([^（）()]*)[）)]$")
SHORTEST_STEM = 2

HALF_LIFE_DAYS = 60.0
OLDEST_WEIGHT = 0.05
PAIR_WEIGHT = 0.5
SIGN_WEIGHT = 0.3
STRENGTH = 0.7
LATE_STRENGTH = 1.0
FEWEST_CASES = 20


class TooLittle(ValueError):
    """There is nothing to learn from: too few cases, or all of one outcome."""


@dataclass(frozen=True)
class Matter:
    """What is known of a matter before anyone has it.

    kind, places: names of its kind and of where it is, the widest first. said: other facts of it,
    as its channel or nature; no person's. at: when it was reported.
    """

    kind: tuple[str, ...]
    places: tuple[str, ...]
    said: tuple[str, ...]
    at: dt.datetime


@dataclass(frozen=True)
class Handled:
    """A matter of the past, the unit that handled it, and whether it was late where known."""

    matter: Matter
    unit: str
    late: bool | None = None


def joined(units: Iterable[str]) -> dict[str, str]:
    """Spellings of units to one name each.

    “A（B街道办事处）” and “A” are one unit when no other street stands behind an A; where several
    do, each keeps its street, for these are different offices.
    """
    streets: dict[str, set[str]] = defaultdict(set)
    found = set(units)
    for unit in found:
        bracket = _BRACKET.search(unit)
        if bracket:
            streets[_bare(unit)].add(_stem(bracket[1]))
    return {unit: _bare(unit) if len(streets[_bare(unit)]) <= 1 else _short(unit) for unit in found}


def role_of(unit: str, places: Sequence[str]) -> str:
    """The unit seen from a matter's places: a place's own name gives way to its level.

    The narrowest place that names the unit counts, whether before or in brackets behind it:
    “甲街道综合执法队” is “{0}综合执法队” for a matter in 甲街道.
    """
    bare, bracket = _bare(unit), _BRACKET.search(unit)
    for level in range(len(places) - 1, -1, -1):
        stem = _stem(places[level])
        if len(stem) < SHORTEST_STEM:
            continue
        if bare.startswith(stem):
            return f"{{{level}}}{_OFFICE_ENDING.sub('', bare[len(stem) :])}"
        if bracket and bracket[1].startswith(stem):
            return f"{{{level}}}{bare}"
    return unit


@dataclass(frozen=True)
class _Logistic:
    """A logistic regression that scikit-learn learned; answering needs numpy alone.

    places: of each feature its column in weights. classes: one per row, in order; two classes
    share one row, which speaks for the second.
    """

    places: dict[str, int]
    classes: list[Any]
    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @classmethod
    def fitted(
        cls,
        told: Sequence[Mapping[str, float]],
        answers: Sequence[Any],
        strength: float,
        weights: NDArray[np.float64] | None = None,
    ) -> _Logistic:
        # Half a second and 100 MB that only the process that learns should pay.
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression

        words = DictVectorizer()
        model = LogisticRegression(C=strength, max_iter=400)
        model.fit(words.fit_transform(told), answers, sample_weight=weights)
        return cls(words.vocabulary_, model.classes_.tolist(), model.coef_, model.intercept_)

    def shares(self, told: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
        """Of each matter (rows) each class's share (columns); a row's sum is 1."""
        scores = np.tile(self.offsets, (len(told), 1))
        for row, features in enumerate(told):
            known = [(self.places[name], n) for name, n in features.items() if name in self.places]
            if known:
                columns, values = zip(*known, strict=True)
                scores[row] += self.weights[:, columns] @ np.array(values)
        if len(self.classes) == 2:
            scores = np.hstack([np.zeros_like(scores), scores])
        apart = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = apart / apart.sum(axis=1, keepdims=True)
        return shares

    def packed(self, said: dict[str, Any]) -> bytes:
        features = sorted(self.places, key=self.places.__getitem__)
        said = {**said, "features": features, "classes": self.classes}
        out = io.BytesIO()
        np.savez_compressed(
            out,
            allow_pickle=False,
            said=np.frombuffer(json.dumps(said, ensure_ascii=False).encode(), np.uint8),
            weights=self.weights,
            offsets=self.offsets,
        )
        return out.getvalue()

    @classmethod
    def unpacked(cls, parameters: bytes) -> tuple[dict[str, Any], _Logistic]:
        with np.load(io.BytesIO(parameters), allow_pickle=False) as kept:
            said = json.loads(kept["said"].tobytes())
            weights, offsets = kept["weights"], kept["offsets"]
        places = {name: n for n, name in enumerate(said["features"])}
        return said, cls(places, said["classes"], weights, offsets)


@dataclass
class HandlerModel:
    """Shares of the units that handled such matters; `parameters` keeps what was learned."""

    units: list[str]
    _roles: _Logistic
    _counts: dict[tuple[str, ...], Counter[int]]
    _by_place: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def learned(
        cls, history: Sequence[Handled], names: Mapping[str, str] | None = None
    ) -> HandlerModel:
        """What history teaches; the newer a case, the more. Raises TooLittle.

        names: of units that history names by codes.
        """
        names = names or {}
        if len(history) < FEWEST_CASES:
            raise TooLittle(f"{len(history)} cases are too few to learn from: {FEWEST_CASES}.")
        roles = [role_of(names.get(case.unit, case.unit), case.matter.places) for case in history]
        if len(set(roles)) < 2:
            raise TooLittle("One unit handled every case: there is nothing to choose.")
        units = sorted({case.unit for case in history})
        number = {unit: n for n, unit in enumerate(units)}
        counts: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
        for role, case in zip(roles, history, strict=True):
            for depth in range(len(case.matter.places) + 1):
                counts[role, *case.matter.places[:depth]][number[case.unit]] += 1
        model = _Logistic.fitted(
            [_features(case.matter) for case in history],
            roles,
            STRENGTH,
            _weights([case.matter.at for case in history]),
        )
        return cls(units, model, dict(counts))

    def shares(self, matters: Sequence[Matter]) -> NDArray[np.float64]:
        """Of each matter (rows) each unit's share (columns as `units`); a row's sum is 1."""
        of_roles = self._roles.shares([_features(matter) for matter in matters])
        found = np.zeros((len(matters), len(self.units)))
        for row, matter in enumerate(matters):
            found[row] = of_roles[row] @ self._offices(matter.places)
        return found

    def parameters(self) -> bytes:
        """Everything learned, in numpy's own format without objects; the same for the same."""
        said = {
            "units": self.units,
            "counts": [
                [list(path), sorted(seen.items())] for path, seen in sorted(self._counts.items())
            ],
        }
        return self._roles.packed(said)

    @classmethod
    def of_parameters(cls, parameters: bytes) -> HandlerModel:
        """The model that `parameters` came from; it answers the same to the last bit."""
        said, roles = _Logistic.unpacked(parameters)
        counts = {
            tuple(path): Counter({int(unit): int(n) for unit, n in seen})
            for path, seen in said["counts"]
        }
        return cls(said["units"], roles, counts)

    def _offices(self, places: tuple[str, ...]) -> NDArray[np.float64]:
        """Which unit fills each role at these places: roles down, units across, rows of sum 1.

        What is known of the place itself counts most; what is not, comes from the place around it.
        """
        if places not in self._by_place:
            table = np.zeros((len(self._roles.classes), len(self.units)))
            for row, role in enumerate(self._roles.classes):
                share = table[row]
                for depth in range(len(places) + 1):
                    seen = self._counts.get((role, *places[:depth]))
                    if seen is None:
                        break
                    # What the place around says weighs as much as one case of the place itself.
                    around = 1.0 if depth else 0.0
                    weight = around + seen.total()
                    share *= around / weight
                    for unit, n in seen.items():
                        share[unit] += n / weight
            self._by_place[places] = table
        return self._by_place[places]


@dataclass
class LateModel:
    """How likely a matter runs late at the unit that has it: a warning to desks, and no more."""

    _model: _Logistic

    @classmethod
    def learned(cls, history: Sequence[Handled]) -> LateModel:
        """Learned from cases whose outcome is known. Raises TooLittle."""
        known = [case for case in history if case.late is not None]
        outcomes = [bool(case.late) for case in known]
        if len(known) < FEWEST_CASES or len(set(outcomes)) < 2:
            raise TooLittle("Too few cases with a known outcome, or all with the same one.")
        told = [_late_features(case) for case in known]
        return cls(_Logistic.fitted(told, outcomes, LATE_STRENGTH))

    def shares(self, cases: Sequence[Handled]) -> NDArray[np.float64]:
        """Of each case how likely it is late, 0 to 1; `late` of the cases is not looked at."""
        return self._model.shares([_late_features(case) for case in cases])[:, 1]

    def parameters(self) -> bytes:
        """Everything learned, in numpy's own format without objects."""
        return self._model.packed({})

    @classmethod
    def of_parameters(cls, parameters: bytes) -> LateModel:
        """The model that `parameters` came from; it answers the same to the last bit."""
        return cls(_Logistic.unpacked(parameters)[1])


def _bare(unit: str) -> str:
    return _BRACKET.sub("", unit).strip()


def _stem(place: str) -> str:
    return _PLACE_ENDING.sub("", _PLACE_ENDING.sub("", place))


def _short(unit: str) -> str:
    bracket = _BRACKET.search(unit)
    return f"{_bare(unit)}（{_stem(bracket[1])}）" if bracket else unit


def _weights(times: Sequence[dt.datetime]) -> NDArray[np.float64]:
    newest = max(times)
    days = np.array([(newest - at).total_seconds() / 86_400 for at in times])
    return np.maximum(0.5 ** (days / HALF_LIFE_DAYS), OLDEST_WEIGHT)


def _features(matter: Matter) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for level, name in enumerate(matter.kind):
        found[f"kind {level} {name}"] = 1.0
        for sign in name:
            found[f"sign {sign}"] = SIGN_WEIGHT
        for pair in pairwise(name):
            found[f"pair {''.join(pair)}"] = PAIR_WEIGHT
    for level, name in enumerate(matter.places):
        found[f"place {level} {name}"] = 1.0
    for name in matter.said:
        found[f"said {name}"] = 1.0
    return found


def _late_features(case: Handled) -> dict[str, Any]:
    return {**_features(case.matter), f"unit {case.unit}": 1.0}
