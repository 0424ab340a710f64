"""Messages in a browser: a phone asks for news and shows it; the demonstration's telephone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maplebridge.connectors.messages import Message, send
from maplebridge.journey import push
from maplebridge.journey.models import PushSubscription
from tests.browser.walker import Walker

# No push service can be reached from a test, so the browser's own part is played: an endpoint and
# keys as it would give them. All else is the page, its script and the server.
SUBSCRIBED = """
const point = new Uint8Array(65).fill(7); point[0] = 4;
const made = {
  endpoint: "https://updates.push.services.mozilla.com/wpush/v2/walk",
  getKey: (name) => (name === "auth" ? new Uint8Array(16).fill(9) : point).buffer,
};
let now = null;
PushManager.prototype.subscribe = async (asked) => {
  window.asked = asked.applicationServerKey.length; now = made; return made;
};
PushManager.prototype.getSubscription = async () => now;
"""


@pytest.fixture
def no_phones() -> Any:
    yield
    PushSubscription.objects.all().delete()


def shown(walker: Walker) -> list[str]:
    found = walker.page.evaluate(
        """async () => (await (await navigator.serviceWorker.getRegistration("/r/"))
        .getNotifications()).map((each) => `${each.title} ${each.body}`)"""
    )
    return list(found)


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_a_phone_asks_for_news_and_shows_them(
    chromium: Any, site: str, committed_town: Any, no_phones: None, width: int, locale: str
) -> None:
    case = committed_town.opened("accepted")
    walker = Walker(chromium, site, width, locale=locale)
    walker.context.grant_permissions(["notifications"], origin=site)
    walker.context.add_init_script(SUBSCRIBED)
    walker.open(f"/r/{case.query_code}/")
    walker.page.wait_for_selector("[data-push-wish=on]")
    walker.look("receipt-with-push")
    walker.page.click("[data-push-wish=on]")
    walker.page.wait_for_selector("[data-push-wish=off]")
    assert walker.page.evaluate("window.asked") == 65
    row = PushSubscription.objects.get()
    assert (row.case_id, row.language) == (case.pk, "en" if locale == "en" else "zh-hans")
    assert push.push.is_sound(row.endpoint, row.p256dh, row.auth)
    walker.look("receipt-push-on")
    # The browser hands a push to our script, as it would from its service.
    session = walker.context.new_cdp_session(walker.page)
    known: list[str] = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: known.extend(
            each["registrationId"]
            for each in told["registrations"]
            if each["scopeURL"].endswith("/r/")
        ),
    )
    session.send("ServiceWorker.enable")
    for _turn in range(100):
        if known:
            break
        walker.page.wait_for_timeout(50)
    for state in ("已立案", "已办结"):
        said = {"number": case.number, "state": state, "sequence": "4"}
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": site, "registrationId": known[0], "data": json.dumps(said)},
        )
    for _turn in range(100):
        if shown(walker) == [f"{case.number} 已办结"]:
            break
        walker.page.wait_for_timeout(50)
    assert shown(walker) == [f"{case.number} 已办结"]
    walker.open(f"/r/{case.query_code}/")
    walker.page.click("[data-push-wish=off]")
    walker.page.wait_for_selector("[data-push-wish=on]")
    walker.close()


def test_who_refuses_is_told_what_it_means(chromium: Any, site: str, committed_town: Any) -> None:
    case = committed_town.opened()
    walker = Walker(chromium, site, 360)
    walker.context.add_init_script(
        'Notification.requestPermission = async () => "denied";' + SUBSCRIBED
    )
    walker.open(f"/r/{case.query_code}/")
    walker.page.click("[data-push-wish=on]")
    walker.until("document.querySelector('[data-push-said]').textContent.includes('没有允许')")
    assert not PushSubscription.objects.exists()
    walker.look("receipt-push-refused")
    walker.close()


@pytest.mark.parametrize(("width", "locale"), [(360, "zh-CN"), (1440, "en")])
def test_the_telephone_shows_what_was_sent(
    chromium: Any, site: str, committed_town: Any, work_off: Any,
    settings: Any, tmp_path: Any, width: int, locale: str,
) -> None:  # fmt: skip
    settings.STATE = tmp_path
    walker = Walker(chromium, site, width, locale=locale)
    walker.open("/demonstration/phone/")
    walker.look("phone-empty")
    town = committed_town
    case_id = town.report(reporter={"name": "甄秀英", "phone": "13900000001"}).case_id
    town.triage(case_id)
    town.walk(case_id, "dispatched")
    send(Message("alarm-1", "unit:330825-hsc", "不在手机上"))
    work_off()
    case = town.case(case_id)
    walker.page.reload()
    bubbles = walker.page.locator(".phone-bubble")
    # Told of: reported, accepted, filed, dispatched; not of the sorting.
    assert bubbles.count() == 4
    assert case.number in bubbles.first.inner_text()
    assert "139 0000 0001" in walker.page.inner_text(".phone-list")
    assert "不在手机上" not in walker.page.inner_text("main")
    walker.look("phone")
    bubbles.first.locator("a").click()
    walker.page.wait_for_url(f"**/r/{case.query_code}/")
    walker.close()
