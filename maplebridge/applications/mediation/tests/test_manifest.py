"""A dispute from asking to rating, and every safeguard on the way; by the acts the pages call."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import translation

from maplebridge.applications.mediation import acts, files, tasks
from maplebridge.applications.mediation.manifest import DISPUTE, KINDS
from maplebridge.applications.mediation.rules import Refused
from maplebridge.cases import chain, engine
from maplebridge.cases.checks import problems_of
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Event, Payload, Timer
from maplebridge.connectors import messages
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.models import Account, Post

pytestmark = pytest.mark.django_db
BEGUN = dt.datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)
COMMITTEE = "330825209-mediation"
ONE = {"name": "甲某", "phone": "13800001111", "household": "社阳村12号", "unit": "社阳茶厂"}
TWO = {"name": "乙某", "phone": "13900002222", "household": "社阳村14号"}
AGREED = {
    "form": "written", "facts": "滴水檐下雨水落到邻家墙上", "disputed": "谁来修、谁出钱",
    "responsibility": "甲方屋檐伸出过长", "content": "甲方收短屋檐并装落水管", "manner": "甲方请工",
    "items": "2026-11-20 收短屋檐\n2026-12-05 装好落水管", "signed_1": "2026-11-10",
    "signed_2": "2026-11-11", "mediator_on": "2026-11-11", "sealed_on": "2026-11-12",
}  # fmt: skip


def at(day: int, hour: int = 10, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=CHINA)


def second_mediator() -> Account:
    account = Account.objects.create(username="mediator-two", display_name="宋公平")
    post = Post.objects.get(code=f"{COMMITTEE}:mediator")
    account.holdings.create(post=post, begins="2026-01-01")
    return account


def asked(town: Any, key: str = "one", category: str = "0102", **more: Any) -> Case:
    receipt = acts.ask(
        acts.Asking(
            town.village_code, category, "两户为屋檐滴水争执", (ONE, TWO), key, at=BEGUN, **more
        )
    )
    return town.case(receipt.case_id)


def given(town: Any, key: str = "one", category: str = "0102") -> Case:
    case = asked(town, key, category)
    town.move(case.pk, "accept", town.village, at=at(2, 11))
    said = {"unit": COMMITTEE, "category": category, "seriousness": "3"}
    acts.split(case.pk, town.village, said, f"{key}-split", at(2, 12))
    return town.case(case.pk)


def begun(town: Any, key: str = "one", category: str = "0102", balance: str = "even") -> Case:
    case = given(town, key, category)
    me = town.mediator
    acts.choose_mediator(case.pk, me, str(me.account_id), {}, (1, 2), f"{key}-m", at(3))
    acts.begin(case.pk, me, (1, 2), (1, 2), False, balance, f"{key}-b", at(3, 11))
    return town.case(case.pk)


def agreed(town: Any, key: str = "one") -> Case:
    case = begun(town, key)
    me = town.mediator
    acts.propose(case.pk, me, "收短屋檐，各让一步", f"{key}-p", at(5))
    for party in (1, 2):
        acts.answer_proposal(case.pk, me, party, "yes", f"{key}-a{party}", at(6))
    acts.agree(case.pk, me, AGREED, f"{key}-agree", at(12))
    return town.case(case.pk)


def refusal(act: Any, *said: Any, **more: Any) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        act(*said, **more)
    return refused.value.problems


def test_the_manifest_is_sound():
    assert KINDS == (DISPUTE,)
    assert problems_of(DISPUTE) == []


def test_a_dispute_is_walked_from_asking_to_rating(town):
    case = given(town)
    assert (case.state, case.unit_code, case.due_clock) == ("choosing", COMMITTEE, "sign")
    case = agreed(town, "two")
    file = files.read(case, opened=True)
    assert case.state == "performing"
    assert file.agreement is not None
    # The last signature is the seal, on 12 November; 30 days later is Saturday 12 December.
    assert file.agreement.effective_on == dt.date(2026, 11, 12)
    assert file.agreement.confirm_by == dt.date(2026, 12, 14)
    assert (case.due_clock, case.due_at.astimezone(CHINA).date()) == (
        "review", dt.date(2026, 11, 20)
    )  # fmt: skip
    assert Timer.objects.filter(case_id=case.pk, clock="review").count() == 1
    me = town.mediator
    assert "" in refusal(acts.close, case.pk, me, "已履行", "two-close", at(21))
    acts.note_performance(case.pk, me, 1, "whole", "two-i1", at(20))
    case = town.case(case.pk)
    assert case.due_at.astimezone(CHINA).date() == dt.date(2026, 12, 5)
    acts.remind(case.pk, me, 1, "two-remind", at(3, month=12))
    wrong = refusal(acts.ask_court, case.pk, me, (1,), "2026-12-15", "two-c", at(15, month=12))
    assert set(wrong) == {"together", "asked_on"}
    acts.note_performance(case.pk, me, 2, "whole", "two-i2", at(5, month=12))
    acts.visit(case.pk, me, 2, "whole", "都弄好了，没有再争", "two-v", at(6, month=12))
    acts.ask_court(case.pk, me, (1, 2), "2026-12-14", "two-c2", at(14, month=12))
    acts.note_ruling(case.pk, me, "confirmed", "2026-12-16", "two-r", at(16, month=12))
    acts.close(case.pk, me, "协议已全部履行", "two-close2", at(17, month=12))
    town.move(case.pk, "rate", town.resident(case.pk), {"rating": "5", "solved": True},
              at=at(18, month=12))  # fmt: skip
    case = town.case(case.pk)
    assert (case.state, case.ended, case.rating, case.solved) == ("archived", True, 5, True)
    file = files.read(case, opened=True)
    assert (file.ruling, file.agreement.done, len(file.visits)) == ("confirmed", [1, 2], 1)
    assert chain.verify(Event.objects.filter(case_id=case.pk)) == []


def test_the_same_key_again_changes_nothing(town):
    first, again = asked(town), asked(town)
    assert first.pk == again.pk
    assert Event.objects.filter(case_id=first.pk).count() == 3


def test_what_was_done_once_is_not_refused_when_its_form_comes_again(town):
    case = agreed(town)
    me = town.mediator
    first = acts.ask_court(case.pk, me, (1, 2), "2026-11-20", "court", at(20))
    assert acts.ask_court(case.pk, me, (1, 2), "2026-11-20", "court", at(21)) == first
    with pytest.raises(engine.KeyReused):
        acts.remind(case.pk, me, 1, "court", at(21))
    town.move(case.pk, "resume", me, {"reason": "一方没有履行"}, at=at(22))
    file = files.read(town.case(case.pk), opened=True)
    assert (file.agreement, file.asked_court_on, file.case.state) == (None, None, "mediating")


def test_a_mediator_who_is_a_party_or_of_its_household_or_unit_is_refused(town):
    case = given(town)
    other = second_mediator()
    me, mine = town.mediator, str(other.pk)

    def said(declared: dict[str, str]) -> str:
        return refusal(
            acts.choose_mediator, case.pk, me, mine, declared, (), "x", at(3)
        )["mediator"]  # fmt: skip

    assert said({"household": "社阳村 14 号"}) == "宋公平与当事人2同住一户，不能调解。"
    assert said({"unit": "社阳茶厂"}) == "宋公平与当事人1同属一个单位，不能调解。"
    assert "宋公平" in said({"related": "yes"})
    acts.name_party(case.pk, me, 2, {"name": "宋公平"}, "renamed", at(3))
    assert said({}) == "宋公平是本纠纷的当事人，不能调解。"
    assert town.case(case.pk).state == "choosing"
    assert not Event.objects.filter(case_id=case.pk, move="choose_mediator").exists()
    acts.choose_mediator(case.pk, me, str(me.account_id), {}, (1,), "y", at(4))
    acts.name_party(case.pk, me, 2, {"name": me.name}, "renamed-2", at(4))
    # Found out later, it does not begin.
    assert refusal(acts.begin, case.pk, me, (1, 2), (1, 2), False, "even", "z", at(4)) == {
        "": f"{me.name}是本纠纷的当事人，不能调解。"
    }


def test_a_party_refuses_the_mediator_and_another_is_chosen(town):
    case = begun(town)
    other = second_mediator()
    acts.refuse_mediator(case.pk, town.resident(case.pk), 2, "refused", at(4))
    assert town.case(case.pk).state == "choosing"
    assert files.read(case, opened=True).mediator == ""
    acts.choose_mediator(case.pk, town.mediator, str(other.pk), {}, (2,), "again", at(4, 12))
    acts.begin(case.pk, town.mediator, (1, 2), (1, 2), False, "even", "again-b", at(4, 13))
    wrong = refusal(acts.propose, case.pk, town.mediator, "各让一步", "p", at(5))
    assert wrong == {"": "只有双方接受的调解员才能主持调解。"}


def test_nothing_begins_without_will_rights_or_safety(town):
    case = given(town)
    me = town.mediator
    acts.choose_mediator(case.pk, me, str(me.account_id), {}, (), "m", at(3))
    wrong = refusal(acts.begin, case.pk, me, (1,), (1,), True, "uneven", "b", at(3))
    assert set(wrong) == {"told", "willing", "violence", "balance"}
    assert town.case(case.pk).state == "choosing"
    acts.protect(case.pk, me, "110", "乙方说家里动过手", "p", at(3, 11))
    case = town.case(case.pk)
    assert (case.state, case.handed_to) == ("protected", "110")
    with pytest.raises(engine.Refused):
        acts.begin(case.pk, me, (1, 2), (1, 2), False, "even", "b2", at(3, 12))
    with pytest.raises(engine.MoveNotPossible):
        acts.leave_to_others(case.pk, me, "l", at(3, 12))
    town.move(case.pk, "note_receipt", me, {"service": "110", "receipt": "J-7"}, at=at(3, 13))
    acts.leave_to_others(case.pk, me, "l2", at(3, 14))
    assert town.case(case.pk).state == "stopped"


@pytest.mark.parametrize("where", ["registered", "choosing", "mediating", "cooling"])
def test_either_party_may_stop_at_any_time(town, where):
    case = {"registered": asked, "choosing": given}.get(where, begun)(town)
    if where == "cooling":
        acts.cool_off(case.pk, town.mediator, "2026-11-20", "c", at(4))
    acts.stop(case.pk, town.resident(case.pk), "party", "s", party=2, at=at(6))
    case = town.case(case.pk)
    assert (case.state, case.ended) == ("stopped", True)


def test_the_desk_that_ends_it_tells_everybody_of_the_other_ways(town):
    case = begun(town)
    assert set(refusal(acts.stop, case.pk, town.mediator, "apart", "s", told=(1,))) == {"told"}
    acts.stop(case.pk, town.mediator, "apart", "s", told=(1, 2), at=at(7))
    assert files.read(town.case(case.pk), opened=False).end[:3] == ("apart", 0, [1, 2])


def test_a_family_dispute_is_signed_only_after_a_pause_and_not_before_its_day(town):
    case = begun(town, category="0101")
    assert case.confidentiality == "C2"
    me = town.mediator
    assert set(refusal(acts.agree, case.pk, me, AGREED, "a", at(12))) == {""}
    acts.cool_off(case.pk, me, "2026-11-09", "c", at(4))
    with pytest.raises(engine.Refused):
        acts.agree(case.pk, me, AGREED, "a", at(12))
    assert "2026-11-09" in refusal(acts.go_on, case.pk, me, "g", at(8))[""]
    acts.go_on(case.pk, me, "g", at(12))
    acts.agree(case.pk, me, AGREED, "a2", at(12))
    assert town.case(case.pk).state == "performing"


def test_an_agreement_says_all_of_article_29_and_bears_every_signature(town):
    case = begun(town)
    me = town.mediator
    wrong = refusal(acts.agree, case.pk, me, {"form": "written", "items": "十一月 修"}, "a", at(12))
    assert set(wrong) == {
        "facts", "disputed", "responsibility", "content", "manner", "items", "signed_1",
        "signed_2", "mediator_on", "sealed_on",
    }  # fmt: skip
    said = {**AGREED, "form": "oral", "reached_on": "2026-11-10"}
    acts.agree(case.pk, me, said, "a", at(12))
    file = files.read(case, opened=True)
    assert file.agreement is not None
    assert (file.agreement.effective_on, file.agreement.signed) == (dt.date(2026, 11, 10), [1, 2])


def test_it_goes_up_from_village_to_township_to_county(town):
    case = asked(town)
    assert case.unit_code == f"{town.village_code}-station"
    town.move(case.pk, "escalate", town.village, {"reason": "两村之间"})
    assert town.case(case.pk).unit_code == "330825209-room"
    town.move(case.pk, "escalate", town.town, {"reason": "涉及多个部门"})
    assert town.case(case.pk).unit_code == "330825-center"
    town.move(case.pk, "accept", town.county)
    said = {"unit": "330825-med", "category": "0102", "seriousness": "1"}
    acts.split(case.pk, town.county, said, "up")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("choosing", "330825-med")


def rows_in_clear(*words: str) -> list[str]:
    """The tables in which a word stands in any column of any row."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = model._meta.db_table
            cursor.execute(f'SELECT DISTINCT t::text FROM "{table}" AS t')
            text = " ".join(row for (row,) in cursor.fetchall())
            found += [f"{table}: {word}" for word in words if word in text]
    return found


def test_statements_are_sealed_and_stand_in_no_row_in_clear(town, caplog):
    caplog.set_level("DEBUG")
    case = begun(town)
    acts.state(case.pk, town.mediator, 1, "他二十年前就占了我家的地", "st", at(4))
    acts.sit(case.pk, town.mediator, {"held_on": "2026-11-04", "way": "place", "where": "村部",
             "minutes": "30", "record": "乙说愿意赔三千"}, (1, 2), "sit", at(4))  # fmt: skip
    assert rows_in_clear("二十年前", "赔三千", "甲某", "社阳村14号", "13900002222") == []
    assert rows_in_clear("屋檐滴水") == ["cases_payload: 屋檐滴水"]
    assert "二十年前" not in caplog.text
    assert "甲某" not in caplog.text
    for payload in Payload.objects.filter(case_id=case.pk):
        assert "二十年前" not in str(payload.content)
        if payload.part == "words":
            assert "甲某" not in str(payload.content)
    for event in Event.objects.filter(case_id=case.pk):
        assert "二十年前" not in str(event.facts)
        assert "甲某" not in str(event.facts)
    file = files.read(case, opened=True)
    assert file.statements[0][2]["words"] == "他二十年前就占了我家的地"
    assert "二十年前" not in repr(files.read(case, opened=False))


def test_the_other_party_is_told_by_a_message_that_says_nothing_of_the_dispute(
    town, settings, tmp_path
):
    settings.STATE = tmp_path
    case = begun(town)
    acts.propose(case.pk, town.mediator, "收短屋檐，各让一步", "p", at(5))
    event = Event.objects.filter(case_id=case.pk).order_by("-sequence")[0]
    news = News(
        case.pk, event.sequence, case.area_code, "dispute", "propose", event.to_state, event.at, "0"
    )
    tasks.carry_out(news)
    tasks.carry_out(news)
    (kept,) = messages.kept()
    with translation.override("zh-hans"):
        assert kept.text == f"您的调解 {case.number}：调解中。请打开您的专用链接查看。"
    for word in (*ONE.values(), TWO["name"], "屋檐", "各让一步"):
        assert word not in kept.text
    tasks.carry_out(replace(news, move="destroy"))
    assert messages.kept() == []
