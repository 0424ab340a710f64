"""The response level of an area: declared by a person, told in the log of acts, never by a machine.

Source: domain guide, 4.9: levels IV to I are declared by the headquarters; raising, lowering and
ending are each signed.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from maplebridge.organisation import acts
from maplebridge.organisation.areas import ancestors
from maplebridge.organisation.models import Act, Deed
from maplebridge.organisation.people import Actor, Role

MAY_DECLARE = frozenset({Role.DISPATCHER, Role.LEADER})


class ResponseLevel(models.IntegerChoices):
    """The levels, the worst first; PEACE when none is declared."""

    PEACE = 0, _("Peacetime")
    I = 1, _("Response level I")  # noqa: E741
    II = 2, _("Response level II")
    III = 3, _("Response level III")
    IV = 4, _("Response level IV")


class Cause(models.TextChoices):
    """What a level is declared, or ended, for."""

    FLOOD = "flood", _("Flood")
    TYPHOON = "typhoon", _("Typhoon")
    SNOW = "snow", _("Low temperature, rain and snow")
    FIRE = "fire", _("Fire")
    LANDSLIDE = "landslide", _("Landslide")
    ACCIDENT = "accident", _("Accident")
    OTHER = "other", _("Other emergency")


@dataclass(frozen=True)
class Response:
    """What is in force in an area. area_code: for which area it was declared, maybe a wider one."""

    level: ResponseLevel
    area_code: str = ""
    cause: Cause | None = None
    since: dt.datetime | None = None
    unit_code: str = ""


PEACETIME = Response(ResponseLevel.PEACE)


class NotYours(PermissionError):
    """A level is declared by a dispatcher or a leader, for the own area and what lies in it."""


def may_declare(actor: Actor, area_code: str) -> bool:
    """Whether an actor may declare a level for an area."""
    return (
        actor.role in MAY_DECLARE
        and bool(actor.area_code)
        and area_code.startswith(actor.area_code)
    )


def declare(actor: Actor, area_code: str, level: ResponseLevel, cause: Cause) -> None:
    """Raises, lowers or ends (PEACE) the level of an area; the same again adds nothing.

    Raises NotYours. One act in the log.
    """
    if not may_declare(actor, area_code):
        raise NotYours
    now = declared(area_code)
    if (now.level, now.cause) == (level, cause):
        return
    facts = {"level": int(level), "cause": str(cause)}
    acts.note(actor, Deed.RESPONSE_SET, f"area:{area_code}", facts)


def declared(area_code: str) -> Response:
    """What was last declared for just this area. One statement."""
    return _last({area_code}).get(area_code, PEACETIME)


def in_force(area_code: str) -> Response:
    """The level that holds in an area: its own or that of a wider one, whichever is worse.

    One statement.
    """
    found = _last({*ancestors(area_code), area_code}).values()
    serious = [one for one in found if one.level != ResponseLevel.PEACE]
    return min(serious, key=lambda one: one.level, default=PEACETIME)


def _last(areas: set[str]) -> dict[str, Response]:
    named = {f"area:{code}": code for code in areas}
    rows = Act.objects.filter(deed=Deed.RESPONSE_SET, on__in=list(named), done=True)
    return {
        named[act.on]: Response(
            ResponseLevel(act.facts["level"]),
            named[act.on],
            Cause(act.facts["cause"]),
            act.at,
            act.unit_code,
        )
        for act in rows.order_by("number")
    }
