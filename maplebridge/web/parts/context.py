"""What every page may show without asking for it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from maplebridge.cases.models import Timer
from maplebridge.cases.permissions import may_audit
from maplebridge.organisation.editions import may_configure
from maplebridge.organisation.units import UnknownUnit, directory
from maplebridge.web.parts.desk import actor_of, post_name, posts_of
from maplebridge.web.parts.words import unit_name

MOST_COUNTED = 100


def shown_everywhere(request: HttpRequest) -> dict[str, Any]:
    """Lazy values: a page that shows none of them asks the database nothing."""
    return {
        "demonstration": settings.DEMONSTRATION,
        "may_configure": SimpleLazyObject(lambda: _may_configure(request)),
        "desk_actor": SimpleLazyObject(lambda: actor_of(request)),
        "desk_audits": SimpleLazyObject(lambda: _audits(request)),
        "desk_name": SimpleLazyObject(lambda: _desk_name(request)),
        "desk_alarms": SimpleLazyObject(lambda: _alarms(request)),
        "desk_posts": SimpleLazyObject(lambda: _posts(request)),
    }


def _desk_name(request: HttpRequest) -> str:
    actor = actor_of(request)
    return unit_name(actor.unit_code) if actor else ""


def _may_configure(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_configure(actor)


def _audits(request: HttpRequest) -> bool:
    actor = actor_of(request)
    return actor is not None and may_audit(actor)


def _alarms(request: HttpRequest) -> int:
    """How many running clocks rang for this unit, at most MOST_COUNTED."""
    actor = actor_of(request)
    return Timer.objects.rung_for(actor)[:MOST_COUNTED].count() if actor else 0


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
