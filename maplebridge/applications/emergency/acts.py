"""What is done in an emergency: asked of the log, then made as one move with its declared level.

Each returns the event; the same key again changes nothing.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.applications.emergency import rules
from maplebridge.applications.emergency.rules import Entry, Reading, Refused, Situation
from maplebridge.cases import engine, wall
from maplebridge.cases.models import Case, Event
from maplebridge.connectors import sensors
from maplebridge.connectors.models import Observation, Quality, Station
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import readiness
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.readiness import Cause, ResponseLevel
from maplebridge.organisation.units import directory

KIND = "incident"
TIME_CLASS = "S0"
# It tells of water and works, never of a person: everybody at work in the area may read it.
OPEN_TO_STAFF = "C0"


def hear(
    station_code: str, value: Decimal | float | str, at: dt.datetime, source: str = sensors.SENSOR
) -> tuple[sensors.Taken, engine.Opened | None]:
    """Takes a reading in; one that rises over a mark proposes an emergency in the same transaction.

    Noise about the mark proposes nothing anew, and a doubtful or impossible reading nothing at all.
    Raises sensors.NotTaken.
    """
    with transaction.atomic():
        taken = sensors.observe(station_code, value, at, source=source)
        if not (taken.fresh and taken.crossed):
            return taken, None
        station = Station.objects.get(pk=station_code)
        said = _("%(station)s stands at %(level)s m: %(grade)s.") % {
            "station": station.name, "level": taken.observation.value, "grade": taken.after.label,
        }  # fmt: skip
        return taken, propose(station, said, f"{station_code}:{at.isoformat()}", at)


def propose(station: Station, text: str, key: str, at: dt.datetime) -> engine.Opened:
    """Opens an emergency at the room of a station's place; nothing is declared by it."""
    return engine.open(
        engine.Opening(
            kind=KIND, channel="sensor", account="sensors", key=key, area_code=station.area_code,
            unit_code=directory().room_of(station.area_code).code, words={"text": text},
            lon=station.lon, lat=station.lat, actor=SYSTEM, at=at, synthetic=station.synthetic,
            facts={
                "sla_class": TIME_CLASS, "confidentiality": OPEN_TO_STAFF, "station": station.pk
            },
        )
    )  # fmt: skip


def propose_by_hand(
    actor: Actor, text: str, key: str, *, drill: bool = False, at: dt.datetime | None = None
) -> engine.Opened:
    """Opens an emergency for the actor's own area; nothing is declared by it.

    drill: an exercise; it goes the whole way, is marked everywhere, and declares no level.
    """
    if not text.strip():
        raise Refused(_("Please say in a sentence what is happening."))
    return engine.open(
        engine.Opening(
            kind=KIND, channel="desk", account=str(actor.account_id), key=key,
            area_code=actor.area_code, unit_code=directory().room_of(actor.area_code).code,
            words={"text": text.strip()}, actor=actor, at=at,
            facts={"sla_class": TIME_CLASS, "confidentiality": OPEN_TO_STAFF, "drill": drill},
        )
    )  # fmt: skip


def take_command(
    case_id: UUID, actor: Actor, level: ResponseLevel, reason: str, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Declares a level and takes command; refuses a second commander with a sentence."""
    return _command(case_id, "take_command", actor, level, key, at, reason=reason)


def set_level(
    case_id: UUID, actor: Actor, level: ResponseLevel, reason: str, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Raises or lowers the level, by its commander alone."""
    return _command(case_id, "set_level", actor, level, key, at, reason=reason)


def stand_down(
    case_id: UUID, actor: Actor, reason: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Ends the response and its level, by its commander alone."""
    return _command(case_id, "stand_down", actor, ResponseLevel.PEACE, key, at, reason=reason)


def hand_command(
    case_id: UUID, actor: Actor, to: Account, reason: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Hands command over to somebody who may declare a level here; there is never a gap."""
    with transaction.atomic(), wall.standing(SYSTEM):
        case = Case.objects.select_for_update().get(pk=case_id)
        posts = actors_for(to, local_day(now()))
        if not any(readiness.may_declare(post, case.area_code) for post in posts):
            raise Refused(_("%(name)s may not command here.") % {"name": to.display_name})
        _ask_commander(case_id, actor, key)
        facts = {"to": str(to.pk), "reason": reason}
        return engine.move(case_id, "hand_command", actor, key=key, facts=facts, at=at)


def note(
    case_id: UUID, move: str, actor: Actor, key: str, at: dt.datetime | None = None, **facts: Any
) -> Event:
    """Makes an entry in the log; one that corrects names an entry of its own sort."""
    with transaction.atomic(), wall.standing(SYSTEM):
        Case.objects.select_for_update().get(pk=case_id)
        if "corrects" in facts:
            rules.check_correction(log_of(case_id), move, int(facts["corrects"]))
        return engine.move(case_id, move, actor, key=key, facts=facts, at=at)


def report(
    case_id: UUID, actor: Actor, stage: str, key: str, at: dt.datetime | None = None, *,
    note: str = "",
) -> tuple[Event, Situation]:  # fmt: skip
    """Sends a situation report; it says what has a source by then, and is refused without any."""
    with transaction.atomic(), wall.standing(SYSTEM):
        Case.objects.select_for_update().get(pk=case_id)
        made = Event.objects.filter(case_id=case_id, key=key).first()
        known = situation(case_id, at or now())
        if made is None:
            rules.check_report(known, log_of(case_id), stage)
        facts = {"stage": stage, **({"note": note} if note else {})}
        event = engine.move(case_id, "report_situation", actor, key=key, facts=facts, at=at)
        return event, situation(case_id, event.at)


def log_of(case_id: UUID) -> list[Entry]:
    """The command log, oldest first. Whoever calls stands behind the wall. One statement."""
    events = Event.objects.filter(case_id=case_id).order_by("sequence")
    return [Entry(e.sequence, e.move, e.at, e.facts, e.account_id) for e in events]


def situation(case_id: UUID, at: dt.datetime) -> Situation:
    """What is known of an emergency at a moment. Three statements."""
    log = log_of(case_id)
    station = log[0].facts.get("station", "")
    begin = log[0].at - dt.timedelta(days=1)
    readings = [
        Reading(station, one.at, one.value)
        for one in Observation.objects.filter(
            station_id=station, quality=Quality.GOOD, at__gte=begin, at__lte=at
        ).order_by("at")
    ]
    return rules.situation(log, readings, at)


def _ask_commander(case_id: UUID, actor: Actor, key: str) -> None:
    log = log_of(case_id)
    if Event.objects.filter(case_id=case_id, key=key).exists():
        return
    held = rules.commander(log)
    if held is not None and held != actor.account_id:
        name = Account.objects.filter(pk=held).values_list("display_name", flat=True).first()
        raise Refused(
            _("%(name)s commands already. Please ask for command to be handed over.")
            % {"name": name or ""}
        )


def _command(
    case_id: UUID, move: str, actor: Actor, level: ResponseLevel, key: str,
    at: dt.datetime | None, **facts: Any,
) -> Event:  # fmt: skip
    with transaction.atomic(), wall.standing(SYSTEM):
        case = Case.objects.select_for_update().get(pk=case_id)
        known = Event.objects.filter(case_id=case_id, key=key).first()
        _ask_commander(case_id, actor, key)
        if not readiness.may_declare(actor, case.area_code):
            raise Refused(_("A level is declared by the dispatcher or leader of this area."))
        if level != ResponseLevel.PEACE:
            facts["level"] = str(int(level))
        event = engine.move(case_id, move, actor, key=key, facts=facts, at=at)
        if known is None and not rules.is_drill(log_of(case_id)):
            readiness.declare(actor, case.area_code, level, Cause.FLOOD)
        return event
