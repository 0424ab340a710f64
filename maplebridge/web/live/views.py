"""The same news for a page whose stream does not come through: it asks from time to time."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from maplebridge.web.live.viewers import let_in, missed, out_of_sight, ticket
from maplebridge.web.parts import limits
from maplebridge.web.parts.position import here


@require_safe
def no_stream(_request: HttpRequest) -> HttpResponse:
    """Under a server without streams: the page asks instead."""
    return HttpResponse(status=501)


@require_safe
def since(request: HttpRequest) -> JsonResponse:
    """What happened after a position: `here`, `events`, `gone`, and whether to `reload` instead."""
    key = request.session.session_key or ""
    shown = ticket(request.GET, key, tries=limits.follower(request))
    viewer = let_in(shown)
    if viewer is None:
        raise PermissionDenied
    now = here()
    start = shown.after or now
    found = missed(viewer, start) if start <= now else None
    if found is None:
        return JsonResponse({"here": str(now), "events": [], "gone": [], "reload": True})
    told, reached = found
    return JsonResponse(
        {
            "here": str(max(now, reached)),
            "events": [viewer.message(news, case) for news, case in told],
            "gone": [str(case_id) for case_id in out_of_sight(viewer, shown.rows)],
            "reload": False,
        }
    )
