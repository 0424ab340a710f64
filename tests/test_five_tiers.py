"""Up and down the five tiers: one story a move, told by the desks of the demonstration town.

Each desk is a signed-in account of the town's cast: it finds the case in the list where it should
stand, opens the form that its page offers, and sends it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases import engine
from maplebridge.cases.models import Assignment, Case, Event, Payload
from maplebridge.lib import clock
from maplebridge.organisation.models import Account

pytestmark = pytest.mark.django_db

COUNTY, TOWN, VILLAGE = "330825-center", "330825209-room", "330825209201-station"
HOUSING, UTILITY, ENFORCEMENT = "330825-hsc", "330825-utl", "330825-enf"
MONDAY = dt.datetime(2026, 11, 2, 9, tzinfo=clock.CHINA)


class Desk:
    """One post of the demonstration town at its pages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.client = Client()
        self.client.force_login(Account.objects.get(username=name))

    def lists(self, case: Case, tab: str) -> bool:
        """Whether one of the desk's lists shows the case."""
        return case.number in self.client.get("/desk/", {"tab": tab}).content.decode()

    def offers(self, case: Case, move: str) -> bool:
        """Whether the case's page has the move as a button."""
        answer = self.client.get(f"/desk/case/{case.pk}/")
        return f"/desk/case/{case.pk}/move/{move}/" in answer.content.decode()

    def does(self, case: Case, move: str, **facts: Any) -> None:
        """Opens the form that the page offers and sends it."""
        assert self.offers(case, move), f"{self.name} is not offered {move}"
        address = f"/desk/case/{case.pk}/move/{move}/"
        form = self.client.get(address).content.decode()
        key = re.search(r'id="move-form".*?name="key" value="([^"]+)"', form, re.DOTALL)
        sequence = re.search(r'name="expected_sequence" value="(\d+)"', form)
        assert key and sequence
        said = {**facts, "key": key[1], "expected_sequence": sequence[1]}
        answer = self.client.post(address, said)
        assert answer.status_code == 302, answer.content.decode()[-3000:]

    def is_refused(self, case: Case, move: str, **facts: Any) -> str:
        """Sends the form without its page; what the answer says, and nothing changes."""
        before = Event.objects.filter(case_id=case.pk).count()
        answer = self.client.post(f"/desk/case/{case.pk}/move/{move}/", facts)
        assert answer.status_code in (403, 404, 422), answer.status_code
        assert Event.objects.filter(case_id=case.pk).count() == before
        return str(answer.content.decode())


@pytest.fixture
def desk(town: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Desk]:
    """The desks, on a Monday morning; `at` of the fixture `later` moves the clock on."""

    monkeypatch.setattr(engine, "now", lambda: MONDAY)
    return Desk


def share_of(case: Case, unit: str, duty: str) -> Assignment:
    return Assignment.objects.filter(case_id=case.pk, unit_code=unit, duty=duty).latest("number")


def standing(case: Case, unit: str, duty: str) -> tuple[str, str]:
    share = share_of(case, unit, duty)
    return share.progress, share.due_clock


def words_of(case: Case, move: str) -> dict[str, Any]:
    event = Event.objects.filter(case_id=case.pk, move=move).latest("sequence")
    return dict(Payload.objects.get(case_id=case.pk, sequence=event.sequence).content or {})


def at_monday(hour: int, minute: int = 0, days: int = 0) -> dt.datetime:
    day = MONDAY + dt.timedelta(days=days)
    return day.replace(hour=hour, minute=minute)


def test_escalate_from_the_village_to_the_township_to_the_county(desk, town):
    """A drain under a county road is more than the village, and then the township, can mend."""
    case = town.opened("filed")
    desk("town").does(case, "dispatch", unit=VILLAGE)
    desk("village").does(case, "sign_for")
    desk("village").does(case, "escalate", reason="管道在县道下面，村里无力处理")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("reported", TOWN)
    assert desk("town").lists(case, "waiting")
    assert desk("village").lists(case, "open")  # the lower tier keeps sight of it
    desk("town").does(case, "escalate", reason="县道归县里管理")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("reported", COUNTY)
    assert desk("county").lists(case, "waiting")
    desk("county").does(case, "escalate", reason="需要市里协调")
    assert town.case(case.pk).unit_code == "3308-center"
    assert not desk("city").offers(case, "escalate")  # nobody stands above the city centre
    assert words_of(case, "escalate") == {"reason": "需要市里协调"}


def test_delegate_from_the_county_to_the_township_to_the_village(desk, town):
    """The county receives what a township can do, and the township what the village can."""
    case = town.opened()
    desk("town").does(case, "escalate", reason="请县里定")
    desk("county").does(case, "delegate", unit=TOWN, reason="乡里可以处理")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("reported", TOWN)
    assert desk("town").lists(case, "waiting")
    assert standing(case, COUNTY, "read") == ("read", "")
    said = desk("town").is_refused(case, "delegate", unit=COUNTY, reason="往上推", key="k")
    assert "只能交办给本单位的下级" in said
    desk("town").does(case, "delegate", unit=VILLAGE, reason="村口的事村里办")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("reported", VILLAGE)
    desk("village").does(case, "accept")
    assert town.case(case.pk).unit_code == VILLAGE


def test_whistle_summons_county_units_with_a_clock_and_a_rating_of_their_own(desk, town):
    """吹哨报到: the township calls two county units to a flooded crossing."""
    case = town.opened("handling")
    desk("town").does(case, "whistle", units=[UTILITY, ENFORCEMENT], reason="路口积水，请到场")
    assert standing(case, UTILITY, "attend") == ("to_sign", "attend")
    # Class S4: four working hours to come, 09:00 to 12:00 and 14:00 to 15:00.
    assert share_of(case, UTILITY, "attend").due_at == at_monday(15)
    assert desk("utility").lists(case, "asked")
    assert "请先撤回" not in desk("housing").is_refused(case, "feedback", result="好了", key="a")
    desk("utility").does(case, "attend", note="抽水车已到")
    assert standing(case, UTILITY, "attend") == ("handling", "assist")
    # Three working days for its part, at the same hour.
    assert share_of(case, UTILITY, "attend").due_at == at_monday(9, days=3)
    desk("utility").does(case, "finish_assist", result="积水已抽干")
    assert not desk("utility").lists(case, "asked")
    desk("town").does(case, "withdraw", units=[ENFORCEMENT], reason="不需要了")
    assert standing(case, ENFORCEMENT, "attend") == ("withdrawn", "")
    assert "只能评价" in desk("town").is_refused(
        case, "rate_unit", rated_unit=ENFORCEMENT, rating="1", key="b"
    )
    desk("town").does(case, "rate_unit", rated_unit=UTILITY, rating="5", note="来得快")
    assert share_of(case, UTILITY, "attend").rating == 5
    assert not desk("town").offers(case, "rate_unit")
    assert desk("utility").is_refused(case, "rate_unit", rated_unit=UTILITY, rating="5", key="c")
    desk("housing").does(case, "feedback", result="管道已疏通")
    assert town.case(case.pk).state == "feedback"


def test_consult_ends_in_minutes_and_a_decision(desk, town):
    """会商: the county asks two bureaus whose pipe it is, and writes down what was decided."""
    case = town.opened("filed")
    desk("county").does(
        case, "consult", units=[HOUSING, UTILITY], question="这段管道归谁", held_on="2026-11-03"
    )
    assert standing(case, HOUSING, "advise") == ("to_sign", "advise")
    assert share_of(case, HOUSING, "advise").due_at == at_monday(9, days=2)
    assert desk("housing").lists(case, "asked")
    desk("housing").does(case, "advise", advice="市政管道，归公用事业")
    assert standing(case, HOUSING, "advise") == ("done", "")
    desk("county").does(case, "conclude", minutes="两家到会", decision="由公用事业处置，住建指导")
    assert words_of(case, "conclude") == {
        "minutes": "两家到会",
        "decision": "由公用事业处置，住建指导",
    }
    assert standing(case, HOUSING, "advise") == ("read", "")
    assert standing(case, UTILITY, "advise") == ("withdrawn", "")  # it never said anything
    assert not desk("county").offers(case, "conclude")
    assert town.case(case.pk).state == "filed"


def test_adjudicate_ends_the_passing_around(desk, town):
    """裁定: two units return the matter, the county rules, and nobody may return it again."""
    case = town.opened("filed")
    desk("town").does(case, "dispatch", unit=HOUSING)
    desk("housing").does(case, "return_back", reason="不是市政管道", suggested=UTILITY)
    assert town.case(case.pk).unit_code == TOWN
    desk("town").does(case, "dispatch", unit=UTILITY)
    desk("utility").does(case, "return_back", reason="不归我们")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("filed", COUNTY)
    assert not desk("town").offers(case, "dispatch")
    assert not desk("county").offers(case, "dispatch")
    desk("county").does(case, "adjudicate", unit=UTILITY, reason="依权责清单第12项")
    assert (town.case(case.pk).state, town.case(case.pk).unit_code) == ("dispatched", UTILITY)
    assert not desk("utility").offers(case, "return_back")
    assert words_of(case, "adjudicate") == {"reason": "依权责清单第12项"}
    desk("utility").does(case, "sign_for")


def test_supervise_climbs_from_ordinary_to_yellow_to_red_with_receipt_and_answer(desk, town):
    """督办: on the unit that holds the matter, which takes note and answers, each on its clock."""
    case = town.opened("handling")
    desk("county").does(case, "supervise", supervision="1", reason="超过十天没有进展")
    assert standing(case, HOUSING, "answer") == ("to_sign", "receipt")
    assert share_of(case, HOUSING, "answer").due_at == at_monday(15)
    assert desk("housing").lists(case, "asked")
    desk("housing").does(case, "note_supervision")
    assert standing(case, HOUSING, "answer") == ("handling", "reply")
    assert share_of(case, HOUSING, "answer").due_at == at_monday(9, days=2)
    desk("housing").does(case, "answer_supervision", answer="材料周三到货")
    assert standing(case, HOUSING, "answer") == ("done", "")
    desk("supervisor").does(case, "supervise", supervision="2", reason="周三仍未到货")
    said = desk("supervisor").is_refused(case, "supervise", supervision="2", reason="再", key="d")
    assert "督办等级只能提高" in said
    desk("supervisor").does(case, "supervise", supervision="3", reason="一周后仍无进展")
    asked = Assignment.objects.filter(case_id=case.pk, duty="answer").order_by("number")
    assert [share.progress for share in asked] == ["done", "withdrawn", "to_sign"]
    assert town.case(case.pk).supervision == 3
    desk("housing").does(case, "answer_supervision", answer="今天完工")
    desk("housing").does(case, "feedback", result="已疏通")
    desk("village").does(case, "verify_pass")
    assert town.case(case.pk).unit_code == COUNTY  # the county closes what is supervised
    desk("county").does(case, "end_supervision", reason="已办结")
    assert town.case(case.pk).supervision == 0
    assert "督办" not in {s.duty for s in Assignment.objects.filter(case_id=case.pk, due_at=None)}


def test_urge_is_written_down_and_changes_no_clock(desk, town):
    """催办: the township reminds the bureau; the due time stays what it was."""
    case = town.opened("handling")
    due = case.due_at
    desk("town").does(case, "urge", note="住户又来电话，请尽快")
    assert words_of(case, "urge") == {"note": "住户又来电话，请尽快"}
    now = town.case(case.pk)
    assert (now.state, now.due_at, now.unit_code) == ("handling", due, HOUSING)
    assert "住户又来电话" in desk("housing").client.get(f"/desk/case/{case.pk}/").content.decode()


@pytest.mark.parametrize("service", ["110", "119", "120"])
def test_hand_over_waits_for_a_receipt(desk, town, service):
    """移交: at once and without approval; the case cannot end before the service has taken it."""
    case = town.opened("handling")
    desk("village").does(case, "hand_off", service=service, note="现场有人受伤")
    assert town.case(case.pk).handed_to == service
    assert standing(case, service, "receive") == ("to_sign", "handed")
    assert share_of(case, service, "receive").due_at == at_monday(9, 10)
    desk("housing").does(case, "feedback", result="已疏通")
    desk("village").does(case, "verify_pass")
    said = desk("town").is_refused(case, "close", reply="好了", key="e")
    assert "尚未完成" in said
    assert service in said
    desk("town").does(case, "note_receipt", service=service, receipt=f"{service}-20261102-07")
    event = Event.objects.filter(case_id=case.pk, move="note_receipt").get()
    assert event.facts["receipt"] == f"{service}-20261102-07"
    assert standing(case, service, "receive") == ("done", "")
    desk("town").does(case, "close", reply="已处理完毕")
    assert town.case(case.pk).state == "closed"


def test_a_stranger_may_do_none_of_it(desk, town):
    """A room of another township neither sees the case nor moves it."""
    case = town.opened("handling")
    desk("town").does(case, "whistle", units=[UTILITY], reason="请到场")
    before = Event.objects.filter(case_id=case.pk).count()
    for move in ("escalate", "delegate", "whistle", "attend", "finish_assist", "rate_unit",
                 "consult", "advise", "conclude", "adjudicate", "supervise", "note_supervision",
                 "answer_supervision", "urge", "hand_off", "note_receipt", "withdraw"):  # fmt: skip
        with pytest.raises(engine.NotAllowed):
            town.move(case.pk, move, town.stranger, {})
    assert Event.objects.filter(case_id=case.pk).count() == before
