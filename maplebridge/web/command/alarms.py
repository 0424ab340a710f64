"""What rang for the unit: running clocks of which it was told, the longest overdue first."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from maplebridge.cases import deadlines, looks
from maplebridge.cases.grades import Rung
from maplebridge.cases.models import Case, Timer
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.parts.desk import at_a_desk

MOST_ROWS = 200
# Rung → (tone, icon), the most pressing first.
SIGNS = {
    Rung.LONG_OVERDUE: ("crimson", "overdue"),
    Rung.OVERDUE: ("crimson", "overdue"),
    Rung.DUE: ("amber", "due"),
    Rung.WARN: ("amber", "clock"),
}


@dataclass(frozen=True)
class Rang:
    """A clock that rang, with its case."""

    row: rows.Row
    timer: Timer
    clock: str


@dataclass(frozen=True)
class Group:
    """What stands at one rung."""

    rung: Rung
    tone: str
    icon: str
    rang: list[Rang]


@require_safe
@at_a_desk
def alarms(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The running clocks that rang for this unit, by how far they went."""
    told = Timer.objects.rung_for(actor).order_by("-rung", "due_at", "case_id", "clock", "share")
    found = list(told[: MOST_ROWS + 1])
    cases = list(Case.objects.visible_to(actor).filter(pk__in={timer.case_id for timer in found}))
    by_case = {row.case.pk: row for row in rows.rows_of(actor, cases)}
    rang = [
        Rang(by_case[timer.case_id], timer, deadlines.label(timer.clock))
        for timer in found[:MOST_ROWS]
        if timer.case_id in by_case
    ]
    groups = [
        Group(rung, tone, icon, [each for each in rang if each.timer.rung == rung])
        for rung, (tone, icon) in SIGNS.items()
    ]
    shown = {
        "here": "alarms",
        "groups": [group for group in groups if group.rang],
        "cut": len(found) > MOST_ROWS,
    }
    answer = render(request, "command/alarms.html", shown)
    looks.note_list(actor, cases)
    return answer
