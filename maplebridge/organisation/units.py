"""The directory of units, kept in memory: who answers for an area, who stands above whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from maplebridge.lib.clock import local_day, now
from maplebridge.lib.kept import Kept
from maplebridge.organisation.calendar import Hours
from maplebridge.organisation.models import Unit, UnitKind
from maplebridge.organisation.people import TIER_OF_LENGTH, Tier

ROOMS = frozenset(
    {
        UnitKind.CITY_CENTER,
        UnitKind.COUNTY_CENTER,
        UnitKind.TOWN_ROOM,
        UnitKind.VILLAGE_STATION,
    }
)

# The line of the organ of discipline inspection (纪检监察), which is no room and under none.
DISCIPLINE = "DIS"
POLICE = "POL"


@dataclass(frozen=True)
class UnitFacts:
    """What the engine needs of a unit."""

    code: str
    name: str
    name_en: str
    kind: str
    area_code: str
    line: str
    hours: Hours

    @property
    def tier(self) -> Tier:
        """Tier by the area code's length."""
        return TIER_OF_LENGTH[len(self.area_code)]


class UnknownUnit(LookupError):
    """No unit in force has that code."""


class Directory:
    """Units in force at one moment. Lookups cost no statement."""

    def __init__(self, units: Iterable[UnitFacts]) -> None:
        self._units = {unit.code: unit for unit in units}
        self._rooms = {u.area_code: u for u in self._units.values() if u.kind in ROOMS}
        self._by_line: dict[tuple[str, str], UnitFacts] = {}
        for unit in sorted(self._units.values(), key=lambda u: u.code):
            if unit.line:
                self._by_line.setdefault((unit.line, unit.area_code), unit)

    def __len__(self) -> int:
        return len(self._units)

    def __contains__(self, code: str) -> bool:
        return code in self._units

    def unit(self, code: str) -> UnitFacts:
        """The unit of that code. Raises UnknownUnit."""
        try:
            return self._units[code]
        except KeyError:
            raise UnknownUnit(code) from None

    def name_of(self, code: str) -> str:
        """The unit's name; the code of one that is gone."""
        return self._units[code].name if code in self._units else code

    def all(self) -> list[UnitFacts]:
        """Every unit, by code."""
        return sorted(self._units.values(), key=lambda unit: unit.code)

    def room_of(self, area_code: str, lowest: Tier = Tier.VILLAGE) -> UnitFacts:
        """The nearest linkage centre, command room or station at or above an area.

        lowest: rooms below this tier are passed over. Raises UnknownUnit when even the city has
        none.
        """
        code = area_code
        while len(code) >= 4:
            room = self._rooms.get(code)
            if room is not None and room.tier >= lowest:
                return room
            code = code[:-3] if len(code) > 6 else code[:-2]
        raise UnknownUnit(f"no room answers for {area_code}")

    def room_above(self, area_code: str) -> UnitFacts | None:
        """The room one tier or more above an area's own; None at the top of the city."""
        above = area_code[:-3] if len(area_code) > 6 else area_code[:-2]
        if len(above) < 4:
            return None
        try:
            return self.room_of(above)
        except UnknownUnit:
            return None

    def of_line(self, line: str, area_code: str) -> UnitFacts | None:
        """The unit of a line responsible for an area: the nearest at or above it."""
        code = area_code
        while len(code) >= 4:
            found = self._by_line.get((line, code))
            if found is not None:
                return found
            code = code[:-3] if len(code) > 6 else code[:-2]
        return None

    def is_kept_out(self, code: str, about: str) -> bool:
        """Whether a unit has no part in a matter that complains about the unit `about`.

        That unit itself, and what stands under it: units of smaller areas inside the area of a
        room, a room's own platforms, and lower units of a department's line.
        """
        if not about or not code:
            return False
        if code == about:
            return True
        if about not in self._units or code not in self._units:
            return False
        above, unit = self._units[about], self._units[code]
        if not unit.area_code.startswith(above.area_code):
            return False
        is_lower = len(unit.area_code) > len(above.area_code)
        if above.kind in ROOMS:
            return is_lower or unit.kind == UnitKind.PLATFORM
        return is_lower and bool(above.line) and unit.line == above.line

    def room_apart(self, about: str) -> UnitFacts | None:
        """Who answers for a matter that complains about a unit: the room of the next tier above.

        For a department that is the room of its own tier. Nobody stands above the city's centre:
        its matters are the city's discipline organ's. None when there is none.
        """
        unit = self._units.get(about)
        if unit is None:
            return None
        if unit.kind not in ROOMS:
            try:
                return self.room_of(unit.area_code, max(Tier.TOWN, unit.tier))
            except UnknownUnit:
                return None
        above = self.room_above(unit.area_code)
        while above is not None and above.tier < Tier.TOWN:
            above = self.room_above(above.area_code)
        return above or self.of_line(DISCIPLINE, unit.area_code)


def _read() -> Directory:
    today = local_day(now())
    in_force = Q(begins__lte=today) & (Q(ends__isnull=True) | Q(ends__gte=today))
    rows = Unit.objects.filter(in_force).values_list(
        "code", "name", "name_en", "kind", "area_code", "line", "hours"
    )
    return Directory(UnitFacts(*row[:6], hours=Hours.from_json(row[6])) for row in rows.iterator())


kept: Kept[Directory] = Kept(_read)


def directory() -> Directory:
    """The present directory, at most half a minute old."""
    return kept.get()
