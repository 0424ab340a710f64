"""A lead in a real browser: sealed, read once by its organ, receipted; and the question asked."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from maplebridge.journey import advance
from maplebridge.journey.intake import Report, take_in
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
LEAD = "举报村支书贪污受贿，收受贿赂，以权谋私，中饱私囊。"


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_an_organ_opens_a_lead_once(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    said = Report("web", "x", str(uuid4()), LEAD, area_code="330825209201")
    advance.advance(take_in(said).case_id)
    organ = Walker(chromium, site, width, locale=locale)
    organ.sit_down("廉清源")
    organ.open("/desk/leads/")
    organ.look("leads-waiting")
    organ.page.fill('input[name="reason"] >> nth=0', "受理线索")
    organ.page.locator("article form button.main").first.click()
    organ.page.wait_for_selector("#opened-title")
    assert LEAD in organ.page.inner_text("main")
    organ.look("leads-opened")
    organ.page.fill('input[name="receipt"]', "JJ-2026-7")
    organ.page.locator("article form button.main").first.click()
    organ.page.wait_for_selector("tbody")
    assert "JJ-2026-7" in organ.page.inner_text("tbody")
    organ.look("leads-receipt")
    organ.close()
    resident = Walker(chromium, site, width, locale=locale)
    resident.open("/report/")
    resident.page.locator("summary", has=resident.page.locator("svg")).last.click()
    resident.page.fill("#about", "综合信息指挥室")
    resident.look("report-about")
    resident.close()
