"""One unit made, changed or ended by a person: by the rules of the file of units, with its author.

A unit is never removed: it gets a last day, and what it did keeps its name.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.lib.clock import local_day, now
from maplebridge.lib.tables import Row
from maplebridge.organisation import acts, editions, unit_files
from maplebridge.organisation.models import Area, Deed, Unit
from maplebridge.organisation.people import Actor

COLUMNS: Final = (*unit_files.NEEDED, *unit_files.OPTIONAL)
LONGEST_FACT: Final = 120


class UnitRefused(Exception):
    """Nothing was changed. problems: by column a sentence, "" for the whole."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(self.problems.values()))


def cells_of(unit: Unit) -> dict[str, str]:
    """A unit as the columns of the file say it."""
    return {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "area_code": unit.area_code,
        "name_en": unit.name_en,
        "line": unit.line,
        "hours": unit_files.hours_in_words(unit.hours),
        "begins": unit.begins.isoformat(),
        "ends": unit.ends.isoformat() if unit.ends else "",
    }


def mark_of(unit: Unit | None) -> str:
    """What a form remembers of the unit it was drawn from; empty for a new one."""
    if unit is None:
        return ""
    said = json.dumps(cells_of(unit), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def save(
    actor: Actor, said: Mapping[str, str], mark: str, may_end: Callable[[str], str]
) -> tuple[Unit, bool]:
    """Writes a unit as said, under its author; returns it and whether anything changed.

    mark: of the unit the form was drawn from, so that nobody writes over somebody else's change.
    may_end: why a unit of that code cannot be ended today, empty when it can.
    Raises UnitRefused.
    """
    if not editions.may_configure(actor):
        raise UnitRefused({"": _("Your post may not do this.")})
    cells = {name: " ".join(said.get(name, "").split()) for name in COLUMNS}
    with transaction.atomic():
        old = Unit.objects.select_for_update().filter(pk=cells["code"]).first()
        if mark_of(old) != mark:
            raise UnitRefused(_taken(old, mark))
        known = set(Area.objects.filter(pk=cells["area_code"]).values_list("code", flat=True))
        wrong = [*unit_files.wrong_cells(cells, known), *_outside(actor, cells)]
        problems = {column: f"{why} {mend}" for column, why, mend in reversed(wrong)}
        if problems:
            raise UnitRefused(problems)
        unit = unit_files.unit_of(cells, old)
        there = {each.code: each for each in Unit.objects.filter(area_code__in=_areas(unit, old))}
        rooms = unit_files.room_problems([Row(0, cells)], [unit], there)
        if rooms:
            raise UnitRefused({"kind": f"{rooms[0].wrong} {_on_a_page(rooms[0].mend)}"})
        if old is not None and _ends_now(unit.ends) and not _ends_now(old.ends):
            refused = may_end(unit.code)
            if refused:
                raise UnitRefused({"ends": refused})
        changed = _changed(old, unit)
        if changed:
            unit_files.store([unit])
            acts.note(actor, Deed.UNIT_SET, f"unit:{unit.code}", {"changed": changed})
    return unit, bool(changed)


def _taken(old: Unit | None, mark: str) -> dict[str, str]:
    if old is not None and not mark:
        return {"code": _("A unit has this code already: %(name)s.") % {"name": old.name}}
    return {
        "": _(
            "Somebody changed this unit meanwhile. What you typed is below; please compare it "
            "with the unit as it is now and save again."
        )
    }


def _outside(actor: Actor, cells: Mapping[str, str]) -> list[tuple[str, str, str]]:
    if cells["area_code"].startswith(actor.area_code):
        return []
    return [("area_code", _("This unit lies outside of your area."), "")]


def _areas(unit: Unit, old: Unit | None) -> set[str]:
    return {unit.area_code, old.area_code if old else unit.area_code}


def _on_a_page(mend: str) -> str:
    """A file gives both units at once; on a page one comes after the other."""
    return mend if not mend else _("End that one first, or choose another kind.")


def _ends_now(ends: dt.date | None) -> bool:
    return ends is not None and ends <= local_day(now())


def _changed(old: Unit | None, unit: Unit) -> dict[str, list[str]]:
    """By column what stood there and what stands there now."""
    before = cells_of(old) if old else dict.fromkeys(COLUMNS, "")
    after = cells_of(unit)
    return {
        name: [before[name][:LONGEST_FACT], after[name][:LONGEST_FACT]]
        for name in COLUMNS
        if before[name] != after[name]
    }
