"""In a real browser: the page of the design, on paper and dark, narrow and wide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
@pytest.mark.parametrize("theme", ["", "dark"])
def test_every_part_is_without_barriers_in_both_themes(
    chromium: Any, site: str, width: int, locale: str, theme: str
) -> None:
    walker = Walker(chromium, site, width, locale=locale)
    walker.open(f"/design/?theme={theme}")
    walker.look(f"design-{theme or 'paper'}")
    walker.close()
