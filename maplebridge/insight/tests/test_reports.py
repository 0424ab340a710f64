"""Reports of a small made-up town: their figures are the indicators, in PDF and in DOCX."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pypdfium2
import pytest
from django.utils import translation
from docx import Document

from maplebridge.cases.models import Case
from maplebridge.insight import indicators, paper_words, report_counts, reports
from maplebridge.insight.periods import period_of
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.papers import Figures, Paper, Paragraph, Table, pdf, render
from maplebridge.organisation.people import SYSTEM, Role

pytestmark = pytest.mark.django_db
needs_fonts = pytest.mark.skipif(
    not (pdf.FONTS / "NotoSerifSC_400Regular.ttf").exists(),
    reason="needs the fonts: python -m maplebridge.config.bundle",
)
CATEGORIES = {"1004": "排水内涝"}
COUNTY = "330825"


@pytest.fixture(autouse=True)
def in_chinese() -> Any:
    with translation.override("zh-hans"):
        yield


@pytest.fixture
def figures(town: Any) -> Any:
    """Six closed (one late), one returned, one urgent and supervised, one secret, one new."""
    for _n in range(6):
        last = town.opened("closed")
    Case.objects.filter(pk=last.pk).update(late=True)
    back = town.opened("dispatched")
    town.move(back.pk, "return_back", town.housing, {"reason": "不属于我局"})
    urgent = town.report().case_id
    town.triage(urgent, sla_class="S1")
    town.walk(urgent, "handling")
    town.move(urgent, "supervise", town.county, {"supervision": "1", "reason": "太慢"})
    secret = town.report().case_id
    town.triage(secret, sla_class="S1", confidentiality="C2")
    town.report()
    town.urgent, town.secret = town.case(urgent), town.case(secret)
    return town


def written(name: str, at: dt.datetime | None = None, **more: Any) -> Paper:
    at = at or now()
    asked = {"area_code": COUNTY, "day": local_day(now()), "actor": SYSTEM, **more}
    return reports.report(name, asked["area_code"], asked["day"], at, CATEGORIES, asked["actor"])


def tables(paper: Paper) -> list[Table]:
    return [block for block in paper.blocks if isinstance(block, Table)]


def table_from(paper: Paper, number: int) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in tables(paper)[number].rows}


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_the_daily_report_counts_what_there_is(figures: Any) -> None:
    at = now()
    paper = written("daily", at)
    (strip,) = (block for block in paper.blocks if isinstance(block, Figures))
    due_today = sum(
        1
        for case in Case.objects.filter(ended=False)
        if case.due_at and case.due_at >= at and local_day(case.due_at) == local_day(at)
    )
    assert dict(strip.rows) == {
        "上报": "10",
        "结案": "6",
        "在办": "4",
        "已逾期": "0",
        "当日到期": str(due_today),
        "督办中": "1",
    }
    assert table_from(paper, 0) == {
        "社阳乡": ("10", "6", "4", "0", str(due_today)),
        "合计": ("10", "6", "4", "0", str(due_today)),
    }
    reported = indicators.indicators(COUNTY, period_of("day", local_day(at)), at)[0]
    assert (reported.name, reported.numerator) == ("reported", 10)


def test_overdue_is_what_is_past_due_at_the_data_time(figures: Any) -> None:
    late = now() + dt.timedelta(days=30)
    paper = written("daily", late)
    assert table_from(paper, 0)["合计"] == ("10", "6", "4", "4", "0")
    assert paper.foot == f"数据截至 {paper_words.time_words(late)}"


def test_urgent_and_supervised_cases_are_listed_and_secret_ones_are_not(figures: Any) -> None:
    paper = written("daily")
    urgent, watched = tables(paper)[1:]
    assert [row[:5] for row in urgent.rows] == [
        (figures.urgent.number, "S1", "排水内涝", "社阳乡社阳村", "龙游县住房和城乡建设局")
    ]
    assert [row[:2] for row in watched.rows] == [(figures.urgent.number, "普通督办")]
    assert figures.secret.number not in str(paper)
    assert "涉密事项（C2）计入件数，不列明细。" in urgent.notes
    seen_by_the_stranger = written("daily", actor=figures.stranger)
    assert [table.rows for table in tables(seen_by_the_stranger)[1:]] == [(), ()]


def test_the_weekly_report_tells_kinds_places_returns_and_what_waits(figures: Any) -> None:
    paper = written("weekly")
    # The one that nobody sorted lies in the township and has no kind yet.
    assert table_from(paper, 0) == {
        "排水内涝": ("8", "80.00%", "0", "—"),
        "涉密事项（C2）": ("1", "10.00%", "0", "—"),
        "尚未分类": ("1", "10.00%", "0", "—"),
    }
    assert table_from(paper, 1) == {"社阳乡社阳村": ("9",)}
    assert table_from(paper, 2) == {"龙游县住房和城乡建设局": ("1",)}
    assert table_from(paper, 3) == {"社阳乡综合信息指挥室": ("3", "0", "0")}
    (said,) = (block.text for block in paper.blocks if isinstance(block, Paragraph))
    assert "龙游县共上报事项10件，上周为0件（环比—）；各单位退回1次" in said


@needs_fonts
@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_the_monthly_figures_on_paper_are_the_indicators(figures: Any, form: str) -> None:
    at = now()
    made = render(written("monthly", at), form)
    if form == "pdf":
        pages = pypdfium2.PdfDocument(made)
        text = squeezed("".join(page.get_textpage().get_text_range() for page in pages))
    else:
        document = Document(io.BytesIO(made))
        cells = [c.text for t in document.tables for row in t.rows for c in row.cells]
        text = squeezed("".join([*(p.text for p in document.paragraphs), *cells]))
    period = period_of("month", local_day(at))
    found = {row.name: row for row in indicators.indicators(COUNTY, period, at)}
    for row in found.values():
        if row.denominator is None:
            continue
        line = squeezed(f"{row.label}{row.numerator}{row.denominator}")
        assert f"{line}{indicators.percent(row.value)}" in text, row.name
    closed, in_time = found["closed_share"], found["closed_in_time_share"]
    assert (closed.numerator, closed.denominator) == (6, 6)
    assert (in_time.numerator, in_time.denominator) == (5, 6)
    assert "结案率6/6=100.00%，按期结案率5/6=83.33%" in text
    # Township and unit: the same, each with numerator and denominator.
    assert "社阳乡106/6100.00%5/683.33%" in text
    assert "龙游县住房和城乡建设局76/6100.00%5/683.33%" in text


def test_changes_have_a_sign_and_a_base_of_nothing_has_a_dash(figures: Any) -> None:
    reported = table_from(written("monthly"), 0)["上报"]
    assert reported == ("—", "—", "10", "0", "—", "0", "—")
    words = [paper_words.change_words(value) for value in (-0.243, -0.168, 0.5, 0.0, None)]
    assert words == ["−24.3%", "−16.8%", "+50.0%", "0.0%", "—"]
    last_month = dt.timedelta(days=local_day(now()).day)
    for case in Case.objects.filter(ended=True)[:4]:
        Case.objects.filter(pk=case.pk).update(opened_at=case.opened_at - last_month)
    assert table_from(written("monthly"), 0)["上报"][4:] == ("—", "4", "+50.0%")


def test_a_share_of_fewer_than_five_is_not_worked_out() -> None:
    assert paper_words.ratio(4, 4) == "4/4"
    assert paper_words.ratio(5, 5) == "5/5\n100.00%"
    assert paper_words.ratio(0, 0) == "—"


def test_the_circular_names_a_unit_only_with_five_cases_due(figures: Any) -> None:
    paper = written("circular")
    assert paper.mark == "草稿　未经签发"
    assert tables(paper)[0].rows == (("龙游县住房和城乡建设局", "6", "1", "16.67%", "1"),)
    Case.objects.filter(pk=Case.objects.filter(ended=True)[0].pk).delete()
    Case.objects.filter(pk=Case.objects.filter(ended=True)[0].pk).delete()
    paper = written("circular")
    assert tables(paper)[0].rows == ()
    assert "住房和城乡建设局" not in str(paper)
    assert re.search(r"共1个单位，应结4件、超期[01]件、退回1次", " ".join(tables(paper)[0].notes))


def test_who_returned_a_case_is_not_late_for_it(town: Any) -> None:
    case = town.opened("dispatched")
    town.move(case.pk, "return_back", town.housing, {"reason": "不属于我局"})
    town.move(case.pk, "dispatch", town.town, {"unit": f"{COUNTY}-utl"})
    town.move(case.pk, "sign_for", town.utility)
    period = period_of("month", local_day(now()))
    later = now() + dt.timedelta(days=90)
    lines = {line.unit_code: line for line in report_counts.unit_lines(COUNTY, period, later)}
    housing, utility = lines[f"{COUNTY}-hsc"], lines[f"{COUNTY}-utl"]
    assert (housing.led, housing.closing_due, housing.late, housing.returned) == (0, 0, 0, 1)
    assert (utility.led, utility.closing_due, utility.late, utility.returned) == (1, 1, 1, 0)


def test_no_report_names_a_person(figures: Any) -> None:
    papers = [written(name) for name in reports.REPORTS]
    names = {actor.name for actor in figures.people.values()}
    assert len(names) > 10
    assert [name for name in names for paper in papers if name in str(paper)] == []


def test_every_table_says_what_it_counts(figures: Any) -> None:
    for name in reports.REPORTS:
        paper = written(name)
        assert paper.foot.startswith("数据截至 ")
        assert [table.title for table in tables(paper) if not table.notes] == []


def test_a_report_is_for_posts_that_look_over_its_whole_area(town: Any) -> None:
    may = {
        name: reports.may_read(actor, COUNTY)
        for name, actor in town.people.items()
        if actor.area_code == COUNTY
    }
    assert {name for name, yes in may.items() if yes} == {"county", "supervisor", "leader"}
    assert reports.may_read(town.city, COUNTY)
    assert not reports.may_read(town.town, COUNTY)
    assert reports.may_read(town.town, town.town.area_code)
    assert not reports.may_read(town.stranger, town.town.area_code)
    assert {town.auditor.role, town.administrator.role} & reports.READERS == set()
    assert Role.GRID_WORKER not in reports.READERS
