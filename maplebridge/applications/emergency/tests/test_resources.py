"""Nothing is sent twice, no stock goes below nothing or over its room, each gap has a cause."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maplebridge.applications.emergency import acts, resources, story
from maplebridge.applications.emergency.demonstration import open_demonstration
from maplebridge.applications.emergency.models import Ability, Resource, Stock, StockEntry
from maplebridge.applications.emergency.rules import Refused
from maplebridge.cases import leases, wall
from maplebridge.cases.models import Case, Event
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel

PLACE = (119.2300, 29.0400)
CLIENTS = 50


def flood(town: Any) -> Case:
    """An emergency under way, with the town's resources."""
    with wall.standing(SYSTEM):
        open_demonstration()
        opened = acts.propose(story.open_station(), "社阳溪超警戒", "flood-of-resources", now())
        acts.take_command(opened.case_id, town.leader, ResponseLevel.IV, "水涨", "k-command")
        return town.case(opened.case_id)


def one(code: str) -> Resource:
    return Resource.objects.get(code=f"demonstration-{code}")


def stock(code: str) -> Stock:
    return Stock.objects.get(code=f"demonstration-{code}")


@pytest.mark.django_db
def test_the_quickest_are_recommended_and_each_gap_has_its_cause(town: Any) -> None:
    flood(town)
    needs = {Ability.DYKE: 2, Ability.RESCUE: 2, Ability.BOAT: 3, Ability.MEDICAL: 0}
    found = resources.recommend(story.TOWN, *PLACE, needs)
    # The militia could rescue as well; two repair teams are needed and only it is the second.
    picked = [(p.resource.code.removeprefix("demonstration-"), str(p.ability)) for p in found.picks]
    assert picked[:4] == [
        ("militia", "dyke"), ("town-boat", "boat"), ("county-dyke", "dyke"),
        ("county-fire", "rescue"),
    ]  # fmt: skip
    # It could go out as a boat or as rescuers, and the carrier of rescuers is the faster.
    assert picked[4:] == [("neighbour-boat", "rescue")]
    assert [pick.minutes for pick in found.picks][:2] == [5, 5]
    assert [pick.sooner for pick in found.picks] == [0, 0, 0, 1, 1]
    assert [pick.by_agreement for pick in found.picks] == [False] * 4 + [True]
    assert [(g.ability, g.missing, g.known, g.sent) for g in found.gaps] == [
        (Ability.BOAT, 2, 2, 0),
    ]  # fmt: skip
    # An agreement that has run out lends nothing.
    Resource.objects.filter(pk=one("neighbour-boat").pk).update(
        lent_until=local_day(now()) - dt.timedelta(days=1)
    )
    again = resources.recommend(story.TOWN, *PLACE, {Ability.BOAT: 2})
    assert (len(again.picks), again.gaps[0].known) == (1, 1)
    assert resources.recommend(story.TOWN, *PLACE, {}).picks == ()


@pytest.mark.django_db
def test_what_is_sent_is_released_once(town: Any) -> None:
    case = flood(town)
    boat = one("town-boat")
    sent = resources.send(case.pk, town.town, boat.pk, "s1")
    assert resources.send(case.pk, town.town, boat.pk, "s1") == sent
    with pytest.raises(Refused, match="已派出"):
        resources.send(case.pk, town.town, boat.pk, "s2")
    resources.release(case.pk, town.town, boat.pk, "r1")
    resources.release(case.pk, town.town, boat.pk, "r1")
    with pytest.raises(Refused, match="已经归队"):
        resources.release(case.pk, town.town, boat.pk, "r2")
    Resource.objects.filter(pk=boat.pk).update(standing="out")
    with pytest.raises(Refused, match="故障"):
        resources.send(case.pk, town.town, boat.pk, "s3")
    Resource.objects.filter(pk=boat.pk).update(area_code="330802005", standing="free")
    with pytest.raises(Refused, match="没有这项"):
        resources.send(case.pk, town.town, boat.pk, "s4")
    moves = Event.objects.filter(case_id=case.pk, move__endswith="_resource")
    assert list(moves.order_by("sequence").values_list("move", flat=True)) == [
        "send_resource", "release_resource",
    ]  # fmt: skip


@pytest.mark.django_db
def test_home_sends_nothing_of_an_area_that_commands_itself_while_cut_off(town: Any) -> None:
    with wall.standing(SYSTEM):
        open_demonstration()
    leases.lend(story.TOWN, story.TOWN[:6])
    case = flood(town)
    for refused in (
        lambda: resources.send(case.pk, town.leader, one("militia").pk, "k-1"),
        lambda: resources.set_standing(town.leader, one("militia").pk, "out"),
        lambda: resources.draw(case.pk, town.leader, stock("sandbags").pk, "out", 1, "k-2"),
    ):
        with pytest.raises(Refused, match="断联区域"):
            refused()
    resources.send(case.pk, town.leader, one("county-dyke").pk, "k-3")
    assert [r.code for r in Resource.objects.filter(standing="sent")] == [one("county-dyke").code]


@pytest.mark.django_db
def test_a_shelter_is_never_over_its_room_nor_a_store_below_nothing(town: Any) -> None:
    case = flood(town)
    hall, bags = stock("hall"), stock("sandbags")
    resources.draw(case.pk, town.town, hall.pk, "in", 80, "in-1")
    resources.draw(case.pk, town.town, hall.pk, "in", 80, "in-1")
    with pytest.raises(Refused, match="还能容纳 0 人"):
        resources.draw(case.pk, town.town, hall.pk, "in", 1, "in-2")
    with pytest.raises(Refused, match="现有 8000 袋"):
        resources.draw(case.pk, town.town, bags.pk, "out", 8001, "out-1")
    with pytest.raises(Refused, match="理由"):
        resources.change(bags.pk, town.town, "count", 7900, "count-1")
    counted = resources.change(bags.pk, town.town, "count", 7900, "count-1", note="盘点破损")
    assert (counted.change, counted.held, stock("sandbags").held) == (-100, 7900, 7900)
    for wrong in (("out", 0), ("out", -1), ("lost", 1)):
        with pytest.raises(Refused):
            resources.change(bags.pk, town.town, *wrong, f"wrong-{wrong}")
    assert Event.objects.filter(case_id=case.pk, move="move_stock").count() == 1


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.sampled_from(["in", "out", "count"]), st.integers(0, 120)), max_size=12)
)
def test_a_stock_is_the_sum_of_its_entries(town: Any, steps: list[tuple[str, int]]) -> None:
    open_demonstration()
    hall = stock("hall")
    StockEntry.objects.filter(stock=hall).delete()
    Stock.objects.filter(pk=hall.pk).update(held=0)
    for n, (cause, amount) in enumerate(steps):
        try:
            resources.change(hall.pk, town.town, cause, amount, f"k{n}", note="清点")
        except Refused:
            continue
    entries = list(StockEntry.objects.filter(stock=hall).order_by("number"))
    held = 0
    for number, entry in enumerate(entries, start=1):
        held += entry.change
        assert (entry.number, entry.held) == (number, held)
        assert 0 <= held <= 80
    assert stock("hall").held == held


def at_once(count: int, call: Any) -> list[str]:
    """Calls at the same instant from as many connections; what each was told."""
    gate = threading.Barrier(count)

    def client(n: int) -> str:
        try:
            gate.wait()
            with wall.standing(SYSTEM):
                call(n)
        except Refused as refused:
            return str(refused)
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(client, range(count)))


def test_fifty_clients_send_each_resource_once(committed_town: Any) -> None:
    town = committed_town
    case = flood(town)
    codes = ("militia", "town-boat", "county-fire", "county-dyke", "county-pump-1")
    ids: list[UUID] = [one(code).pk for code in codes]
    try:
        told = at_once(
            CLIENTS, lambda n: resources.send(case.pk, town.town, ids[n % 5], f"client-{n}")
        )
        assert told.count("") == 5
        assert all("已派出" in said for said in told if said)
        assert Event.objects.filter(case_id=case.pk, move="send_resource").count() == 5
        assert {one(code).sent_for for code in codes} == {case.pk}
        bags = stock("ropes")
        told = at_once(CLIENTS, lambda n: resources.change(bags.pk, town.town, "out", 2, f"c-{n}"))
        assert told.count("") == 30
        assert stock("ropes").held == 0
        assert StockEntry.objects.filter(stock=bags).count() == 30
    finally:
        StockEntry.objects.all().delete()
        Stock.objects.all().delete()
        Resource.objects.all().delete()


@pytest.mark.django_db
def test_what_is_entered_belongs_to_the_unit_and_is_entered_once(town: Any) -> None:
    flood(town)
    boat = resources.Entered(
        "社阳乡民兵应急分队冲锋舟二号", None, ["boat", "rescue"], 6, ["330802"]
    )
    made = {resources.enter(town.town, boat, "form").pk for _turn in range(2)}
    kept = Resource.objects.get(pk=made.pop())
    assert made == set()
    assert (kept.unit_code, kept.area_code, kept.people, kept.lent_to, kept.abilities) == (
        town.town.unit_code, story.TOWN, 6, ["330802"], ["rescue", "boat"],
    )  # fmt: skip
    room = resources.Entered("社阳村礼堂", (119.23, 29.04), sort="shelter", most=80)
    shelter = resources.enter(town.town, room, "other")
    assert isinstance(shelter, Stock)
    assert (shelter.held, shelter.most, shelter.lon) == (0, 80, 119.23)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "  "}, {"abilities": ["fly"]}, {"place": (29.04, 119.23)}, {"lent_to": ["3301"]},
        {"sort": "shelter"}, {"sort": "goods"}, {"sort": "money", "most": 3},
    ],
)  # fmt: skip
def test_what_is_entered_wrong_is_refused_with_a_sentence(town: Any, wrong: Any) -> None:
    before = Resource.objects.count() + Stock.objects.count()
    said = {"name": "冲锋舟", "abilities": ["boat"], **wrong}
    with pytest.raises(Refused, match=r"请|需"):
        resources.enter(town.town, resources.Entered(**said), "form")
    assert Resource.objects.count() + Stock.objects.count() == before
