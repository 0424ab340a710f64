"""In a real browser: accounts and posts, a destruction list, a hold, and a reporter's own data."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.cases.models import Assignment, Case
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Account, Holding
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
LOGIN = "xiaoman.zhao"


@pytest.fixture
def no_new_account() -> Any:
    yield
    Holding.objects.filter(account__username=LOGIN).delete()
    Account.objects.filter(username=LOGIN).delete()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_an_account_is_made_and_gets_a_post(
    chromium: Any, site: str, committed_town: Any, no_new_account: None, width: int, locale: str
) -> None:
    officer = Walker(chromium, site, width, locale=locale)
    officer.sit_down("安守门")
    officer.open("/staff/")
    officer.look("staff")
    officer.page.fill("#display_name", "赵小满")
    officer.page.fill("#username", "赵")
    officer.send("form[action='/staff/'] button")
    assert officer.page.locator("[role=alert]").count() == 1
    officer.look("staff-refused")
    officer.page.fill("#username", LOGIN)
    officer.send("form[action='/staff/'] button")
    assert len(officer.page.inner_text(".first-secret")) == 19
    officer.look("staff-made")
    account = Account.objects.get(username=LOGIN)
    officer.open(f"/staff/{account.pk}/")
    officer.page.fill("#unit", "330825-hsc")
    officer.page.select_option("#role", "officer")
    officer.send("form[action$='/give/'] button")
    assert officer.page.locator("tbody tr").count() == 1
    officer.look("staff-account")
    officer.close()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_case_is_listed_held_and_known_to_its_reporter(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    town = committed_town
    case_id = town.report(reporter={"name": "甄秀英", "phone": "13912345678"}).case_id
    town.triage(case_id)
    long_ago = now() - dt.timedelta(days=4000)
    Case.objects.filter(pk=case_id).update(ended=True, state="archived", changed_at=long_ago)
    Assignment.objects.filter(case_id=case_id).update(progress="done")
    case = town.case(case_id)
    dispatcher = Walker(chromium, site, width, locale=locale)
    dispatcher.sit_down("龙一舟")
    dispatcher.open("/desk/destruction/")
    dispatcher.look("destruction-empty")
    dispatcher.send("form[data-once] .button.main")
    assert case.number in dispatcher.page.inner_text("tbody")
    dispatcher.open(f"/desk/case/{case_id}/hold/")
    dispatcher.page.fill("#reason", "法院来函，诉讼期间保全")
    dispatcher.send("button[value=set]")
    assert dispatcher.page.locator("button[value=lift]").count() == 1
    dispatcher.look("hold")
    leader = Walker(chromium, site, width, locale=locale)
    leader.sit_down("何同川")
    leader.open("/desk/destruction/")
    leader.send("tbody a")
    leader.look("destruction-list")
    reporter = Walker(chromium, site, width, locale=locale)
    reporter.open(f"/r/{case.query_code}/mine/")
    assert "139****5678" in reporter.page.inner_text("main")
    reporter.look("mine")
    for walker in (dispatcher, leader, reporter):
        walker.close()
