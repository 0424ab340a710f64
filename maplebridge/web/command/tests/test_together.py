"""Two at one case: the second sees the first, a stale save says what happened, drafts stay."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases import wall
from maplebridge.cases.models import Assignment, Case, Event
from maplebridge.organisation.models import Account
from maplebridge.web.command.tests.test_desk import desk_of, key_and_sequence, page, stranger
from maplebridge.web.parts import together
from maplebridge.web.parts.models import Draft, OpenPage

__all__ = ["stranger"]
pytestmark = pytest.mark.django_db


def beside(answer: Any) -> list[str]:
    found = re.findall(r'beside-one">.*?<span>(.*?)</span>', page(answer), re.DOTALL)
    return [" ".join(one.split()) for one in found]


def test_the_second_sees_the_first_before_anything_is_saved(town: Any) -> None:
    case = town.opened("handling")
    first, second = desk_of("housing"), desk_of("town")
    assert beside(first.get(f"/desk/case/{case.pk}/")) == []
    name = Account.objects.get(username="housing").display_name
    (seen,) = beside(second.get(f"/desk/case/{case.pk}/"))
    assert name in seen
    assert "反馈结果" not in seen
    first.get(f"/desk/case/{case.pk}/move/feedback/")
    label = str(case.pinned_kind.move("feedback").label)
    (seen,) = beside(second.post(f"/desk/case/{case.pk}/together/", {"move": ""}))
    assert label in seen
    first.post(f"/desk/case/{case.pk}/together/", {"gone": "yes"})
    assert beside(second.post(f"/desk/case/{case.pk}/together/", {"move": ""})) == []


def test_a_page_without_a_sign_is_no_longer_there(town: Any) -> None:
    case = town.opened("handling")
    desk_of("housing").get(f"/desk/case/{case.pk}/")
    OpenPage.objects.update(seen_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert beside(desk_of("town").get(f"/desk/case/{case.pk}/")) == []
    together._swept = dt.datetime.min.replace(tzinfo=dt.UTC)
    together.sweep()
    assert (
        OpenPage.objects.filter(account_id=Account.objects.get(username="housing").pk).count() == 0
    )


def test_who_merely_looks_over_a_case_is_shown_to_nobody(town: Any) -> None:
    case = town.opened("handling")
    desk_of("leader").get(f"/desk/case/{case.pk}/")
    assert not OpenPage.objects.exists()


def test_a_stale_save_says_what_happened_meanwhile_and_goes_through_the_second_time(
    town: Any,
) -> None:
    case = town.opened("handling")
    client = desk_of("housing")
    drawn = key_and_sequence(page(client.get(f"/desk/case/{case.pk}/move/feedback/")))
    town.move(case.pk, "log_progress", town.housing, {"note": "同事先记了一笔"})
    town.move(case.pk, "log", town.town, {"note": "街道补充：注意雨天"})
    address = f"/desk/case/{case.pk}/move/feedback/"
    answer = client.post(address, {**drawn, "result": "我写了很久的结果"})
    assert answer.status_code == 409
    told = page(answer).split('id="move-form"')[1].split("</form>")[0]
    said = told.split("</ul>")[0]
    assert "同事先记了一笔" in said
    assert "街道补充：注意雨天" in said
    assert said.count("<li>") == 2
    again = client.post(address, {**key_and_sequence(page(answer)), "result": "我写了很久的结果"})
    assert again.status_code == 302
    assert Case.objects.get(pk=case.pk).state == "feedback"


@pytest.mark.parametrize(
    ("tag", "status"), [('"{n}"', 302), ('W/"{n}"', 302), ("*", 302), ('"{m}"', 412), ("x", 412)]
)
def test_a_save_may_say_if_match(town: Any, tag: str, status: int) -> None:
    case = town.opened()
    client = desk_of("town")
    assert client.get(f"/desk/case/{case.pk}/")["ETag"] == f'"{case.sequence}"'
    said = tag.format(n=case.sequence, m=case.sequence - 1)
    answer = client.post(
        f"/desk/case/{case.pk}/move/accept/", {"key": "k"}, headers={"If-Match": said}
    )
    assert answer.status_code == status
    assert Event.objects.filter(case_id=case.pk, move="accept").count() == (status == 302)


def test_a_draft_stays_with_its_writer_until_it_is_sent(town: Any) -> None:
    case = town.opened("handling")
    client = desk_of("housing")
    address = f"/desk/case/{case.pk}/draft/feedback/"
    drawn = key_and_sequence(page(client.get(f"/desk/case/{case.pk}/move/feedback/")))
    for words in ("写了一半", "写了一半的结果"):
        answer = client.post(
            address, {**drawn, "result": words}, headers={"Accept": "application/json"}
        )
        assert re.fullmatch(r"今天 ?\d\d:\d\d", answer.json()["at"])
    assert Draft.objects.get().said == {"result": ["写了一半的结果"]}
    assert Event.objects.filter(case_id=case.pk, move="feedback").count() == 0
    town.move(case.pk, "log", town.town, {"note": "其间来了一条"})
    form = page(client.get(f"/desk/case/{case.pk}/move/feedback/"))
    assert "写了一半的结果</textarea>" in form
    assert "其间来了一条" in form.split('id="move-form"')[1].split("</ul>")[0]
    assert "move/feedback/#move-form" in page(client.get(f"/desk/case/{case.pk}/"))
    assert "写了一半" not in page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    said = {**key_and_sequence(form), "result": "写完的结果"}
    assert client.post(f"/desk/case/{case.pk}/move/feedback/", said).status_code == 302
    assert not Draft.objects.exists()


def test_a_draft_is_thrown_away_and_too_much_is_refused_with_its_words(town: Any) -> None:
    case = town.opened()
    client = desk_of("town")
    address = f"/desk/case/{case.pk}/draft/log/"
    assert client.post(address, {"note": "先放着"}).status_code == 302
    assert Draft.objects.count() == 1
    assert client.post(address, {"note": "先放着", "discard": "yes"}).status_code == 302
    assert not Draft.objects.exists()
    answer = client.post(address, {"note": "长" * (together.MOST_CHARACTERS + 1)})
    assert answer.status_code == 422
    assert "长" * 1000 in page(answer)
    assert client.post(address, {"note": ""}).status_code == 302
    assert not Draft.objects.exists()


def test_a_stranger_learns_and_leaves_nothing(town: Any, stranger: Client) -> None:
    case = town.opened("handling")
    desk_of("housing").get(f"/desk/case/{case.pk}/")
    for address, said in (("together/", {"move": ""}), ("draft/log/", {"note": "外人"})):
        assert stranger.post(f"/desk/case/{case.pk}/{address}", said).status_code == 404
    assert not Draft.objects.exists()
    assert OpenPage.objects.count() == 1
    with wall.begun_closed(), wall.standing(town.stranger):
        assert OpenPage.objects.count() == 0


def test_drafts_go_after_a_week(town: Any) -> None:
    case = town.opened()
    desk_of("town").post(f"/desk/case/{case.pk}/draft/log/", {"note": "先放着"})
    together._swept = dt.datetime.min.replace(tzinfo=dt.UTC)
    assert together.sweep() == 0
    assert Draft.objects.count() == 1
    Draft.objects.update(at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    together.sweep()
    assert Draft.objects.count() == 1, "once a minute"
    together._swept = dt.datetime.min.replace(tzinfo=dt.UTC)
    together.sweep()
    assert not Draft.objects.exists()


# -- what the desk may say besides -----------------------------------------------------------


def test_units_that_see_a_case_are_asked_to_read_a_note_and_others_are_not(town: Any) -> None:
    case = town.opened("handling")
    client = desk_of("town")
    form = page(client.get(f"/desk/case/{case.pk}/move/log/"))
    offered = set(re.findall(r'name="units" value="([^"]+)"', form))
    assert {"330825-hsc", "330825-center", "330825209201-station"} <= offered
    assert "330825-utl" not in offered
    said = {**key_and_sequence(form), "note": "请住建局看一下", "units": ["330825-utl"]}
    refused = client.post(f"/desk/case/{case.pk}/move/log/", said)
    assert refused.status_code == 422
    assert "看不到本案" in page(refused)
    said["units"] = ["330825-hsc", "330825-center"]
    assert client.post(f"/desk/case/{case.pk}/move/log/", said).status_code == 302
    named = Assignment.objects.filter(case_id=case.pk, duty="read")
    assert {(a.unit_code, a.progress) for a in named} >= {
        ("330825-hsc", "to_sign"), ("330825-center", "to_sign"),
    }  # fmt: skip
    assert str(case.number) in page(desk_of("county").get("/desk/?tab=asked"))


def test_a_dispatch_names_who_leads_and_who_helps_at_once(town: Any) -> None:
    case = town.opened("filed")
    said = {"key": "k", "unit": "330825-hsc", "units": ["330825-utl", "330825-hsc"]}
    assert desk_of("town").post(f"/desk/case/{case.pk}/move/dispatch/", said).status_code == 302
    shares = Assignment.objects.filter(case_id=case.pk).values_list("unit_code", "duty", "progress")
    assert sorted(shares) == [
        ("330825-hsc", "lead", "to_sign"), ("330825-utl", "assist", "to_sign"),
    ]  # fmt: skip


def test_a_call_is_logged_with_its_outcome(town: Any) -> None:
    case = town.opened("handling")
    said = {"key": "k", "called": "reporter", "outcome": "not_reached", "note": "无人接听"}
    client = desk_of("housing")
    assert client.post(f"/desk/case/{case.pk}/move/log_call/", said).status_code == 302
    event = Event.objects.get(case_id=case.pk, move="log_call")
    assert (event.facts["called"], event.facts["outcome"]) == ("reporter", "not_reached")
    shown = page(client.get(f"/desk/case/{case.pk}/"))
    assert "未联系上" in shown
    assert "无人接听" in shown
    wrong = client.post(
        f"/desk/case/{case.pk}/move/log_call/",
        {"key": "k2", "called": "reporter", "outcome": "maybe"},
    )
    assert wrong.status_code == 422
