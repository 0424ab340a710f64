"""One matter through all five doors: a resident's phone, a grid worker without a network, the
township's room with a whistle, the county's supervision on the live board, and the last word."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from maplebridge.cases.models import Case, Event
from maplebridge.config.worker import carry_out_all
from maplebridge.web.parts.models import Session
from tests.browser.test_worker import kept, opened, photo, ready
from tests.browser.walker import Walker
from tests.live import LiveServer, live_server

pytestmark = pytest.mark.browser

TEXT = "社阳村菜场门口的下水道堵了三天，污水漫到人行道上，买菜的老人要绕到机动车道上走，很危险。"
GRID = "330825209201001"
WITHIN_SECONDS = 2.0


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


def make(walker: Walker, case: Case, move: str, **said: str) -> None:
    """Opens the form of a move, fills it in and sends it, with a look before and after."""
    walker.open(f"/desk/case/{case.pk}/move/{move}/")
    for name, value in said.items():
        field = walker.page.locator(f"#move-form [name={name}]").first
        kind = field.evaluate("(one) => one.type")
        if kind == "select-one":
            field.select_option(value)
        elif kind in ("checkbox", "radio"):
            walker.page.locator(f'#move-form [name={name}][value="{value}"]').check()
        else:
            field.fill(value)
    walker.look(f"five-{move}")
    walker.send("#move-form button.main")
    assert walker.page.locator("#move-form [role=alert]").count() == 0
    walker.look(f"five-{move}-done")


def sorted_case(code: str) -> Case:
    """The case of a query code, once the automatic steps have seen it."""
    for _turn in range(100):
        case = Case.objects.get(query_code=code)
        if case.sequence > 1:
            return case
        time.sleep(0.1)
    raise AssertionError("the worker did not sort it")


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_one_matter_goes_through_all_five_doors(
    chromium: Any,
    server: LiveServer,
    worker: None,
    committed_town: Any,
    width: int,
    locale: str,
) -> None:
    resident = Walker(chromium, server.url, width, locale=locale)
    resident.open("/report/")
    resident.page.fill("#text", TEXT)
    resident.page.fill("#place", "社阳村菜场北门")
    resident.look("five-report")
    resident.page.locator("form[data-once] button.main").last.click()
    resident.page.wait_for_url("**/r/*/")
    resident.look("five-receipt")
    case = sorted_case(resident.page.url.rstrip("/").rsplit("/", 1)[1])

    room = Walker(chromium, server.url, width, locale=locale)
    room.sit_down("夏知远")
    make(room, case, "accept")
    make(room, case, "file_case")
    make(room, case, "whistle", units="330825-hsc", reason="污水漫到路面，需要管道车到场。")
    make(room, case, "dispatch", unit=f"{GRID}-grid")

    grid = Walker(chromium, server.url, width, locale=locale)
    grid.sit_down("林格格")
    opened(grid)
    kept(grid)
    grid.context.set_offline(True)
    opened(grid, f"/worker/task/{case.pk}/")
    grid.page.locator("#move-sign_for summary").click()
    grid.look("five-grid-offline")
    grid.send("#move-sign_for form button.main")
    ready(grid)
    grid.until("document.querySelectorAll('[data-item][data-state=queued]').length === 1")
    grid.context.set_offline(False)
    grid.until("document.querySelectorAll('[data-item][data-state=sent]').length === 1")
    grid.look("five-grid-sent")
    assert committed_town.case(case.pk).state == "handling"

    board = Walker(chromium, server.url, 1920, locale=locale)
    board.sit_down("何同川")
    board.open("/board/screen/")
    board.page.locator("[data-live-state=live]").wait_for(state="attached")
    county = Walker(chromium, server.url, width, locale=locale)
    county.sit_down("龙一舟")
    county.open(f"/desk/case/{case.pk}/move/supervise/")
    county.page.locator('#move-form [name=supervision][value="1"]').check()
    county.page.locator("#move-form [name=reason]").fill("群众多次反映，请限时办结。")
    county.send("#move-form button.main")
    begun = time.monotonic()
    board.until("document.querySelector('[data-figure=supervised] .figure-value').innerText==='1'")
    assert time.monotonic() - begun < WITHIN_SECONDS
    board.look("five-screen")

    housing = Walker(chromium, server.url, width, locale=locale)
    housing.sit_down("祝安居")
    make(housing, case, "attend")
    make(housing, case, "finish_assist", result="管道车已到场疏通。")
    opened(grid, f"/worker/task/{case.pk}/")
    grid.page.locator("#move-feedback summary").click()
    form = grid.page.locator("#move-feedback form")
    form.locator("textarea").first.fill("已疏通，路面已冲洗。")
    form.locator("[data-camera] input").nth(1).set_input_files([photo("疏通后.jpg")])
    form.locator("[data-shelf] img").wait_for()
    grid.send("#move-feedback form button.main")
    ready(grid)
    grid.until("document.querySelectorAll('[data-item][data-state=sent]').length >= 1")
    for _turn in range(60):
        if committed_town.case(case.pk).state == "feedback":
            break
        time.sleep(0.1)
    make(grid, case, "answer_supervision", answer="已疏通，今后每周巡看一次。")
    make(room, case, "verify_pass")
    make(county, case, "close", reply="下水道已疏通，后续每月清掏一次，请您查看。")

    resident.page.reload()
    resident.page.locator('[name=rating][value="5"]').check()
    resident.page.locator("[name=solved][value=yes]").check()
    resident.look("five-rate")
    resident.page.locator(
        "form[action$='/rate/'] button.main, form[action$='/rate/'] button"
    ).last.click()
    resident.page.locator(".note.tone-jade").first.wait_for()
    resident.look("five-rated")
    ended = committed_town.case(case.pk)
    assert (ended.state, ended.rating, ended.solved, ended.supervision) == ("archived", 5, True, 1)
    moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
    assert moves.count("sign_for") == moves.count("feedback") == 1
    for walker in (resident, room, grid, board, county, housing):
        walker.close()
