"""Masked words, who reported with a reason, and leave to read, in a real browser."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.cases.models import Grant, Look
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

TEXT = "村民王小明占道经营，电话13812345678，请尽快来看看"


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_what_is_closed_is_opened_with_a_reason(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    opened = committed_town.report(TEXT, reporter={"name": "叶小满", "phone": "13900001111"})
    committed_town.triage(opened.case_id, confidentiality="C1")
    hidden = committed_town.report("家庭矛盾，请勿外传").case_id
    committed_town.triage(hidden, confidentiality="C2")
    case, secret = committed_town.case(opened.case_id), committed_town.case(hidden)

    leader = Walker(chromium, site, width, locale=locale)
    leader.sit_down("何同川")
    leader.open(f"/desk/case/{case.pk}/")
    assert "王**" in leader.page.inner_text("main")
    assert "王小明" not in leader.page.content()
    leader.look("case-masked")

    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    desk.open("/desk/")
    assert "家庭矛盾" not in desk.page.content()
    desk.open(f"/desk/case/{case.pk}/")
    desk.page.locator(f'a[href="/desk/case/{case.pk}/reporter/"]').click()
    desk.look("reveal-form")
    desk.send("main form button")
    assert desk.page.locator('[role="alert"]').count() == 1
    desk.look("reveal-refused")
    desk.page.locator('input[value="visit"]').check()
    desk.page.locator("#reason").fill("约周三上午")
    desk.page.locator("main form button").click()
    desk.page.get_by_text("13900001111").wait_for()
    assert "叶小满" in desk.page.inner_text("main")
    desk.look("reveal-opened")
    assert Look.objects.filter(case_id=case.pk, way="reveal").count() == 1

    asker = Walker(chromium, site, width, locale=locale)
    asker.sit_down("龙一舟")
    asker.open("/desk/grants/")
    asker.look("grants-empty")
    asker.page.locator("#number").fill(secret.number)
    asker.page.locator("main form button").first.click()
    asker.page.locator("#wrong-reason").wait_for()
    asker.look("grants-refused")
    asker.page.locator("#reason").fill("县里会商同类纠纷，需要参考")
    asker.page.locator("main form button").first.click()
    asker.page.wait_for_url("**/desk/grants/")

    security = Walker(chromium, site, width, locale=locale)
    security.sit_down("安守门")
    security.open("/desk/grants/")
    assert secret.number in security.page.inner_text("main")
    assert "家庭矛盾" not in security.page.content()
    security.look("grants-waiting")
    security.page.locator("article input[name=ruling]").fill("同意，限会商使用")
    security.page.locator('article button[value="yes"]').click()
    security.page.locator("table").wait_for()
    security.look("grants-running")
    assert Grant.objects.get(case_id=secret.pk).given

    asker.open("/desk/grants/")
    asker.look("grants-given")
    asker.page.locator(f'a[href="/desk/case/{secret.pk}/"]').click()
    asker.page.get_by_text("请勿外传").first.wait_for()
    Grant.objects.update(revoked_at=Grant.objects.get().ruled_at)
    asker.open(f"/desk/case/{secret.pk}/")
    asker.look("grant-ended")

    auditor = Walker(chromium, site, width, locale=locale)
    auditor.sit_down("明鉴之")
    for tab in ("looks", "counts", "acts"):
        auditor.open(f"/desk/looks/?tab={tab}")
        auditor.look(f"audit-{tab}")
    auditor.open("/desk/looks/?way=reveal&tab=looks")
    assert auditor.page.locator("tbody tr").count() == 1

    reporter = Walker(chromium, site, width, locale=locale)
    reporter.open(f"/r/{case.query_code}/")
    reporter.page.locator("#receipt-looks summary").click()
    assert "约周三上午" in reporter.page.inner_text("#receipt-looks")
    reporter.look("receipt-opened")
    for walker in (leader, desk, asker, security, auditor, reporter):
        walker.close()
