"""Which of the city's categories a report belongs to: words of our own, and words confirmed cases
taught.

How it decides: every known word in the text gives its weight to its categories; a word in the
title counts TITLE_FACTOR times, the first repetitions a little. Of words lying inside one another
only the longest counts. Categories that mean "anything else" (questions, suggestions, petitions,
other disputes) win only when no matter of its own is named. The confidence is explained at
`_confidence`. Nothing is drawn at random: the same text and words give the same answer.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from django.utils.translation import gettext as _

from maplebridge.journey.decision import Decision
from maplebridge.lib.text import normalise

SEED: Final = Path(__file__).parent / "seed"

# Below this confidence the value is None and a person decides.
THRESHOLD: Final = 0.5
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
HALF_STRENGTH: Final = 2.5
# A matter needs this much weight of its own before it silences the categories of last resort.
OWN_MATTER: Final = 3.0
LAST_RESORT: Final = frozenset({"0199", "1501", "1502", "1504"})

FEWEST_DOCUMENTS: Final = 3
FEWEST_DENIALS: Final = 5
LEAST_LOG_ODDS: Final = 2.0
HIGHEST_WEIGHT: Final = 4.0
WORDS_A_CATEGORY: Final = 200
LEARNED_CHARACTERS: Final = 600
# Documents imagined to hold none of the words, so that a first category can be learned at all.
IMAGINED_DOCUMENTS: Final = 20

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
# Function characters: a learned piece of text holding one is grammar, not a matter.
_GRAMMAR = re.compile(
    r"[的了是在我你他她它们请和与及或也都就很不有无这那个为以及到得地把被让给向从年月日号]"
)
_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[a-z0-9]{3,}")
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

    def found_in(self, text: str, *, apart: bool = False) -> Iterator[tuple[int, str]]:
        """(place, word), longest first at each place, none inside an earlier one.

        apart: leave out words that overlap an earlier one, too.
        """
        lengths, labels = self.lengths, self.labels
        covered = 0
        for place, start in enumerate(map(str.__add__, text, text[1:])):
            possible = lengths.get(start)
            if possible is None or (apart and place < covered):
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


@dataclass(frozen=True)
class WordModel:
    """The words that decide, ours and learned, ready for use; make one with `of_seed`.

    version: "words-" and a hash of our words, then "+" and a hash of the learned ones if any.
    """

    version: str
    own: _Dictionary
    learned: _Dictionary

    @classmethod
    def of_seed(cls, learned: Weights | None = None) -> WordModel:
        """Our own words with learned weights added; without them always the same object."""
        return _with_learned(learned) if learned else _seed_model()


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
def _seed_model() -> WordModel:
    own = seed_weights()
    return WordModel(f"words-{_hash(own)}", _Dictionary(own), _Dictionary({}))


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


def _with_learned(learned: Weights) -> WordModel:
    own = {code: dict(words) for code, words in seed_weights().items()}
    new: dict[str, dict[str, float]] = {}
    known = _seed_model().own.labels
    for code, words in learned.items():
        for word, weight in words.items():
            if word in known:
                ours = own.setdefault(code, {})
                ours[word] = max(0.0, ours.get(word, 0.0) + weight)
            else:
                new.setdefault(code, {})[word] = weight
    version = f"{_seed_model().version}+{_hash(learned)}"
    return WordModel(version, _Dictionary(own), _Dictionary(new))


def _hash(weights: Weights) -> str:
    plain = {code: dict(words) for code, words in weights.items()}
    return hashlib.sha256(
        json.dumps(plain, ensure_ascii=False, sort_keys=True).encode()
    ).hexdigest()[:8]


def _folded(text: str) -> str:
    return normalise(text).casefold()


def _read_part(text: str) -> str:
    return _folded(text[:MOST_CHARACTERS])[:MOST_CHARACTERS]


def classify_text(text: str, model: WordModel | None = None, title: str = "") -> Decision:
    """The category of a report, its nature, and whether life is in danger.

    text, title: what the reporter wrote, any length; the first MOST_CHARACTERS are read.
    model: the words that decide; our own when left out.
    Returns a Decision. value: a category code, or None below THRESHOLD; confidence: see
    `_confidence`; reason: names the words that decided; evidence:
    {"words": deciding words, strongest first, at most six,
     "candidates": [[code, share of all weight], ...] at most three,
     "nature": consult, help, complain, report, suggest or praise,
     "urgent": whether words of present danger to life were found: a person must look at once,
     "danger": those words, "handoff": "110", "119", "120" or ""}.
    An urgent text keeps its category: the caller brings the person, this only says so.
    """
    model = model or WordModel.of_seed()
    head, body = _read_part(title), _read_part(text)
    shares = _weigh(head, body, model)
    totals = {code: sum(words.values()) for code, words in shares.items()}
    totals = {code: total for code, total in totals.items() if total > 0}
    ranked = sorted(totals, key=lambda code: (-totals[code], code))
    best = _choose(ranked, totals)
    confidence = _confidence(best, ranked, totals)
    value = best if confidence >= THRESHOLD else None
    words = sorted(shares[best], key=lambda word: (-shares[best][word], word))[:6] if best else []
    dangers = _dangers_in(f"{head} {body}")
    everything = sum(totals.values())
    handoff = category_rows()[value]["handoff"] if value else ""
    return Decision(
        value,
        round(confidence, 4),
        _reason(value, words, dangers),
        model.version,
        {
            "words": words,
            "candidates": [[code, round(totals[code] / everything, 3)] for code in ranked[:3]],
            "nature": _nature_of(head, body),
            "urgent": bool(dangers),
            "danger": [word for word, _call in dangers],
            "handoff": dangers[0][1] if dangers else handoff,
        },
    )


def _weigh(head: str, body: str, model: WordModel) -> dict[str, dict[str, float]]:
    """Category code to the words found for it and the weight each brings."""
    factors: dict[str, float] = {}
    counts: Counter[str] = Counter()
    opening = 0 if head else OPENING_CHARACTERS
    for part, factor in ((head, TITLE_FACTOR), (body, 1.0)):
        for words, apart in ((model.own, False), (model.learned, True)):
            if not words.labels:
                continue
            for place, word in words.found_in(part, apart=apart):
                if _is_denied(part, place, place + len(word)):
                    continue
                counts[word] += 1
                here = OPENING_FACTOR if factor == 1.0 and place < opening else factor
                factors[word] = max(factors.get(word, 0.0), here)
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    for word, factor in factors.items():
        repeated = factor * (1 + REPEAT_SHARE * (min(counts[word], MOST_REPEATS) - 1))
        for words in (model.own, model.learned):
            for code, weight in words.labels.get(word, ()):
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


def _choose(ranked: list[str], totals: Mapping[str, float]) -> str | None:
    """The strongest category that names a matter, else the strongest of last resort."""
    if not ranked:
        return None
    own = next((code for code in ranked if code not in LAST_RESORT), None)
    if own is not None and totals[own] >= max(OWN_MATTER, totals[ranked[0]] / 3):
        return own
    return ranked[0]


def _confidence(best: str | None, ranked: list[str], totals: Mapping[str, float]) -> float:
    """How sure the choice is: strength of the evidence times its lead, from 0 to 1.

    strength = weight / (weight + HALF_STRENGTH): one decisive word gives 0.67, a usual one 0.55,
    a hint 0.44. lead = 1 - half the runner-up's weight over the winner's: a tie halves it.
    Categories of last resort are no rivals to a matter.
    """
    if best is None:
        return 0.0
    rivals = (
        totals[code]
        for code in ranked
        if code != best and (code not in LAST_RESORT or best in LAST_RESORT)
    )
    second = min(next(rivals, 0.0), totals[best])
    strength = totals[best] / (totals[best] + HALF_STRENGTH)
    return strength * (1 - 0.5 * second / totals[best])


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


def learned_weights(confirmed: Iterable[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Weights of words from reports whose category a person confirmed.

    confirmed: (text, category code); the first LEARNED_CHARACTERS of each text are read.
    Pieces of two to four characters (or words in Latin letters) that at least FEWEST_DOCUMENTS
    reports of a category hold, and far more often than the others, get the logarithm of their
    odds ratio as weight, at most HIGHEST_WEIGHT; the best WORDS_A_CATEGORY a category are kept.
    Our own words that at least FEWEST_DENIALS reports of others hold, but nearly none of their
    category, get a negative weight, which takes back ours.
    Returns category code to word to weight, whatever the order of the examples; empty without any.
    About 1 ms a report.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for text, category in confirmed:
        texts[category].append(_folded(text[:LEARNED_CHARACTERS]))
    holding = {category: _frequent(category, texts[category]) for category in sorted(texts)}
    # The second pass counts only what the first kept: all pieces at once would fill the memory.
    wanted = frozenset().union(*holding.values())
    overall: Counter[str] = Counter()
    for folded in (text for category in texts for text in texts[category]):
        overall.update(wanted & _all_pieces(folded))
    everything = sum(map(len, texts.values()))
    learned: dict[str, dict[str, float]] = {}
    for category, counts in holding.items():
        inside = len(texts[category])
        odds = {
            piece: _log_odds(count, inside, overall[piece] - count, everything - inside)
            for piece, count in counts.items()
        }
        weights = _strongest(odds, counts)
        for word in seed_weights().get(category, {}):
            if overall[word] - counts[word] >= FEWEST_DENIALS and odds[word] <= -LEAST_LOG_ODDS:
                weights[word] = max(-HIGHEST_WEIGHT, round(odds[word], 2))
        if weights:
            learned[category] = dict(sorted(weights.items()))
    return learned


def _frequent(category: str, texts: Iterable[str]) -> dict[str, int]:
    """Pieces to the number of texts holding them: the frequent, and all our words of it."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_all_pieces(text))
    kept = {piece: count for piece, count in counts.items() if count >= FEWEST_DOCUMENTS}
    return kept | {word: counts[word] for word in seed_weights().get(category, {})}


def _all_pieces(text: str) -> set[str]:
    return _pieces(text) | {word for _place, word in _seed_model().own.found_in(text)}


def _log_odds(here: int, inside: int, there: int, outside: int) -> float:
    outside += IMAGINED_DOCUMENTS
    return math.log((here + 0.5) / (inside - here + 0.5)) - math.log(
        (there + 0.5) / (outside - there + 0.5)
    )


def _strongest(odds: Mapping[str, float], counts: Mapping[str, int]) -> dict[str, float]:
    """The best pieces by odds and by how many reports hold them."""
    clear = [
        piece
        for piece, value in odds.items()
        if value >= LEAST_LOG_ODDS and counts[piece] >= FEWEST_DOCUMENTS
    ]
    clear.sort(key=lambda p: (-odds[p] * math.sqrt(counts[p]), -len(p), p))
    # Pieces inside one another may stay: matching counts only the longest of them.
    return {p: min(HIGHEST_WEIGHT, round(odds[p], 2)) for p in clear[:WORDS_A_CATEGORY]}


def _pieces(text: str) -> set[str]:
    pieces: set[str] = set()
    for run in _RUN.findall(text):
        if run.isascii():
            pieces.add(run)
            continue
        for part in _GRAMMAR.split(run):
            for length in (2, 3, 4):
                pieces.update(part[i : i + length] for i in range(len(part) - length + 1))
    return pieces
