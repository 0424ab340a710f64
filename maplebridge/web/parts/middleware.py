"""What every request passes: an answer in words when the database is away, and shut doors."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

log = logging.getLogger(__name__)
RETRY_SECONDS = "20"
# Scripts and styles come from our own files, never from a page's text; pictures also from the
# reader's own choice (blob:) and from styles (data:). Nothing is framed, nothing sent elsewhere.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What a page may ask of the device: the place and the camera of a report.
ASKED_OF_THE_DEVICE = "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()"


def away() -> HttpResponse:
    """503 with sentences and no word from the database."""
    answer = HttpResponse(render_to_string("503.html"), status=503)
    answer["Retry-After"] = RETRY_SECONDS
    return answer


class DeskMiddleware:
    """Turns a closed database into a page; keeps desk pages out of shared caches; says what a
    page may load. A view that says so itself is left as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if not answer.has_header("Cache-Control"):
            answer["Cache-Control"] = "private, no-cache"
        answer.headers.setdefault("Content-Security-Policy", POLICY)
        answer.headers.setdefault("Permissions-Policy", ASKED_OF_THE_DEVICE)
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Only for a database that cannot be reached; everything else stays an error."""
        if isinstance(exception, OperationalError | InterfaceError):
            log.warning("the database did not answer %s: %s", request.path, exception)
            return away()
        return None
