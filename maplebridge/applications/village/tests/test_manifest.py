"""A letter from writing to rating, by what the manifest declares and nothing else."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.applications.village.manifest import KINDS, LETTER
from maplebridge.cases import chain, deadlines, engine
from maplebridge.cases.checks import problems_of
from maplebridge.cases.models import Case, Event, Timer
from maplebridge.cases.permissions import moves_for
from maplebridge.insight import counts, indicators
from maplebridge.insight.periods import Period
from maplebridge.lib.clock import local_day, now


def write(town, key: str = "a-letter") -> engine.Opened:
    return engine.open(
        engine.Opening(
            kind="letter", channel="web", account="somebody", key=key,
            area_code=town.village_code, unit_code=f"{town.village_code}-station",
            words={"text": "村里的健身器材坏了两件，什么时候能修？"},
            facts={"category": "1501", "sla_class": "S4", "confidentiality": "C1"},
        )
    )  # fmt: skip


def test_the_manifest_is_sound():
    assert KINDS == (LETTER,)
    assert problems_of(LETTER) == []


@pytest.mark.django_db
def test_a_letter_is_answered_by_the_station_in_its_time_and_rated_by_its_writer(town):
    case_id = write(town).case_id
    case = town.case(case_id)
    assert (case.state, case.due_clock, case.unit_code) == (
        "unanswered", "dispose", "330825209201-station"
    )  # fmt: skip
    clock = deadlines.next_due(deadlines.clocks_of(case, Event.objects.filter(case_id=case_id)))
    assert clock is not None
    assert clock.due_at - case.opened_at >= dt.timedelta(days=5)
    town.move(case_id, "ask_more", town.village, {"question": "是广场东边的两件吗？"})
    assert town.case(case_id).state == "need_info"
    town.move(case_id, "supply", town.resident(case_id), {"answer": "是的"})
    town.move(case_id, "close", town.village, {"reply": "已联系厂家，周五前修好。"})
    town.move(case_id, "rate", town.resident(case_id), {"rating": "4", "solved": True})
    case = town.case(case_id)
    assert (case.state, case.ended, case.rating, case.solved) == ("archived", True, 4, True)
    assert chain.verify(Event.objects.filter(case_id=case_id)) == []


@pytest.mark.django_db
def test_a_letter_rings_its_clock_is_counted_by_category_and_is_in_no_indicator(town):
    today = local_day(now())
    before = indicators.count("330825", Period(today, today), now())
    case_id = write(town).case_id
    timer = Timer.objects.get(case_id=case_id)
    assert (timer.clock, timer.share, timer.unit_code) == ("dispose", 0, "330825209201-station")
    assert indicators.filed_kinds() == ["matter"]
    assert indicators.count("330825", Period(today, today), now()) == before
    cells = {cell: n for cell, n in counts.recount().items() if cell[3] == "unanswered"}
    assert cells == {(today, "330825209", "1501", "unanswered"): 1}


@pytest.mark.django_db
def test_what_the_station_leaves_unsolved_comes_to_the_township(town):
    case_id = write(town).case_id
    town.move(case_id, "close", town.village, {"reply": "已收到。"})
    town.move(case_id, "reopen", town.resident(case_id), {"reason": "没有回答"})
    case = town.case(case_id)
    assert (case.state, case.unit_code) == ("unanswered", "330825209-room")
    town.move(case_id, "delegate", town.town, {"unit": f"{town.village_code}-station",
                                               "reason": "请具体答复"})  # fmt: skip
    town.move(case_id, "escalate", town.village, {"reason": "需要乡里协调"})
    assert town.case(case_id).unit_code == "330825209-room"
    town.move(case_id, "decline", town.town, {"reason": "属于诉讼事项", "channel": "县人民法院"})
    assert town.case(case_id).state == "declined"
    town.move(case_id, "appeal", town.resident(case_id), {"reason": "不是诉讼"})
    assert town.case(case_id).unit_code == "330825-center"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["stranger", "grid", "housing", "auditor", "administrator"])
def test_whoever_is_not_concerned_is_offered_nothing_and_does_nothing(town, name):
    case = town.case(write(town).case_id)
    actor = town.stranger if name == "stranger" else town.people[name]
    assert moves_for(actor, case, []) == []
    assert not Case.objects.visible_to(actor).filter(pk=case.pk).exists()
    with pytest.raises(engine.NotAllowed):
        town.move(case.pk, "close", actor, {"reply": "不归我管"})
    assert town.case(case.pk).sequence == 1


@pytest.mark.django_db
def test_nobody_but_the_writer_takes_the_leave_back(town):
    case_id = write(town).case_id
    town.move(case_id, "close", town.village, {"reply": "已收到。"})
    with pytest.raises(engine.NotAllowed):
        town.move(case_id, "keep_private", town.village)
    town.move(case_id, "keep_private", town.resident(case_id))
    assert Event.objects.filter(case_id=case_id, move="keep_private").count() == 1
