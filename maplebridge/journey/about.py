"""Which unit a report complains about, when it tells how an office or its staff acted.

It only ever hides: what it names is out of that unit's sight at once, and a person of the room
that holds the matter then confirms or clears it. Words of conduct are those of the categories for
conduct complaints and discipline leads; a unit is named by its full name, or by a usual word for
an office that is found from the place.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

from django.utils.translation import gettext as _

from maplebridge.cases.permissions import SERVICE_COMPLAINT
from maplebridge.journey.classify import SEED, seed_weights
from maplebridge.journey.decision import Decision
from maplebridge.lib.text import normalise
from maplebridge.organisation.models import UnitKind
from maplebridge.organisation.people import Tier
from maplebridge.organisation.units import Directory, UnitFacts, UnknownUnit

VERSION: Final = "about-1"
CONDUCT: Final = frozenset({"1505", "1506"})
COMPLAIN: Final = "complain"
# A complaint about a service whose unit must answer itself: it works on it, and cannot learn from
# whom it comes. Read by `permissions.may_see_reporter`.
SERVICE: Final = SERVICE_COMPLAINT
BY_FULL_NAME: Final = 0.9
BY_OFFICE: Final = 0.7
BESIDE_ANOTHER_MATTER: Final = 0.6
MOST_CHARACTERS: Final = 20_000
MOST_WORDS: Final = 4
# Words that tell of conduct only where the whole matter is conduct.
LEAST_WEIGHT: Final = 3.0
_SENTENCE = re.compile(r"[^。.!?！？;；\n]+")
TIERS = {
    UnitKind.CITY_CENTER: Tier.CITY,
    UnitKind.COUNTY_CENTER: Tier.COUNTY,
    UnitKind.TOWN_ROOM: Tier.TOWN,
    UnitKind.VILLAGE_STATION: Tier.VILLAGE,
}
LENGTHS = {Tier.CITY: 4, Tier.COUNTY: 6, Tier.TOWN: 9, Tier.VILLAGE: 12, Tier.GRID: 15}


def find_unit(text: str, area_code: str, category: str, nature: str, units: Directory) -> Decision:
    """The unit whose conduct a report complains about.

    text: title and text. category, nature: as the steps before decided.
    Returns a Decision. value: a unit's code, or None; evidence: {"named": the word that names it,
    "words": words of conduct beside it, "answers": a unit that is named without any, of which the
    report complains as of a service}.
    """
    if nature != COMPLAIN and category not in CONDUCT:
        return Decision(None, 1.0, _("It does not complain about how an office acted."), VERSION)
    named = ""
    for sentence in _SENTENCE.findall(normalise_lines(text)):
        unit, word, confidence = _named_in(sentence, area_code, units)
        if unit is None:
            continue
        conduct = [w for w in _conduct_words() if w in sentence]
        if category in CONDUCT or conduct:
            sure = confidence if category in CONDUCT else BESIDE_ANOTHER_MATTER
            evidence = {"named": word, "words": conduct[:MOST_WORDS]}
            said = _("It seems to complain about how %(unit)s acted; hidden from it at once.")
            return Decision(unit.code, sure, said % {"unit": unit.name}, VERSION, evidence)
        named = named or unit.code
    if category in CONDUCT:
        said = _("It complains about conduct and names no unit we know; a person says which.")
        return Decision(None, 0.0, said, VERSION)
    said = _("It does not complain about how an office acted.")
    return Decision(None, 0.8, said, VERSION, {"answers": named} if named else {})


def of_reporter(unit: UnitFacts) -> Decision:
    """The reporter's own word on which unit the report complains about."""
    said = _("The reporter says that it complains about %(unit)s.") % {"unit": unit.name}
    return Decision(unit.code, 1.0, said, VERSION)


def units_named(said: str, area_code: str, units: Directory, most: int = 12) -> list[UnitFacts]:
    """The units that somebody may mean by a name, the nearest to a place first.

    One alone when the name is whole, or the code; none when nothing is like it.
    """
    name = normalise(said)
    if name in units:
        return [units.unit(name)]
    exact = [unit for unit in units.all() if name in (unit.name, unit.name_en)]
    if exact:
        return exact[:most]
    found, _word, _sure = _named_in(name, area_code, units)
    like = [unit for unit in units.all() if len(name) > 1 and name in unit.name]
    like.sort(key=lambda unit: (-_common(unit.area_code, area_code), -unit.tier, unit.code))
    chosen = ([found] if found else []) + [unit for unit in like if unit != found]
    return chosen[:most]


def normalise_lines(text: str) -> str:
    """The text to be read, its lines kept apart."""
    return "\n".join(normalise(line) for line in text[:MOST_CHARACTERS].splitlines())


def _common(one: str, other: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _named_in(
    sentence: str, area_code: str, units: Directory
) -> tuple[UnitFacts | None, str, float]:
    """The unit that a sentence names, by which word, and how sure that is."""
    names, lengths = _names(units)
    for place in range(len(sentence)):
        for length in lengths.get(sentence[place : place + 2], ()):
            word = sentence[place : place + length]
            if word in names:
                return units.unit(names[word]), word, BY_FULL_NAME
    for word, office in _offices():
        if word in sentence:
            unit = _office_at(office, area_code, units)
            if unit is not None:
                return unit, word, BY_OFFICE
    return None, "", 0.0


def _office_at(office: str, area_code: str, units: Directory) -> UnitFacts | None:
    """The office of a line, or the room of a tier, that answers for a place."""
    if office == UnitKind.GRID_POST:
        code = f"{area_code}-grid"
        return units.unit(code) if len(area_code) == LENGTHS[Tier.GRID] and code in units else None
    if office not in UnitKind.values:
        return units.of_line(office, area_code)
    tier = TIERS[UnitKind(office)]
    if len(area_code) < LENGTHS[tier]:
        return None
    try:
        room = units.room_of(area_code[: LENGTHS[tier]], tier)
    except UnknownUnit:
        return None
    return room if room.kind == office else None


@lru_cache(maxsize=2)
def _names(units: Directory) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    """Full names of units to their codes, and from two first characters to lengths."""
    names = {unit.name: unit.code for unit in units.all() if len(unit.name) > 3}
    lengths: dict[str, set[int]] = defaultdict(set)
    for name in names:
        lengths[name[:2]].add(len(name))
    return names, {start: tuple(sorted(found, reverse=True)) for start, found in lengths.items()}


@cache
def _offices() -> tuple[tuple[str, str], ...]:
    """Usual words for offices with the line or kind of unit, the longest first."""
    with (SEED / "offices.csv").open(encoding="utf-8", newline="") as handle:
        rows = [(row["word"], row["office"]) for row in csv.DictReader(handle)]
    return tuple(sorted(rows, key=lambda row: (-len(row[0]), row[0])))


@cache
def _conduct_words() -> tuple[str, ...]:
    return tuple(sorted(set(_strong_words())))


def _strong_words() -> Iterator[str]:
    for category in sorted(CONDUCT):
        for word, weight in seed_weights().get(category, {}).items():
            if weight >= LEAST_WEIGHT:
                yield word
