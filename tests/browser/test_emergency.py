"""An emergency in the browser: proposed by the gauge, commanded, reported with sources, ended."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.applications.emergency import acts, story
from maplebridge.applications.emergency.demonstration import open_demonstration
from maplebridge.applications.emergency.models import Resource, Stock
from maplebridge.cases import wall
from maplebridge.cases.models import Case
from maplebridge.lib.clock import now
from maplebridge.organisation import readiness
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel
from tests.browser.walker import Walker

# How many signs of rows the map has drawn.
SIGNS = """() => document.querySelector('[data-map]').map
    .queryRenderedFeatures({layers: ['rows']}).length"""


def rising() -> Case:
    """The creek has just risen over its warning level."""
    begin = now() - dt.timedelta(hours=2)
    with wall.standing(SYSTEM):
        open_demonstration()
        for metres, minutes in (("61.4", 0), ("61.7", 30), ("62.3", 60)):
            acts.hear(story.STATION, metres, begin + dt.timedelta(minutes=minutes))
        return Case.objects.get(kind=acts.KIND)


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_one_commander_and_no_number_without_its_source(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    case = rising()
    address = f"/emergency/{case.pk}/"
    leader = Walker(chromium, site, width, locale=locale)
    other = Walker(chromium, site, width, locale=locale)

    def step(name: str, **said: str) -> None:
        leader.open(f"{address}{name}/")
        for field, value in said.items():
            if leader.page.locator(f"input[type=radio][name={field}]").count():
                leader.page.check(f"input[name={field}][value='{value}']")
            else:
                leader.page.fill(f"[name={field}]", value)
        leader.send("#act button.main")
        assert leader.page.locator(".field.wrong").count() == 0, name

    try:
        leader.sit_down("龙一舟")
        leader.open("/emergency/")
        leader.look("emergencies")
        leader.page.locator("h2 a").first.click()
        leader.page.wait_for_url(f"**{address}")
        leader.look("emergency-proposed")
        step("take_command", level="4", reason="社阳溪超警戒")
        assert readiness.declared(story.TOWN).level == ResponseLevel.IV
        other.sit_down("程晓岚")
        other.open(f"{address}set_level/")
        assert other.page.locator("[role=alert]").count() == 1
        other.look("emergency-second-commander")
        step("note_breach", metres="8", spot="卫生院以东300米")
        step("note_breach", metres="9", spot="卫生院以东300米")
        step("note_breach", metres="8", spot="复测后更正", corrects="4")
        step("ask_help", helper="armed_police", what="封堵溃口")
        leader.page.locator("#e-water summary").last.click()
        leader.page.fill("#level", "99")
        leader.send("#e-water .filter button")
        assert leader.page.locator("#e-water .pill.tone-stone").count() == 1
        step("answer_help", people="40")
        step("note_filling", filled="1/3")
        leader.open(f"{address}call_duty/")
        rooms = leader.page.locator("select[name=called]")
        rooms.select_option(f"{story.TOWN}-room")
        leader.look("emergency-call")
        leader.send("#act button.main")
        assert leader.page.locator("[data-call] .pill.tone-amber").count() == 1
        leader.open(f"{address}report_situation/")
        leader.look("emergency-report")
        leader.send("#act button.main")
        rows = leader.page.locator("[data-line]")
        assert [rows.nth(n).get_attribute("data-line") for n in range(rows.count())] == [
            "breach_metres", "people", "filled_share",
        ]  # fmt: skip
        source = leader.page.locator("[data-line=breach_metres] a").get_attribute("href")
        assert source == "#entry-5"
        assert leader.page.locator(source).count() == 1
        assert leader.page.locator("#entry-4 a[href='#entry-5']").count() == 1
        leader.look("emergency-responding")
        other.open("/board/screen/" if width == 1440 else "/board/")
        panel = other.page.locator(f"[data-emergency='{case.pk}']")
        assert "40" in panel.inner_text()
        other.look("emergency-wall")
        leader.open(f"{address}dispatch/?dyke=1&boat=4")
        leader.look("emergency-dispatch")
        leader.send("form[method=post] button.main")
        assert leader.page.locator("main form button.small").count() == 3
        leader.open("/emergency/ready/")
        drawn = leader.page.locator("[data-map][data-ready]")
        drawn.wait_for()
        for _turn in range(100):
            if leader.page.evaluate(SIGNS) > 0:
                break
            leader.page.wait_for_timeout(50)
        assert leader.page.evaluate(SIGNS) > 0
        rows = leader.page.locator("tr[data-lon]").count()
        assert (drawn.get_attribute("data-shown"), rows > 9) == (str(rows), True)
        leader.look("emergency-ready")
        step("stand_down", reason="险情解除")
        assert readiness.declared(story.TOWN).level == ResponseLevel.PEACE
        leader.look("emergency-ended")
    finally:
        leader.close()
        other.close()
        Stock.objects.all().delete()
        Resource.objects.all().delete()
