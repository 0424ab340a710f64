"""Web push at the reporter's receipt: the script that shows the news, and asking for it."""

from __future__ import annotations

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from maplebridge.cases import wall
from maplebridge.journey import push
from maplebridge.web.parts import limits

SCRIPT = Path(__file__).parent / "static" / "bundle" / "push-offline.js"


@require_safe
def script(_request: HttpRequest) -> HttpResponse:
    """The script that a browser keeps for the receipts below /r/: it shows what is pushed."""
    try:
        body = SCRIPT.read_bytes()
    except FileNotFoundError:
        raise Http404 from None
    answer = HttpResponse(body, content_type="text/javascript; charset=utf-8")
    # A browser asks again before each use, so that a mended script is taken at once.
    answer["Cache-Control"] = "no-cache"
    return answer


@never_cache
@require_POST
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Takes or takes back a phone's wish to hear of the report with that code."""
    found = limits.followed(limits.follower(request), code)
    if found is None:
        raise Http404
    said = request.POST
    with wall.standing(found.actor):
        if said.get("wish") == "off":
            push.unsubscribe(found.own.pk, said.get("endpoint", ""))
            return HttpResponse(status=204)
        keys = said.get("endpoint", ""), said.get("p256dh", ""), said.get("auth", "")
        taken = push.subscribe(found.own.pk, *keys, get_language() or "zh-hans")
    return HttpResponse(status=204 if taken else 422)
