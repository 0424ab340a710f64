"""The desk: what each tier sees, moves by form, and a stranger who sees and changes nothing."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases.models import Case, Event
from maplebridge.journey.advance import advance
from maplebridge.journey.models import Category, DecisionRecord
from maplebridge.organisation.models import Account, Holding, Post
from maplebridge.web.command.rows import file_of, timeline

pytestmark = pytest.mark.django_db


def page(answer: Any) -> str:
    return str(answer.content.decode())


def desk_of(name: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=name))
    return client


@pytest.fixture
def stranger(town: Any) -> Client:
    """Signed in at another township's command room."""
    account = Account.objects.create(username="stranger", display_name="外乡人")
    post, _made = Post.objects.get_or_create(
        code="stranger",
        defaults={"unit_id": town.stranger.unit_code, "role": "clerk", "title": "值班员"},
    )
    Holding.objects.create(account=account, post=post, begins="2026-01-01")
    return desk_of("stranger")


def key_and_sequence(shown: str) -> dict[str, str]:
    key = re.search(r'id="move-form".*?name="key" value="([^"]+)"', shown, re.DOTALL)
    sequence = re.search(r'name="expected_sequence" value="(\d+)"', shown)
    assert key
    assert sequence
    return {"key": key[1], "expected_sequence": sequence[1]}


def test_a_visitor_is_asked_to_sign_in(client: Client) -> None:
    for address in ("/desk/", "/desk/map/", f"/desk/case/{uuid.uuid4()}/"):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"] == f"/sign-in/?next={address}"


def test_an_account_without_a_post_is_refused(client: Client, town: Any) -> None:
    client.force_login(Account.objects.create(username="nobody", display_name="无岗"))
    answer = client.get("/desk/")
    assert answer.status_code == 403
    assert "这里不能进入" in page(answer)


def test_the_queue_shows_what_waits_for_the_unit(town: Any) -> None:
    case = town.opened()
    shown = page(desk_of("town").get("/desk/"))
    assert case.number in shown
    assert "村口下水道堵了" in shown
    assert "社阳乡" in shown
    assert "还剩" in shown
    assert case.number not in page(desk_of("housing").get("/desk/"))


def test_the_queue_costs_the_same_for_one_case_and_for_many(
    town: Any, django_assert_max_num_queries: Any
) -> None:
    client = desk_of("town")
    town.opened()
    client.get("/desk/")
    for _case in range(12):
        town.opened()
    with django_assert_max_num_queries(16):  # five of them for the wall
        answer = client.get("/desk/")
    assert page(answer).count('class="case-row') == 13


def test_the_pages_of_a_queue_give_each_case_once(town: Any) -> None:
    numbers = {town.opened().number for _case in range(30)}
    client, seen, address = desk_of("town"), [], "/desk/?tab=waiting"
    while address:
        shown = page(client.get(address))
        seen += re.findall(r'<span class="code">([^<]+)</span>', shown)
        more = re.search(r'href="(\?[^"]*after=[^"]+)"', shown)
        address = f"/desk/{more[1]}".replace("&amp;", "&") if more else ""
    assert len(seen) == 30
    assert set(seen) == numbers


@pytest.mark.parametrize(
    "after", ["x", ",", "2026-01-01T00:00:00+00:00,zz", ",00000000-0000-4000-8000-000000000000"]
)
def test_a_broken_cursor_is_no_error(town: Any, after: str) -> None:
    assert desk_of("town").get("/desk/", {"after": after}).status_code == 200


def test_the_queue_is_filtered_by_number_state_and_category(town: Any) -> None:
    one, other = town.opened(), town.opened("accepted")
    client = desk_of("town")
    for typed in (one.number[-6:].lower(), one.number[-9:], one.number.lower()):
        shown = page(client.get("/desk/", {"tab": "open", "number": typed}))
        assert one.number in shown
        assert other.number not in shown
    shown = page(client.get("/desk/", {"tab": "open", "state": "accepted", "category": "10"}))
    assert other.number in shown
    assert one.number not in shown
    shown = page(client.get("/desk/", {"tab": "open", "category": "01"}))
    assert "没有符合筛选条件的事项" in shown


def test_the_case_page_tells_text_clocks_moves_and_place(town: Any) -> None:
    case = town.opened()
    shown = page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    assert "污水漫到路上" in shown
    assert "为什么是这个时间？" in shown
    assert f"/desk/case/{case.pk}/move/accept/" in shown
    assert f"/desk/case/{case.pk}/move/sign_for/" not in shown


def test_the_case_page_takes_few_statements(town: Any, django_assert_max_num_queries: Any) -> None:
    case = town.opened("closed")
    client = desk_of("town")
    client.get(f"/desk/case/{case.pk}/")
    with django_assert_max_num_queries(27):  # five of them for the wall, three for who is here
        assert client.get(f"/desk/case/{case.pk}/").status_code == 200


def test_a_form_is_drawn_from_what_the_move_needs(town: Any) -> None:
    case = town.opened("filed")
    client = desk_of("town")
    shown = page(client.get(f"/desk/case/{case.pk}/move/dispatch/"))
    assert 'name="unit"' in shown
    assert re.search(r'<option value="330825-hsc" selected>', shown)
    part = client.get(f"/desk/case/{case.pk}/move/dispatch/", headers={"HX-Request": "true"})
    assert page(part).lstrip().startswith('<form class="move-form"')


def test_a_case_is_handled_by_forms_alone_from_report_to_rating(town: Any) -> None:
    case = town.opened()
    steps = [
        ("town", "accept", {}),
        ("town", "file_case", {}),
        ("town", "dispatch", {"unit": "330825-hsc"}),
        ("housing", "sign_for", {}),
        ("housing", "feedback", {"result": "已疏通管道"}),
        ("village", "verify_pass", {}),
        ("town", "close", {"reply": "已疏通，请您查看"}),
    ]
    for person, name, said in steps:
        client = desk_of(person)
        address = f"/desk/case/{case.pk}/move/{name}/"
        form = key_and_sequence(page(client.get(address)))
        answer = client.post(address, {**form, **said})
        assert answer.status_code == 302, (name, page(answer)[:2000])
    Client().post(f"/r/{case.query_code}/move/rate/", {"rating": "5", "solved": "yes", "key": "r"})
    assert Case.objects.get(pk=case.pk).state == "archived"
    shown = page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    assert "已疏通管道" in shown
    assert "祝安居" in shown


def test_a_double_click_does_nothing_twice(town: Any) -> None:
    case = town.opened()
    client = desk_of("town")
    said = {"key": "click-1", "expected_sequence": str(case.sequence)}
    for _click in range(2):
        assert client.post(f"/desk/case/{case.pk}/move/accept/", said).status_code == 302
    assert Event.objects.filter(case_id=case.pk, move="accept").count() == 1


@pytest.mark.parametrize("sequence", ["x", "-1", "1.0", "二", "9" * 5000])
def test_a_form_with_a_broken_sequence_is_stale(town: Any, sequence: str) -> None:
    case = town.opened()
    said = {"key": "k", "expected_sequence": sequence}
    answer = desk_of("town").post(f"/desk/case/{case.pk}/move/accept/", said)
    assert answer.status_code == 409
    assert Case.objects.get(pk=case.pk).state == case.state


def test_a_stale_save_is_refused_and_keeps_what_was_typed(town: Any) -> None:
    case = town.opened("handling")
    town.move(case.pk, "log_progress", town.housing, {"note": "同事先记了一笔"})
    said = {"key": "k", "expected_sequence": str(case.sequence), "result": "我写了很久的结果"}
    answer = desk_of("housing").post(f"/desk/case/{case.pk}/move/feedback/", said)
    assert answer.status_code == 409
    assert "我写了很久的结果" in page(answer)
    assert "同事先记了一笔" in page(answer)
    assert f'name="expected_sequence" value="{case.sequence + 1}"' in page(answer)
    assert Case.objects.get(pk=case.pk).state == "handling"


@pytest.mark.parametrize("unit", ["", "no-such-unit", "<script>"])
def test_an_unknown_unit_is_said_and_the_note_kept(town: Any, unit: str) -> None:
    case = town.opened("filed")
    said = {"key": "k", "unit": unit, "note": "请尽快派人"}
    answer = desk_of("town").post(f"/desk/case/{case.pk}/move/dispatch/", said)
    assert answer.status_code == 422
    assert "请尽快派人" in page(answer)
    assert 'aria-invalid="true"' in page(answer)
    assert "<script>alert" not in page(answer)
    assert Case.objects.get(pk=case.pk).state == "filed"


def test_a_stranger_sees_no_case_and_changes_nothing(town: Any, stranger: Client) -> None:
    case = town.opened()
    before = Case.objects.values().get(pk=case.pk)
    assert stranger.get("/desk/?tab=open").status_code == 200
    assert case.number not in page(stranger.get("/desk/?tab=open"))
    named = page(stranger.get("/desk/", {"tab": "open", "number": case.number}))
    assert "没有符合筛选条件的事项" in named
    for address in ("", "move/accept/", "photo/1/"):
        assert stranger.get(f"/desk/case/{case.pk}/{address}").status_code == 404
    assert stranger.post(f"/desk/case/{case.pk}/move/accept/", {"key": "k"}).status_code == 404
    assert (
        stranger.post(f"/desk/case/{case.pk}/overrule/classify/", {"value": "0901"}).status_code
        == 404
    )
    assert json.loads(stranger.get("/desk/map/cases.json").content)["features"] == []
    assert Case.objects.values().get(pk=case.pk) == before


def test_an_onlooker_may_read_but_not_move(town: Any) -> None:
    case = town.opened("handling")
    client = desk_of("village")
    assert client.get(f"/desk/case/{case.pk}/").status_code == 200
    answer = client.post(f"/desk/case/{case.pk}/move/feedback/", {"key": "k", "result": "好了"})
    assert answer.status_code == 403
    assert "好了" in page(answer)
    assert Case.objects.get(pk=case.pk).state == "handling"


def test_only_working_units_see_the_reporters_contact(town: Any) -> None:
    opened = town.report(reporter={"name": "叶小满", "phone": "057000000000"})
    town.triage(opened.case_id)
    shown = page(desk_of("town").get(f"/desk/case/{opened.case_id}/"))
    assert "叶**" in shown
    assert "0570******00" in shown
    assert "叶小满" not in shown
    other = page(desk_of("county").get(f"/desk/case/{opened.case_id}/"))
    assert "叶" not in other
    assert "0570" not in other


def test_a_person_overrules_a_step_and_both_answers_stay(town: Any) -> None:
    opened = town.report("社阳乡村口下水道堵了，污水漫到路上")
    advance(opened.case_id)
    case = Case.objects.get(pk=opened.case_id)
    client = desk_of("town")
    shown = page(client.get(f"/desk/case/{case.pk}/"))
    assert "系统自动判断" in shown
    answer = client.post(
        f"/desk/case/{case.pk}/overrule/classify/",
        {"value": "0901", "note": "其实是垃圾", "key": "o-1", "expected_sequence": case.sequence},
    )
    assert answer.status_code == 302, page(answer)[:3000]
    assert Case.objects.get(pk=case.pk).category == "0901"
    by = DecisionRecord.objects.filter(case_id=case.pk, step="classify").order_by("sequence")
    assert [record.by_person for record in by] == [False, True]
    assert "人工确定" in page(client.get(f"/desk/case/{case.pk}/"))


def test_an_unknown_category_overrules_nothing(town: Any) -> None:
    case = town.opened()
    answer = desk_of("town").post(
        f"/desk/case/{case.pk}/overrule/classify/", {"value": "9999", "key": "o"}
    )
    assert answer.status_code == 422
    assert Case.objects.get(pk=case.pk).category == "1004"


def test_the_map_shows_points_and_no_words_and_never_a_confidential_case(town: Any) -> None:
    shown = town.report(lon=119.2, lat=28.9)
    hidden = town.report(lon=119.21, lat=28.91)
    town.triage(shown.case_id)
    town.triage(hidden.case_id, confidentiality="C2")
    answer = desk_of("town").get("/desk/map/cases.json")
    features = json.loads(answer.content)["features"]
    assert [f["properties"]["title"] for f in features] == [shown.number]
    assert "下水道" not in page(answer)
    listed = page(desk_of("town").get("/desk/map/"))
    assert shown.number in listed
    assert hidden.number not in listed


def test_an_auditor_sees_no_content(town: Any) -> None:
    case = town.opened()
    for person in ("auditor", "administrator"):
        assert case.number not in page(desk_of(person).get("/desk/?tab=open"))
        assert desk_of(person).get(f"/desk/case/{case.pk}/").status_code == 404


def test_a_decision_opens_to_its_words_and_one_tap_overrules_it(town: Any) -> None:
    case_id = town.report("村口下水道堵了，污水漫到路上，路灯也坏了").case_id
    advance(case_id)
    client = desk_of("town")
    shown = page(client.get(f"/desk/case/{case_id}/"))
    assert "依据的词语、规则和版本" in shown
    assert re.search(r"起决定作用的词语.*下水道", shown, re.DOTALL)
    assert "权责清单第" in shown
    first = DecisionRecord.objects.get(case_id=case_id, step="classify")
    other = next(c for c, _s in first.evidence["candidates"] if c != first.value)
    form = next(
        form
        for form in re.findall(r"<form.*?</form>", shown, re.DOTALL)
        if f'value="{other}"><button' in form
    )
    said = dict(re.findall(r'name="(key|expected_sequence|value)" value="([^"]+)"', form))
    answer = client.post(f"/desk/case/{case_id}/overrule/classify/", said)
    assert answer.status_code == 302
    assert Case.objects.get(pk=case_id).category == other
    kept = DecisionRecord.objects.filter(case_id=case_id).order_by("sequence", "step")
    assert list(kept.filter(step="classify").values_list("value", "by_person")) == [
        (first.value, False),
        (other, True),
    ]
    # Whose it is was asked again, and the page shows the newer answer.
    assert kept.filter(step="route").count() == 2
    event = Event.objects.filter(case_id=case_id).latest("sequence")
    assert (event.move, event.facts["category"]) == ("overrule", other)
    # The timeline names the category and does not show its code.
    told = timeline(file_of(Case.objects.get(pk=case_id)))[0].said
    assert ("类别", Category.objects.get(pk=other).shown_name) in told


def test_the_receipt_of_an_emergency_service_stands_in_the_timeline(town: Any) -> None:
    case = town.opened("filed")
    town.move(case.pk, "hand_off", town.town, {"service": "120", "note": "有人受伤"})
    town.move(case.pk, "note_receipt", town.town, {"service": "120", "receipt": "120-20261102-07"})
    assert "120-20261102-07" in page(desk_of("town").get(f"/desk/case/{case.pk}/"))


def test_twins_that_a_desk_may_not_see_are_not_called_none(town: Any) -> None:
    case = town.opened("filed")
    hidden = "00000000-0000-8000-8000-000000000001"
    DecisionRecord.objects.filter(case_id=case.pk, step="dedupe").delete()
    DecisionRecord.objects.create(
        case_id=case.pk,
        step="dedupe",
        sequence=2,
        confidence=0.7,
        reason="附近近期有 1 件案卷措辞相近。",
        version="test",
        area_code=case.area_code,
        evidence={"twins": [[hidden, 0.9]]},
        at=case.opened_at,
    )
    shown = page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    assert "不在本岗位的查看范围内" in shown
    assert hidden not in shown


def test_a_form_that_came_too_late_keeps_its_words_but_offers_no_button(town: Any) -> None:
    case = town.opened("filed")
    client = desk_of("town")
    address = f"/desk/case/{case.pk}/move/dispatch/"
    said = {**key_and_sequence(page(client.get(address))), "unit": "330825-hsc", "note": "请尽快去"}
    town.move(case.pk, "dispatch", town.town, {"unit": "330825-utl"})
    answer = client.post(address, said)
    assert answer.status_code == 409
    form = re.search(r'id="move-form".*?</form>', page(answer), re.DOTALL)
    assert form
    assert "请尽快去" in form[0]
    assert "现在已不能这样办理" in form[0]
    assert "<button" not in form[0]


def test_a_form_whose_key_was_used_for_another_move_comes_back_with_a_fresh_one(town: Any) -> None:
    case = town.opened()
    client = desk_of("town")
    form = key_and_sequence(page(client.get(f"/desk/case/{case.pk}/move/accept/")))
    assert client.post(f"/desk/case/{case.pk}/move/accept/", form).status_code == 302
    address = f"/desk/case/{case.pk}/move/log/"
    said = {**form, "expected_sequence": str(Case.objects.get(pk=case.pk).sequence), "note": "看过"}
    answer = client.post(address, said)
    assert answer.status_code == 400
    again = {**said, **key_and_sequence(page(answer))}
    assert again["key"] != form["key"]
    assert client.post(address, again).status_code == 302
