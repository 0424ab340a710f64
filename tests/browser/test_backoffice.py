"""The back office in a browser: places, units, posts, texts and changes, narrow and wide."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections

from maplebridge.organisation import editions, units
from maplebridge.organisation.models import Unit
from tests.browser.walker import Walker

CODE = "330825-park"


@pytest.fixture
def as_before(committed_town: Any) -> Any:
    """What these tests add to places and tables is taken away again."""
    yield
    Unit.objects.filter(pk=CODE).delete()
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM organisation_edition WHERE name = 'messages' AND number > 1")
    units.kept.forget()
    editions.kept.forget()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_an_administrator_keeps_the_city_in_order(
    chromium: Any, site: str, committed_town: Any, as_before: Any, width: int, locale: str
) -> None:
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("卢系统")
    shown = {
        "": "home", "areas/": "areas", "areas/?at=330825209": "area",
        "areas/?q=社阳": "areas-found", "areas/?q=无此地": "areas-none",
        "units/?area=330825": "units", "units/?q=zzz": "units-none", "units/330825-hsc/": "unit",
        "posts/": "posts", "texts/": "texts", "changes/": "changes",
    }  # fmt: skip
    for path, name in shown.items():
        desk.open(f"/configuration/{path}")
        if name == "area":
            desk.page.wait_for_selector("[data-ready=yes]")
            desk.page.wait_for_timeout(300)
        desk.look(f"office-{name}{'-en' if locale == 'en' else ''}")
    # A unit is made; what is wrong gets its sentence, and nothing typed is lost.
    desk.open("/configuration/areas/?at=330825")
    desk.send("a[href$='units/new/?area=330825']")
    desk.page.fill("#unit-code", CODE)
    desk.page.fill("#unit-name", "龙游县园林绿化管理服务中心")
    desk.page.select_option("#unit-kind", "town_room")
    desk.page.fill("#unit-hours", "always")
    desk.send("form .button.main")
    assert desk.page.locator("[aria-invalid]").count() == 2
    assert desk.page.input_value("#unit-area_code") == "330825"
    desk.look("office-unit-refused")
    desk.page.select_option("#unit-kind", "utility")
    desk.page.fill("#unit-hours", "08:00-12:00 13:30-17:00")
    desk.send("form .button.main")
    assert desk.page.locator("[name=code]").count() == 0
    desk.page.fill("#unit-ends", "2030-12-31")
    desk.send("form .button.main")
    assert "2030-12-31" in desk.page.inner_text(".timeline")
    desk.look("office-unit-changed")
    # A step gets a text of its own, read before it is published.
    desk.open("/configuration/texts/")
    desk.page.select_option("#own-move", "close")
    desk.send("section .button")
    desk.page.fill("#text", "您好，{number} 已办结")
    desk.send("[value=read]")
    assert desk.page.locator("#text-error").count() == 1
    desk.look("office-text-refused")
    desk.page.fill("#text", "您好，{number} 已办结，请打开回执评价。查询码：{code}")
    desk.send("[value=read]")
    assert "330825-20261123-AB12CD" in desk.page.inner_text(".phone-bubble")
    desk.look("office-text")
    desk.page.fill("#note", "办结短信写得更亲切")
    desk.send("[value=publish]")
    assert desk.page.locator(".office-texts > li").count() == 3
    desk.look("office-texts-own")
    desk.open("/configuration/changes/")
    assert "办结短信写得更亲切" in desk.page.inner_text(".timeline")
    assert "卢系统" in desk.page.inner_text(".timeline > li:first-child")
    desk.look("office-changes-made")
    desk.close()
