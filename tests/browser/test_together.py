"""Two windows on one case: each sees the other, what is typed stays, a stale save says why."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases.models import Case
from maplebridge.web.parts.models import Draft, OpenPage
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_two_write_into_one_case_and_nothing_is_lost(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    case = committed_town.opened("accepted")
    first = Walker(chromium, site, width, locale=locale)
    first.sit_down("夏知远")
    first.open(f"/desk/case/{case.pk}/move/file_case/")
    second = Walker(chromium, site, width, locale=locale)
    second.sit_down("程晓岚")
    second.open(f"/desk/case/{case.pk}/move/log/")
    assert "夏知远" in second.page.locator("[data-beside]").inner_text()
    second.look("together-second")

    typing = second.page.locator('textarea[name="note"]')
    typing.press_sequentially("市中心正在核对管网图")
    second.page.locator("[data-draft-said]:not(:empty)").wait_for()
    assert Draft.objects.get().said["note"] == ["市中心正在核对管网图"]

    first.send("#move-form button.main")
    assert Case.objects.get(pk=case.pk).state == "filed"
    second.send("#move-form button.main")
    meanwhile = second.page.locator("#move-form .tone-amber")
    assert ("立案" if locale == "zh-CN" else "File the case") in meanwhile.inner_text()
    assert second.page.locator('textarea[name="note"]').input_value() == "市中心正在核对管网图"
    second.look("together-stale")
    second.send("#move-form button.main")
    assert "市中心正在核对管网图" in second.page.locator("#case-timeline").inner_text()
    assert not Draft.objects.exists()

    second.open("/desk/")
    for _turn in range(100):
        here = list(OpenPage.objects.values_list("unit_code", flat=True))
        if here == ["330825209-room"]:
            break
        second.page.wait_for_timeout(50)
    assert here == ["330825209-room"]
    first.close()
    second.close()
