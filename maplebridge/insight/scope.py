"""Whose figures a person at a desk may see, and which cases are counted in them.

A count of few cases tells of each of them. Who sees all others of an area could take the own list
from a total; so what a reader may not know of is in no figure at all, be it one case or fifty.
"""

from __future__ import annotations

from dataclasses import dataclass

from maplebridge.organisation.people import Actor, Role

# They look after an area; all others after what their unit has to lead.
OF_AN_AREA = frozenset({Role.STATION, Role.CLERK, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR})
OF_A_UNIT = frozenset({Role.OFFICER, Role.MEDIATOR, Role.GRID_WORKER})


@dataclass(frozen=True)
class Scope:
    """The widest table a person may ask for: an area, and one unit's share of it or all ("")."""

    area_code: str
    unit_code: str = ""

    def holds(self, area_code: str) -> bool:
        """Whether an area lies in it."""
        return area_code.startswith(self.area_code)


# True of the cases of a table {c} that a Sight counts; its two blanks are `Sight.blanks`.
COUNTED = """(%(all)s::boolean OR ({c}.confidentiality <> 'C2'
    AND NOT {c}.about_unit = ANY(%(held)s::text[])))"""


@dataclass(frozen=True)
class Sight:
    """Which cases a reader's figures count. all: every one, for the operator at the machine; else
    none that is confidential (C2) and none that complains about one of `held`, the own units."""

    all: bool = False
    held: frozenset[str] = frozenset()

    @property
    def blanks(self) -> dict[str, bool | list[str]]:
        """What fills the blanks of COUNTED."""
        return {"all": self.all, "held": sorted(self.held)}


EVERYTHING = Sight(all=True)


def sight_of(actor: Actor) -> Sight:
    """What is counted for an actor."""
    return EVERYTHING if actor.role == Role.SYSTEM else Sight(held=actor.held_units)


# They command an area and have a board of it.
WATCHING = frozenset({Role.CLERK, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR})


def watches(actor: Actor) -> bool:
    """Whether a post has a board of its area."""
    return bool(actor.area_code) and actor.role in WATCHING


def scope_of(actor: Actor) -> Scope | None:
    """The scope of a post; None for one that has nothing to do with matters."""
    if not actor.area_code:
        return None
    if actor.role in OF_AN_AREA:
        return Scope(actor.area_code)
    if actor.role in OF_A_UNIT and actor.unit_code:
        return Scope(actor.area_code, actor.unit_code)
    return None
