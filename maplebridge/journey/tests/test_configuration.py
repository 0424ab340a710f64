"""The city's tables: tried over past cases, published, and what decided names its edition."""

from __future__ import annotations

import datetime as dt
import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.apps import apps

from maplebridge.cases.models import Event, Timer
from maplebridge.journey import configuration, learn, notice, rehearsal, route, work
from maplebridge.journey.advance import advance
from maplebridge.journey.configuration import TABLES
from maplebridge.journey.intake import Report, take_in
from maplebridge.journey.models import Category, DecisionRecord, Responsibility, Step
from maplebridge.journey.responsibility_files import load_responsibilities
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import editions
from maplebridge.organisation.models import Edition
from maplebridge.organisation.people import SYSTEM

pytestmark = pytest.mark.django_db


def present(name: str) -> list[dict[str, str]]:
    return editions.rows_of(TABLES[name], TABLES[name].number())


def changed(name: str, key: dict[str, str], /, **cells: str) -> list[dict[str, str]]:
    """The rows in force with one of them changed."""
    rows = present(name)
    found = [row for row in rows if all(row[column] == cell for column, cell in key.items())]
    assert len(found) == 1
    found[0].update(cells)
    return rows


DRAINS = {"category": "1004", "area_code": "330825"}


# -- over past cases ------------------------------------------------------------------------


def test_a_table_is_tried_over_the_cases_of_ninety_days(town):
    first, second = town.opened(), town.opened()
    sealed = town.case(town.report().case_id)
    town.triage(sealed.pk, confidentiality="C2")
    old = town.report(at=now() - dt.timedelta(days=91))
    town.triage(old.case_id)
    unsorted = town.report()
    rows = changed("responsibilities", DRAINS, unit_code="330825-enf")
    trial = configuration.try_out(TABLES["responsibilities"], rows)
    effect = trial.effect
    assert (effect.cases, effect.changed, effect.unowned) == (3, 3, 0)
    assert len(effect.rows) == 1
    row = effect.rows[0]
    assert (row.category, row.before, row.after, row.cases) == (
        "1004", "330825-hsc", "330825-enf", 3,
    )  # fmt: skip
    assert set(row.numbers) == {first.number, second.number}
    assert town.case(unsorted.case_id).category == ""


def test_a_row_that_goes_leaves_cases_without_an_owner(town):
    town.opened()
    rows = [
        r
        for r in present("responsibilities")
        if (r["category"], r["area_code"]) != tuple(DRAINS.values())
    ]
    effect = rehearsal.of_responsibilities(rows, local_day(now()))
    assert (effect.changed, effect.unowned, effect.rows[0].after) == (1, 1, "")


def test_at_most_twenty_numbers_are_named(town):
    for _n in range(22):
        town.triage(town.report().case_id)
    rows = changed("responsibilities", DRAINS, unit_code="330825-enf")
    row = rehearsal.of_responsibilities(rows, local_day(now())).rows[0]
    assert (row.cases, len(row.numbers)) == (22, 20)


def test_another_class_of_a_category_is_shown_over_its_cases(town):
    town.opened()
    trial = configuration.try_out(
        TABLES["categories"], changed("categories", {"code": "1004"}, sla_class="S3")
    )
    assert trial.differences.counts == {"added": 0, "removed": 0, "changed": 1}
    row = trial.effect.rows[0]
    assert (row.before, row.after, row.cases) == ("HSC S1 C0", "HSC S3 C0", 1)
    assert configuration.try_out(TABLES["categories"], present("categories")).effect is None


# -- what decided names its edition ---------------------------------------------------------


def test_decisions_name_the_editions_that_decided(town):
    rows = changed("responsibilities", DRAINS, unit_code="330825-enf")
    configuration.publish(TABLES["responsibilities"], rows, note="改", by=SYSTEM)
    said = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上"
    receipt = take_in(Report(channel="web", account="a", key="edition-key", text=said))
    advance(receipt.case_id)
    found = dict(
        DecisionRecord.objects.filter(case_id=receipt.case_id).values_list("step", "version")
    )
    assert found[Step.ROUTE] == "responsibilities-2"
    assert found[Step.CLASSIFY].endswith(" categories-1")
    assert town.case(receipt.case_id).suggested_unit == "330825-enf"


def test_pages_join_with_the_categories_in_force(town):
    rows = changed("categories", {"code": "1004"}, name="排水")
    configuration.publish(TABLES["categories"], rows, note="改名", by=SYSTEM)
    assert Category.objects.get(pk="1004").name == "排水"
    assert learn.category_of("1004").name == "排水"
    later = local_day(now()) + dt.timedelta(days=3)
    rows = changed("categories", {"code": "1004"}, name="排涝")
    configuration.publish(TABLES["categories"], rows, note="改名", by=SYSTEM, begins=later)
    assert Category.objects.get(pk="1004").name == "排水"


def test_a_message_is_written_in_the_citys_words_and_names_its_edition(town, settings, tmp_path):
    from maplebridge.cases.feed import News

    settings.STATE = tmp_path
    rows = [
        *present("messages"),
        {"move": "accept", "language": "zh-hans", "text": "已受理：{number} {code}"},
    ]
    configuration.publish(TABLES["messages"], rows, note="受理另写", by=SYSTEM)
    opened = town.report(reporter={"phone": "13900000000"})
    town.triage(opened.case_id)
    event = town.move(opened.case_id, "accept", town.town)
    for sequence, move in ((1, "report"), (event.sequence, "accept")):
        notice.carry_out(News(opened.case_id, sequence, "", "matter", move, "accepted", now(), "1"))
    sent = {
        json.loads(file.read_text())["text"]: json.loads(file.read_text())["edition"]
        for file in (tmp_path / "messages").iterdir()
    }
    assert f"已受理：{opened.number} {opened.query_code}" in sent
    assert set(sent.values()) == {"messages-2"}
    assert any(text.startswith(f"您上报的 {opened.number}：") for text in sent)


@pytest.mark.parametrize(
    "text",
    [
        "无空位",
        "{number} {code} {number.real}",
        "{number} {code!r}",
        "{number} {code",
        "{number} {phone} {code}",
    ],
)
def test_a_text_whose_blanks_cannot_be_filled_is_refused(tmp_path: Path, text):
    file = tmp_path / "messages.csv"
    file.write_text(f"move,language,text\n,zh-hans,{text}\n,en,Number {{number}} {{code}}\n")
    assert [p.line for p in editions.read_file(notice.TEXTS, file).problems] == [2]


def test_a_language_without_a_general_text_is_refused(tmp_path: Path):
    file = tmp_path / "messages.csv"
    file.write_text("move,language,text\n,en,Number {number} {code}\n")
    assert [p.code for p in editions.read_file(notice.TEXTS, file).problems] == ["zh-hans"]


def test_a_category_that_cases_are_sorted_under_may_not_go(town, tmp_path: Path):
    file = tmp_path / "categories.csv"
    kept = [row for row in present("categories") if row["code"] != "1004"]
    file.write_bytes(editions.as_csv(learn.CATEGORIES, kept))
    assert [p.code for p in editions.read_file(learn.CATEGORIES, file).problems] == ["1004"]


# -- the calendar ---------------------------------------------------------------------------


def test_a_typhoon_day_moves_the_open_cases_it_falls_into_once(town, monkeypatch):
    monkeypatch.setattr(work._Recounted, "edition", 0)
    monday = dt.datetime(2026, 11, 2, 1, tzinfo=dt.UTC)
    touched = town.case(town.report(at=monday + dt.timedelta(hours=8)).case_id)
    early = town.case(town.report(at=monday).case_id)
    assert touched.due_at == monday + dt.timedelta(days=1, hours=1)
    assert work.recount_exceptions() == 0
    cells = [{"day": "2026-11-03", "what": "off", "reason": "台风"}]
    configuration.publish(TABLES["calendar"], cells, note="台风", by=SYSTEM)
    assert work.recount_exceptions() == 1
    assert town.case(touched.pk).due_at == touched.due_at + dt.timedelta(days=1)
    assert town.case(early.pk).sequence == 1
    assert Event.objects.get(case_id=touched.pk, sequence=2).move == "recount"
    monkeypatch.setattr(work._Recounted, "edition", 0)
    assert work.recount_exceptions() == 0


def test_a_typhoon_day_moves_a_later_clock_though_the_next_one_stays(town, monkeypatch):
    monkeypatch.setattr(work._Recounted, "edition", 0)
    case = town.opened("handling")
    timed = {t.clock: t.due_at for t in Timer.objects.filter(case_id=case.pk)}
    assert case.due_clock == "contact"
    assert timed["dispose"] > timed["contact"] + dt.timedelta(days=2)
    day = local_day(timed["dispose"]).isoformat()
    cells = [{"day": day, "what": "off", "reason": "台风"}]
    configuration.publish(TABLES["calendar"], cells, note="台风", by=SYSTEM)
    assert work.recount_exceptions() == 1
    now_timed = {t.clock: t.due_at for t in Timer.objects.filter(case_id=case.pk)}
    assert now_timed["contact"] == timed["contact"] == town.case(case.pk).due_at
    assert local_day(now_timed["dispose"]) > local_day(timed["dispose"])


# -- files ---------------------------------------------------------------------------------


def test_a_file_of_responsibilities_becomes_an_edition(town, tmp_path: Path):
    file = tmp_path / "duties.csv"
    file.write_text("category,area_code,unit_code\n1004,330825,330825-enf\n10,3308,3308-center\n")
    tried = load_responsibilities(file, SYSTEM, dry_run=True)
    assert (tried.rows, tried.loaded, tried.changed, tried.edition) == (2, 0, 1, None)
    assert len(tried.notes) == 1
    done = load_responsibilities(file, SYSTEM, note="新清单")
    assert (done.rows, done.loaded, done.edition, done.problems) == (2, 2, 2, [])
    assert (
        route.table().find("1005", town.village_code, dt.date(2026, 11, 2)).unit_code
        == "3308-center"
    )
    file.write_text("category,area_code,unit_code\n1004,330825,nobody\n9999,330825,330825-enf\n")
    done = load_responsibilities(file, SYSTEM)
    assert [(p.line, p.code) for p in done.problems] == [(2, "1004"), (3, "9999")]
    assert (done.figures["refused"], route.RESPONSIBILITIES.number()) == (2, 2)


# -- from the release before ----------------------------------------------------------------


def test_the_old_tables_become_first_editions_with_the_same_marks(town):
    migration = importlib.import_module("maplebridge.journey.migrations.0002_editions")
    Responsibility.objects.create(category="1004", area_code="330825", unit_code="330825-hsc")
    kept: dict[str, tuple] = {}

    class Rows:
        def using(self, _alias):
            return self

        def create(self, **cells):
            kept[cells["name"]] = (cells["columns"], cells["rows"], cells["sha256"])

    def model_of(app: str, name: str):
        return SimpleNamespace(objects=Rows()) if name == "Edition" else apps.get_model(app, name)

    editor = SimpleNamespace(connection=SimpleNamespace(alias="default"))
    migration.take_over(SimpleNamespace(get_model=model_of), editor)
    assert set(kept) == {"categories", "responsibilities"}
    for name, (columns, rows, mark) in kept.items():
        assert columns == list(TABLES[name].columns)
        assert mark == editions.digest(columns, rows)
    # The working rows of the categories came from the edition, so they go back to the same.
    assert kept["categories"][2] == Edition.objects.get(name="categories", number=1).sha256
    assert kept["responsibilities"][1] == [["1004", "330825", "330825-hsc", "2000-01-01", "", ""]]
