"""The live board of an area, the same for the big screen, its past, and the response level."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from maplebridge.insight import board, replay
from maplebridge.insight.scope import scope_of, watches
from maplebridge.lib import clock
from maplebridge.organisation import readiness
from maplebridge.organisation.people import Actor
from maplebridge.organisation.readiness import Cause, ResponseLevel
from maplebridge.web.board import shown
from maplebridge.web.parts import position, sessions
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.position import Position

# How far back the slider goes, in hours.
MOST_HOURS = 168


@require_safe
@at_a_desk
def live_board(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The board of the own area or one within it, now or at a past hour."""
    return _board(request, actor, "board/board.html")


@require_safe
@at_a_desk
def screen(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The same for a screen of 16:9 that nobody touches."""
    return _board(request, actor, "board/screen.html")


@require_POST
@at_a_desk
def keep_screen(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Makes this browser a screen: it stays on for thirty days, and opens nothing else."""
    area = _area(request, actor, request.POST)
    sessions.keep_as_screen(request)
    return HttpResponseRedirect(f"{reverse('board-screen')}?{urlencode({'area': area})}")


def _board(request: HttpRequest, actor: Actor, template: str) -> HttpResponse:
    area = _area(request, actor)
    past = _past(request)
    live_after = position.here()
    context: dict[str, Any]
    if past is None:
        after = Position.read(request.GET.get("after", ""))
        context = dict(shown.fresh(area, actor, after))
    else:
        context = _replayed(area, actor, past)
    # A board that nobody told how to look follows what happens, also while it is open.
    chosen = request.GET.get("layout", "") if request.GET.get("layout") in shown.LAYOUTS else ""
    layout = chosen or shown.layout_of(context)
    kept = urlencode({"area": area, **({"layout": chosen} if chosen else {})})
    context |= {
        "here": "board",
        "layout": layout,
        "past": past,
        "hours_back": _hours_back(past),
        "most_hours": MOST_HOURS,
        "now": clock.now(),
        "live_after": live_after,
        "kept_query": kept,
        "parts_address": f"{request.path}?{kept}",
        "may_declare": readiness.may_declare(actor, area),
        "is_kept": bool(request.session.get(sessions.SCREEN)),
        "levels": ResponseLevel.choices,
        "causes": Cause.choices,
        "pressing": shown.pressing(area) if layout == "emergency" and past is None else [],
    }
    if request.headers.get("X-Live") == "1":
        return HttpResponse(shown.drawn_parts(request, context, area, actor))
    return render(request, template, context)


def _area(request: HttpRequest, actor: Actor, asked: QueryDict | None = None) -> str:
    if scope_of(actor) is None or not watches(actor):
        raise PermissionDenied
    area = shown.area_of(actor, {"area": narrowing(asked or request.GET, "area")})
    if area is None:
        raise Http404
    return area


def _past(request: HttpRequest) -> dt.datetime | None:
    """The hour asked for: `back` hours ago, or `at` as a local time; None for now."""
    now = clock.now()
    back = request.GET.get("back", "")
    if back.isdecimal() and 0 < int(back[:4]) <= MOST_HOURS:
        local = now.astimezone(clock.CHINA).replace(minute=0, second=0, microsecond=0)
        return local - dt.timedelta(hours=int(back[:4]) - 1)
    try:
        at = dt.datetime.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=clock.CHINA)
    return at if at < now else None


def _hours_back(past: dt.datetime | None) -> int:
    if past is None:
        return 0
    return min(MOST_HOURS, int((clock.now() - past).total_seconds() // 3600) + 1)


def _replayed(area: str, actor: Actor, past: dt.datetime) -> dict[str, Any]:
    try:
        found = replay.at(area, past)
    except replay.TooMuch:
        empty = board.compose(area, past, [], board.days(past, lambda _day: (0, 0)), board.Rated())
        refused = _(
            "So many events cannot be told again at once. Please choose a smaller area on the map."
        )
        return {**shown.values(empty, actor, live=False), "refused": refused}
    return shown.values(found, actor, live=False)


@require_POST
@at_a_desk
def declare(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Declares a response level for an area, or ends it; told in the log of acts."""
    area = narrowing(request.POST, "area")
    try:
        level = ResponseLevel(int(request.POST.get("level", "")))
        cause = Cause(request.POST.get("cause", ""))
        readiness.declare(actor, area, level, cause)
    except ValueError as wrong:
        raise Http404 from wrong
    except readiness.NotYours as wrong:
        raise PermissionDenied from wrong
    shown.forget()
    return HttpResponseRedirect(f"{reverse('board')}?{urlencode({'area': area})}")
