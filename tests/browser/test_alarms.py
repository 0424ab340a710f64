"""The page of reminders in a real browser: a telephone and a wide screen, two languages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.cases import timers
from maplebridge.cases.models import Timer
from maplebridge.lib.clock import now
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_unit_looks_at_what_rang(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    cases = [committed_town.opened() for _n in range(4)]
    for case, minutes in zip(cases, (20, -1, -70, -300), strict=True):
        due = now() + dt.timedelta(minutes=minutes)
        warn = min(due, now() - dt.timedelta(minutes=1))
        Timer.objects.filter(case_id=case.pk).update(
            warn_at=warn, due_at=due, at=warn, working=False, hurried=True
        )
    timers.ring()
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    desk.look("desk-with-reminders")
    desk.send('nav a[href="/desk/alarms/"]')
    desk.look("reminders")
    assert desk.page.locator(".case-row").count() == 4
    desk.page.locator(".case-row a").first.click()
    assert cases[-1].number in desk.page.inner_text("main")
    desk.look("case-that-rang")
    desk.close()
