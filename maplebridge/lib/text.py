"""Plain work on plain text: one form, short forms, likeness, fingerprints."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

ELLIPSIS: Final = "…"
FINGERPRINT_LENGTH: Final = 32
LONGEST_MARK_RUN: Final = 16
# One character may become 18 by NFKC; what is compared stays at the length people write.
MOST_COMPARED: Final = 100_000

# Control, format and surrogate characters: nothing a reader sees, much that breaks a database,
# a log line or a match (NUL, zero-width spaces, marks that turn the writing direction).
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)

_LOW_32: Final = np.uint64(0xFFFFFFFF)
# Odd multipliers and addends of 32 hash functions; they are part of every stored fingerprint.
_SEEDS = np.arange(1, FINGERPRINT_LENGTH + 1, dtype=np.uint64)
_FACTORS = ((_SEEDS * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) | np.uint64(1)
_ADDENDS = (_SEEDS * np.uint64(0xC2B2AE3D27D4EB4F)) >> np.uint64(32)


def normalise(text: str) -> str:
    """One line of text in one form, for matching and comparing; keep the original for showing.

    Unicode NFKC (full-width letters and digits become half-width, compatibility forms their plain
    form), characters nobody sees removed, every run of white space one space, ends trimmed.
    Letter case is kept. A second call changes nothing. Time grows with the length only: runs of
    combining marks are cut to LONGEST_MARK_RUN, because ordering them takes quadratic time.
    Source: Unicode Standard Annex 15.
    """
    seen = _UNSEEN.sub("", text)
    if not seen.isascii():
        seen = unicodedata.normalize("NFKC", _cut_mark_runs(seen))
        seen = _UNSEEN.sub("", seen)
    return " ".join(seen.split())


def printable(text: str) -> str:
    """What somebody wrote, for keeping and showing: line breaks stay, unseen characters go.

    Characters nobody sees (controls, marks of direction) are removed, ends trimmed, and more than
    one empty line in a row becomes one. A second call changes nothing.
    """
    lines = [_UNSEEN.sub("", line).rstrip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _cut_mark_runs(text: str) -> str:
    if not any(map(unicodedata.combining, text)):
        return text
    kept: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= LONGEST_MARK_RUN:
            kept.append(character)
    return "".join(kept)


def shorten(text: str, characters: int) -> str:
    """The text on one line, at most so many characters, the last one "…" when some were cut.

    characters: at least 1.
    Raises ValueError below that.
    """
    if characters < 1:
        raise ValueError(f"a short form needs at least 1 character, not {characters}")
    whole = normalise(text)
    if len(whole) <= characters:
        return whole
    return whole[: characters - 1].rstrip() + ELLIPSIS


def similarity(a: str, b: str) -> float:
    """How alike two texts are: twice the shared character pairs over all their pairs (Dice).

    Letter case and white space do not count. Symmetric; 1.0 for equal texts, 0.0 when no pair of
    neighbouring characters is shared. Texts shorter than two characters are alike only if equal.
    Of each text MOST_COMPARED characters are compared.
    Returns a share from 0 to 1.
    """
    first, second = _comparable(a), _comparable(b)
    if first == second:
        return 1.0
    pairs, others = _pairs(first), _pairs(second)
    if not pairs or not others:
        return 0.0
    return 2 * len(pairs & others) / (len(pairs) + len(others))


def fingerprint(text: str) -> list[int]:
    """A small sketch by which two texts can be compared without keeping the texts (minhash).

    Built from the character pairs of the first MOST_COMPARED characters, case and white space
    left out; equal in every process and on every machine. Short texts can be guessed from it:
    protect it like the text.
    Returns FINGERPRINT_LENGTH integers, each fitting a signed 32-bit column; the empty list when
    the text has fewer than two characters.
    """
    compared = _comparable(text)
    if len(compared) < 2:
        return []
    points = np.frombuffer(compared.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    shingles = np.unique((points[:-1] << np.uint64(21)) | points[1:])
    mixed = _mix(shingles)
    lowest = [
        int(((mixed * factor + addend) >> np.uint64(16) & _LOW_32).min())
        for factor, addend in zip(_FACTORS, _ADDENDS, strict=True)
    ]
    return [value - 2**32 if value >= 2**31 else value for value in lowest]


def fingerprint_similarity(a: Sequence[int], b: Sequence[int]) -> float:
    """Share of equal places of two fingerprints: an estimate of shared over all character pairs.

    Standard error about 0.09. Returns 0.0 when either is empty.
    Raises ValueError when their lengths differ otherwise.
    """
    if not a or not b:
        return 0.0
    return sum(x == y for x, y in zip(a, b, strict=True)) / len(a)


def _comparable(text: str) -> str:
    return normalise(text[:MOST_COMPARED])[:MOST_COMPARED].casefold().replace(" ", "")


def _pairs(text: str) -> set[str]:
    return set(map(str.__add__, text, text[1:]))


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    # The finaliser of splitmix64: neighbours in the code table must not stay neighbours.
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
