"""Whose figures a person at a desk may see: an area's, or only those of the own unit."""

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


def scope_of(actor: Actor) -> Scope | None:
    """The scope of a post; None for one that has nothing to do with matters."""
    if not actor.area_code:
        return None
    if actor.role in OF_AN_AREA:
        return Scope(actor.area_code)
    if actor.role in OF_A_UNIT and actor.unit_code:
        return Scope(actor.area_code, actor.unit_code)
    return None
