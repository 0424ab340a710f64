"""The administration in a browser: every page, narrow and wide, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.walker import Walker


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_an_administrator_tries_a_table(
    chromium: Any, site: str, committed_town: Any, tmp_path: Path, width: int, locale: str
) -> None:
    from maplebridge.journey import route
    from maplebridge.organisation import editions

    committed_town.opened()
    table = route.RESPONSIBILITIES
    text = editions.as_csv(table, editions.rows_of(table, 1)).decode("utf-8-sig")
    file = tmp_path / "responsibilities.csv"
    file.write_text(text.replace("1004,330825,330825-hsc", "1004,330825,330825-enf"))
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("卢系统")
    for path, name in (
        ("responsibilities/1/", "edition-responsibilities"),
        ("", "tables"),
        ("gaps/", "gaps"),
        ("durations/", "table"),
        ("durations/1/", "edition"),
        ("categories/1/", "edition-categories"),
        ("durations/compare/?before=1&after=1", "compare"),
    ):
        desk.open(f"/configuration/{path}")
        desk.look(f"configuration-{name}")
    for name, shown in (("durations", "refused"), ("responsibilities", "trial")):
        desk.open(f"/configuration/{name}/")
        desk.page.locator("#file").set_input_files(file)
        desk.page.locator("form .button.main").click()
        desk.page.locator("[role=alert]" if shown == "refused" else "#note").wait_for()
        desk.look(f"configuration-{shown}")
    desk.close()
