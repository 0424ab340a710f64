"""Papers at a desk, on a phone and on a wide screen: a report is chosen, a slip is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maplebridge.lib.papers import pdf
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.skipif(
    not (pdf.FONTS / "NotoSerifSC_400Regular.ttf").exists(),
    reason="needs the fonts: python -m maplebridge.config.bundle",
)
@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en-GB")])
def test_papers_are_chosen_and_downloaded(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    case = committed_town.opened("dispatched")
    walker = Walker(chromium, site, width, locale=locale)
    try:
        walker.sit_down("夏知远")
        walker.open("/desk/papers/")
        walker.look(f"papers-{locale[:2]}")
        walker.page.locator("#paper").select_option("monthly")
        with walker.page.expect_download() as report:
            walker.page.locator('button[value="docx"]').click()
        assert report.value.suggested_filename.startswith("社阳乡社会治理月报 330825209-")
        walker.open(f"/desk/case/{case.pk}/")
        walker.look(f"case-slips-{locale[:2]}")
        with walker.page.expect_download() as slip:
            walker.page.locator('a[href$="dispatch-slip.pdf"]').click()
        assert slip.value.suggested_filename == f"交办单 {case.number}.pdf"
        assert Path(slip.value.path()).read_bytes().startswith(b"%PDF")
    finally:
        walker.close()
