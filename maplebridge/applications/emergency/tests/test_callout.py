"""Those on duty are called rung by rung, tier by tier, until somebody answers by name."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from maplebridge.applications.emergency import acts, callout, story, tasks
from maplebridge.applications.emergency.models import Callout
from maplebridge.applications.emergency.rules import Refused
from maplebridge.cases import engine, wall
from maplebridge.cases.feed import News
from maplebridge.cases.models import Event
from maplebridge.lib.clock import now
from maplebridge.organisation import duty
from maplebridge.organisation.models import Post
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db
ROOM = "330825209-room"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.STATE = tmp_path
    return tmp_path / "messages"


def told(folder: Path) -> list[tuple[str, str]]:
    """What was written for whom, in the order of the names."""
    found = [json.loads(place.read_text(encoding="utf-8")) for place in folder.glob("c*.json")]
    ordered = sorted(found, key=lambda one: int(one["name"].rsplit("-", 1)[1]))
    return [(one["to"], one["text"]) for one in ordered]


def proposed(town: Any, *, drill: bool = False) -> UUID:
    with wall.standing(SYSTEM):
        at = now() - dt.timedelta(hours=1)
        return acts.propose_by_hand(town.town, "溃口", "p", drill=drill, at=at).case_id


def roster(town: Any, at: dt.datetime) -> None:
    post = Post.objects.filter(unit_id=ROOM).order_by("pk").values_list("pk", flat=True)[0]
    duty.plan(town.town, post, at, at + dt.timedelta(hours=8), key="r", desk_phone="05700000001")


def ways(case_id: UUID) -> list[tuple[str, str]]:
    with wall.standing(SYSTEM):
        log = acts.log_of(case_id)
    return [(e.facts["called"], e.facts["rung"]) for e in log if e.move == "ring_duty"]


def test_the_ladder_climbs_to_the_county_and_stays_open_until_somebody_answers(
    town: Any, folder: Path
) -> None:
    case_id = proposed(town)
    begin = now() - dt.timedelta(minutes=50)
    roster(town, begin - MINUTE)
    with wall.standing(SYSTEM):
        call = callout.begin(case_id, town.town, ROOM, "c", begin).sequence
        assert callout.begin(case_id, town.town, ROOM, "c", begin).sequence == call
        with pytest.raises(Refused, match="正在叫应该单位"):
            callout.begin(case_id, town.town, ROOM, "c2", begin)
        with pytest.raises(Refused, match="只能叫应"):
            callout.begin(case_id, town.town, "330802005-room", "c3", begin)
    rungs = callout.ladder(ROOM)
    assert [way for _unit, way in rungs] == list(callout.WAYS) * 2
    for minutes in range(20):
        at = begin + minutes * MINUTE
        # A second worker at the same moment rings nothing more.
        assert callout.ring(at) + callout.ring(at) == (
            1 if minutes % 2 == 0 and minutes < 16 else 0
        )
    assert ways(case_id) == rungs
    assert [to for to, _text in told(folder)] == [
        f"unit:{ROOM}", "05700000001", "voice:05700000001", f"unit:{ROOM}",
        *[f"unit:{rungs[-1][0]}"] * 4,
    ]  # fmt: skip
    with wall.standing(SYSTEM):
        (known,) = callout.calls(acts.log_of(case_id))
    assert (known.is_over, known.answer, known.next_at) == (True, None, None)
    for stranger in (town.stranger, town.village):
        with pytest.raises((Refused, engine.Refused)):
            callout.acknowledge(case_id, stranger, call, "a0")
    answer = callout.acknowledge(case_id, town.county, call, "a")
    assert callout.acknowledge(case_id, town.county, call, "a") == answer
    assert answer.account_id == town.county.account_id
    with pytest.raises(Refused, match="已有人应答"):
        callout.acknowledge(case_id, town.town, call, "a2")


def test_who_answers_ends_the_call_and_the_end_of_an_emergency_ends_it_too(
    town: Any, folder: Path
) -> None:
    case_id = proposed(town, drill=True)
    begin = now() - dt.timedelta(minutes=20)
    with wall.standing(SYSTEM):
        call = callout.begin(case_id, town.town, ROOM, "c", begin).sequence
    callout.ring(begin)
    assert told(folder)[0][1].startswith("【演练】")
    callout.acknowledge(case_id, town.town, call, "a")
    assert callout.ring(now()) == 0
    with wall.standing(SYSTEM):
        callout.begin(case_id, town.county, ROOM, "again")
        engine.move(case_id, "drop", town.county, key="d", facts={"reason": "误报"})
    assert callout.ring(now() + dt.timedelta(hours=1)) == 0
    assert not Callout.objects.filter(next_at__isnull=False).exists()
    assert len(ways(case_id)) == 1


def test_after_an_outage_the_rungs_do_not_ring_all_at_once(town: Any) -> None:
    case_id = proposed(town)
    begin = now() - dt.timedelta(minutes=30)
    with wall.standing(SYSTEM):
        callout.begin(case_id, town.town, ROOM, "c", begin)
    later = begin + 20 * MINUTE
    assert [callout.ring(later + n * MINUTE) for n in (0, 1, 2)] == [1, 0, 1]


def test_a_fresh_proposal_of_a_gauge_calls_its_room_and_a_record_of_the_past_nobody(
    town: Any,
) -> None:
    story.open_station()
    with wall.standing(SYSTEM):
        for ago in (dt.timedelta(hours=2), dt.timedelta(0)):
            at = now() - ago
            opened = acts.propose(story.open_station(), "超警戒", f"p{ago}", at)
            event = Event.objects.get(case_id=opened.case_id, sequence=1)
            news = News(
                opened.case_id, 1, event.area_code, acts.KIND, "propose", "proposed", at, "1"
            )
            for _n in range(2):
                tasks.carry_out(news)
            calls = callout.calls(acts.log_of(opened.case_id))
            assert len(calls) == (0 if ago else 1)
