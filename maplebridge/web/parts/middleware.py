"""What every request passes: an answer in words when the database is away, and shut doors."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from maplebridge.connectors.maps import base_map
from maplebridge.web.parts import kept_forms, limits, sessions

log = logging.getLogger(__name__)
RETRY_SECONDS = "20"
# Scripts and styles come from our own files, never from a page's text; pictures and voice notes
# also from the reader's own choice (blob:), pictures from styles (data:). Nothing is framed,
# nothing sent elsewhere. Only the service of a base map, when the operator names one, is asked for
# tiles besides.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:{tiles}",
        "media-src 'self' blob:",
        "connect-src 'self'{tiles}",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What a page may ask of the device: place, camera and microphone of a report.
ASKED_OF_THE_DEVICE = "geolocation=(self), camera=(self), microphone=(self), payment=(), usb=()"


def policy() -> str:
    """What a page may load, as the header says it."""
    return _policy(settings.BASE_MAP)


@lru_cache(maxsize=4)
def _policy(_named: str) -> str:
    base = base_map()
    return POLICY.format(tiles=f" {base.origin}" if base and base.origin else "")


def away() -> HttpResponse:
    """503 with sentences and no word from the database."""
    answer = HttpResponse(render_to_string("503.html"), status=503)
    answer["Retry-After"] = RETRY_SECONDS
    return answer


class DeskMiddleware:
    """Turns a closed database into a page; keeps desk pages out of shared caches; says what a
    page may load. A view that says so itself is left as it is. A session lives while somebody
    works with it. The demonstration answers nobody from a public address."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.DEMONSTRATION and limits.is_public(request):
            answer = render(request, "parts/not_public.html", status=403)
        else:
            answer = self._shut(request) or self.get_response(request)
            sessions.note_work(request)
        if not answer.has_header("Cache-Control"):
            answer["Cache-Control"] = "private, no-cache"
        answer.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if settings.HSTS_SECONDS:
            answer.headers.setdefault(
                "Strict-Transport-Security", f"max-age={settings.HSTS_SECONDS}; includeSubDomains"
            )
        answer.headers.setdefault("Content-Security-Policy", policy())
        answer.headers.setdefault("Permissions-Policy", ASKED_OF_THE_DEVICE)
        return answer

    def _shut(self, request: HttpRequest) -> HttpResponse | None:
        """What a browser that shows the wall gets for all else."""
        try:
            is_shut = sessions.is_shut(request)
        except (OperationalError, InterfaceError) as exception:
            return self.process_exception(request, exception)
        return render(request, "parts/screen_only.html", status=403) if is_shut else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A database that cannot be reached, and a used-up budget; all else stays an error."""
        if isinstance(exception, limits.TooMany):
            return kept_forms.wait(request, exception)
        if isinstance(exception, OperationalError | InterfaceError):
            log.warning("the database did not answer %s: %s", request.path, exception)
            return away()
        return None
