"""The page of the duty roster: planning, gaps, and a hand-over that another takes."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.test import Client

from maplebridge.lib import clock
from maplebridge.organisation.models import Account, Holding, Post, Shift, ShiftNote
from maplebridge.web.command.tests.test_desk import desk_of

pytestmark = pytest.mark.django_db
PAGE = "/desk/duty/"
HOUR = dt.timedelta(hours=1)


def ended(unit: str = "330825209-room") -> Shift:
    post = Post.objects.filter(unit_id=unit).order_by("code").first()
    at = clock.now()
    return Shift.objects.create(
        id=uuid.uuid4(), unit_code=unit, post=post, begins_at=at - 9 * HOUR,
        ends_at=at - HOUR, made_at=at,
    )  # fmt: skip


def colleague() -> Client:
    account = Account.objects.create(username="colleague", display_name="接班人")
    post = Post.objects.get(unit_id="330825209-room", role="clerk")
    Holding.objects.create(account=account, post=post, begins=dt.date(2026, 1, 1))
    client = Client()
    client.force_login(account)
    return client


def test_a_shift_is_planned_on_the_page_and_taken_back(town: Any) -> None:
    client = desk_of("town")
    post = Post.objects.get(unit_id="330825209-room", role="clerk")
    day = clock.local_day(clock.now()) + dt.timedelta(days=1)
    said = {
        "act": "plan", "post": post.pk, "begins_at": f"{day}T08:30", "ends_at": f"{day}T17:30",
        "desk_phone": "0570-7012345", "days": "2", "key": "plan-1",
    }  # fmt: skip
    for _turn in range(2):
        assert client.post(PAGE, said).status_code == 302
    shifts = list(Shift.objects.order_by("begins_at"))
    assert len(shifts) == 2
    local = shifts[0].begins_at.astimezone(clock.CHINA)
    assert (local.hour, local.minute) == (8, 30)
    page = client.get(PAGE).content.decode()
    assert page.count("0570-7012345") == 2
    assert "未来七天无人值班的时段" in page
    client.post(PAGE, {"act": "back", "shift": str(shifts[0].pk)})
    assert client.get(PAGE).content.decode().count("0570-7012345") == 1


def test_what_cannot_be_planned_keeps_what_was_typed(town: Any) -> None:
    said = {"act": "plan", "begins_at": "2026-12-01T08:30", "desk_phone": "0570-7", "days": "x"}
    answer = desk_of("town").post(PAGE, said)
    page = answer.content.decode()
    assert answer.status_code == 422
    for word in ("0570-7", "2026-12-01T08:30", "请选择本单位的岗位。", "一次可以排 1 至 31 天。"):
        assert word in page
    assert not Shift.objects.exists()


def test_a_hand_over_takes_the_pressing_matters_along(town: Any) -> None:
    pressing, usual = town.opened("accepted"), town.opened("accepted")
    town.move(pressing.pk, "supervise", town.county, {"supervision": "1", "reason": "群众关注"})
    shift = ended()
    client = desk_of("town")
    assert "待填写交接记录" in client.get(PAGE).content.decode()
    written = client.post(PAGE, {"act": "write", "shift": str(shift.pk), "words": "四点给李村回电"})
    assert written.status_code == 302
    note = ShiftNote.objects.get()
    assert note.matters == [pressing.pk]
    assert usual.pk not in note.matters
    # Not by who wrote it, though the form were forged.
    refused = client.post(PAGE, {"act": "take", "shift": str(shift.pk)})
    assert refused.status_code == 422
    assert "请由下一班确认" in refused.content.decode()
    page = colleague().get(PAGE).content.decode()
    assert "四点给李村回电" in page
    assert pressing.number in page
    assert "1 份交接未完成" in client.get("/desk/hotline/").content.decode()


def test_the_next_shift_takes_it_over(town: Any) -> None:
    shift = ended()
    desk_of("town").post(PAGE, {"act": "write", "shift": str(shift.pk), "words": "四点回电"})
    assert colleague().post(PAGE, {"act": "take", "shift": str(shift.pk)}).status_code == 302
    note = ShiftNote.objects.get()
    assert note.taken_by == Account.objects.get(username="colleague").pk
    assert "已接班" in desk_of("town").get(PAGE).content.decode()


def test_a_note_that_is_too_long_stays_in_its_field(town: Any) -> None:
    shift, words = ended(), "长" * 2001
    answer = desk_of("town").post(PAGE, {"act": "write", "shift": str(shift.pk), "words": words})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ShiftNote.objects.exists()


def test_another_units_shift_is_not_there(town: Any) -> None:
    shift = ended("330825-center")
    client = desk_of("town")
    for act in ("write", "take"):
        assert client.post(PAGE, {"act": act, "shift": str(shift.pk)}).status_code == 422
    assert client.post(PAGE, {"act": "back", "shift": str(shift.pk)}).status_code == 404
    assert client.post(PAGE, {"act": "back", "shift": "nonsense"}).status_code == 404
    assert not ShiftNote.objects.exists()


def test_who_looks_after_an_area_sees_which_rooms_have_somebody(town: Any) -> None:
    page = desk_of("leader").get(PAGE).content.decode()
    assert "辖区各指挥室" in page
    assert "没有排班" in page
    assert "新增班次" in page
    for name in ("administrator", "security", "auditor"):
        assert desk_of(name).get(PAGE).status_code == 403
