"""The places of a city, by name and by shape, in the form that locating a report needs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.db import connection
from shapely.geometry import shape

from maplebridge.lib.geometry import Locator
from maplebridge.organisation import areas
from maplebridge.organisation.areas import Level
from maplebridge.organisation.models import Area

# Without its ending such a name proves nothing, also where the area around is known: "保安" is a
# guard before it is a township. With its ending (中心村) it needs a named parent beside it.
EVERYDAY_FILE: Final = Path(__file__).parent / "seed" / "everyday_names.txt"
EVERYDAY: Final = frozenset(
    word
    for line in EVERYDAY_FILE.read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
    for word in line.split()
)

_VILLAGE: Final = re.compile(r"(.+?)(村民委员会|村委会)$")
_COMMUNITY: Final = re.compile(r"(.+?)(社区居民委员会|社区居委会|居民委员会|居委会|社区)$")
_TOWNSHIP: Final = re.compile(r"(.+?)(?:[\u4e00-\u9fff]族)?(街道|镇|乡)$")


class PlaceRow(NamedTuple):
    """An area as the gazetteer reads it. outline: GeoJSON geometry, WGS-84, or None."""

    code: str
    name: str
    outline: Mapping[str, Any] | None = None
    synthetic: bool = False


@dataclass(frozen=True)
class Named:
    """What a written name may mean.

    full: codes for which the name is whole, its ending included. bare: codes for which the
    ending is left out. everyday: the name is an everyday word as well.
    """

    full: tuple[str, ...]
    bare: tuple[str, ...]
    everyday: bool

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes that the name may mean, each once, lowest first."""
        return tuple(sorted({*self.full, *self.bare}))


@dataclass(frozen=True)
class Mention:
    """A name found in a text, from start up to end."""

    start: int
    end: int
    name: str
    named: Named


class Gazetteer:
    """Names and shapes of all areas. Built once, read by many threads, never changed."""

    def __init__(
        self,
        names: Mapping[str, str],
        heads: Mapping[str, tuple[tuple[str, Named], ...]],
        locators: Mapping[Level, Locator],
        synthetic: frozenset[str],
    ) -> None:
        """Use `from_rows`."""
        self.names = names
        self.locators = locators
        self.synthetic = synthetic
        self._heads = heads

    @classmethod
    def from_rows(cls, rows: Iterable[PlaceRow]) -> Gazetteer:
        """The gazetteer of some areas, of any number of cities.

        Raises ValueError for a wrong code.
        """
        places = [PlaceRow(*row) for row in rows]
        full: dict[str, set[str]] = {}
        bare: dict[str, set[str]] = {}
        shapes: dict[Level, list[tuple[str, Any]]] = {level: [] for level in Level}
        for place in places:
            level = areas.level(place.code)
            if level is not Level.GRID:
                whole, short = written_forms(place.name, level)
                for form in whole:
                    full.setdefault(form, set()).add(place.code)
                for form in short:
                    bare.setdefault(form, set()).add(place.code)
            if place.outline is not None:
                shapes[level].append((place.code, shape(dict(place.outline))))
        heads: dict[str, list[tuple[str, Named]]] = {}
        for form in sorted(full.keys() | bare.keys(), key=lambda form: (-len(form), form)):
            named = Named(
                tuple(sorted(full.get(form, ()))),
                tuple(sorted(bare.get(form, ()))),
                is_everyday(form),
            )
            heads.setdefault(form[:2], []).append((form, named))
        return cls(
            {place.code: place.name for place in places},
            {head: tuple(forms) for head, forms in heads.items()},
            {level: Locator(pairs) for level, pairs in shapes.items()},
            frozenset(p.code for p in places if p.synthetic and p.outline is not None),
        )

    def mentions(self, text: str) -> list[Mention]:
        """The names in a text, from the left, the longest at each place, none overlapping."""
        found: list[Mention] = []
        heads = self._heads
        at = 0
        while at < len(text) - 1:
            for name, named in heads.get(text[at : at + 2], ()):
                if text.startswith(name, at):
                    found.append(Mention(at, at + len(name), name, named))
                    at += len(name) - 1
                    break
            at += 1
        return found

    def path(self, code: str) -> str:
        """The names from the county down to a code, as an address is written."""
        line = [c for c in (*areas.ancestors(code), code) if len(c) > Level.CITY or c == code]
        names = [self.names.get(c, c) for c in line]
        # A grid is often named after its village already.
        if len(code) == Level.GRID and names[-1].startswith(names[-2][:2]):
            del names[-2]
        return "".join(names)


def is_everyday(form: str) -> bool:
    """Whether a form of a name is an everyday word, or a family's house, as well."""
    return form in EVERYDAY or (len(form) == 2 and form.endswith("家"))


def written_forms(name: str, level: Level) -> tuple[set[str], set[str]]:
    """How people write a published name: with its ending, and without.

    "大公村民委员会" is written 大公村, 大公村委会 or just 大公.
    """
    if level in (Level.CITY, Level.COUNTY):
        # Counties are as well known without their ending as with it.
        return {name, name[:-1]} if len(name) > 2 else {name}, set()
    return _township_forms(name) if level is Level.TOWNSHIP else _village_forms(name)


def _township_forms(name: str) -> tuple[set[str], set[str]]:
    found = _TOWNSHIP.fullmatch(name)
    if found is None:
        return {name}, set()
    core, ending = found.groups()
    return {name, core + ending}, _long_enough(core)


def _village_forms(name: str) -> tuple[set[str], set[str]]:
    if found := _VILLAGE.fullmatch(name):
        core = found[1]
        village = core if core.endswith("村") else f"{core}村"
        whole = {name, village, f"{village}委会", f"{village}民委员会"}
        if core == village:
            whole |= {f"{core}村", f"{core}村委会", f"{core}村民委员会"}
        # "希望新村" without its last sign would be found in "希望新增".
        return whole, _long_enough("" if core.endswith("新村") else core.removesuffix("村"))
    if found := _COMMUNITY.fullmatch(name):
        core, ending = found.groups()
        if core.endswith("村"):
            return {name, core, f"{core}社区"}, set()
        whole = {name, f"{core}社区"} | ({f"{core}居委会"} if ending.startswith("居") else set())
        return whole, _long_enough(core)
    return {name}, set()


def _long_enough(form: str) -> set[str]:
    return {form} if len(form) >= 2 else set()


class _Kept:
    """The last gazetteer read from the database, and what the areas looked like then."""

    lock = threading.Lock()
    places: Gazetteer | None = None
    fingerprint: tuple[int, int] | None = None
    checked: float = 0.0


def gazetteer(max_age_seconds: float = 0.0) -> Gazetteer:
    """The gazetteer of all areas of the database, read again when any area has changed.

    max_age_seconds: how long to trust the last look; a look costs about a millisecond, so take
    the gazetteer once for a batch, or allow a few seconds in a worker.
    """
    with _Kept.lock:
        now = time.monotonic()
        if _Kept.places is not None and now - _Kept.checked < max_age_seconds:
            return _Kept.places
        fingerprint = _fingerprint()
        if _Kept.places is None or fingerprint != _Kept.fingerprint:
            fields = ("code", "name", "outline", "synthetic")
            rows = Area.objects.order_by("code").values_list(*fields)
            _Kept.places = Gazetteer.from_rows(PlaceRow(*row) for row in rows)
            _Kept.fingerprint = fingerprint
        _Kept.checked = now
        return _Kept.places


def _fingerprint() -> tuple[int, int]:
    # Any change writes a row anew, at another place (ctid) or by another transaction (xmin).
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(sum(hashtextextended(ctid::text || xmin::text, 0)), 0) "
            "FROM organisation_area"
        )
        count, written = cursor.fetchone()
    return int(count), int(written)
