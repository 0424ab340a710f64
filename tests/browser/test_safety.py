"""Safety in the browser: premises, a plan, a visit, a hazard, mended and looked at again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.applications.safety.models import CheckItem, Inspection, Premises
from maplebridge.cases.models import Case
from maplebridge.lib.clock import local_day, now
from tests.browser.walker import Walker


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_from_the_register_to_a_hazard_that_is_written_off(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    station = Walker(chromium, site, width, locale=locale)
    room = Walker(chromium, site, width, locale=locale)

    def move(walker: Walker, name: str, **said: str) -> None:
        walker.open(f"{case}move/{name}/")
        for field, value in said.items():
            box = walker.page.locator(f"#move-form [name={field}]").first
            kind = box.evaluate("one => one.type")
            if kind == "radio":
                walker.page.check(f"#move-form input[name={field}][value='{value}']")
            elif kind == "select-one":
                box.select_option(value)
            else:
                box.fill(value)
        walker.send("#move-form button.main")
        walker.page.wait_for_load_state()

    try:
        station.sit_down("田守望")
        station.open("/safety/")
        station.look("safety-empty")
        station.open("/safety/premises/")
        station.page.locator("summary").last.click()
        station.send("details form button.main")
        assert station.page.locator(".field.wrong").count() == 6
        station.look("safety-premises-refused")
        for field, value in (("code", "演示-1"), ("name", "山脚饭店（演示）"),
                             ("duty_holder", "演示负责人")):  # fmt: skip
            station.page.fill(f"#{field}", value)
        for field, value in (("trade", "gas"), ("risk", "1"), ("village", "330825209201")):
            station.page.select_option(f"#{field}", value)
        station.send("details form button.main")
        station.look("safety-place")
        station.open("/safety/plan/")
        station.page.locator("summary").last.click()
        station.page.fill("#days", "14")
        station.send("details form button.main")
        station.look("safety-plan")
        station.page.locator("tbody a").first.click()
        station.page.wait_for_url("**/safety/visit/*/")
        station.page.click("form.stack button.main")
        station.page.locator(".field.wrong").nth(4).wait_for()
        for item in CheckItem.objects.filter(trade="gas"):
            answer = "not" if item.number == 2 else "ok"
            station.page.check(f"input[name='is-{item.code}'][value={answer}]")
        station.page.fill("[name='seen-GAS-2']", "报警装置没有接电")
        station.look("safety-visit")
        # The network goes: the answers stay, also when the page is drawn anew, and send themselves.
        station.page.context.set_offline(True)
        station.page.click("form.stack button.main")
        station.page.locator("[data-said=gone]").wait_for()
        station.look("safety-visit-offline")
        assert not Inspection.objects.filter(done_at__isnull=False).exists()
        station.page.context.set_offline(False)
        station.page.locator("[data-visit-made]").wait_for()
        assert Case.objects.filter(kind="hazard").count() == 1
        assert station.page.evaluate("() => localStorage.length") == 0
        station.look("safety-visit-done")
        case = str(station.page.locator("main li a").get_attribute("href"))
        room.sit_down("夏知远")
        move(room, "assign", unit="330825-hsc", category="0205")
        due = (local_day(now()) + dt.timedelta(days=9)).isoformat()
        room.sit_down("祝安居")
        move(room, "notice", weight="general", measures="接电", responsible="饭店负责人",
             money_yuan="300", dispose_on=due, plan="停用明火")  # fmt: skip
        move(room, "mend", result="已接电")
        station.open(f"{case}move/reinspect_pass/")
        move(station, "reinspect_pass", evidence="报警装置灯亮")
        room.sit_down("夏知远")
        move(room, "write_off", reply="已整改")
        room.open("/safety/?tab=ended")
        assert room.page.locator(".case-row").count() == 1
        room.look("safety-ended")
        room.open("/safety/listed/")
        room.look("safety-listed")
    finally:
        station.close()
        room.close()
        Inspection.objects.all().delete()
        Premises.objects.all().delete()
        CheckItem.objects.all().delete()
