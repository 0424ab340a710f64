"""Which of the city's categories a report belongs to: words of our own, then what cases taught.

How it decides: every known word in the text gives its weight to its categories; a word in the
title counts TITLE_FACTOR times, the first repetitions a little. Of words lying inside one another
only the longest counts. The confidence is explained at `_confidence`. Nothing is drawn at random:
the same text and words give the same answer.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from django.utils.translation import gettext as _

from maplebridge.journey.decision import Decision
from maplebridge.journey.texts import Judged, TextModel
from maplebridge.lib.text import normalise

SEED: Final = Path(__file__).parent / "seed"

# Below this confidence the value is None and a person decides.
THRESHOLD: Final = 0.5
CANDIDATES: Final = 3
DECIDING_WORDS: Final = 6
# Nobody names the matter later than this; the limit keeps the longest report at some 25 ms.
MOST_CHARACTERS: Final = 20_000
TITLE_FACTOR: Final = 2.0
# What each character beyond two adds to a Chinese phrase's weight, and how many of them count.
LONGER_SHARE: Final = 0.2
MOST_LONGER: Final = 4
OPENING_CHARACTERS: Final = 40
OPENING_FACTOR: Final = 1.5
REPEAT_SHARE: Final = 0.25
MOST_REPEATS: Final = 3
# Total weight at which the evidence is half as strong as it can be.
HALF_STRENGTH: Final = 1.5
# A text that says less than this leaves all shares small.
LEAST_SAID: Final = 3.0

# Words of a category that describe it to a model that learns.
DESCRIBING_WORDS: Final = 40

_DENIED = re.compile(r"(?:不是|并非|不属于|无关|与)$")
_DENIED_AFTER = re.compile(r"(?:无关|没有关系)")
_CLAUSE_END = re.compile(r"[,.;:!?、。]")
# Danger that is feared, remembered or practised is not danger now.
_NOT_NOW = re.compile(
    r"如果|要是|万一|一旦|假如|容易|很可能|可能|极易|导致|引发|引起|造成|防止|避免|以免|预防|"
    r"担心|害怕|生怕|恐怕|怕|差点|险些|去年|以前|曾|经常|当年|前年|多次|发生过|不会|没有|若|"
    r"随时|存在|出现|什么|易|会|隐患|"
    r"if |could |might |last year"
)
_NOT_NOW_AFTER = re.compile(r"隐患|风险|危险|演练|预案|事故|怎么办|的可能|后果|案|罪|险| risk")
_ORDER: Final = ("praise", "report", "help", "suggest", "consult", "complain")
_WORD_CHARACTER = re.compile(r"[a-z0-9]")

Weights: TypeAlias = Mapping[str, Mapping[str, float]]


class _Dictionary:
    """Words with weights for labels, found in one pass over a text.

    Words begin with two characters; a table from those two to the lengths that occur keeps the
    pass linear in the text, whatever the number of words.
    """

    def __init__(self, weights: Weights) -> None:
        """weights: label to word to weight; words normalised and in lower case."""
        labels: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for label in sorted(weights):
            for word, weight in weights[label].items():
                if len(word) >= 2 and weight:
                    labels[word].append((label, weight))
        self.labels: dict[str, tuple[tuple[str, float], ...]] = {
            word: tuple(pairs) for word, pairs in labels.items()
        }
        lengths: dict[str, set[int]] = defaultdict(set)
        for word in self.labels:
            lengths[word[:2]].add(len(word))
        self.lengths: dict[str, tuple[int, ...]] = {
            start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()
        }

    def found_in(self, text: str) -> Iterator[tuple[int, str]]:
        """(place, word), longest first at each place, none inside an earlier one."""
        lengths, labels = self.lengths, self.labels
        covered = 0
        for place, start in enumerate(map(str.__add__, text, text[1:])):
            possible = lengths.get(start)
            if possible is None:
                continue
            for length in possible:
                end = place + length
                if end > len(text):
                    continue
                if end <= covered:
                    break
                word = text[place:end]
                if word in labels and not _splits_word(text, place, end):
                    covered = end
                    yield place, word
                    break


def _splits_word(text: str, begin: int, end: int) -> bool:
    """Whether a match in Latin letters begins or ends within a longer word."""
    return (
        text[begin].isascii()
        and begin > 0
        and bool(_WORD_CHARACTER.match(text[begin - 1]))
        and bool(_WORD_CHARACTER.match(text[begin]))
    ) or (
        text[end - 1].isascii()
        and end < len(text)
        and bool(_WORD_CHARACTER.match(text[end]))
        and bool(_WORD_CHARACTER.match(text[end - 1]))
    )


@cache
def seed_weights() -> dict[str, dict[str, float]]:
    """Our own words: category code to word to weight (1 faint to 8 decisive). Do not change it."""
    return _read_weights("words.csv", "category_code")


@cache
def category_rows() -> dict[str, dict[str, str]]:
    """The rows of seed/categories.csv by code. Source: the domain brief, section 3."""
    return {row["code"]: row for row in _read("categories.csv")}


def _read(name: str) -> list[dict[str, str]]:
    with (SEED / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _read_weights(name: str, label: str) -> dict[str, dict[str, float]]:
    weights: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _read(name):
        weights[row[label]][_folded(row["word"])] = float(row["weight"])
    return dict(weights)


@cache
def _own() -> _Dictionary:
    return _Dictionary(seed_weights())


@cache
def own_version() -> str:
    """Names our words: "words-" and a hash of them."""
    plain = json.dumps(seed_weights(), ensure_ascii=False, sort_keys=True)
    return f"words-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def own_shares(title: str, text: str) -> dict[str, float]:
    """What our words say of a text: category code to share of their weight, or of LEAST_SAID."""
    totals = _totals(_weigh(_read_part(title), _read_part(text)))
    everything = max(sum(totals.values()), LEAST_SAID)
    return {code: total / everything for code, total in totals.items()}


def describing() -> dict[str, str]:
    """A text for each category: its strongest words."""
    return {
        code: "，".join(sorted(words, key=lambda word: (-words[word], word))[:DESCRIBING_WORDS])
        for code, words in seed_weights().items()
    }


@cache
def _natures() -> _Dictionary:
    return _Dictionary(_read_weights("natures.csv", "nature"))


@cache
def _dangers() -> _Dictionary:
    weights: dict[str, dict[str, float]] = defaultdict(dict)
    for row in _read("urgent.csv"):
        weights[row["call"]][_folded(row["word"])] = 1.0
    return _Dictionary(weights)


def danger_words() -> dict[str, list[str]]:
    """Words of present danger by the number to call, for a page that warns while one types."""
    by_call: dict[str, list[str]] = defaultdict(list)
    for row in _read("urgent.csv"):
        by_call[row["call"]].append(row["word"])
    return dict(by_call)


def _folded(text: str) -> str:
    return normalise(text).casefold()


def _read_part(text: str) -> str:
    return _folded(text[:MOST_CHARACTERS])[:MOST_CHARACTERS]


def classify_text(
    text: str,
    title: str = "",
    learned: TextModel | None = None,
    threshold: float = THRESHOLD,
) -> Decision:
    """The category of a report, its nature, and whether life is in danger.

    text, title: what the reporter wrote, any length; the first MOST_CHARACTERS are read.
    learned: what confirmed cases taught, which then decides; our own words when left out.
    Returns a Decision. value: a category code, or None below the threshold; confidence: see
    `_confidence`, or the learned share; reason: names the words that decided; evidence:
    {"words": deciding words, strongest first, at most six,
     "candidates": [[code, share], ...] at most three,
     "nature": consult, help, complain, report, suggest or praise,
     "urgent": whether words of present danger to life were found: a person must look at once,
     "danger": those words, "handoff": "110", "119", "120" or ""}.
    An urgent text keeps its category: the caller brings the person, this only says so.
    """
    head, body = _read_part(title), _read_part(text)
    shares = _weigh(head, body)
    if learned is None:
        candidates, confidence = _by_words(shares)
    else:
        candidates = learned.judge(head, body)
        confidence = candidates.labels[0][1]
    best = candidates.labels[0][0] if candidates.labels else None
    value = best if confidence >= threshold else None
    words = candidates.words
    dangers = _dangers_in(f"{head} {body}")
    handoff = category_rows()[value]["handoff"] if value else ""
    return Decision(
        value,
        round(confidence, 4),
        _reason(value, words, dangers),
        f"{own_version()}+{learned.version}" if learned else own_version(),
        {
            "words": words,
            "candidates": [list(pair) for pair in candidates.labels],
            "nature": _nature_of(head, body),
            "urgent": bool(dangers),
            "danger": [word for word, _call in dangers],
            "handoff": dangers[0][1] if dangers else handoff,
        },
    )


def _by_words(shares: Mapping[str, Mapping[str, float]]) -> tuple[Judged, float]:
    """The candidates by our words, the chosen one's words, and how sure that is."""
    totals = _totals(shares)
    ranked = sorted(totals, key=lambda code: (-totals[code], code))
    if not ranked:
        return Judged([], []), 0.0
    best = ranked[0]
    own = shares[best]
    everything = sum(totals.values())
    return (
        Judged(
            [(code, round(totals[code] / everything, 3)) for code in ranked[:CANDIDATES]],
            sorted(own, key=lambda word: (-own[word], word))[:DECIDING_WORDS],
        ),
        _confidence(ranked, totals),
    )


def _totals(shares: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    totals = {code: sum(words.values()) for code, words in shares.items()}
    return {code: total for code, total in totals.items() if total > 0}


def _weigh(head: str, body: str) -> dict[str, dict[str, float]]:
    """Category code to the words found for it and the weight each brings."""
    own = _own()
    factors: dict[str, float] = {}
    counts: Counter[str] = Counter()
    opening = 0 if head else OPENING_CHARACTERS
    for part, factor in ((head, TITLE_FACTOR), (body, 1.0)):
        for place, word in own.found_in(part):
            if _is_denied(part, place, place + len(word)):
                continue
            counts[word] += 1
            here = OPENING_FACTOR if factor == 1.0 and place < opening else factor
            factors[word] = max(factors.get(word, 0.0), here)
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for word, factor in factors.items():
        repeated = factor * (1 + REPEAT_SHARE * (min(counts[word], MOST_REPEATS) - 1))
        for code, weight in own.labels.get(word, ()):
            shares[code][word] = weight * repeated * _particularity(word)
    return shares


def _particularity(word: str) -> float:
    """A longer phrase says more: 下水道堵了 names a matter, 积水 only goes with it."""
    return 1 + LONGER_SHARE * min(max(0, len(word) - 2), MOST_LONGER) if ord(word[0]) > 255 else 1.0


def _is_denied(text: str, begin: int, end: int) -> bool:
    before = text[max(0, begin - 3) : begin]
    denied = _DENIED.search(before)
    if denied is None:
        return False
    return denied[0] != "与" or bool(_DENIED_AFTER.match(text[end : end + 4]))


def _confidence(ranked: list[str], totals: Mapping[str, float]) -> float:
    """How sure the choice is: strength of the evidence times its lead, from 0 to 1.

    strength = weight / (weight + HALF_STRENGTH): a decisive word gives 0.83, a usual one 0.73,
    a hint 0.57. lead = 1 - half the runner-up's weight over the winner's: a tie halves it.
    """
    best = totals[ranked[0]]
    second = totals[ranked[1]] if len(ranked) > 1 else 0.0
    return best / (best + HALF_STRENGTH) * (1 - 0.5 * second / best)


def _nature_of(head: str, body: str) -> str:
    totals: dict[str, float] = defaultdict(float)
    for part, factor in ((head, TITLE_FACTOR), (body, 1.0)):
        for word in {word for _place, word in _natures().found_in(part)}:
            for nature, weight in _natures().labels[word]:
                totals[nature] += weight * factor
    if not totals:
        return "complain"
    return max(_ORDER, key=lambda nature: totals.get(nature, 0.0))


def _dangers_in(text: str) -> list[tuple[str, str]]:
    """(word, number to call) of present danger, in the order of the text, each once."""
    found: dict[str, str] = {}
    for place, word in _dangers().found_in(text):
        before = _CLAUSE_END.split(text[max(0, place - 14) : place])[-1]
        after = text[place + len(word) : place + len(word) + 4]
        if not _NOT_NOW.search(before) and not _NOT_NOW_AFTER.search(after):
            found.setdefault(word, _dangers().labels[word][0][0])
    return list(found.items())


def _reason(value: str | None, words: list[str], dangers: list[tuple[str, str]]) -> str:
    if dangers:
        named = "、".join(word for word, _call in dangers[:3])
        danger = _("Danger to life (%(words)s): call %(number)s.") % {
            "words": named,
            "number": dangers[0][1],
        }
    else:
        danger = ""
    if value is not None:
        why = _("Decided by the words: %(words)s.") % {"words": "、".join(words)}
    elif words:
        why = _("The words %(words)s do not decide; a person decides.") % {
            "words": "、".join(words)
        }
    else:
        why = _("No known word was found; a person decides.")
    return f"{danger} {why}".strip()
