"""What is asked of somebody who comes to a desk: the right window, and the second factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from maplebridge.web.parts import kept_forms, proof
from maplebridge.web.parts.words import unit_name

if TYPE_CHECKING:
    from maplebridge.organisation.people import Actor

CHOSEN = "post"
ENROL = "/account/"
# A first password that somebody else gave opens this page and nothing else.
FIRST_DOOR = "/account/password/"
_DRAWN = "_drawn_under"


def post_name(actor: Actor) -> str:
    """What names one of an account's posts in its session."""
    return f"{actor.role}:{actor.unit_code}"


def drawn_under(request: HttpRequest) -> str:
    """What the forms of this page say of themselves; empty for a page that is no desk's."""
    return str(getattr(request, _DRAWN, ""))


def mark(request: HttpRequest, actor: Actor) -> None:
    """From here on every form drawn for this request says under which post it was drawn."""
    setattr(request, _DRAWN, _name(actor))


def go_on_as_drawn(request: HttpRequest, posts: Sequence[Actor]) -> None:
    """Changes to the post a form was drawn under, where its reader asked for that."""
    if request.method != "POST" or request.POST.get(kept_forms.SWITCH) != "1":
        return
    for post in posts:
        if _name(post) == request.POST.get(kept_forms.UNDER):
            request.session[CHOSEN] = post_name(post)


def stopped(request: HttpRequest, actor: Actor, posts: Sequence[Actor]) -> HttpResponse | None:
    """None for whoever may go on to the desk; else the page that says what is missing."""
    if getattr(request.user, "secret_until", None) is not None:
        return HttpResponseRedirect(FIRST_DOOR)
    if proof.lacks_second_factor(request, actor):
        asked = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
        return HttpResponseRedirect(f"{ENROL}?{asked}" if asked else ENROL)
    answer = drawn_elsewhere(request, actor, posts)
    mark(request, actor)
    return answer


def drawn_elsewhere(
    request: HttpRequest, actor: Actor, posts: Sequence[Actor]
) -> HttpResponse | None:
    """The page that says that a form was drawn under another post; None when it was not."""
    under = request.POST.get(kept_forms.UNDER, "") if request.method == "POST" else ""
    if not under or under == _name(actor):
        return None
    other = next((post for post in posts if _name(post) == under), None)
    drawn = _words(other) if other else ""
    return kept_forms.drawn_elsewhere(request, drawn, _words(actor), may_switch=other is not None)


def _name(actor: Actor) -> str:
    return f"{actor.account_id}:{post_name(actor)}"


def _words(actor: Actor) -> str:
    return f"{unit_name(actor.unit_code)} · {actor.role.label}"
