"""What safety counts: a campaign beside as many days before, hazards mended by their deadline."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from maplebridge.applications.safety import drives, figures, ledger, register, visits
from maplebridge.applications.safety.models import Premises
from maplebridge.applications.safety.tests.test_manifest import NOTICED
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import Sight
from maplebridge.lib.clock import CHINA, local_day, now

pytestmark = pytest.mark.django_db
ALL = Sight(all=True)


def today() -> dt.date:
    return local_day(now())


def at(days_ago: int, hour: int = 10) -> dt.datetime:
    return dt.datetime.combine(today() - dt.timedelta(days=days_ago), dt.time(hour), CHINA)


def premises(town: Any, code: str, trade: str) -> Premises:
    said = {"code": code, "name": f"{code}（演示）", "trade": trade, "risk": "2",
            "village": town.village_code, "duty_holder": "演示负责人"}  # fmt: skip
    return register.register(town.village, said)


def visited(town: Any, one: Premises, days_ago: int) -> Any:
    """A visit that finds the second item not in order; the hazard's id."""
    visit = visits.visit_early(town.village, one, today(), "群众反映", f"{one.code}:{days_ago}")
    items = register.items_of(one.trade)
    found = {item.code: visits.NOT if item.number == 2 else visits.OK for item in items}
    notes = {item.code: "没有接电" for item in items}
    (opened,) = visits.record(town.village, visit.pk, found, notes, at(days_ago))
    return opened.case_id


def noticed(town: Any, case_id: Any, days_ago: int, due_in: int) -> None:
    due = (today() - dt.timedelta(days=days_ago) + dt.timedelta(days=due_in)).isoformat()
    said = {"unit": "330825-hsc", "category": "0205"}
    town.move(case_id, "assign", town.town, said, at=at(days_ago, 11))
    town.move(case_id, "notice", town.housing, {**NOTICED, "dispose_on": due},
              at=at(days_ago, 12))  # fmt: skip


def mended(town: Any, case_id: Any, days_ago: int) -> None:
    town.move(case_id, "mend", town.housing, {"result": "已接电"}, at=at(days_ago, 13))
    town.move(case_id, "reinspect_pass", town.village, {"evidence": "灯亮"}, at=at(days_ago, 14))


def drive(town: Any, trade: str) -> Any:
    said = {
        "title": "用气专项整治", "aim": "报警装置全覆盖", "trade": trade,
        "begins": (today() - dt.timedelta(days=3)).isoformat(),
        "ends": (today() + dt.timedelta(days=26)).isoformat(),
    }  # fmt: skip
    return drives.call(town.town, said, f"drive-{trade}")


def test_the_days_so_far_stand_beside_as_many_before(town: Any) -> None:
    seen = drives.effect(drive(town, ""), ALL)
    assert (seen.during.period.since, seen.during.period.until) == (
        today() - dt.timedelta(days=3), today(),
    )  # fmt: skip
    assert (seen.before.period.since, seen.before.period.until) == (
        today() - dt.timedelta(days=7), today() - dt.timedelta(days=4),
    )  # fmt: skip
    assert seen.after is None


def test_a_trade_is_that_of_the_premises_and_mended_counts_when_it_was_seen(town: Any) -> None:
    gas, workshop = premises(town, "甲店", "gas"), premises(town, "乙坊", "workshop")
    early = visited(town, gas, 6)
    noticed(town, early, 6, 10)
    mended(town, early, 1)
    visited(town, gas, 2)
    visited(town, workshop, 2)
    of_gas, of_all = drives.effect(drive(town, "gas"), ALL), drives.effect(drive(town, ""), ALL)
    # Found before the campaign and seen to be mended during it: it counts where it happened.
    assert (of_gas.before.visits, of_gas.before.hazards, of_gas.before.mended) == (1, 1, 0)
    assert (of_gas.during.visits, of_gas.during.hazards, of_gas.during.mended) == (1, 1, 1)
    assert (of_all.during.visits, of_all.during.hazards, of_all.during.mended) == (2, 2, 1)


def test_in_time_is_of_those_whose_deadline_has_come_or_that_were_mended_before(town: Any) -> None:
    shops = [premises(town, name, "gas") for name in ("甲店", "乙店", "丙店", "丁店")]
    kept, late, open_late, open_still = (visited(town, one, 9) for one in shops)
    noticed(town, kept, 9, 20)
    mended(town, kept, 5)
    noticed(town, late, 9, 3)
    mended(town, late, 2)
    noticed(town, open_late, 9, 4)
    noticed(town, open_still, 9, 30)
    period = Period(today() - dt.timedelta(days=20), today())
    lines = {one.name: (one.numerator, one.denominator) for one in figures.lines_of(
        town.town_code, period, ALL, today())}  # fmt: skip
    assert lines["hazard_found"] == (4, None)
    assert lines["hazard_in_time"] == (1, 3)
    assert lines["hazard_overdue"] == (1, None)
    assert lines["hazard_repeated"] == (0, 4)
    assert lines["hazard_passed"] == (2, 2)


def test_a_base_of_zero_is_said_as_such(town: Any) -> None:
    said = {"day": today().isoformat(), "area": town.village_code, "deaths": "1"}
    ledger.enter(town.town, said, "one")
    line = ledger.compared(town.town_code, ledger.year_until(today().year, today()))
    assert (line.now.accidents, line.base.accidents, line.accidents_change) == (1, 0, None)


def test_a_deadline_moves_on_by_the_days_that_work_was_stopped() -> None:
    noticed = ("notice", {"dispose_on": at(-5).date().isoformat()}, at(9))
    stop, resume = ("stop_work", {}, at(8)), ("resume_work", {}, at(5))
    due = {
        1: figures.Row(uuid4(), "330825209201", "0205", at(10), False, (noticed,)).due_on,
        2: figures.Row(uuid4(), "330825209201", "0205", at(10), False, (noticed, stop)).due_on,
        3: figures.Row(
            uuid4(), "330825209201", "0205", at(10), False, (noticed, stop, resume)
        ).due_on,
    }
    assert due == {1: at(-5).date(), 2: None, 3: at(-8).date()}
