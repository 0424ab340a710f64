"""A unit changed on a page: by the rules, under its author, never over another change."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import acts, unit_changes, units
from maplebridge.organisation.models import Act, Deed, Unit
from maplebridge.organisation.unit_changes import UnitRefused, cells_of, mark_of, save

HSC = "330825-hsc"
NEW = {"code": "330825-park", "name": "龙游县园林中心", "kind": "department", "area_code": "330825"}


def never(_code: str) -> str:
    return ""


def refused(actor: Any, said: dict[str, str], mark: str = "", may_end: Any = never) -> Any:
    before = Act.objects.count()
    with pytest.raises(UnitRefused) as wrong:
        save(actor, said, mark, may_end)
    assert Act.objects.count() == before
    return wrong.value.problems


def test_a_unit_is_made_changed_and_ended_under_its_author(town: Any) -> None:
    admin = town.administrator
    made, changed = save(admin, {**NEW, "hours": "24h", "line": "PRK"}, "", never)
    assert (made.hours, made.line, made.synthetic, changed) == (
        {"around_the_clock": True}, "PRK", False, True,
    )  # fmt: skip
    assert "330825-park" in units.directory()
    again, changed = save(admin, cells_of(made), mark_of(made), never)
    assert not changed
    yesterday = (local_day(now()) - dt.timedelta(days=1)).isoformat()
    save(admin, {**cells_of(again), "ends": yesterday}, mark_of(again), never)
    assert "330825-park" not in units.directory()
    first, last = Act.objects.filter(deed=Deed.UNIT_SET).order_by("number")
    assert (first.account_id, first.on) == (admin.account_id, "unit:330825-park")
    assert last.facts == {"changed": {"ends": ["", yesterday]}}
    assert acts.broken(Act.objects.order_by("number")) == []


def test_each_wrong_cell_gets_its_sentence(town: Any) -> None:
    said = {
        "code": "住建局", "name": "", "kind": "town_room", "area_code": "330825", "line": "hsc",
        "hours": "always", "begins": "2026-05-01", "ends": "2026-04-01",
    }  # fmt: skip
    problems = refused(town.administrator, said)
    assert set(problems) == {"code", "name", "kind", "line", "hours", "ends"}
    assert refused(town.administrator, {**NEW, "area_code": "330899"}).keys() == {"area_code"}
    assert refused(town.administrator, {**NEW, "begins": "5月"}).keys() == {"begins"}
    assert not Unit.objects.filter(pk=NEW["code"]).exists()


def test_an_area_has_one_room_and_the_city_always_one(town: Any) -> None:
    other = {**NEW, "kind": "county_center"}
    assert "330825-center" in refused(town.administrator, other)["kind"]
    center = Unit.objects.get(pk="3308-center")
    said = {**cells_of(center), "ends": "2026-01-01"}
    assert refused(town.administrator, said, mark_of(center)).keys() == {"kind"}


def test_nobody_writes_over_somebody_elses_change(town: Any) -> None:
    seen = Unit.objects.get(pk=HSC)
    save(town.administrator, {**cells_of(seen), "name": "住建委"}, mark_of(seen), never)
    said = {**cells_of(seen), "name": "住建厅"}
    assert refused(town.administrator, said, mark_of(seen)).keys() == {""}
    assert refused(town.administrator, {**NEW, "code": HSC}).keys() == {"code"}
    assert Unit.objects.get(pk=HSC).name == "住建委"


def test_a_unit_that_still_holds_something_is_not_ended(town: Any) -> None:
    unit = Unit.objects.get(pk=HSC)
    said = {**cells_of(unit), "ends": local_day(now()).isoformat()}
    problems = refused(town.administrator, said, mark_of(unit), lambda code: f"{code} 还有事")
    assert problems == {"ends": f"{HSC} 还有事"}
    later = (local_day(now()) + dt.timedelta(days=30)).isoformat()
    assert save(town.administrator, {**said, "ends": later}, mark_of(unit), lambda _c: "no")[1]


def test_nobody_else_changes_units(town: Any) -> None:
    for actor in (town.stranger, town.security, town.auditor, town.leader, town.county):
        assert refused(actor, NEW).keys() == {""}
    assert unit_changes.COLUMNS[0] == "code"
