"""The stream of events of one page, as an ASGI server asks for it (`text/event-stream`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, QueryDict, parse_cookie
from django.utils.translation import get_language_from_request

from maplebridge.web.live.hub import Full, Hub, Reader
from maplebridge.web.live.viewers import Ticket, ticket
from maplebridge.web.parts.limits import TooMany, follower

log = logging.getLogger("maplebridge.live")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ADDRESS = "/live/"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"private, no-store"),
    (b"x-content-type-options", b"nosniff"),
    # A proxy like nginx passes each part on at once.
    (b"x-accel-buffering", b"no"),
]
hub = Hub()


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Lets a page in and tells it what it may know until it goes away; a stranger gets 403."""
    if scope["method"] != "GET":
        await _refuse(send, 405)
        return
    hub.start()
    try:
        reader = await hub.enter(_ticket(scope))
    except Full:
        await _refuse(send, 503)
        return
    except TooMany as full:
        await _refuse(send, 429, [(b"retry-after", str(full.seconds).encode())])
        return
    except (OperationalError, InterfaceError) as failure:
        log.warning("the database did not answer a stream: %s", failure)
        await _refuse(send, 503)
        return
    if reader is None:
        await _refuse(send, 403)
        return
    watching = asyncio.ensure_future(_until_gone(receive, reader))
    try:
        missed = await hub.catch_up(reader)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await _say(send, b"".join(missed))
        while (said := await reader.waiting.get()) is not None:
            parts = [said]
            while not reader.waiting.empty():
                more = reader.waiting.get_nowait()
                if more is None:
                    reader.waiting.put_nowait(None)
                    break
                parts.append(more)
            await _say(send, b"".join(parts))
        await send({"type": "http.response.body", "body": b""})
    except (OperationalError, InterfaceError):
        await _refuse(send, 503)
    finally:
        hub.leave(reader)
        watching.cancel()


def _ticket(scope: Scope) -> Ticket:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b"; " + value if name in headers else value
    request = HttpRequest()
    request.COOKIES = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    request.META = {
        "HTTP_ACCEPT_LANGUAGE": headers.get(b"accept-language", b"").decode("latin-1"),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "HTTP_X_FORWARDED_FOR": headers.get(b"x-forwarded-for", b"")
        .decode("latin-1")
        .replace(";", ","),
    }
    return ticket(
        QueryDict(scope["query_string"]),
        request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""),
        headers.get(b"last-event-id", b"").decode("latin-1"),
        follower(request),
        get_language_from_request(request),
    )


async def _until_gone(receive: Receive, reader: Reader) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    reader.end()


async def _say(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _refuse(send: Send, status: int, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
