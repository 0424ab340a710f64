"""The page of figures on a phone and on a wide screen: no barrier, nothing too wide."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.lib.clock import now
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_the_figures_are_read_on_any_screen(
    chromium: Any, site: str, committed_town: Any, work_off: Any, width: int, locale: str
) -> None:
    town = committed_town
    at = now()
    for n in range(9):
        town.report(at=at - dt.timedelta(days=31 if n < 3 else n))
    for until in ("accepted", "handling", "closed", "archived", "archived", "archived", "archived",
                  "archived", "feedback"):  # fmt: skip
        town.opened(until)
    work_off()
    walker = Walker(chromium, site, width, locale=locale)
    try:
        walker.sit_down("龙一舟")
        walker.open("/desk/figures/?kind=week")
        walker.look(f"figures-{locale[:2]}")
        assert walker.page.locator("table.figures tbody tr").count() > 20
        assert walker.page.locator("svg.trend polyline").count() == 1
        walker.open("/desk/figures/?kind=day&on=2024-02-03")
        walker.look(f"figures-empty-{locale[:2]}")
        assert walker.page.locator(".card.empty").count() == 1
    finally:
        walker.close()
