"""The plan of visits and the visits themselves: one for all departments, each finding a hazard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.applications.safety import register, rules
from maplebridge.applications.safety.models import Inspection, Premises, Risk, Trade
from maplebridge.applications.safety.papers import KIND
from maplebridge.cases import engine, wall
from maplebridge.cases.engine import FactsError
from maplebridge.cases.models import Event
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import printable
from maplebridge.organisation import calendar
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.units import directory

MOST_DAYS = 92
MOST_A_DAY = 20
OK, NOT, NOT_APPLICABLE = "ok", "not", "na"
ANSWERS = (OK, NOT, NOT_APPLICABLE)
CHANNEL, ACCOUNT = "desk", "safety"


def seen_by(actor: Actor) -> QuerySet[Inspection]:
    """The visits of a post's own area."""
    found = Inspection.objects.filter(area_code__startswith=actor.area_code)
    return found if register.may_look(actor) else found.none()


def plan(
    actor: Actor, begins: dt.date, days: int, visits_a_day: int, seed: int
) -> list[Inspection]:
    """Plans visits of the own area's premises on its working days; the same again adds none.

    days: from begins on, at most 92. Premises that wait for a visit already are left out, so nobody
    is visited twice without a cause. Raises engine.FactsError.
    """
    wrong = {}
    if not 1 <= days <= MOST_DAYS:
        wrong["days"] = _("Please write from 1 to %(n)d days.") % {"n": MOST_DAYS}
    if not 1 <= visits_a_day <= MOST_A_DAY:
        wrong["visits_a_day"] = _("Please write from 1 to %(n)d visits.") % {"n": MOST_A_DAY}
    span = [begins + dt.timedelta(days=n) for n in range(days if not wrong else 0)]
    worked = [day for day in span if calendar.is_workday(day)]
    if not wrong and not worked:
        wrong["begins"] = _("No working day lies in these days.")
    if wrong:
        raise FactsError(wrong)
    name = f"{actor.area_code}:{begins.isoformat()}:{days}:{visits_a_day}:{seed}"
    with transaction.atomic():
        waiting = seen_by(actor).filter(done_at=None).exclude(plan=name)
        free = register.seen_by(actor).exclude(pk__in=waiting.values("premises_id"))
        known = {one.code: one for one in free}
        made = rules.inspection_plan(
            [
                rules.Premises(one.code, Risk(one.risk), frozenset(one.lines), one.last_visit)
                for one in known.values()
            ],
            begins, worked, visits_a_day, seed,
        )  # fmt: skip
        Inspection.objects.bulk_create(
            [
                Inspection(
                    premises=known[visit.code], area_code=known[visit.code].area_code, plan=name,
                    planned_on=visit.on, lines=list(visit.lines), reason=visit.reason,
                    synthetic=known[visit.code].synthetic,
                )
                for visit in made
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    return list(Inspection.objects.filter(plan=name).order_by("planned_on", "premises__code"))


def visit_early(actor: Actor, premises: Premises, on: dt.date, cause: str, key: str) -> Inspection:
    """Plans a visit before its time, for a cause that is written down."""
    if not cause.strip():
        raise FactsError({"cause": _("A visit before its time needs a cause.")})
    if on < local_day(now()):
        raise FactsError({"on": _("This day is over.")})
    made, _new = Inspection.objects.get_or_create(
        plan=f"early:{key}"[:60], premises=premises,
        defaults={
            "area_code": premises.area_code, "planned_on": on, "lines": premises.lines,
            "reason": printable(cause)[:200], "synthetic": premises.synthetic,
        },
    )  # fmt: skip
    return made


def record(
    actor: Actor, inspection_id: UUID, findings: Mapping[str, str], notes: Mapping[str, str],
    at: dt.datetime | None = None,
) -> list[engine.Opened]:  # fmt: skip
    """Writes down a visit; each item that is not in order becomes a hazard, in one transaction.

    findings: ok, not or na for each item of the trade. notes: what was seen, for each `not`. The
    same again by the same person opens nothing anew; somebody else's visit is refused.
    Raises engine.FactsError, with a sentence for each item.
    """
    at = at or now()
    with transaction.atomic(), wall.standing(SYSTEM):
        visit = Inspection.objects.select_for_update().get(pk=inspection_id)
        premises = Premises.objects.select_for_update().get(pk=visit.premises_id)
        if visit.done_at is not None and visit.account_id != actor.account_id:
            raise FactsError({"": _("This visit is written down already.")})
        items = register.items_of(premises.trade)
        if visit.done_at is None:
            wrong: dict[str, str] = {}
            for item in items:
                if findings.get(item.code) not in ANSWERS:
                    wrong[item.code] = _("Please answer this item.")
                elif findings[item.code] == NOT and not notes.get(item.code, "").strip():
                    wrong[item.code] = _("Please write what was seen.")
            if wrong:
                raise FactsError(wrong)
            visit.findings = {item.code: findings[item.code] for item in items}
            visit.notes = {
                code: printable(notes[code])[:500]
                for code, answer in visit.findings.items()
                if answer == NOT
            }
            visit.done_at, visit.account_id, visit.unit_code = at, actor.account_id, actor.unit_code
            visit.save()
            premises.last_visit = local_day(at)
            premises.save(update_fields=["last_visit"])
        return [
            _hazard(visit, premises, item.code, item.text, item.major, visit.done_at or at)
            for item in items
            if visit.findings.get(item.code) == NOT
        ]


def _hazard(
    visit: Inspection, premises: Premises, item: str, text: str, major: bool, at: dt.datetime
) -> engine.Opened:
    room = directory().room_of(premises.area_code[:9])
    # The words of a case are the city's, whoever writes them.
    with translation.override(settings.LANGUAGE_CODE):
        said = _("%(name)s: not in order: %(item)s. %(seen)s") % {
            "name": premises.name, "item": text, "seen": visit.notes[item],
        }  # fmt: skip
    repeat = rules.is_repeat(item, local_day(at), found_before(premises, visit.pk))
    return engine.open(
        engine.Opening(
            kind=KIND, channel=CHANNEL, account=ACCOUNT, key=f"{visit.pk}:{item}",
            area_code=premises.area_code, unit_code=room.code,
            words={"text": said},
            lon=premises.lon, lat=premises.lat, at=at, synthetic=premises.synthetic,
            facts={
                "category": register.CATEGORIES[Trade(premises.trade)], "confidentiality": "C0",
                "premises": premises.code, "item": item, "inspection": str(visit.pk),
                "repeat": repeat, "major": major,
            },
        )
    )  # fmt: skip


def found_before(premises: Premises, but: UUID) -> list[tuple[str, dt.date]]:
    """What earlier visits found not in order at premises: item and day. One statement."""
    earlier = Inspection.objects.filter(premises=premises, done_at__isnull=False).exclude(pk=but)
    return [
        (item, local_day(done_at))
        for findings, done_at in earlier.values_list("findings", "done_at")
        for item, answer in findings.items()
        if answer == NOT and done_at is not None
    ]


def hazards_of(visit: Inspection) -> dict[str, UUID]:
    """The hazard that each item of a visit opened."""
    return {
        item: engine.case_id_for(CHANNEL, ACCOUNT, f"{visit.pk}:{item}")
        for item, answer in visit.findings.items()
        if answer == NOT
    }


def is_repeated(case_id: UUID) -> bool:
    """Whether a hazard was found again within twelve months, as its opening says."""
    first = (
        Event.objects.filter(case_id=case_id, sequence=1).values_list("facts", flat=True).first()
    )
    return bool(first and first.get("repeat"))
