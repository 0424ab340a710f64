"""Units from a file: all of it or nothing, and the city never without a room."""

from __future__ import annotations

from pathlib import Path

import pytest

from maplebridge.organisation.calendar import AROUND_THE_CLOCK
from maplebridge.organisation.models import Unit
from maplebridge.organisation.unit_files import load_units
from maplebridge.organisation.units import directory

pytestmark = pytest.mark.django_db
HEAD = "code,name,kind,area_code,line,hours,begins,ends\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "units.csv"


def test_units_are_added_and_changed_and_others_stay(town, file):
    before = Unit.objects.count()
    file.write_text(
        HEAD
        + "330825-traffic,龙游县交通执法队,department,330825,TRN,24h,,\n"
        + "330825-hsc,龙游县住建局,department,330825,HSC,08:00-12:00 13:30-17:00,,\n"
    )
    tried = load_units(file, dry_run=True)
    assert (tried.rows, tried.loaded, tried.changed, tried.problems) == (2, 0, 2, [])
    assert Unit.objects.count() == before
    done = load_units(file)
    assert (done.loaded, done.changed) == (2, 2)
    assert Unit.objects.count() == before + 1
    assert directory().unit("330825-traffic").hours == AROUND_THE_CLOCK
    assert directory().unit("330825-hsc").hours.minutes_a_day == 450
    assert Unit.objects.get(pk="330825-hsc").name_en.startswith("Housing")
    again = load_units(file)
    assert (again.loaded, again.changed) == (2, 0)


def test_one_wrong_line_refuses_the_file(town, file):
    file.write_text(
        HEAD
        + "330825-new,新单位,department,330825,,,,\n"
        + "x y,名,departmen,999999,hsc,8-9,2026,\n"
        + "330825-new,新单位,town_room,330825,,,2026-02-01,2026-01-01\n"
    )
    done = load_units(file)
    assert (done.loaded, done.figures["refused"]) == (0, 2)
    assert [problem.line for problem in done.problems] == [3, 3, 3, 3, 3, 3, 4, 4, 4]
    assert not Unit.objects.filter(pk="330825-new").exists()


def test_an_area_has_one_room_and_the_city_always_one(town, file):
    file.write_text(HEAD + "3308-center,衢州市大联动中心,city_center,3308,,24h,,2026-01-31\n")
    assert "联动中心" in load_units(file).problems[0].wrong
    file.write_text(HEAD + "3308-new,衢州市新中心,city_center,3308,,24h,,\n")
    assert "3308-center" in load_units(file).problems[0].wrong
    assert directory().room_of("3308").code == "3308-center"
    file.write_text(
        HEAD
        + "3308-center,衢州市大联动中心,city_center,3308,,24h,,2026-01-31\n"
        + "3308-new,衢州市新中心,city_center,3308,,24h,2026-02-01,\n"
    )
    assert load_units(file).problems == []
    assert directory().room_of("3308").code == "3308-new"


def test_an_empty_file_and_a_missing_column_are_told(town, file):
    file.write_text(HEAD)
    assert len(load_units(file).problems) == 1
    file.write_text("code,name\n1,2\n")
    assert {problem.line for problem in load_units(file).problems} == {1}
