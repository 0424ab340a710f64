"""What a unit is told when the rungs of clocks ring, or when it is urged: notices and digests."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from maplebridge.cases import deadlines, timers
from maplebridge.cases.feed import News
from maplebridge.cases.grades import Rung
from maplebridge.cases.models import Alarm, Case, Digest
from maplebridge.connectors.messages import Message, send
from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation.units import directory

MOST_NUMBERS = 20
MOST_NOTICES = 200
SEPARATOR = " · "


def carry_out(news: News) -> None:
    """The feed's reader: an urging becomes an alarm of the accountable unit; again changes nothing.

    Those of clocks come from the timers, not from the feed.
    """
    if news.move == "urge":
        timers.note_urging(news.case_id, news.sequence)


def tell(at: dt.datetime | None = None) -> int:
    """Gathers what units have to be told and sends the notices; returns how many went out.

    A notice goes out at least once, under a name of its own, so in effect once.
    """
    timers.gather(at)
    waiting = list(Digest.objects.filter(sent_at=None).order_by("made_at", "id")[:MOST_NOTICES])
    if not waiting:
        return 0
    found: dict[UUID, list[Alarm]] = {}
    for alarm in Alarm.objects.filter(digest_id__in=[notice.pk for notice in waiting]):
        if alarm.digest_id is not None:
            found.setdefault(alarm.digest_id, []).append(alarm)
    every = {alarm.case_id for alarms in found.values() for alarm in alarms}
    rows = Case.objects.filter(pk__in=every).values_list("pk", "number", "about_unit")
    numbers = {pk: number for pk, number, _about in rows}
    about = {pk: unit for pk, _number, unit in rows}
    units = directory()
    found = {
        pk: [a for a in alarms if not units.is_kept_out(a.told_unit, about.get(a.case_id, ""))]
        for pk, alarms in found.items()
    }
    shown = {pk: _most_urgent(alarms) for pk, alarms in found.items()}
    for notice in waiting:
        if not found.get(notice.pk):  # it became known meanwhile that they complain about the unit
            Digest.objects.filter(pk=notice.pk).update(sent_at=now())
            continue
        with translation.override(settings.LANGUAGE_CODE):
            text = words(notice.unit_code, found[notice.pk], shown[notice.pk], numbers)
        send(Message(f"alarm-{notice.pk}", f"unit:{notice.unit_code}", text))
        Digest.objects.filter(pk=notice.pk).update(sent_at=now())
    return len(waiting)


def _most_urgent(alarms: list[Alarm]) -> list[Alarm]:
    """The first of each case, what is longest overdue first; at most MOST_NUMBERS."""
    ordered = sorted(alarms, key=lambda a: (-a.rung, a.due_at, a.case_id))
    of_case = {alarm.case_id: alarm for alarm in reversed(ordered)}
    return [alarm for alarm in ordered if of_case[alarm.case_id] is alarm][:MOST_NUMBERS]


def words(unit_code: str, alarms: list[Alarm], shown: list[Alarm], numbers: dict[UUID, str]) -> str:
    """The text of a notice in the language in force: counts and case numbers, no person's name."""
    unit = directory().name_of(unit_code)
    if len(alarms) == 1:
        alarm = alarms[0]
        said = {
            "unit": unit,
            "number": numbers.get(alarm.case_id, ""),
            "rung": Rung(alarm.rung).label,
            "owner": directory().name_of(alarm.unit_code),
            "clock": deadlines.label(alarm.clock),
            "due": alarm.due_at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M"),
        }
        if alarm.rung == Rung.URGED:
            return _("%(unit)s: case %(number)s: %(rung)s. Please act.") % said
        return (
            _("%(unit)s: case %(number)s: %(rung)s. %(owner)s owes: %(clock)s, due %(due)s.") % said
        )
    counted = Counter(alarm.rung for alarm in alarms)
    return _("%(unit)s: %(count)d reminders. %(rungs)s. Most urgent: %(numbers)s.") % {
        "unit": unit,
        "count": len(alarms),
        "rungs": SEPARATOR.join(
            f"{Rung(rung).label} {counted[rung]}" for rung in sorted(counted, reverse=True)
        ),
        "numbers": ", ".join(numbers.get(alarm.case_id, "") for alarm in shown),
    }
