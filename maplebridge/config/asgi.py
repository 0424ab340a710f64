"""The web application as an ASGI server calls it: pages in threads, live streams beside them.

Pages stay synchronous: each runs in one of a fixed number of threads, as under a WSGI server. Only
the stream of `web.live` is answered on the event loop. Why: docs/decisions/live-pages.md.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from types import FrameType
from typing import IO, Any

from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maplebridge.config.settings")

PAGE_THREADS = 12
BODY_IN_MEMORY_BYTES = 1024 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

pages: WSGIHandler = get_wsgi_application()
threads = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")

# The stream needs the applications to be set up.
from maplebridge.web.live import stream  # noqa: E402


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """One connection: the start and stop of the server, a live stream, or a page."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"] == stream.ADDRESS:
        await stream.answer(scope, receive, send)
    elif scope["type"] == "http":
        await _page(scope, receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        said = await receive()
        if said["type"] == "lifespan.startup":
            stream.hub.start()
            _end_streams_on_stop()
            await send({"type": "lifespan.startup.complete"})
        else:
            await stream.hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _end_streams_on_stop() -> None:
    """Streams end when the server is told to stop; else it waits for them and never stops.

    The server's own handler hangs on the loop and is called all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def end(number: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(stream.hub.end)
            if callable(before):
                before(number, frame)

        signal.signal(number, end)


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    loop = asyncio.get_running_loop()
    with SpooledTemporaryFile(BODY_IN_MEMORY_BYTES) as body:
        while True:
            said = await receive()
            if said["type"] == "http.disconnect":
                return
            body.write(said.get("body", b""))
            if not said.get("more_body", False):
                break
        body.seek(0)

        def tell(message: MutableMapping[str, Any]) -> None:
            """Sends from the page's thread and waits, so a slow reader holds nothing in memory."""
            asyncio.run_coroutine_threadsafe(_told(send, message), loop).result()

        last = await loop.run_in_executor(threads, _answered, environ_of(scope, body), tell)
    for message in last:
        await send(message)


async def _told(send: Send, message: MutableMapping[str, Any]) -> None:
    await send(message)


def _answered(
    environ: dict[str, Any], tell: Callable[[MutableMapping[str, Any]], None]
) -> list[MutableMapping[str, Any]]:
    """Runs a page wholly in this thread; returns what is still to be sent.

    An answer that streams (a file) is sent from here, piece by piece.
    """
    start: dict[str, Any] = {"type": "http.response.start"}

    def start_response(status: str, headers: list[tuple[str, str]], *_failure: Any) -> None:
        start["status"] = int(status[:3])
        start["headers"] = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]

    answer: Iterable[bytes] = pages(environ, start_response)  # type: ignore[arg-type]
    try:
        if not getattr(answer, "streaming", True):
            return [start, {"type": "http.response.body", "body": b"".join(answer)}]
        tell(start)
        for piece in answer:
            tell({"type": "http.response.body", "body": piece, "more_body": True})
        return [{"type": "http.response.body", "body": b""}]
    finally:
        # Gives the thread's database connection back.
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def environ_of(scope: Scope, body: IO[bytes]) -> dict[str, Any]:
    """What a WSGI application is told of a request. Source: PEP 3333, ASGI's HTTP messages."""
    host, port = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:
            # A header written with an underscore could pass for another that a proxy has set.
            continue
        key = name.upper().replace("-", "_")
        if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            key = f"HTTP_{key}"
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    return environ
