"""Under which post a request acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect

from maplebridge.lib import clock
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor

P = ParamSpec("P")
Answer = TypeVar("Answer", bound=HttpResponseBase)
CHOSEN = "post"
_KEPT = "_posts"


def post_name(actor: Actor) -> str:
    """What names one of an account's posts in its session."""
    return f"{actor.role}:{actor.unit_code}"


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


def at_a_desk(
    view: Callable[Concatenate[HttpRequest, Actor, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer | HttpResponseRedirect]:
    """Gives the view its actor.

    A visitor is asked to sign in; an account that holds no post today is refused.
    """

    @wraps(view)
    def at_desk(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> Answer | HttpResponseRedirect:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        actor = actor_of(request)
        if actor is None:
            raise PermissionDenied
        return view(request, actor, *args, **kwargs)

    return at_desk
