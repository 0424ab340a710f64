"""Under which post a request acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from maplebridge.cases import wall
from maplebridge.cases.permissions import may_audit
from maplebridge.lib import clock
from maplebridge.organisation.editions import may_configure
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor
from maplebridge.organisation.staff import may_manage
from maplebridge.web.parts import doorstep, kept_forms

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)
CHOSEN = doorstep.CHOSEN
_KEPT = "_posts"


post_name = doorstep.post_name


def posts_of(request: HttpRequest) -> list[Actor]:
    """The posts the signed-in account holds today; one statement a request."""
    kept: list[Actor] | None = getattr(request, _KEPT, None)
    if kept is None:
        account = request.user
        kept = (
            actors_for(account, clock.local_day(clock.now()))
            if isinstance(account, Account)
            else []
        )
        setattr(request, _KEPT, kept)
    return kept


def actor_of(request: HttpRequest) -> Actor | None:
    """The post chosen in this session, else the first one held; None for a visitor."""
    if not request.user.is_authenticated:
        return None
    posts = posts_of(request)
    chosen = request.session.get(CHOSEN)
    return next((post for post in posts if post_name(post) == chosen), posts[0] if posts else None)


def home_of(actor: Actor) -> str:
    """The name of the page on which a post begins its work; an officer has no queue of cases."""
    if may_configure(actor):
        return "configuration"
    if may_manage(actor):
        return "staff"
    return "desk-looks" if may_audit(actor) else "desk"


def at_a_desk(
    view: Callable[Concatenate[HttpRequest, Actor, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer | HttpResponse]:
    """Gives the view its actor.

    A visitor is asked to sign in; an account that holds no post today is refused; who lacks the
    second factor, or sends a form drawn under another post, is stopped at the doorstep. The view
    stands behind the wall in one transaction: it commits when the answer is ready.
    """

    @wraps(view)
    def at_desk(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer | HttpResponse:
        if not request.user.is_authenticated:
            return kept_forms.signed_out(request)
        doorstep.go_on_as_drawn(request, posts_of(request))
        actor = actor_of(request)
        if actor is None:
            raise PermissionDenied
        asked = doorstep.stopped(request, actor, posts_of(request))
        if asked is not None:
            return asked
        with wall.standing(actor):
            return view(request, actor, *args, **kwargs)

    return at_desk
