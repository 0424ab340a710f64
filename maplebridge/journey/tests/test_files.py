"""Files of reports: good rows become cases once, bad rows are told with their line."""

from __future__ import annotations

import pytest

from maplebridge.cases.models import Case
from maplebridge.journey.files import load_reports

pytestmark = pytest.mark.django_db

GOOD = "key,text,lon,lat,time\nk1,路灯不亮,,,2026-01-05 09:00\nk2,井盖破了,118.97,28.87,\n"


def write(tmp_path, text, encoding="utf-8"):
    file = tmp_path / "hotline.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_each_row_becomes_a_case_once(town, tmp_path):
    file = write(tmp_path, GOOD)
    first, again = load_reports(file, "hotline"), load_reports(file, "hotline")
    assert (first.rows, first.loaded, first.fresh, first.problems) == (2, 2, 2, [])
    assert (again.loaded, again.fresh) == (2, 0)
    assert Case.objects.filter(channel="hotline").count() == 2


def test_bad_rows_are_told_and_good_rows_kept(town, tmp_path):
    rows = GOOD + "k3,,,,\nk4,灯,east,,\nk5,灯,120.15,30.27,\nk6,灯,,,yesterday\n,灯,,,\n"
    loaded = load_reports(write(tmp_path, rows), "hotline")
    assert (loaded.rows, loaded.loaded, loaded.figures["refused"]) == (7, 2, 5)
    assert sorted((p.line, p.code) for p in loaded.problems) == [
        (4, "k3"),
        (5, "k4"),
        (6, "k5"),
        (7, "k6"),
        (8, ""),
    ]
    assert all(p.wrong and p.mend for p in loaded.problems)


def test_a_dry_run_changes_nothing(town, tmp_path):
    loaded = load_reports(write(tmp_path, GOOD), "hotline", dry_run=True)
    assert (loaded.rows, loaded.loaded) == (2, 0)
    assert Case.objects.count() == 0


def test_a_file_in_gb18030_is_read(town, tmp_path):
    loaded = load_reports(write(tmp_path, GOOD, "gb18030"), "hotline")
    assert loaded.fresh == 2


def test_a_broken_file_is_refused_with_a_sentence(town, tmp_path):
    broken = write(tmp_path, 'key,text\nk1,"never closed\n')
    loaded = load_reports(broken, "hotline")
    assert loaded.loaded == 0
    assert loaded.problems
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    assert load_reports(file, "hotline").problems[0].line == 0
    lacking = load_reports(write(tmp_path, "key,words\nk1,灯\n"), "hotline")
    assert "text" in lacking.problems[0].wrong


def test_a_key_twice_in_a_file_is_told_and_the_first_row_kept(town, tmp_path):
    rows = "key,text\nk1,路灯不亮\nk1,井盖破了\n"
    loaded = load_reports(write(tmp_path, rows), "hotline")
    assert (loaded.fresh, [(p.line, p.code) for p in loaded.problems]) == (1, [(3, "k1")])


def test_a_key_of_another_file_with_the_same_name_is_told(town, tmp_path):
    load_reports(write(tmp_path, "key,text\n1,路灯不亮\n2,井盖破了\n"), "hotline")
    other = load_reports(
        write(tmp_path, "key,text\n1,树倒了\n2,井盖破了\n3,自来水停了\n"), "hotline"
    )
    assert (other.loaded, other.fresh) == (2, 1)
    assert [(p.line, p.code) for p in other.problems] == [(2, "1")]


@pytest.mark.parametrize(
    "row",
    ["k" * 101 + ",灯,", "k1,灯,0001-01-01", "k1,灯,1066-10-14", "k1,灯,9999-12-31T23:59:59-23:59"],
)
def test_a_key_or_time_that_cannot_be_is_told(town, tmp_path, row):
    loaded = load_reports(write(tmp_path, f"key,text,time\n{row}\n"), "hotline")
    assert (loaded.fresh, [p.line for p in loaded.problems]) == (0, [2])


def test_a_city_without_units_says_so(town, tmp_path):
    from maplebridge.organisation import units
    from maplebridge.organisation.models import Unit

    Unit.objects.update(ends="2020-01-02")
    units.kept.forget()
    loaded = load_reports(write(tmp_path, "key,text\nk1,灯\n"), "hotline")
    assert (loaded.fresh, [p.line for p in loaded.problems]) == (0, [2])
