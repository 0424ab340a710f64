"""The auditor's list: who read which case, when and how; nothing of what stands in it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from maplebridge.cases import permissions
from maplebridge.cases.models import Case, Look
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk

PAGE_ROWS = 50


@dataclass(frozen=True)
class Row:
    """One reading, ready to be shown."""

    look: Look
    number: str
    name: str
    role: str


@require_safe
@at_a_desk
def looks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The newest readings in the auditor's area, a page at a time, of one case or of all."""
    if not permissions.may_audit(actor):
        raise PermissionDenied
    number = narrowing(request.GET, "number").strip().upper()
    found = _behind(_asked(actor, number), request.GET.get("after", ""))
    rows = list(found.order_by("-at", "-look_id")[: PAGE_ROWS + 1])
    more = ""
    if len(rows) > PAGE_ROWS:
        last = rows[PAGE_ROWS - 1]
        after = f"{last.at.isoformat()},{last.look_id}"
        more = urlencode({"after": after, **({"number": number} if number else {})})
    shown = {"here": "looks", "rows": _rows(rows[:PAGE_ROWS]), "more": more, "number": number}
    return render(request, "command/looks.html", shown)


def _asked(actor: Actor, number: str) -> QuerySet[Look]:
    found = Look.objects.filter(permissions.looks_seen_by(actor))
    if number:
        found = found.filter(case_id__in=Case.objects.filter(number=number).values("pk"))
    return found


def _behind(found: QuerySet[Look], after: str) -> QuerySet[Look]:
    """What follows the last row seen; anything that is no cursor starts at the beginning."""
    instant, _comma, last = after.partition(",")
    try:
        at, look_id = dt.datetime.fromisoformat(instant).astimezone(dt.UTC), UUID(last)
    except (ValueError, OverflowError):
        return found
    return found.filter(Q(at__lt=at) | Q(at=at, look_id__lt=look_id))


def _rows(found: list[Look]) -> list[Row]:
    """Two statements, whatever their number."""
    cases = {look.case_id for look in found}
    numbers = dict(Case.objects.filter(pk__in=cases).values_list("pk", "number"))
    accounts = Account.objects.in_bulk({look.account_id for look in found if look.account_id})
    return [
        Row(
            look,
            numbers.get(look.case_id, ""),
            accounts[look.account_id].display_name if look.account_id in accounts else "",
            str(Role(look.role).label),
        )
        for look in found
    ]
