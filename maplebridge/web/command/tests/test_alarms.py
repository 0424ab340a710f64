"""The page of reminders: what rang for the unit and still runs, and for nobody else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.cases import timers
from maplebridge.cases.models import Timer
from maplebridge.web.command.tests.test_desk import desk_of, page

pytestmark = pytest.mark.django_db


def ring_up_to(case_id: Any, rung: int) -> None:
    """Rings the rungs of a case's first clock, one after the other."""
    while (waiting := Timer.objects.filter(case_id=case_id).order_by("at")[0]).rung < rung:
        assert waiting.at is not None
        Timer.objects.exclude(case_id=case_id).update(at=waiting.at + dt.timedelta(days=900))
        timers.ring(waiting.at)


def test_what_rang_stands_under_its_rung_until_the_work_is_done(town: Any) -> None:
    case = town.opened()
    client = desk_of("town")
    assert "没有提醒" in page(client.get("/desk/alarms/"))
    ring_up_to(case.pk, 1)
    shown = page(client.get("/desk/alarms/"))
    assert case.number in shown
    assert 'id="rung-1"' in shown
    assert "受理" in shown
    ring_up_to(case.pk, 3)
    shown = page(client.get("/desk/alarms/"))
    assert 'id="rung-3"' in shown
    assert 'id="rung-1"' not in shown
    assert 'class="pill tone-crimson">1</span></a>' in page(client.get("/desk/"))
    town.move(case.pk, "accept", town.town)
    assert case.number not in page(client.get("/desk/alarms/"))
    assert 'tone-crimson">1</span></a>' not in page(client.get("/desk/"))


def test_a_rung_is_shown_to_the_units_told_and_to_no_other(town: Any) -> None:
    case = town.opened()
    ring_up_to(case.pk, 2)
    assert case.number not in page(desk_of("county").get("/desk/alarms/"))
    ring_up_to(case.pk, 3)
    assert case.number in page(desk_of("county").get("/desk/alarms/"))
    for other in ("housing", "village", "auditor"):
        assert case.number not in page(desk_of(other).get("/desk/alarms/"))


def test_a_confidential_case_is_not_shown_to_the_room_above(town: Any) -> None:
    case_id = town.report().case_id
    town.triage(case_id, confidentiality="C2")
    ring_up_to(case_id, 3)
    number = town.case(case_id).number
    assert number in page(desk_of("town").get("/desk/alarms/"))
    assert number not in page(desk_of("county").get("/desk/alarms/"))


def test_the_page_costs_the_same_for_one_and_for_many(
    town: Any, django_assert_max_num_queries: Any
) -> None:
    client = desk_of("town")
    client.get("/desk/alarms/")
    cases = [town.opened() for _n in range(12)]
    latest = max(Timer.objects.values_list("warn_at", flat=True))
    timers.ring(latest)
    with django_assert_max_num_queries(14):  # five of them for the wall
        shown = page(client.get("/desk/alarms/"))
    assert [case.number for case in cases if case.number not in shown] == []


def test_the_case_page_says_when_each_rung_rang_and_who_was_told(town: Any) -> None:
    case = town.opened()
    ring_up_to(case.pk, 3)
    shown = page(desk_of("town").get(f"/desk/case/{case.pk}/"))
    said = [line for line in ("临期预警：", "到期：", "超期催办：") if line in shown]
    assert said == ["临期预警：", "到期：", "超期催办："]
    assert "提醒，已告知：龙游县大联动中心, 社阳乡综合信息指挥室。" in shown
