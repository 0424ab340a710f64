"""A whole call by keyboard alone, a revisit through the relay, and a shift handed over."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from maplebridge.cases.models import Case
from maplebridge.journey import advance
from maplebridge.journey.intake import Report, take_in
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Post, Shift, ShiftNote
from tests.browser.walker import Walker

pytestmark = pytest.mark.browser
PHONE = "13905701234"
ROOM = "330825209-room"
TOLD = (
    "龙游县社阳乡社阳村菜市场门口的下水道堵了三天，污水漫到路面，"
    "老人孩子走路都要绕行，雨天更严重，已经有人滑倒。"
)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def roster(committed_town: Any) -> Iterator[Callable[..., Shift]]:
    """Plans a shift of the room around now; all of them are taken away again."""
    post = Post.objects.get(unit_id=ROOM, role="clerk")

    def plan(begins: float, ends: float) -> Shift:
        at = now()
        return Shift.objects.create(
            id=uuid.uuid4(), unit_code=ROOM, post=post, begins_at=at + begins * HOUR,
            ends_at=at + ends * HOUR, desk_phone="0570-7012345", made_at=at,
        )  # fmt: skip

    yield plan
    ShiftNote.objects.all().delete()
    Shift.objects.all().delete()


def told_before() -> Case:
    """A matter that the same caller reported, sorted by the journey."""
    said = Report(
        "web", "someone", str(uuid.uuid4()), "社阳村菜市场门口下水道堵了，污水漫到路面",
        phone=PHONE, area_code="330825209201",
    )  # fmt: skip
    case_id = take_in(said).case_id
    advance.advance(case_id)
    return Case.objects.get(pk=case_id)


@pytest.mark.parametrize(("width", "locale"), [(1440, "zh-CN"), (360, "en")])
def test_a_call_is_taken_by_keyboard_alone(
    chromium: Any, site: str, roster: Any, width: int, locale: str
) -> None:
    before = told_before()
    roster(-2, 6)
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    page = desk.page
    desk.open("/desk/hotline/")
    desk.look("hotline-empty")
    keys = page.keyboard
    # The number first: the caller's own matter stands beside it before anything is told.
    keys.type("139 0570 1234")
    desk.until("document.querySelector('[data-found-mine]').dataset.foundMine === '1'")
    assert before.number in page.inner_text("#beside")
    keys.press("Enter")
    keys.type("李阿姨")
    keys.press("Enter")
    keys.press("3")
    assert page.evaluate("document.querySelector('[name=nature]:checked').value") == "complain"
    keys.press("Enter")
    keys.insert_text(TOLD)
    desk.until("document.querySelectorAll('[data-pick=category]').length > 0")
    assert page.locator("[data-danger]:visible").count() == 0
    keys.press("Tab")
    keys.insert_text("社阳村")
    desk.until("document.querySelectorAll('[data-pick=place]').length > 0")
    desk.look("hotline-told")
    # Over to what stands beside and back again, without a mouse.
    keys.press("F2")
    assert page.evaluate("document.querySelector('#beside').contains(document.activeElement)")
    keys.press("Escape")
    assert page.evaluate("document.activeElement.id") == "place"
    with page.expect_navigation():
        keys.press("Control+Enter")
    case = Case.objects.get(channel="hotline")
    assert page.url.endswith("/desk/hotline/taken/")
    assert case.number in page.inner_text("main")
    assert page.locator(".spelled .code").all_inner_texts() == [
        " ".join(part) for part in case.query_code.split("-")
    ]
    desk.look("hotline-taken")
    with page.expect_navigation():
        keys.press("n")
    assert page.evaluate("document.activeElement.id") == "phone"
    assert page.input_value("#text") == ""
    desk.close()


def test_words_of_danger_warn_at_once_and_an_interrupted_call_comes_back(
    chromium: Any, site: str, roster: Any
) -> None:
    desk = Walker(chromium, site, 1440)
    desk.sit_down("夏知远")
    page = desk.page
    desk.open("/desk/hotline/")
    page.focus("#text")
    page.keyboard.insert_text("社阳村三号楼着火了")
    assert page.locator('[data-danger="119"]').is_visible()
    desk.look("hotline-danger")
    # It was put out last year: the sentence is read, and the warning goes.
    page.fill("#text", "去年三号楼着火了，今天想问补助怎么申请")
    desk.until("[...document.querySelectorAll('[data-danger]')].every((one) => one.hidden)")
    page.check('[name=nature][value="consult"]', force=True)
    assert page.locator(".call-answer").is_visible()
    page.fill("#answer", "请到乡便民服务中心申请。")
    # The line breaks: whatever was typed stands there again.
    desk.open("/desk/")
    desk.open("/desk/hotline/")
    assert page.input_value("#text") == "去年三号楼着火了，今天想问补助怎么申请"
    assert page.input_value("#answer") == "请到乡便民服务中心申请。"
    assert page.locator("[data-draft]").is_visible()
    page.context.set_offline(True)
    page.focus("#place")
    page.keyboard.insert_text("社阳")
    desk.until("document.querySelector('[data-beside-said]').textContent !== ''")
    page.context.set_offline(False)
    desk.send(".call-send .main")
    assert Case.objects.get(channel="hotline").state == "archived"
    desk.look("hotline-answered")
    desk.open("/desk/hotline/")
    assert page.input_value("#text") == ""
    desk.send("[data-once] .main")
    desk.look("hotline-refused")
    assert page.locator("#problems li").count() == 2
    desk.close()


@pytest.mark.parametrize(("width", "locale"), [(1440, "zh-CN"), (360, "en")])
def test_a_clerk_calls_back_through_the_relay(
    chromium: Any, site: str, committed_town: Any, width: int, locale: str
) -> None:
    town = committed_town
    for n in range(4):
        found = town.report(
            text=f"{n + 1}号桥头{TOLD}", reporter={"name": "李某", "phone": PHONE}
        ).case_id
        town.triage(found)
        town.walk(found, "closed")
    badly = Case.objects.order_by("opened_at").first()
    town.move(
        badly.pk, "rate", town.resident(badly.pk),
        {"rating": "1", "solved": False, "comment": "只疏通了一半，下雨又堵"},
    )  # fmt: skip
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("温问梅")
    desk.open("/desk/revisit/")
    desk.look("revisit")
    assert badly.number in desk.page.inner_text(".revisit-now")
    desk.send(".revisit-now .button.main")
    assert desk.page.locator(".relay .code.loud").is_visible()
    assert PHONE not in desk.page.content()
    desk.look("revisit-lent")
    desk.page.check('[name=outcome][value="not_solved"]')
    desk.send(".revisit-now form:has([name=outcome]) .button")
    assert badly.number not in desk.page.inner_text(".revisit-now")
    assert badly.number in desk.page.inner_text("section[aria-labelledby=again]")
    desk.page.check('[name=outcome][value="not_reached"]')
    desk.send(".revisit-now form:has([name=outcome]) .button")
    desk.look("revisit-after")
    desk.close()


@pytest.mark.parametrize(("width", "locale"), [(1440, "zh-CN"), (360, "en")])
def test_a_shift_is_planned_and_handed_over(
    chromium: Any, site: str, committed_town: Any, roster: Any, width: int, locale: str
) -> None:
    roster(-9, -1)
    roster(-1, 7)
    pressing = committed_town.opened("accepted")
    committed_town.move(
        pressing.pk, "supervise", committed_town.county, {"supervision": "2", "reason": "群众关注"}
    )
    desk = Walker(chromium, site, width, locale=locale)
    desk.sit_down("夏知远")
    desk.open("/desk/duty/")
    desk.look("duty")
    desk.page.fill("#words-1", "答应李阿姨今天下午四点回电，告知下水道疏通进度。")
    desk.send(".shift-change form .button")
    assert pressing.number in desk.page.inner_text(".shift-change")
    desk.page.click("section[aria-labelledby=coming] summary")
    desk.page.fill("#days", "5")
    desk.page.fill("#desk_phone", "0570-7012345")
    desk.send("section[aria-labelledby=coming] form .button.main")
    assert Shift.objects.filter(unit_code=ROOM).count() == 7
    desk.look("duty-planned")
    desk.close()
