"""A matter that a cut-off township writes: the county reads it and leaves a note, on any screen."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases import leases
from maplebridge.cases.models import LeftNote
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
NOTE = "县里来电：排水队明早八点到，请在乡卫生院东侧三百米处的堤坝缺口接应，带上道路封闭牌。"


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_note_is_left_about_a_matter_of_a_cut_off_township(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    case = committed_town.opened("accepted")
    leases.lend("330825209", "330825")
    county = Walker(chromium, site, width, locale=locale)
    county.sit_down("龙一舟")
    county.open(f"/desk/case/{case.pk}/")
    county.page.locator("#left-note").fill(NOTE)
    county.look("lent-case")
    county.send("#case-moves form button")
    assert LeftNote.objects.get().text == NOTE
    assert NOTE in county.page.locator("#case-moves").inner_text()
    county.look("lent-case-noted")
    county.close()
