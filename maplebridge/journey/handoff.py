"""Leads that leave the platform: recognised, sealed for their organ, read there once, receipted.

What is a lead: a discipline lead (1506); what the categories hand to 110 and name confidential; and
a complaint about the city's own centre, above which nobody stands. We keep the receipt, not the
investigation. Source: domain guide, sections 3 (04, 1404, 1506) and 8 (7).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.cases import engine, leads, looks, wall
from maplebridge.cases.grades import Confidentiality, Duty, Progress, Way
from maplebridge.cases.models import Assignment, Case, CaseQuerySet, Event
from maplebridge.journey.models import DecisionRecord, Fingerprint
from maplebridge.organisation.people import SYSTEM, Actor, Role, Tier
from maplebridge.organisation.units import DISCIPLINE, POLICE, Directory, UnitFacts, directory

if TYPE_CHECKING:
    from maplebridge.journey.learn import CategoryFacts

DISCIPLINE_LEAD = "1506"
POLICE_NUMBER = "110"
# The service of each organ's line, as the move `hand_over` names it.
SERVICES = {POLICE: POLICE_NUMBER, DISCIPLINE: "dis"}
WAITING = "handed_over"
LONGEST_REASON = 200


@dataclass(frozen=True)
class Read:
    """What the organ reads once: the event's number and what was said with it, by field."""

    sequence: int
    said: Mapping[str, Any]


def organ_line(category: CategoryFacts | None) -> str:
    """The line of the organ that a category's matters are handed to; empty when none is."""
    if category is None:
        return ""
    if category.code == DISCIPLINE_LEAD:
        return DISCIPLINE
    secret = category.confidentiality == Confidentiality.C2
    return POLICE if secret and category.handoff == POLICE_NUMBER else ""


def receiver(line: str, area_code: str, about: str, units: Directory) -> UnitFacts | None:
    """The organ that receives a lead: the county's, else the city's; never who it is about.

    A lead about a unit of the county, or one above, goes to the city's organ first.
    """
    county, city = area_code[:6], settings.CITY_CODE
    high = about in units and units.unit(about).tier >= Tier.COUNTY
    for wanted in (line, DISCIPLINE):
        for place in (city, county) if high else (county, city):
            unit = units.of_line(wanted, place)
            if unit is not None and not units.is_kept_out(unit.code, about):
                return unit
    return None


def line_for(case: Case, category: CategoryFacts | None) -> str:
    """The line of the organ a case must be handed to now; empty when it stays."""
    units = directory()
    if case.about_unit in units and units.unit(case.about_unit).kind == "city_center":
        return DISCIPLINE
    return organ_line(category)


def hand_over(
    case_id: UUID, category: CategoryFacts | None, at: dt.datetime | None = None
) -> Event | None:
    """Hands a case over, sealed, when it is a lead; None when it is none or no organ is there.

    With the words go their copies: what the steps kept of them as evidence, and the fingerprint.
    Inside the caller's transaction, or one of its own.
    """
    with wall.standing(SYSTEM):
        case = Case.objects.get(pk=case_id)
        line = line_for(case, category)
        units = directory()
        unit = receiver(line, case.area_code, case.about_unit, units) if line else None
        declared = case.pinned_kind.move("hand_over")
        if unit is None or declared is None or not declared.leads_from(case.state):
            return None
        event = engine.move(
            case_id,
            "hand_over",
            SYSTEM,
            key=f"hand-over:{case.sequence}",
            facts={"organ": unit.code, "service": SERVICES.get(unit.line, "dis")},
            at=at,
        )
        forget(case_id)
        return event


def forget(case_id: UUID) -> None:
    """Removes what the steps kept of a case's words; what they answered stays."""
    with translation.override(settings.LANGUAGE_CODE):
        reason = _("A lead that is handed over sealed; the words are not kept.")
    DecisionRecord.objects.filter(case_id=case_id).update(evidence={}, reason=reason)
    Fingerprint.objects.filter(pk=case_id).delete()


def waiting_for(actor: Actor) -> CaseQuerySet:
    """The leads that an organ's post has to open, or to confirm, the oldest first."""
    if not receives(actor):
        return Case.objects.none()
    seen = Case.objects.visible_to(actor).filter(unit_code=actor.unit_code, state=WAITING)
    return seen.order_by("opened_at", "id")


def receipts_of(actor: Actor) -> CaseQuerySet:
    """The leads that an organ's post has confirmed, the newest first."""
    if not receives(actor):
        return Case.objects.none()
    seen = Case.objects.visible_to(actor).filter(unit_code=actor.unit_code, state="received")
    return seen.order_by("-changed_at", "id")


def open_lead(case_id: UUID, actor: Actor, reason: str, *, key: str) -> list[Read]:
    """What a lead says, to the organ that received it: once, with a reason that is noted.

    A second time it is refused, whatever the key; then nothing is shown.
    Raises engine.FactsError without a reason, engine.Refused, or reporters.Unreadable.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise engine.MissingFacts({"reason": _("Please say why you open it.")})
    if len(reason) > LONGEST_REASON:
        raise engine.FactsError({"reason": _("Please shorten the reason.")})
    with wall.standing(SYSTEM):
        before = Case.objects.filter(pk=case_id).values_list("sequence", flat=True).first()
        event = engine.move(case_id, "open_lead", actor, key=key)
        if before is None or event.sequence <= before:
            raise engine.MoveNotPossible(_("It was opened already; it can be read once."))
        looks.note(actor, Case.objects.get(pk=case_id), Way.PAGE, reason)
        return [Read(said.sequence, said.content) for said in leads.read(case_id)]


def opened_of(cases: Collection[Case]) -> set[UUID]:
    """Which of the leads their organ has opened; one statement."""
    shares = Assignment.objects.filter(
        case_id__in=[case.pk for case in cases], duty=Duty.LEAD, progress=Progress.HANDLING
    )
    return set(shares.values_list("case_id", flat=True))


def receives(actor: Actor) -> bool:
    """Whether an actor's post is one that leads are handed to."""
    return actor.role == Role.OFFICER and actor.line in SERVICES
