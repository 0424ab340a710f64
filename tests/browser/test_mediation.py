"""Somebody asks for mediation on a phone; the desk mediates; both widths, both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from maplebridge.applications.mediation.demonstration import open_demonstration
from maplebridge.cases import wall
from maplebridge.cases.models import Case
from maplebridge.organisation.people import SYSTEM
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


def test_somebody_asks_and_stops_again_on_a_phone(
    chromium: Any, site: str, committed_town: Any
) -> None:
    asker, station = Walker(chromium, site, 360), Walker(chromium, site, 1440)
    try:
        asker.open("/mediation/")
        asker.look("ask")
        asker.send("button.main.wide")
        assert asker.page.locator(".field.wrong").count() == 4
        asker.look("ask-refused")
        asker.page.check("input[name=category][value='0102']")
        asker.page.fill("#text", "两户为屋檐滴水争执")
        asker.page.fill("#place", "社阳乡 社阳村")
        asker.page.fill("#name", "周家老大")
        asker.page.fill("#other", "徐家大嫂")
        asker.send("button.main.wide")
        assert "/r/" in asker.page.url
        code = asker.page.inner_text("#query-code")
        asker.open(f"/mediation/{code}/")
        asker.look("follow")
        assert "社阳村" in asker.page.inner_text(".mediation-way")
        station.sit_down("田守望")
        station.open("/mediation/desk/")
        station.look("desk-one")
        station.page.locator("h2 a").first.click()
        station.page.wait_for_url("**/mediation/desk/*-*/")
        assert "徐家大嫂" in station.page.inner_text("main")
        station.look("file-registered")
        address = station.page.locator(".mediation-address").nth(1).text_content()
        asker.open(str(address).removeprefix(site))
        asker.look("party")
        asker.page.locator("summary", has_text="不再接受调解").click()
        asker.send("button.grave")
        assert "调解终止" in asker.page.inner_text("main")
        asker.look("party-stopped")
    finally:
        asker.close()
        station.close()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_the_desk_of_a_mediator_and_of_a_township(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    with wall.standing(SYSTEM):
        open_demonstration()
        ids = {c.state: c.pk for c in Case.objects.filter(kind="dispute")}
    walker = Walker(chromium, site, width, locale=locale)
    tongue = locale[:2]
    try:
        walker.sit_down("和为贵")
        walker.open("/mediation/desk/")
        assert walker.page.locator("main li.card").count() == 3
        walker.look(f"desk-{tongue}")
        # What differs by the width is looked at in both; the rest once, on the phone.
        forms = (("choosing", "choose_mediator"), ("mediating", "agree"),
                 ("performing", "note_performance"))  # fmt: skip
        for state, move in forms:
            if width == 360 or state == "mediating":
                walker.open(f"/mediation/desk/{ids[state]}/")
                walker.look(f"file-{state}-{tongue}")
            walker.open(f"/mediation/desk/{ids[state]}/{move}/")
            if state != "choosing":
                walker.look(f"form-{move}-{tongue}")
        walker.page.check("input[name=item][value='1']")
        walker.page.check("input[name=kept][value=whole]")
        walker.send("#act button.main")
        assert re.search("Performed|已履行", walker.page.inner_text("main"))
        walker.open(f"/mediation/desk/{ids['choosing']}/begin/")
        walker.send("#act button.main")
        assert walker.page.locator(".field.wrong").count() == 3
        walker.look(f"begin-refused-{tongue}")
        walker.sit_down("夏知远")
        for name in ("screening", "figures") if width == 1440 else ("screening", "new"):
            walker.open(f"/mediation/desk/{name}/")
            walker.look(f"{name}-{tongue}")
    finally:
        walker.close()
