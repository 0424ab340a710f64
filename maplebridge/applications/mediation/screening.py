"""Screening campaigns: who screens what by when, and what was found; nothing found is an answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.applications.mediation.models import Campaign, Screening
from maplebridge.applications.mediation.rules import Refused
from maplebridge.cases.permissions import covers
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.units import directory

CALLING = frozenset({Role.CLERK, Role.DISPATCHER})
LONGEST_DAYS = 92
# Who screens in an area: the stations of its villages, else the rooms of its townships.
SCREENING_KINDS = ("village_station", "town_room")
MOST_FOUND = 500


def may_call(actor: Actor) -> bool:
    """Whether a post calls for a screening: the rooms of townships and centres."""
    return actor.role in CALLING and bool(actor.area_code)


def screens(actor: Actor) -> bool:
    """Whether a post's unit may have to screen."""
    return actor.role in CALLING | {Role.STATION}


def units_of(area_code: str) -> list[str]:
    """The units that screen an area: of a township its stations, of more its command rooms."""
    kind = SCREENING_KINDS[0] if len(area_code) >= 9 else SCREENING_KINDS[1]
    return [
        unit.code
        for unit in directory().all()
        if unit.kind == kind and unit.area_code.startswith(area_code)
    ]


def call(
    actor: Actor, said: Mapping[str, str], key: str, *, at: dt.datetime | None = None,
    synthetic: bool = False,
) -> Campaign:  # fmt: skip
    """Calls for a screening in the actor's area; the same key again gives back the first.

    said: `title`, `begins`, `ends`. Raises Refused with a sentence for each field.
    """
    if not may_call(actor):
        raise Refused(_("Your post does not call for screenings."))
    known = Campaign.objects.filter(unit_code=actor.unit_code, key=key).first()
    if known is not None:
        return known
    at = at or now()
    wrong: dict[str, str] = {}
    title = normalise(said.get("title", ""))
    if not title:
        wrong["title"] = _("Please fill in: %(label)s.") % {"label": _("Title")}
    elif len(title) > 80:
        long = _("The text has %(n)d characters; at most %(most)d are kept. Please shorten it.")
        wrong["title"] = long % {"n": len(title), "most": 80}
    days: dict[str, dt.date] = {}
    for name in ("begins", "ends"):
        try:
            days[name] = dt.date.fromisoformat(said.get(name, ""))
        except ValueError:
            wrong[name] = _("Please write the day; a date looks like 2026-01-31.")
    if len(days) == 2 and not 0 <= (days["ends"] - days["begins"]).days <= LONGEST_DAYS:
        wrong["ends"] = _("It ends on or after its first day, and lasts at most 92 days.")
    units = units_of(actor.area_code)
    if not units:
        wrong[""] = _("No unit of this area screens.")
    if wrong:
        raise Refused(wrong)
    with transaction.atomic():
        campaign = Campaign.objects.create(
            area_code=actor.area_code, title=title, begins=days["begins"], ends=days["ends"],
            unit_code=actor.unit_code, account_id=actor.account_id, key=key, made_at=at,
            synthetic=synthetic,
        )  # fmt: skip
        Screening.objects.bulk_create(
            Screening(campaign=campaign, area_code=directory().unit(code).area_code, unit_code=code)
            for code in units
        )
    return campaign


def answer(
    actor: Actor, campaign: Campaign, found: str, *, at: dt.datetime | None = None
) -> Screening:
    """Says how many disputes the actor's unit found; 0 is as good an answer as any other.

    The same answer again changes nothing; another one counts until the campaign has ended.
    """
    if not (found.isascii() and found.isdigit() and int(found) <= MOST_FOUND):
        raise Refused({"found": _("Please write how many were found, from 0 to 500.")})
    with transaction.atomic():
        part = (
            Screening.objects.select_for_update()
            .filter(campaign=campaign, unit_code=actor.unit_code)
            .first()
        )
        if part is None:
            raise Refused(_("Your unit has no part in this screening."))
        at = at or now()
        if part.count == int(found):
            return part
        if local_day(at) > campaign.ends and part.count is not None:
            raise Refused(_("The screening has ended; what was said stands."))
        part.count, part.account_id, part.done_at = int(found), actor.account_id, at
        part.save()
        return part


@dataclass(frozen=True)
class Shown:
    """A campaign with how far it is. mine: the part of the reader's unit, if it has one."""

    campaign: Campaign
    parts: list[Screening]
    mine: Screening | None

    @property
    def done(self) -> int:
        """How many units have answered."""
        return sum(part.count is not None for part in self.parts)

    @property
    def found(self) -> int:
        """How many disputes were found so far."""
        return sum(part.count or 0 for part in self.parts)


def shown_to(actor: Actor, most: int = 20) -> list[Shown]:
    """The campaigns of the actor's area, and those its unit has a part in, the newest first."""
    own = Screening.objects.filter(unit_code=actor.unit_code).values("campaign_id")
    mine = Campaign.objects.filter(pk__in=own)
    inside = Campaign.objects.filter(area_code__startswith=actor.area_code or "-")
    found = (mine | inside).distinct().order_by("-begins", "-pk")[:most]
    return [_shown(campaign, actor) for campaign in found]


def one(actor: Actor, campaign_id: UUID) -> Shown | None:
    """One campaign that the actor's area holds or that its unit has a part in."""
    campaign = Campaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        return None
    shown = _shown(campaign, actor)
    return shown if shown.mine or covers(actor.area_code, campaign.area_code) else None


def _shown(campaign: Campaign, actor: Actor) -> Shown:
    parts = list(campaign.parts.order_by("unit_code"))
    mine = next((part for part in parts if part.unit_code == actor.unit_code), None)
    if not covers(actor.area_code, campaign.area_code):
        parts = [mine] if mine else []
    return Shown(campaign, parts, mine)
