"""Pictures of the pages at four widths in two languages, by `pytest tests/browser/album.py`.

Not collected by the tests; the pictures lie below var/pictures, which git ignores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maplebridge.config.demonstration_matters import open_matters
from tests.browser.walker import Walker

FOLDER = Path(__file__).resolve().parents[2] / "var" / "pictures"
WIDTHS = (360, 768, 1440, 1920)
LANGUAGES = ("zh-CN", "en")
# Who looks at what; "" is a visitor. {case} and {code} are of an open matter.
PAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("", ("/", "/report/", "/follow/", "/r/{code}/", "/design/", "/sign-in/", "/village/")),
    (
        "夏知远",
        (
            "/desk/",
            "/desk/?tab=open",
            "/desk/case/{case}/",
            "/desk/map/",
            "/desk/alarms/",
            "/desk/figures/",
            "/desk/papers/",
            "/desk/hotline/",
            "/desk/revisit/",
            "/desk/duty/",
        ),
    ),
    ("龙一舟", ("/board/", "/board/screen/", "/desk/?tab=open")),
    ("林格格", ("/worker/", "/worker/report/", "/worker/box/")),
    ("卢系统", ("/configuration/", "/configuration/messages/")),
    ("安守门", ("/staff/",)),
)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_album(
    chromium: Any, site: str, committed_town: Any, work_off: Any, width: int, locale: str
) -> None:
    open_matters()
    work_off()
    case = committed_town.opened("handling")
    for person, paths in PAGES:
        height = 1080 if width == 1920 else 800
        walker = Walker(chromium, site, width, locale=locale, height=height)
        if person:
            walker.sit_down(person)
        for path in paths:
            answer = walker.open(path.format(case=case.pk, code=case.query_code))
            if answer.status == 404:
                continue
            walker.page.wait_for_timeout(600)
            name = path.strip("/").split("{")[0].replace("/", "-").replace("?", "-") or "first"
            place = FOLDER / locale / f"{name}-{width}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            walker.page.screenshot(path=str(place), full_page=True)
        walker.close()
