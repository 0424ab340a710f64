"""A call from the first word to the receipt that is read back, over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maplebridge.cases.models import Case, Event, Payload
from maplebridge.cases.reporters import reporter_of_case
from maplebridge.journey import advance
from maplebridge.journey.models import DecisionRecord
from maplebridge.lib.keyring import KeyringError
from maplebridge.web.command import hotline
from maplebridge.web.command.tests.test_desk import desk_of

pytestmark = pytest.mark.django_db
PAGE, BESIDE, TAKEN = "/desk/hotline/", "/desk/hotline/beside/", "/desk/hotline/taken/"
WORDS = "龙游县社阳乡社阳村的下水道堵了，污水漫到路上"
PHONE = "139 0570 1234"


def call(client: Client, **said: str) -> Any:
    values = {"nature": "complain", "text": WORDS, "key": "call-1", "phone": PHONE, **said}
    return client.post(PAGE, values)


def only() -> Case:
    return Case.objects.get(channel="hotline")


def test_a_call_is_taken_in_sorted_at_once_and_read_back(town: Any) -> None:
    client = desk_of("town")
    answered = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=3)
    answer = call(client, name="李某", answered_at=answered.isoformat(), waited="12")
    assert (answer.status_code, answer.headers["Location"]) == (302, TAKEN)
    case = only()
    assert (case.state, case.area_code, case.unit_code) == (
        "reported", "330825209201", "330825209-room",
    )  # fmt: skip
    first = Event.objects.get(case_id=case.pk, sequence=1)
    assert first.facts["nature"] == "complain"
    assert first.facts["call"]["waited_seconds"] == 12
    assert first.facts["call"]["answered_at"] == answered.isoformat(timespec="seconds")
    assert first.facts["call"]["ended_at"] > first.facts["call"]["answered_at"]
    assert first.account_id == town.town.account_id
    reporter = reporter_of_case(case.pk)
    assert (reporter.name, reporter.phone) == ("李某", PHONE)
    page = client.get(TAKEN).content.decode()
    for said in (case.number, case.query_code, "综合信息指挥室", " ".join(case.query_code[:4])):
        assert said in page
    assert "李某" not in page
    # The worker that comes to it later finds nothing left to do.
    assert advance.advance(case.pk) is None


def test_the_same_call_sent_twice_is_one_matter(town: Any) -> None:
    client = desk_of("town")
    for _turn in range(2):
        assert call(client).status_code == 302
    assert Event.objects.filter(case_id=only().pk).count() == 2


def test_an_enquiry_is_answered_in_the_call_and_nobody_has_to_do_more(town: Any) -> None:
    client = desk_of("town")
    said = {
        "nature": "consult",
        "text": "想问问养老保险怎么转移",
        "answer": "请带身份证和社保卡到乡便民服务中心办理。",
        "category": "1203",
    }
    for _turn in range(2):
        assert call(client, **said).status_code == 302
    case = only()
    moves = list(Event.objects.filter(case_id=case.pk).values_list("move", flat=True))
    assert (case.state, sorted(moves)) == ("archived", ["accept", "record_only", "report"])
    assert (case.ended, case.category, case.due_at) == (True, "1203", None)
    assert not DecisionRecord.objects.filter(case_id=case.pk).exists()
    assert "已在本次通话中答复" in client.get(TAKEN).content.decode()
    receipt = Client().get(f"/r/{case.query_code}/").content.decode()
    assert "请带身份证和社保卡到乡便民服务中心办理。" in receipt


def test_only_an_enquiry_is_answered_in_the_call(town: Any) -> None:
    answer = call(desk_of("town"), answer="知道了")
    assert answer.status_code == 422
    assert "只有咨询可以在通话中直接答复" in answer.content.decode()
    assert not Case.objects.filter(channel="hotline").exists()


def test_the_operators_category_stands_in_place_of_the_automatic_one(town: Any) -> None:
    call(desk_of("town"), category="0501")
    case = only()
    assert case.category == "0501"
    by_person = DecisionRecord.objects.filter(case_id=case.pk, step="classify", by_person=True)
    assert [record.value for record in by_person] == ["0501"]


def test_at_the_county_it_is_a_note_for_the_room_that_decides(town: Any) -> None:
    call(desk_of("county"), category="0501")
    case = only()
    assert (case.unit_code, case.category) == ("330825209-room", "1004")
    log = Event.objects.get(case_id=case.pk, move="log")
    [note] = Payload.objects.filter(case_id=case.pk, sequence=log.sequence)
    assert "0501" in note.content["note"]


def test_an_anonymous_caller_leaves_neither_number_nor_name(town: Any) -> None:
    call(desk_of("town"), anonymous="yes", name="李某")
    case = only()
    assert case.anonymous
    assert not reporter_of_case(case.pk)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"text": ""}, "text"),
        ({"nature": ""}, "nature"),
        ({"phone": "12"}, "phone"),
        ({"about": "综合信息指挥室"}, "about"),
        ({"place": "路" * 201}, "place"),
    ],
)
def test_what_is_wrong_gets_its_sentence_and_every_word_stays(
    town: Any, said: dict[str, str], named: str
) -> None:
    values = {"name": "李某", "place": "菜场门口", **said}
    answer = call(desk_of("town"), **values)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'href="#{named}"' in page
    for word in (values.get("text", WORDS), values["name"], values["place"], "call-1"):
        assert word in page
    assert not Case.objects.filter(channel="hotline").exists()


def test_without_a_key_nothing_is_written_and_nothing_is_lost(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_said: Any, **_more: Any) -> None:
        raise KeyringError("no key")

    monkeypatch.setattr(hotline.intake, "take_in", away)
    answer = call(desk_of("town"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
    assert WORDS in answer.content.decode()


def test_a_session_that_ended_gives_the_call_back(town: Any) -> None:
    answer = Client().post(
        PAGE, {"text": WORDS, "phone": PHONE}, headers={"sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == 401
    assert WORDS in answer.content.decode()


def test_beside_the_form_stand_the_callers_matters_twins_place_and_category(town: Any) -> None:
    client = desk_of("town")
    call(client)
    mine = only()
    other = town.report(words={"text": "社阳村的下水道堵塞，污水漫到路面上了"}).case_id
    advance.advance(other)
    answer = client.post(BESIDE, {"phone": "+86 13905701234", "text": "社阳村下水道堵了"})
    page = answer.content.decode()
    assert 'data-found-mine="1"' in page
    assert 'data-found-twins="1"' in page
    assert mine.number in page
    assert Case.objects.get(pk=other).number in page
    for said in ("社阳村", 'data-value="1004"'):
        assert said in page
    assert "no-store" in answer.headers["Cache-Control"]
    assert "13905701234" not in page


def test_words_of_danger_name_the_number_to_call(town: Any) -> None:
    client = desk_of("town")
    page = client.post(BESIDE, {"text": "社阳村三号房子着火了，有人被困"}).content.decode()
    assert 'data-found-danger="119"' in page
    page = client.post(BESIDE, {"text": "去年房子着火了，现在想问补助"}).content.decode()
    assert 'data-found-danger=""' in page
    shown = client.get(PAGE).content.decode()
    assert '"119": [' in shown
    assert "\\u7740\\u706b" in shown or "着火" in shown


def test_places_are_proposed_while_they_are_typed(town: Any) -> None:
    page = desk_of("town").post(BESIDE, {"place": "社阳"}).content.decode()
    assert 'data-value="龙游县社阳乡"' in page
    assert 'data-value="龙游县社阳乡社阳村"' in page
    # The operator's own township comes first.
    assert page.index("龙游县社阳乡") < 2000


def test_a_look_costs_a_known_number_of_statements(town: Any) -> None:
    client = desk_of("town")
    call(client)
    said = {"phone": PHONE, "text": "社阳村下水道堵了", "place": "社阳"}
    client.post(BESIDE, said)
    with CaptureQueriesContext(connection) as few:
        assert client.post(BESIDE, said).status_code == 200
    for n in range(6):
        advance.advance(town.report(words={"text": f"社阳村的下水道堵了，污水漫到路上{n}"}).case_id)
    with CaptureQueriesContext(connection) as many:
        page = client.post(BESIDE, said).content.decode()
    assert 'data-found-twins="5"' in page
    # Whatever their number: one for the twins' names of shares at most.
    assert len(many) <= len(few) + 3
    assert len(many) <= 32


def test_without_script_a_button_looks_up_and_keeps_what_was_typed(town: Any) -> None:
    client = desk_of("town")
    call(client)
    answer = client.post(PAGE, {"look": "1", "phone": PHONE, "text": WORDS, "key": "k"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert only().number in page
    assert PHONE in page


def test_a_lead_leaves_the_desk_and_is_still_read_back(town: Any) -> None:
    client = desk_of("town")
    call(client, nature="report", text="举报村支书贪污受贿，收受贿赂，以权谋私，中饱私囊。")
    case = only()
    page = client.get(TAKEN).content.decode()
    assert case.state == "handed_over"
    assert case.number in page
    assert "唯一有权查看的机关" in page
    assert "贪污" not in page


def test_who_takes_no_calls_has_no_such_page(town: Any) -> None:
    for name in ("housing", "village", "leader", "supervisor", "revisit", "auditor", "grid"):
        for answer in (desk_of(name).get(PAGE), desk_of(name).post(BESIDE, {"phone": PHONE})):
            assert answer.status_code == 403, name
    assert desk_of("county").get(TAKEN).headers["Location"] == PAGE


def test_the_unit_reads_its_own_queue_and_nothing_of_operators(town: Any) -> None:
    client = desk_of("town")
    call(client)
    call(desk_of("county"), key="call-2")
    page = client.get(PAGE).content.decode()
    assert "<b>2</b> 今日受理来电" in page
    assert "夏知远" not in page.partition("<main")[2]
