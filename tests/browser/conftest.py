"""A server on a free port, a worker at hand, and the machine's Chromium."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

# Playwright's synchronous interface keeps an event loop in this thread; Django's would refuse.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

BUNDLE = Path(__file__).resolve().parents[2] / "maplebridge/web/parts/static/bundle"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",
)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def site(committed_town: Any) -> Iterator[str]:
    """The address of a server over the committed database of the town."""
    from maplebridge.config.wsgi import application

    server = make_server("127.0.0.1", 0, application, _Server, _Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def work_off() -> Callable[[], int]:
    """Carries out what the feed holds, as the worker would."""
    from maplebridge.config.worker import carry_out_all

    return lambda: carry_out_all("test")


@pytest.fixture(scope="session")
def chromium_program() -> str:
    """The path of Chromium; the tests are skipped where there is none, or no bundle."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("needs Chromium, which this machine does not have")
    if not (BUNDLE / "app.js").exists():
        pytest.skip("needs the bundle: python -m maplebridge.config.bundle")
    return found


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """What drives browsers; only one can run in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(driver: Any, chromium_program: str) -> Iterator[Any]:
    """A running Chromium."""
    browser = driver.chromium.launch(executable_path=chromium_program, args=list(ARGUMENTS))
    yield browser
    browser.close()
