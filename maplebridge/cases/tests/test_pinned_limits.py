"""A case keeps the time limits it was opened under, whatever is published later."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from maplebridge.cases import deadlines
from maplebridge.cases.models import Event
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import editions
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 11, 2, 1, tzinfo=dt.UTC)  # 9 o'clock in China


def limits(clock: str, amount: str, unit: str) -> list[dict[str, str]]:
    """The limits in force, with another one for S4."""
    rows = editions.rows_of(deadlines.DURATIONS, deadlines.DURATIONS.number())
    found = [
        cells
        for cells in rows
        if (cells["sla_class"], cells["category"], cells["clock"]) == ("S4", "", clock)
    ]
    assert len(found) == 1
    found[0].update(amount=amount, unit=unit)
    return rows


def publish(rows: list[dict[str, str]], begins: dt.date | None = None) -> int:
    made = editions.publish(deadlines.DURATIONS, rows, note="试行", by=SYSTEM, begins=begins)
    assert made is not None
    return made.number


def test_a_new_edition_moves_no_case_that_is_open_already(town):
    old = town.case(town.report(at=MONDAY).case_id)
    assert Event.objects.get(case_id=old.pk, sequence=1).facts["editions"] == {"durations": 1}
    # Published later and yet beginning before the old case was opened.
    assert publish(limits("accept", "30", "min"), dt.date(2026, 10, 1)) == 2
    new = town.case(town.report(at=MONDAY).case_id)
    assert Event.objects.get(case_id=new.pk, sequence=1).facts["editions"] == {"durations": 2}
    assert old.due_at == MONDAY + dt.timedelta(hours=2)
    assert new.due_at == MONDAY + dt.timedelta(minutes=30)


def test_later_moves_of_a_case_follow_its_own_edition(town):
    old = town.case(town.report(at=MONDAY).case_id)
    town.triage(old.pk)
    publish(limits("dispatch", "1", "d"), dt.date(2026, 10, 1))
    town.move(old.pk, "accept", town.town)
    old = town.case(old.pk)
    dispatch = [c for c in deadlines.clocks_of(old, events_of(old)) if c.name == "dispatch"]
    assert (dispatch[0].amount.number, dispatch[0].amount.unit) == (4, "wh")
    assert deadlines.allowed(town.case(old.pk), "dispatch") == 4
    new = town.case(town.report(at=MONDAY).case_id)
    assert deadlines.allowed(new, "dispatch") == 1


def test_a_case_from_before_editions_is_under_the_first(town):
    case = town.case(town.report(at=MONDAY).case_id)
    publish(limits("accept", "30", "min"), dt.date(2026, 10, 1))
    opening = Event.objects.get(case_id=case.pk, sequence=1)
    del opening.facts["editions"]
    clocks = deadlines.clocks_of(town.case(case.pk), [opening])
    assert clocks[0].due_at == MONDAY + dt.timedelta(hours=2)


def test_an_edition_of_the_future_is_not_in_force(town):
    tomorrow = local_day(now()) + dt.timedelta(days=1)
    assert publish(limits("accept", "30", "min"), tomorrow) == 2
    assert deadlines.edition_on(now()) == 1
    assert deadlines.edition_on(now() + dt.timedelta(days=1)) == 2
    case = town.case(town.report(at=MONDAY).case_id)
    assert case.due_at == MONDAY + dt.timedelta(hours=2)


def events_of(case):
    return list(Event.objects.filter(case_id=case.pk).order_by("sequence"))


def test_a_limit_that_a_state_needs_may_not_go(town, tmp_path: Path):
    file = tmp_path / "durations.csv"
    kept = [
        c for c in limits("accept", "2", "wh") if (c["sla_class"], c["clock"]) != ("S4", "dispose")
    ]
    file.write_bytes(editions.as_csv(deadlines.DURATIONS, kept))
    problems = editions.read_file(deadlines.DURATIONS, file).problems
    assert [(p.line, p.code) for p in problems] == [(0, "S4 dispose")]


def test_a_limit_that_means_nothing_is_told_by_line(tmp_path: Path):
    file = tmp_path / "durations.csv"
    file.write_text(
        "sla_class,category,clock,amount,unit,clause,checked\n"
        "S9,,accept,5,min,,no\nS1,12,accept,5,min,,no\nS1,,acept,5,min,,no\n"
        "S1,,accept,-5,min,,no\nS1,,sign,5,weeks,,no\nS1,,verify,5,d,,perhaps\n"
    )
    problems = editions.read_file(deadlines.DURATIONS, file).problems
    # The amount is refused twice: it is no amount, and a spreadsheet would run it.
    assert [p.line for p in problems] == [2, 3, 4, 5, 5, 6, 7]


def test_what_the_product_ships_with_is_sound_and_published_once(town):
    assert editions.read_file(deadlines.DURATIONS, deadlines.SEED).problems == []
    deadlines.open_durations()
    assert deadlines.DURATIONS.number() == 1


def test_a_clock_of_a_later_release_is_added_and_what_the_city_set_stays(town):
    rows = [c for c in limits("accept", "30", "min") if c["clock"] != "review"]
    assert publish(rows) == 2
    deadlines.open_durations()
    assert deadlines.DURATIONS.number() == 3
    table = deadlines.durations()
    today = local_day(now())
    assert table.find("S4", "", "review", today) == deadlines.durations(1).find(
        "S4", "", "review", today
    )
    assert table.find("S4", "", "accept", today).unit == "min"
