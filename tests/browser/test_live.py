"""An open page stays true without a reload, and takes nothing from whoever is typing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from maplebridge.config.worker import carry_out_all
from maplebridge.web.parts.models import Session
from tests.browser.walker import Walker
from tests.live import LiveServer, live_server

pytestmark = pytest.mark.browser

WITHIN_MS = 2000


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


def live(walker: Walker) -> None:
    walker.page.locator("[data-live-state=live]").wait_for()
    # A mark that a reload would take away.
    walker.page.evaluate("window.notReloaded = true")


def test_a_queue_shows_a_new_case_without_a_reload(
    chromium: Any, server: LiveServer, worker: None, committed_town: Any
) -> None:
    town = committed_town
    desk = Walker(chromium, server.url, 360)
    desk.sit_down("夏知远")
    live(desk)
    desk.page.locator("summary", has_text="筛选").click()
    desk.page.fill("#number", "还在写")
    case_id = town.report("村口路灯不亮").case_id
    town.triage(case_id)
    begun = time.monotonic()
    row = desk.page.locator(f'[data-case="{case_id}"]')
    row.wait_for(timeout=WITHIN_MS)
    assert time.monotonic() - begun < WITHIN_MS / 1000
    assert desk.page.input_value("#number") == "还在写"
    assert desk.page.locator("[data-live-loud]").inner_text() == "本页已更新。"
    desk.look("queue-live")
    town.move(case_id, "accept", town.town)
    row.get_by_text("已受理").wait_for(timeout=WITHIN_MS)
    assert desk.page.locator(".case-row").count() == 1
    # It goes to a department and out of this list.
    town.move(case_id, "file_case", town.town)
    town.move(case_id, "dispatch", town.town, {"unit": "330825-hsc"})
    row.wait_for(state="detached", timeout=2 * WITHIN_MS)
    assert desk.page.evaluate("window.notReloaded") is True
    desk.close()


def test_a_form_that_is_being_typed_in_keeps_its_words(
    chromium: Any, server: LiveServer, worker: None, committed_town: Any
) -> None:
    town = committed_town
    case = town.opened("handling")
    desk = Walker(chromium, server.url, 1440)
    desk.sit_down("祝安居")
    desk.open(f"/desk/case/{case.pk}/")
    live(desk)
    desk.page.locator('.moves a[href$="/move/feedback/#move-form"]').click()
    desk.page.fill("#move-form [name=result]", "正在疏通，已清出")
    town.move(case.pk, "whistle", town.town, {"units": ["330825-utl"], "reason": "请抽水"})
    desk.page.locator("#case-timeline").get_by_text("吹哨").first.wait_for(timeout=2 * WITHIN_MS)
    desk.page.get_by_text("有人刚办理了本案件").wait_for()
    assert desk.page.input_value("#move-form [name=result]") == "正在疏通，已清出"
    assert desk.page.evaluate("window.notReloaded") is True
    desk.look("case-live")
    desk.close()


def test_a_receipt_follows_its_case_and_comes_back_after_the_server_was_killed(
    chromium: Any, server: LiveServer, worker: None, committed_town: Any
) -> None:
    town = committed_town
    case = town.opened("accepted")
    resident = Walker(chromium, server.url, 360)
    resident.open(f"/r/{case.query_code}/")
    live(resident)
    town.move(case.pk, "file_case", town.town)
    resident.page.locator("#standing").get_by_text("已立案").wait_for(timeout=2 * WITHIN_MS)
    server.kill()
    resident.page.locator("[data-live-state=again]").wait_for()
    town.move(case.pk, "dispatch", town.town, {"unit": "330825-hsc"})
    # Long enough that the page has given its stream up and only asks.
    time.sleep(8)
    server.again()
    resident.page.locator("[data-live-state=live]").wait_for(timeout=20_000)
    resident.page.locator("#standing").get_by_text("住房").first.wait_for()
    assert resident.page.evaluate("window.notReloaded") is True
    resident.look("receipt-live")
    resident.close()


def test_a_page_without_a_stream_asks_from_time_to_time(
    chromium: Any, server: LiveServer, committed_town: Any
) -> None:
    desk = Walker(chromium, server.url, 360)
    desk.context.add_init_script("delete window.EventSource")
    desk.sit_down("夏知远")
    desk.page.locator("[data-live-state=asking]").wait_for()
    assert desk.page.locator("[data-live-state]").inner_text() == "每 15 秒询问一次"
    desk.close()
