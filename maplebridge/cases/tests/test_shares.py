"""The shares of units: nobody is stuck with one, and nobody acts under one that is over."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.cases import engine, permissions, timers
from maplebridge.cases.models import Alarm, Assignment, Event
from maplebridge.organisation import units
from maplebridge.organisation.models import Unit
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db

HOUSING, UTILITY = "330825-hsc", "330825-utl"
ROOM, COUNTY, VILLAGE = "330825209-room", "330825-center", "330825209201-station"


def shares_of(case, duty):
    found = Assignment.objects.filter(case_id=case.pk, duty=duty).order_by("number")
    return [(share.unit_code, share.progress) for share in found]


def offered(town, case, actor):
    asked = list(Assignment.objects.filter(case_id=case.pk))
    return {move.name for move in permissions.moves_for(actor, town.case(case.pk), asked)}


def sealed(town, until="accepted", **facts):
    case = town.opened()
    town.triage(case.pk, confidentiality="C2", **facts)
    return town.walk(case.pk, until)


@pytest.fixture
def gone():
    """Ends a unit's being in force."""

    def end(code):
        Unit.objects.filter(code=code).update(ends=dt.date(2020, 1, 1))
        units.kept.forget()

    yield end
    units.kept.forget()


# -- who acts ---------------------------------------------------------------------------------


def test_who_led_it_once_cannot_act_for_the_present_lead(town):
    case = town.opened("closed")
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"})
    town.move(case.pk, "dispatch", town.town, {"unit": VILLAGE})
    assert not {"sign_for", "return_back"} & offered(town, case, town.housing)
    town.move(case.pk, "sign_for", town.village)
    mine = {"feedback", "request_extend", "contact", "log_progress"}
    assert not mine & offered(town, case, town.housing)
    assert mine <= offered(town, case, town.village)


def test_a_copy_is_marked_as_read_once_and_only_by_who_got_one(town):
    case = town.opened("handling")
    for _again in range(2):
        town.move(case.pk, "send_copy", town.town, {"units": [UTILITY]})
    assert shares_of(case, "read") == [(UTILITY, "to_sign")]
    assert "read_copy" not in offered(town, case, town.housing)
    town.move(case.pk, "read_copy", town.utility)
    assert shares_of(case, "read") == [(UTILITY, "read")]
    assert "read_copy" not in offered(town, case, town.utility)


def test_the_automatic_steps_may_hand_over_to_an_emergency_service(town):
    case = town.opened()
    town.move(case.pk, "hand_off", SYSTEM, {"service": "119"})
    assert shares_of(case, "receive") == [("119", "to_sign")]


def test_whoever_works_on_it_may_hand_it_over_though_it_lies_elsewhere(town):
    case = town.opened()
    town.triage(case.pk, area_code="330825201")  # another township of the county
    town.walk(case.pk, "filed")
    town.move(case.pk, "dispatch", town.town, {"unit": VILLAGE})
    town.move(case.pk, "hand_off", town.village, {"service": "120"})
    town.move(case.pk, "log", town.village, {"note": "现场有人受伤"})
    town.move(case.pk, "note_receipt", town.village, {"service": "120", "receipt": "120-7"})
    assert shares_of(case, "receive") == [("120", "done")]


# -- nothing stays owed for good --------------------------------------------------------------


@pytest.mark.parametrize("by", ["village", "housing"])
def test_the_room_withdraws_a_hand_over_made_below_it(town, by):
    case = town.opened("handling")
    town.move(case.pk, "hand_off", getattr(town, by), {"service": "110"})
    town.move(case.pk, "withdraw", town.town, {"reason": "误报"})
    assert shares_of(case, "receive") == [("110", "withdrawn")]


def test_what_a_room_above_asked_for_a_room_below_does_not_withdraw(town):
    case = town.opened("handling")
    town.move(case.pk, "whistle", town.county, {"units": [UTILITY], "reason": "请到场"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "withdraw", town.town, {"reason": "不需要"})
    town.move(case.pk, "withdraw", town.county, {"reason": "不需要"})
    assert shares_of(case, "attend") == [(UTILITY, "withdrawn")]


def test_what_a_unit_that_is_gone_asked_for_can_be_withdrawn(town, gone):
    case = town.opened("handling")
    town.move(case.pk, "whistle", town.county, {"units": [UTILITY], "reason": "请到场"})
    gone(COUNTY)
    town.move(case.pk, "withdraw", town.town, {"reason": "中心已撤销"})
    assert shares_of(case, "attend") == [(UTILITY, "withdrawn")]


def test_a_room_that_is_gone_gets_no_case_back(town, gone):
    case = town.opened("archived")
    gone(ROOM)
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"})
    assert town.case(case.pk).unit_code == COUNTY


def test_who_supervises_may_end_it(town):
    case = town.opened("handling")
    town.move(case.pk, "supervise", town.town, {"supervision": "1", "reason": "重点"})
    town.move(case.pk, "end_supervision", town.town, {"reason": "已答复"})
    assert town.case(case.pk).supervision == 0
    town.move(case.pk, "supervise", town.county, {"supervision": "2", "reason": "重点"})
    with pytest.raises(engine.MoveNotPossible):
        town.move(case.pk, "end_supervision", town.town, {"reason": "自行解除"})


# -- confidential matters, which only those with a share see ----------------------------------


def test_a_room_that_handled_it_itself_leaves_the_verifying_to_the_room_above(town):
    case = sealed(town, "filed")
    town.move(case.pk, "dispatch", town.town, {"unit": ROOM})
    town.move(case.pk, "sign_for", town.town)
    town.move(case.pk, "feedback", town.town, {"result": "已办"})
    assert town.case(case.pk).unit_code == COUNTY
    town.move(case.pk, "verify_pass", town.county)
    assert town.case(case.pk).unit_code == ROOM
    town.move(case.pk, "close", town.town, {"reply": "已办结"})


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("supervise", {"supervision": "1", "reason": "重点"}),
        ("suspend", {"ground": "law", "reason": "等判决"}),
    ],
)
def test_a_centre_that_decides_keeps_sight_of_it(town, name, facts):
    case = sealed(town)
    town.move(case.pk, "consult", town.town, {"units": [ROOM, COUNTY], "question": "归谁"})
    town.walk_from(case.pk, "accepted", "handling")
    if name == "suspend":
        review = town.case(case.pk).changed_at + dt.timedelta(days=9)
        facts = {**facts, "review_on": review.date().isoformat()}
    town.move(case.pk, name, town.county, facts)
    town.move(case.pk, "withdraw", town.town, {"units": [COUNTY], "reason": "不再需要"})
    assert shares_of(case, "read") == [(COUNTY, "read")]
    after = {"supervise": "end_supervision", "suspend": "resume"}[name]
    assert after in offered(town, case, town.county)


def test_the_room_that_holds_a_merged_case_may_take_it_out_wherever_it_lies(town):
    other = town.opened("accepted")
    case = sealed(town, "reported", area_code=town.county_code)
    town.move(case.pk, "merge", town.town, {"into": str(other.pk)})
    town.move(case.pk, "unmerge", town.town, {"reason": "不是同一件"})
    assert town.case(case.pk).state == "accepted"


# -- urging -----------------------------------------------------------------------------------


def test_an_urging_told_again_after_the_case_moved_on_is_one_reminder(town):
    case = town.opened("dispatched")
    event = town.move(case.pk, "urge", town.town)
    timers.note_urging(case.pk, event.sequence)
    town.move(case.pk, "sign_for", town.housing)
    timers.note_urging(case.pk, event.sequence)
    assert Alarm.objects.filter(case_id=case.pk, rung=0).count() == 1
    assert Event.objects.filter(case_id=case.pk, move="urge").count() == 1


def test_a_key_gives_another_reporter_nothing(town):
    case, other = town.opened("closed"), town.opened("closed")
    facts = {"rating": "5", "solved": True}
    town.move(case.pk, "rate", town.resident(case.pk), facts, key="tap")
    assert town.move(case.pk, "rate", town.resident(case.pk), facts, key="tap").move == "rate"
    with pytest.raises(engine.KeyReused):
        town.move(case.pk, "rate", town.resident(other.pk), facts, key="tap")
