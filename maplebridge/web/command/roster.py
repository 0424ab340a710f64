"""The duty roster of a unit: who is on duty, where nobody is, and what one shift hands the next."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from maplebridge.cases import looks
from maplebridge.cases.grades import Urgency
from maplebridge.cases.models import Case
from maplebridge.insight.scope import watches
from maplebridge.lib import clock
from maplebridge.organisation import duty
from maplebridge.organisation.models import Post
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.parts.asked import form_key
from maplebridge.web.parts.desk import at_a_desk

URGENT_CLASSES = ("S0", "S1")
MOST_WATCHED = 40
SHOWN_AHEAD = dt.timedelta(days=7)
Times = tuple[str, str]
SAID = ("post", "begins_at", "ends_at", "desk_phone", "days", "key")


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def roster(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The roster of the actor's unit, and the acts on it: plan, take back, write up, take over."""
    if not duty.may_read(actor):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, actor)
    act = request.POST.get("act", "")
    try:
        done = _do(actor, act, request.POST)
    except duty.RosterRefused as refused:
        return _page(request, actor, act, refused.problems, 422)
    if not done:
        raise Http404
    messages.success(request, done)
    return HttpResponseRedirect(reverse("duty"))


def _do(actor: Actor, act: str, said: Mapping[str, str]) -> str:
    """Carries out one act; the sentence that says so, empty for what is not there."""
    if act == "plan":
        days = said.get("days", "1").strip() or "1"
        planned = duty.plan(
            actor,
            said.get("post", ""),
            _moment(said.get("begins_at", "")),
            _moment(said.get("ends_at", "")),
            key=form_key(said),
            desk_phone=said.get("desk_phone", ""),
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 4 else 0,
        )
        return _("Planned: %(n)d.") % {"n": planned}
    shift = _shift(said.get("shift", ""))
    if shift is None:
        return ""
    if act == "back":
        return _("Taken back.") if duty.take_back(actor, shift) else ""
    if act == "write":
        watched = [case.pk for case in _to_watch(actor)]
        duty.write_note(actor, shift, said.get("words", ""), watched)
        return _("Written; the next shift takes it over.")
    if act == "take":
        duty.take_note(actor, shift)
        return _("Taken over.")
    return ""


def _moment(said: str) -> dt.datetime | None:
    """What a field for date and time holds, as China's clocks show it."""
    try:
        return dt.datetime.fromisoformat(said).replace(tzinfo=clock.CHINA)
    except ValueError:
        return None


def _shift(said: str) -> UUID | None:
    try:
        return UUID(said)
    except ValueError:
        return None


def _to_watch(actor: Actor) -> list[Case]:
    """What the next shift must not lose sight of: S0 and S1, supervised, expedited; of the unit."""
    pressing = Q(sla_class__in=URGENT_CLASSES) | Q(supervision__gt=0)
    pressing |= ~Q(urgency=Urgency.ORDINARY)
    own = Case.objects.visible_to(actor).filter(pressing, unit_code=actor.unit_code, ended=False)
    return list(own.order_by("due_at", "id")[:MOST_WATCHED])


def _page(
    request: HttpRequest,
    actor: Actor,
    act: str = "",
    problems: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    at = clock.now()
    changes = duty.changes(actor.unit_code, at)
    watched = _to_watch(actor)
    noted = {pk for change in changes if change.note for pk in change.note.matters}
    known = Case.objects.visible_to(actor).filter(pk__in=noted - {case.pk for case in watched})
    listed = [*watched, *known.order_by("id")]
    shown_rows = {row.case.pk: row for row in rows.rows_of(actor, listed)}
    coming = duty.shifts(actor.unit_code, at, at + SHOWN_AHEAD)
    shown = {
        "here": "duty",
        "now": [one for one in coming if one.begins_at <= at],
        "days": _days(coming, at),
        "gaps": _by_day(duty.gaps(actor.unit_code, at)),
        "rooms": duty.rooms_on_duty(actor.area_code, at) if watches(actor) else [],
        "changes": [
            {
                "change": change,
                "rows": _of(change.note.matters if change.note else [], shown_rows),
                "may_take": change.note is not None and change.note.written_by != actor.account_id,
            }
            for change in changes
        ],
        "watched": [shown_rows[case.pk] for case in watched],
        "may_plan": duty.may_plan(actor),
        "may_hand_over": duty.may_hand_over(actor),
        "posts": Post.objects.filter(unit_id=actor.unit_code).order_by("code"),
        "said": _said(request, act),
        "words_said": request.POST.get("words", "") if act == "write" else "",
        "shift_said": request.POST.get("shift", ""),
        "problems": problems or {},
        "act": act,
    }
    answer = render(request, "command/roster.html", shown, status=status)
    looks.note_list(actor, listed)
    return answer


def _of(matters: Iterable[UUID], shown: Mapping[UUID, rows.Row]) -> list[rows.Row]:
    return [shown[pk] for pk in matters if pk in shown]


def _by_day(gaps: Iterable[tuple[dt.datetime, dt.datetime]]) -> list[tuple[dt.date, list[Times]]]:
    """The gaps by day, as times; what goes on over midnight stands under each of its days."""
    days: dict[dt.date, list[Times]] = {}
    for begins, ends in gaps:
        at = begins
        while at < ends:
            midnight = dt.datetime.combine(at.date() + dt.timedelta(days=1), dt.time(), at.tzinfo)
            until = min(ends, midnight)
            last = "24:00" if until == midnight else until.strftime("%H:%M")
            days.setdefault(at.date(), []).append((at.strftime("%H:%M"), last))
            at = until
    return sorted(days.items())


def _days(coming: list[duty.OnDuty], at: dt.datetime) -> list[tuple[dt.date, list[duty.OnDuty]]]:
    """The shifts by the day on which they begin; what runs already stands under today."""
    today = clock.local_day(at)
    days: dict[dt.date, list[duty.OnDuty]] = {}
    for one in coming:
        days.setdefault(max(today, clock.local_day(one.begins_at)), []).append(one)
    return sorted(days.items())


def _said(request: HttpRequest, act: str) -> dict[str, Any]:
    """What stands in the form of a new shift: what was typed, else the next whole day."""
    if act == "plan":
        said = {name: request.POST.get(name, "") for name in SAID}
        return {**said, "key": form_key(said)}
    begins = clock.now().astimezone(clock.CHINA).replace(hour=8, minute=30) + dt.timedelta(days=1)
    return {
        "begins_at": begins.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": begins.replace(hour=17).strftime("%Y-%m-%dT%H:%M"),
        "days": "1",
        "key": str(uuid.uuid4()),
    }
