"""Editions: dated, never changed, compared and published once."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import calendar, editions
from maplebridge.organisation.calendar import EXCEPTIONS
from maplebridge.organisation.editions import EditionRefused, Said, Table
from maplebridge.organisation.models import Edition
from maplebridge.organisation.people import SYSTEM, Actor, Role

TODAY = local_day(now())
DAY = dt.timedelta(days=1)


def check(cells: dict[str, str]) -> Iterable[Said]:
    if cells["colour"] == "wrong":
        yield "No colour.", "Choose another."


COLOURS = Table(
    name="colours",
    label="Colours",
    columns=("what", "colour", "note"),
    key=("what",),
    optional={"note": ""},
    check=check,
    build=lambda number, rows: (number, tuple(cells["colour"] for cells in rows)),
)


def rows(**colours: str) -> list[dict[str, str]]:
    return [{"what": what, "colour": colour, "note": ""} for what, colour in colours.items()]


def publish(given: list[dict[str, str]], **options) -> Edition | None:
    options = {"note": "because", "by": SYSTEM, **options}
    return editions.publish(COLOURS, given, **options)


@pytest.mark.django_db
def test_without_an_edition_a_table_is_empty():
    assert COLOURS.number() == 0
    assert COLOURS.value() == (0, ())


@pytest.mark.django_db
def test_the_edition_in_force_is_the_one_that_began_last(town):
    publish(rows(roof="red"), begins=editions.ALWAYS)
    publish(rows(roof="blue"), begins=TODAY + 10 * DAY)
    assert COLOURS.value() == (1, ("red",))
    assert COLOURS.number(TODAY + 9 * DAY) == 1
    assert COLOURS.number(TODAY + 10 * DAY) == 2
    assert COLOURS.number(editions.ALWAYS - DAY) == 0
    publish(rows(roof="green"))
    assert COLOURS.value() == (3, ("green",))
    assert COLOURS.number(TODAY + 10 * DAY) == 2
    assert COLOURS.value(1) == (1, ("red",))
    assert COLOURS.value(9) == (0, ())


@pytest.mark.django_db
def test_the_same_rows_in_any_order_make_no_new_edition(town):
    assert publish(rows(roof="red", door="blue")).number == 1
    assert publish(rows(door="blue", roof="red")) is None
    assert publish(rows(door="blue", roof="red"), begins=TODAY + DAY) is None
    assert publish(rows(door="blue")).number == 2
    assert Edition.objects.filter(name="colours").count() == 2


@pytest.mark.django_db
def test_it_says_who_published_it_when_and_why(town):
    made = publish(rows(roof="red"), by=town.administrator, note="  painted  ")
    assert (made.note, made.role, made.unit_code) == ("painted", "administrator", "3308-center")
    assert made.account_id == town.administrator.account_id
    assert abs(now() - made.at) < dt.timedelta(minutes=1)


@pytest.mark.django_db
def test_a_note_is_needed_and_nothing_begins_before_the_present_one(town):
    with pytest.raises(EditionRefused, match="请写明"):
        publish(rows(roof="red"), note="  ")
    with pytest.raises(EditionRefused, match="400"):
        publish(rows(roof="red"), note="x" * 401)
    publish(rows(roof="red"), begins=TODAY - 5 * DAY)
    with pytest.raises(EditionRefused, match=(TODAY - 5 * DAY).isoformat()):
        publish(rows(roof="blue"), begins=TODAY - 6 * DAY)
    assert publish(rows(roof="blue"), begins=TODAY - 5 * DAY).number == 2
    assert COLOURS.value() == (2, ("blue",))


@pytest.mark.django_db
def test_who_saw_an_older_edition_is_refused(town):
    publish(rows(roof="red"))
    publish(rows(roof="blue"), expected=1)
    with pytest.raises(EditionRefused, match="其间已有人"):
        publish(rows(roof="green"), expected=1)
    assert COLOURS.value() == (2, ("blue",))


def test_of_two_who_publish_at_once_one_is_refused(committed_town):
    said: list[str] = []
    tried = threading.Event()

    def second() -> None:
        tried.set()
        try:
            publish(rows(roof="blue"))
        except EditionRefused as refused:
            said.append(str(refused))
        finally:
            connection.close()

    try:
        with transaction.atomic():
            publish(rows(roof="red"))
            other = threading.Thread(target=second)
            other.start()
            tried.wait(5)
            other.join(0.3)
            assert other.is_alive()
        other.join(5)
        assert said == ["其间已有人发布了新版，请重新看一遍差异。"]
        assert COLOURS.value() == (1, ("red",))
    finally:
        remove_as_owner()


def remove_as_owner() -> None:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM organisation_edition WHERE name = 'colours'")
    editions.kept.forget()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "verb", ["UPDATE organisation_edition SET note = ''", "DELETE FROM organisation_edition"]
)
def test_an_edition_can_neither_be_changed_nor_removed_by_the_application(town, verb):
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(verb)


def test_a_file_goes_out_and_in_again_unchanged(tmp_path):
    file = tmp_path / "colours.csv"
    given = rows(roof="红,色", door='"quoted"')
    file.write_bytes(editions.as_csv(COLOURS, given))
    read = editions.read_file(COLOURS, file)
    assert read.problems == []
    assert [cells["what"] for cells in read.rows] == ["door", "roof"]
    assert not editions.compare(COLOURS, given, read.rows)
    assert editions.as_csv(COLOURS, read.rows) == file.read_bytes()


def test_every_wrong_line_is_told(tmp_path):
    file = tmp_path / "colours.csv"
    file.write_text(f"what,colour\nroof,red\ndoor,wrong\nroof,=1+1\nwall,{'x' * 401}\n")
    found = [(p.line, p.code, p.wrong) for p in editions.read_file(COLOURS, file).problems]
    assert found == [
        (3, "door", "No colour."),
        (4, "roof", "“colour”一格含有会被表格软件当作公式的符号。"),
        (4, "roof", "第 2 行已有相同的一行。"),
        (5, "wall", "“colour”一格超过 400 个字。"),
    ]
    missing = editions.read_bytes(COLOURS, b"what\nroof\n").problems
    assert [p.line for p in missing] == [1]


def test_differences_name_the_rows_by_their_key():
    found = editions.compare(
        COLOURS, rows(roof="red", door="blue"), rows(roof="green", wall="grey")
    )
    assert found.counts == {"added": 1, "removed": 1, "changed": 1}
    assert found.added[0]["what"] == "wall"
    assert found.removed[0]["what"] == "door"
    assert [(a["colour"], b["colour"]) for a, b in found.changed] == [("red", "green")]
    assert not editions.compare(COLOURS, rows(roof="red"), rows(roof="red"))


def test_a_column_that_came_later_holds_what_a_file_may_leave_out():
    wider = Table(
        name="colours", label="", columns=("what", "colour", "shade"), key=("what",),
        optional={"shade": "dark"}, check=check, build=lambda number, rows: rows,
    )  # fmt: skip
    assert editions._cells(wider, ["what", "colour"], [["roof", "red"]]) == [
        {"what": "roof", "colour": "red", "shade": "dark"}
    ]


def test_only_the_citys_administrators_may_configure():
    assert editions.may_configure(Actor(role=Role.ADMINISTRATOR, area_code="3308"))
    assert not editions.may_configure(Actor(role=Role.ADMINISTRATOR, area_code="330825"))
    assert not editions.may_configure(Actor(role=Role.LEADER, area_code="3308"))
    assert not editions.may_configure(SYSTEM)


# -- the working calendar -------------------------------------------------------------------


def exceptions(*given: tuple[str, str]) -> Edition | None:
    cells = [{"day": day, "what": what, "reason": "台风"} for day, what in given]
    return editions.publish(EXCEPTIONS, cells, note="台风", by=SYSTEM)


@pytest.mark.django_db
def test_a_typhoon_day_is_not_worked_and_a_day_in_its_place_is(town):
    wednesday, saturday = dt.date(2026, 8, 12), dt.date(2026, 8, 15)
    assert calendar.is_workday(wednesday)
    start = dt.datetime(2026, 8, 11, 1, tzinfo=dt.UTC)
    before = calendar.add_work_days(start, 1).at
    exceptions(("2026-08-12", "off"), ("2026-08-15", "worked"))
    assert not calendar.is_workday(wednesday)
    assert calendar.is_workday(saturday)
    assert calendar.add_work_days(start, 1).at == before + DAY


@pytest.mark.django_db
def test_a_city_may_publish_a_year_before_the_package_knows_it(town):
    last = calendar.CALENDAR.last_year
    new_year = dt.date(last + 1, 1, 1)
    start = dt.datetime(last + 1, 3, 3, 2, tzinfo=dt.UTC)
    assert calendar.add_work_days(start, 1).provisional
    exceptions((f"{last + 1}-12-31", "published"), (new_year.isoformat(), "off"))
    assert not calendar.add_work_days(start, 1).provisional
    assert not calendar.is_workday(new_year)
    assert calendar.in_force().last_year == last + 1


def test_the_calendar_refuses_what_it_cannot_mean(tmp_path):
    file = tmp_path / "calendar.csv"
    file.write_text(
        "day,what,reason\n2026-13-01,off,x\n2026-08-12,maybe,x\n2026-08-12,published,x\n"
    )
    assert [p.line for p in editions.read_file(EXCEPTIONS, file).problems] == [2, 3, 4]
    file.write_text("day,what,reason\n2026-08-12,off,x\n2026-08-12,worked,x\n")
    assert [p.line for p in editions.read_file(EXCEPTIONS, file).problems] == [3]
