"""In a real browser: a live board hears of a matter in two seconds, drills, and looks back."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from maplebridge.config.worker import carry_out_all
from maplebridge.connectors.models import Station
from maplebridge.connectors.sensors import observe
from maplebridge.lib.clock import now
from maplebridge.web.parts.models import Session
from tests.browser.walker import Walker
from tests.live import LiveServer, live_server

pytestmark = pytest.mark.browser
WITHIN_SECONDS = 2.0
OPEN = "[data-figure=open] .figure-value"


@pytest.fixture
def server(committed_town: Any) -> Iterator[LiveServer]:
    with live_server() as running:
        yield running
    Session.objects.all().delete()


@pytest.fixture
def worker(committed_town: Any) -> Iterator[None]:
    """A worker beside, which tells the listeners as it does in real running."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.1):
            carry_out_all("test")
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en"), (1920, "zh-CN")])
def test_the_board_hears_of_a_matter_without_a_reload(
    chromium: Any,
    server: LiveServer,
    worker: None,
    committed_town: Any,
    width: int,
    locale: str,
) -> None:
    town = committed_town
    for area in ("330825209201", "330825209202", "330825100"):
        case_id = town.report().case_id
        town.triage(case_id, area_code=area)
    county = Walker(chromium, server.url, width, locale=locale)
    county.sit_down("龙一舟")
    county.open("/board/")
    county.look("board")
    county.page.locator("[data-live-state=live]").wait_for()
    county.page.evaluate("window.notReloaded = true")
    assert county.page.inner_text(OPEN) == "3"
    begun = time.monotonic()
    case_id = town.report("村口路灯不亮").case_id
    town.triage(case_id)
    county.until(f"document.querySelector('{OPEN}').innerText === '4'")
    assert time.monotonic() - begun < WITHIN_SECONDS
    assert county.page.evaluate("window.notReloaded") is True
    county.until("document.querySelector('[data-mode=areas]').dataset.ready === 'yes'")
    county.until("document.querySelector('[data-mode=areas]').dataset.shown === '4'")
    county.until("document.querySelector('[data-mode=areas]').map.loaded()")
    county.look("board-moved")
    with county.page.expect_navigation():
        county.page.locator(".board-areas tbody a", has_text="社阳").click()
    assert county.page.inner_text(OPEN) == "3"
    county.look("board-township")
    county.close()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (360, 800)])
def test_the_big_screen_needs_no_hand(
    chromium: Any, site: str, committed_town: Any, width: int, height: int
) -> None:
    for state in ("reported", "handling", "feedback", "archived"):
        committed_town.opened(state)
    screen = Walker(chromium, site, width)
    screen.sit_down("龙一舟")
    screen.page.set_viewport_size({"width": width, "height": height})
    screen.open("/board/screen/")
    screen.until("document.querySelector('[data-mode=areas]').dataset.ready === 'yes'")
    screen.until("document.querySelector('[data-mode=areas]').map.loaded()")
    screen.look("screen")
    if width == 1920:
        tall = screen.page.evaluate("document.documentElement.scrollHeight")
        assert tall <= height
    assert screen.page.evaluate("document.documentElement.dataset.theme") == "dark"
    screen.close()


def test_a_past_hour_and_the_emergency_layout(
    chromium: Any, site: str, committed_town: Any
) -> None:
    committed_town.opened("handling")
    for code, name, level in (("a", "社阳桥站", "13.0"), ("b", "水库坝前站", "11.2")):
        Station.objects.create(
            code=code, name=name, water="社阳溪", warning="12", guarantee="13.5",
            area_code="330825209", lowest="5", highest="20", steepest="2", synthetic=True,
        )  # fmt: skip
        observe(code, level, now())
    observe("b", "99", now() + dt.timedelta(minutes=1))
    county = Walker(chromium, site, 1440)
    county.sit_down("龙一舟")
    county.open("/board/?layout=emergency")
    assert "+1.00" in county.page.locator(".gauges li").first.inner_text()
    county.look("board-emergency")
    county.page.evaluate(
        "(() => { const s = document.querySelector('#back'); s.value = '24';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    county.page.wait_for_url("**back=24**")
    assert county.page.inner_text(OPEN) == "0"
    county.look("board-past")
    county.close()
