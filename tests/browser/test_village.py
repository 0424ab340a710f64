"""A resident opens the village's pages on a phone and at a desk; the station writes and answers."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.applications.village.demonstration import open_demonstration
from maplebridge.applications.village.models import AnsweredLetter, Covenant, Notice
from maplebridge.cases import wall
from maplebridge.organisation.people import SYSTEM
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
HOME = "/village/330825209201/"
EMPTY = "/village/330825209200/"


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_everybody_reads_what_the_village_shows(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    with wall.standing(SYSTEM):
        open_demonstration()
        open_demonstration()
    assert (Notice.objects.count(), Covenant.objects.count()) == (5, 1)
    walker = Walker(chromium, site, width, locale=locale)
    tongue = locale[:2]
    try:
        walker.open("/village/")
        walker.look(f"start-{tongue}")
        walker.page.fill("#q", "社阳 社阳村")
        walker.send(".village-search button")
        walker.look(f"found-{tongue}")
        walker.send(".village-choice[value='330825209201']")
        assert walker.page.url == site + HOME
        walker.look(f"home-{tongue}")
        walker.open("/village/")
        assert walker.page.url == site + HOME  # remembered
        covenant = walker.page.locator(".village-choices a").get_attribute("href")
        for name in ("notices", "ledgers", "ledgers/?ledger=affairs", "covenants", "activities",
                     "letters", "letters/write"):  # fmt: skip
            answer = walker.open(HOME + (name if "?" in name else f"{name}/"))
            assert answer.status == 200
            walker.look(f"{name.replace('/', '-').replace('?', '-')}-{tongue}")
        walker.open(covenant)
        walker.look(f"covenant-{tongue}")
        walker.open(HOME + "notices/")
        walker.page.locator(".village-row a").first.click()
        walker.page.wait_for_url("**/notice/**")
        walker.look(f"notice-{tongue}")
        names = ("", "notices/", "ledgers/", "covenants/", "activities/", "letters/")
        for name in names if width == 360 else ():
            walker.open(EMPTY + name)
            walker.look(f"empty-{name.strip('/')}-{tongue}")
    finally:
        walker.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_letter_is_written_answered_and_shown(
    chromium: Any, site: str, committed_town: Any, work_off: Any, script: bool
) -> None:
    writer = Walker(chromium, site, 360, script=script)
    station = Walker(chromium, site, 1440)
    try:
        writer.open(HOME + "letters/write/")
        writer.send("button.main.wide")
        assert writer.page.locator("#text-error, #about-error").count() == 2
        writer.look("letter-refused")
        writer.page.check("input[name=about][value=suggestion]")
        writer.page.fill("#text", "桥头的公交站能不能装一条长凳？老人等车没地方坐。电话13800001111")
        writer.page.check("input[name=may_publish]")
        writer.page.check("input[name=anonymous][value=yes]")
        writer.send("button.main.wide")
        assert "/r/" in writer.page.url
        receipt = writer.page.url
        work_off()
        writer.open(receipt.removeprefix(site))
        writer.look("letter-receipt")
        assert "社阳村" in writer.page.inner_text("#standing")
        station.sit_down("田守望")
        station.look("letter-desk")
        station.page.locator(".case-row h2 a, .case-row h3 a").first.click()
        station.page.wait_for_url("**/case/**")
        station.look("letter-case")
        station.open(station.page.url.removeprefix(site) + "move/close/")
        station.page.fill("#f-reply", "已和乡里商量，下周装两条长凳。")
        station.send("form[data-once] button.main")
        station.open("/village/desk/330825209201/letters/")
        assert station.page.input_value("textarea[name=text]").endswith("138****1111")
        station.page.fill("input[name=title]", "公交站装长凳")
        station.page.fill("textarea[name=text]", "桥头的公交站能不能装一条长凳？")
        station.look("letter-to-publish")
        station.send("details form button.main")
        station.look("letter-published")
        station.open(HOME + "letters/")
        assert "公交站装长凳" in station.page.inner_text("main")
        writer.open(receipt.removeprefix(site))
        writer.look("letter-answered")
        writer.page.locator("form[action$='keep_private/']").evaluate(
            "form => form.closest('details').open = true"
        ) if script else writer.page.locator("summary", has_text="不公开我的信").click()
        writer.send("form[action$='keep_private/'] button")
        work_off()
        station.open(HOME + "letters/")
        assert "公交站装长凳" not in station.page.inner_text("main")
        assert AnsweredLetter.objects.exclude(withdrawn_at=None).count() == 1
        writer.open(receipt.removeprefix(site))
        writer.page.check("input[name=rating][value='5']")
        writer.page.check("input[name=solved][value=yes]")
        writer.send("form[action$='rate/'] button")
        assert "已归档" in writer.page.inner_text("#standing")
    finally:
        writer.close()
        station.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_the_station_publishes_corrects_and_withdraws(
    chromium: Any, site: str, committed_town: Any, width: int
) -> None:
    with wall.standing(SYSTEM):
        open_demonstration()
    station = Walker(chromium, site, width)
    try:
        station.sit_down("田守望")
        station.page.get_by_text("应用", exact=True).click()
        station.page.locator(".desk-nav a[href='/village/desk/']").click()
        station.page.wait_for_url("**/village/desk/330825209201/")
        station.look("desk-home")
        for sort in ("entry", "activity"):
            station.open(f"/village/desk/330825209201/{sort}/new/")
            station.look(f"desk-new-{sort}")
        station.open("/village/desk/330825209201/entry/new/")
        station.page.check("input[name=ledger][value=finance]")
        station.page.fill("#title", "公交站长凳两条")
        station.page.fill("#on", "2026-11-20")
        station.send("form.card button.main")
        assert station.page.locator("#amount-error").count() == 1
        station.look("desk-refused")
        station.page.fill("#amount", "1,680")
        station.page.check("input[name=flow][value=expense]")
        station.send("form.card button.main")
        station.page.fill("#amount", "1860")
        station.page.fill("#why", "原来写错了金额")
        station.send("form.card button.main")
        station.look("desk-corrected")
        assert station.page.locator(".timeline > li").count() == 2
        station.open(HOME + "ledgers/")
        assert "−1,860.00元" in station.page.inner_text("table.ledger")
        station.page.locator("table.ledger a", has_text="公交站长凳两条").click()
        station.page.wait_for_url("**/entry/**")
        assert "原来写错了金额" in station.page.inner_text("main")
        station.look("entry-corrected")
        paper = station.page.url.removeprefix(f"{site}{HOME}")
        station.open(f"/village/desk/330825209201/{paper}")
        station.page.locator("summary", has_text="撤下").click()
        station.page.fill("#why_withdrawn", "重复了")
        station.send("button.grave")
        station.look("desk-withdrawn")
        assert station.open(HOME + paper).status == 404
    finally:
        station.close()
