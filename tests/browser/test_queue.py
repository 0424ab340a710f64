"""The queue by keyboard alone: move, mark, do one thing for all, save a filter; at two widths."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases.models import Case
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
LONG = "社阳村文化礼堂西侧雨水篦子堵塞，昨夜暴雨后积水漫过台阶，老人出门不便，请尽快派人疏通"


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_queue_is_worked_by_keyboard_alone(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    cases = [committed_town.opened(), committed_town.opened()]
    long = committed_town.report(LONG).case_id
    committed_town.triage(long)
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    desk.open("/desk/?tab=open")
    keys = desk.page.keyboard
    keys.press("?")
    assert desk.page.locator("dialog[open]").count() == 1
    desk.look("queue-keys")
    keys.press("Escape")
    for _row in range(3):
        keys.press("j")
        keys.press("x")
    keys.press("k")
    keys.press("x")
    assert desk.page.locator(".case-row.marked").count() == 2
    assert "2" in desk.page.locator("[data-batch-count]").inner_text()
    desk.look("queue-marked")
    with desk.page.expect_navigation():
        keys.press("b")
    desk.look("batch-moves")
    desk.page.locator('button[value="accept"]').focus()
    with desk.page.expect_navigation():
        keys.press("Enter")
    desk.look("batch-form")
    desk.page.locator("#move-form button.main").focus()
    with desk.page.expect_navigation():
        keys.press("Enter")
    desk.look("batch-done")
    accepted = Case.objects.filter(pk__in=[long, *(case.pk for case in cases)], state="accepted")
    assert accepted.count() == 2

    desk.open("/desk/?tab=open&category=10")
    desk.page.locator("#filter-name").fill("排水")
    desk.send(".saved button")
    assert desk.page.locator('.saved a[aria-current="true"]').inner_text().strip() == "排水"
    desk.look("queue-saved")

    keys.press("/")
    assert desk.page.evaluate("document.activeElement.id") == "number"
    keys.type("jx?")
    assert desk.page.locator("#number").input_value() == "jx?"
    assert desk.page.locator("dialog[open]").count() == 0
    desk.page.locator("h1").click()
    keys.press("?")
    desk.page.locator("[data-keys-on]").uncheck()
    keys.press("Escape")
    desk.open("/desk/?tab=open")
    keys.press("j")
    assert desk.page.evaluate("document.activeElement.closest('.case-row')") is None
    desk.close()
