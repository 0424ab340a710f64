"""Calls to those on duty (叫应): rung by rung and tier by tier, until somebody acknowledges.

Every rung and the answer are entries of the command log; the table only says when the next rings.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.applications.emergency import acts, rules
from maplebridge.applications.emergency.models import Callout
from maplebridge.applications.emergency.rules import Entry, Refused
from maplebridge.cases import engine, wall
from maplebridge.cases.models import Case, Event
from maplebridge.connectors import messages
from maplebridge.lib.clock import now
from maplebridge.organisation import duty
from maplebridge.organisation.areas import LENGTHS
from maplebridge.organisation.people import SYSTEM, Actor, Role
from maplebridge.organisation.units import ROOMS, UnitFacts, UnknownUnit, directory

# The ladder of one tier, a rung each so many minutes; then the next tier's. Source: our decision.
WAYS = ("app", "sms", "voice", "leader")
EACH = dt.timedelta(minutes=2)
# The last tier that is called is the county, as many digits as its code has.
COUNTY = 6
ENDED = ("stood_down", "closed", "archived", "dropped")
AT_ONCE = 50
EDITION = "callout-1"


@dataclass(frozen=True)
class Call:
    """A call, the entries of its rungs and of its answer. is_over: its ladder has no more rungs."""

    entry: Entry
    rungs: tuple[Entry, ...] = ()
    answer: Entry | None = None

    @property
    def called(self) -> tuple[str, ...]:
        """The units that were called, the first one first."""
        units = (str(one.facts["called"]) for one in (self.entry, *self.rungs))
        return tuple(dict.fromkeys(units))

    @property
    def is_over(self) -> bool:
        """Whether every rung has rung."""
        return len(self.rungs) >= len(ladder(str(self.entry.facts["called"])))

    @property
    def next_at(self) -> dt.datetime | None:
        """When the next rung rings; None when none does."""
        if self.answer is not None or self.is_over:
            return None
        return self.rungs[-1].at + EACH if self.rungs else self.entry.at


def calls(log: Iterable[Entry]) -> list[Call]:
    """Every call of a log, the oldest first."""
    found: dict[int, Call] = {}
    for entry in log:
        if entry.move == "call_duty":
            found[entry.number] = Call(entry)
        elif (entry.move in ("ring_duty", "answer_duty")) and entry.facts.get("call") in found:
            call = found[entry.facts["call"]]
            if entry.move == "ring_duty":
                found[entry.facts["call"]] = replace(call, rungs=(*call.rungs, entry))
            else:
                found[entry.facts["call"]] = replace(call, answer=entry)
    return list(found.values())


def open_for(log: Iterable[Entry], unit_code: str) -> list[Call]:
    """The calls that a unit may acknowledge now."""
    return [one for one in calls(log) if one.answer is None and unit_code in one.called]


def ladder(unit_code: str) -> list[tuple[str, str]]:
    """The rungs of a call: (unit, way), from the unit itself up to the leader of the county."""
    found: list[tuple[str, str]] = []
    unit: UnitFacts | None
    try:
        unit = directory().unit(unit_code)
    except UnknownUnit:
        unit = None
    while unit is not None:
        found += [(unit.code, way) for way in WAYS]
        above = directory().room_above(unit.area_code) if len(unit.area_code) > COUNTY else None
        unit = above if above is not None and len(above.area_code) >= COUNTY else None
    return found


def rooms(area_code: str) -> list[UnitFacts]:
    """The rooms that may be called for an area: its own, those right below it, and one above."""
    below = [length for length in LENGTHS if length >= len(area_code)][:2]
    found = [
        unit
        for unit in directory().all()
        if unit.kind in ROOMS
        and unit.area_code.startswith(area_code)
        and len(unit.area_code) in below
    ]
    above = directory().room_above(area_code)
    return [*found, *([above] if above is not None and above not in found else [])]


def begin(
    case_id: UUID, actor: Actor, unit_code: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Calls those on duty in a unit; the same key again calls nobody anew."""
    with transaction.atomic(), wall.standing(SYSTEM):
        case = Case.objects.select_for_update().get(pk=case_id)
        if unit_code not in {unit.code for unit in rooms(case.area_code)}:
            raise Refused(_("Only the rooms of this area and the one above are called."))
        known = Event.objects.filter(case_id=case_id, key=key).exists()
        if not known and any(
            one.answer is None and one.entry.facts["called"] == unit_code
            for one in calls(acts.log_of(case_id))
        ):
            raise Refused(_("This unit is being called already."))
        event = engine.move(
            case_id, "call_duty", actor, key=key, facts={"called": unit_code}, at=at
        )
        Callout.objects.get_or_create(
            called_for=case_id, call=event.sequence,
            defaults={"unit_code": unit_code, "begun_at": event.at, "next_at": event.at},
        )  # fmt: skip
        return event


def acknowledge(
    case_id: UUID, actor: Actor, call: int, key: str, at: dt.datetime | None = None
) -> Event:
    """Answers a call by name; by whoever belongs to a unit that was called, and once."""
    with transaction.atomic(), wall.standing(SYSTEM):
        waiting = Callout.objects.select_for_update().filter(called_for=case_id, call=call)
        row = waiting.first()
        if row is None:
            raise Refused(_("There is no such call. Please look up its number in the log."))
        made = Event.objects.filter(case_id=case_id, key=key).first()
        known = next(one for one in calls(acts.log_of(case_id)) if one.entry.number == call)
        if actor.unit_code not in known.called:
            raise Refused(_("A call is acknowledged by a unit that was called."))
        if known.answer is not None and made is None:
            raise Refused(_("This call is acknowledged already; nothing is left to do."))
        event = engine.move(case_id, "answer_duty", actor, key=key, facts={"call": call}, at=at)
        waiting.update(next_at=None)
        return event


def ring(at: dt.datetime | None = None, only: UUID | None = None) -> int:
    """Rings every rung that is due, each once whatever is killed; returns how many.

    at: the moment, by default now; for simulations. only: the calls of one emergency.
    Several workers may ring at once. A call whose emergency has ended rings no more.
    """
    moment = at or now()
    due = Callout.objects.filter(next_at__lte=moment).order_by("next_at", "id")
    if only is not None:
        due = due.filter(called_for=only)
    return sum(_ring(pk, moment, at) for pk in list(due.values_list("pk", flat=True)[:AT_ONCE]))


def _ring(pk: UUID, moment: dt.datetime, at: dt.datetime | None) -> int:
    with transaction.atomic(), wall.standing(SYSTEM):
        due = Callout.objects.select_for_update(skip_locked=True)
        row = due.filter(pk=pk, next_at__lte=moment).first()
        if row is None or row.next_at is None:
            return 0
        rungs = ladder(row.unit_code)
        case = Case.objects.filter(pk=row.called_for).first()
        if case is None or case.state in ENDED or row.rungs >= len(rungs):
            Callout.objects.filter(pk=pk).update(next_at=None)
            return 0
        unit_code, way = rungs[row.rungs]
        whom, phone = _on_duty(unit_code, way, moment)
        engine.move(
            case.pk, "ring_duty", SYSTEM, key=f"rung:{row.call}:{row.rungs}", at=at,
            facts={"call": row.call, "rung": way, "called": unit_code, "whom": whom},
        )  # fmt: skip
        _tell(case, row, way, unit_code, phone)
        row.rungs += 1
        # After an outage the rungs do not all ring at once.
        planned = row.begun_at + row.rungs * EACH
        upcoming = planned if planned > moment else moment + EACH
        row.next_at = upcoming if row.rungs < len(rungs) else None
        row.save(update_fields=["rungs", "next_at"])
        return 1


def _on_duty(unit_code: str, way: str, at: dt.datetime) -> tuple[str, str]:
    """The title of the post that is called, and its desk's telephone; the unit when none is."""
    found = duty.on_duty(unit_code, at)
    leaders = [one for one in found if one.role == Role.LEADER]
    chosen = (leaders or found[1:]) if way == "leader" else found
    if chosen:
        return chosen[0].title, chosen[0].desk_phone
    return directory().name_of(unit_code), ""


def _tell(case: Case, row: Callout, way: str, unit_code: str, phone: str) -> None:
    """Writes the message of a rung, once by its name; it tells no more than the number."""
    with translation.override(settings.LANGUAGE_CODE):
        text = _("%(unit)s: emergency %(number)s. Please acknowledge the call now.") % {
            "unit": directory().name_of(unit_code), "number": case.number,
        }  # fmt: skip
        if rules.is_drill(acts.log_of(case.pk)):
            text = _("[Drill] %(text)s") % {"text": text}
    to = f"unit:{unit_code}"
    if phone and way != "app":
        to = phone if way == "sms" else f"voice:{phone}"
    name = f"{name_of(case.pk)}{row.call}-{row.rungs}"
    messages.send(messages.Message(name, to, text, EDITION, {"number": case.number}))


def name_of(case_id: UUID) -> str:
    """How the names of the messages of an emergency begin."""
    return f"c{case_id.hex}-"
