"""Who looked, in a real browser: the reporter's receipt and the auditor's list; and shut doors."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases.models import Look
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_reporter_and_an_auditor_see_who_looked(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    case_id = committed_town.report().case_id
    committed_town.triage(case_id, confidentiality="C1")
    case = committed_town.case(case_id)
    empty = Walker(chromium, site, width, locale=locale)
    empty.sit_down("明鉴之")
    empty.open("/desk/looks/")
    empty.look("looks-empty")
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    desk.open(f"/desk/case/{case.pk}/")
    desk.look("case-noted")
    ways = Look.objects.filter(case_id=case.pk).order_by("at").values_list("way", flat=True)
    assert list(ways) == ["list", "page"]
    empty.page.reload()
    assert empty.page.locator("tbody tr").count() == 2
    assert case.number in empty.page.inner_text("tbody")
    empty.look("looks")
    reporter = Walker(chromium, site, width, locale=locale)
    reporter.open(f"/r/{case.query_code}/")
    reporter.page.locator("#receipt-looks summary").click()
    assert reporter.page.locator("#receipt-looks li").count() == 1
    reporter.look("receipt-looks")
    for walker in (empty, desk, reporter):
        walker.close()


def test_a_script_in_the_page_does_not_run(chromium: Any, site: str, committed_town: Any) -> None:
    walker = Walker(chromium, site, 360)
    said: list[str] = []
    walker.page.on("console", lambda message: said.append(message.text))
    answer = walker.open("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    walker.page.evaluate(
        """() => {
            const made = document.createElement("script");
            made.textContent = "window.ran = 1";
            document.body.append(made);
            const styled = document.createElement("p");
            styled.setAttribute("style", "color: red");
            document.body.append(styled);
        }"""
    )
    assert walker.page.evaluate("window.ran === undefined")
    assert len([text for text in said if "Content Security Policy" in text]) == 2
    walker.close()
