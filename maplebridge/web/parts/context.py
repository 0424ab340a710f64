"""What every page may show without asking for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from maplebridge.cases import wall
from maplebridge.cases.models import Timer
from maplebridge.cases.permissions import (
    may_agree_to_destruction,
    may_ask_leave,
    may_audit,
    may_list_for_destruction,
    may_revisit,
    may_rule_on_leave,
)
from maplebridge.insight.scope import watches
from maplebridge.journey.handoff import receives
from maplebridge.organisation.duty import takes_calls
from maplebridge.organisation.editions import may_configure
from maplebridge.organisation.people import Role
from maplebridge.organisation.staff import may_manage
from maplebridge.organisation.units import UnknownUnit, directory
from maplebridge.web.parts.desk import actor_of, home_of, post_name, posts_of
from maplebridge.web.parts.words import unit_name

MOST_COUNTED = 100
IN_FIELD = frozenset({Role.GRID_WORKER, Role.STATION})


def shown_everywhere(request: HttpRequest) -> dict[str, Any]:
    """Lazy values: a page that shows none of them asks the database nothing."""
    return {
        "demonstration": settings.DEMONSTRATION,
        "large": request.COOKIES.get("ease") == "large",
        "may_configure": SimpleLazyObject(lambda: _may_configure(request)),
        "manages_staff": SimpleLazyObject(lambda: _manages_staff(request)),
        "desk_actor": SimpleLazyObject(lambda: actor_of(request)),
        "desk_calls": SimpleLazyObject(lambda: _takes_calls(request)),
        "desk_revisits": SimpleLazyObject(lambda: _revisits(request)),
        "desk_audits": SimpleLazyObject(lambda: _audits(request)),
        "desk_is_apart": SimpleLazyObject(lambda: _is_apart(request)),
        "desk_leave": SimpleLazyObject(lambda: _has_leave(request)),
        "desk_erases": SimpleLazyObject(lambda: _erases(request)),
        "desk_receives": SimpleLazyObject(lambda: _receives(request)),
        "desk_name": SimpleLazyObject(lambda: _desk_name(request)),
        "desk_watches": SimpleLazyObject(lambda: _watches(request)),
        "desk_in_field": SimpleLazyObject(lambda: _works_in_field(request)),
        "desk_alarms": SimpleLazyObject(lambda: _alarms(request)),
        "desk_posts": SimpleLazyObject(lambda: _posts(request)),
    }


def _desk_name(request: HttpRequest) -> str:
    actor = actor_of(request)
    return unit_name(actor.unit_code) if actor else ""


def _may_configure(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_configure(actor)


def _manages_staff(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_manage(actor)


def _erases(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and (
        may_list_for_destruction(actor) or may_agree_to_destruction(actor)
    )


def _takes_calls(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and takes_calls(actor)


def _revisits(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_revisit(actor)


def _audits(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_audit(actor)


def _is_apart(request: HttpRequest) -> bool:
    """Whether this post has no queue of cases: one of the three officers."""
    actor = actor_of(request)
    return actor is not None and home_of(actor) != "desk"


def _has_leave(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and (may_ask_leave(actor) or may_rule_on_leave(actor))


def _receives(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and receives(actor)


def _works_in_field(request: HttpRequest) -> bool:
    """Whether this post has pages made for a telephone."""
    actor = actor_of(request)
    return actor is not None and actor.role in IN_FIELD


def _watches(request: HttpRequest) -> bool:
    """Whether this post looks after an area, and so has a board of it."""
    actor = actor_of(request)
    return actor is not None and watches(actor)


def _alarms(request: HttpRequest) -> int:
    """How many running clocks rang for this unit, at most MOST_COUNTED."""
    actor = actor_of(request)
    if actor is None:
        return 0
    with wall.standing(actor):
        return Timer.objects.rung_for(actor)[:MOST_COUNTED].count()


def _posts(request: HttpRequest) -> list[dict[str, str]]:
    now = actor_of(request)
    shown = []
    for post in posts_of(request):
        try:
            directory().unit(post.unit_code)
        except UnknownUnit:
            continue
        words = f"{unit_name(post.unit_code)} · {post.role.label}"
        shown.append({"name": post_name(post), "words": words, "now": "yes" if post == now else ""})
    return shown
