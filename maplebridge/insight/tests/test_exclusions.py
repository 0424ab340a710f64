"""What rules take out of an indicator, by their dated versions, and the indicators beside them."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.cases import engine
from maplebridge.insight.exclusions import Exclusion, check, read_exclusions, seeded
from maplebridge.insight.indicators import FORMULAS, indicators, table_from
from maplebridge.insight.periods import Period
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.people import SYSTEM

D = dt.date
MORNING = dt.datetime(2026, 11, 9, 9, tzinfo=CHINA)
NOVEMBER = Period(D(2026, 11, 1), D(2026, 11, 30))
LATER = dt.datetime(2027, 6, 1, tzinfo=CHINA)


def rows(area="330825", period=NOVEMBER, at=LATER, **options):
    return {row.name: row for row in indicators(area, period, at, **options)}


def shown(row):
    return row.numerator, row.denominator


def at_handling(town, at=MORNING, **facts):
    """A case that was accepted after 10 minutes, signed for after 40, and is being handled."""
    case_id = town.report(at=at).case_id
    town.move(case_id, "triage", SYSTEM, triage(town, **facts), at=at)
    for minutes, name, actor, said in (
        (10, "accept", town.town, {}),
        (15, "file_case", town.town, {}),
        (20, "dispatch", town.town, {"unit": f"{town.county_code}-hsc"}),
        (40, "sign_for", town.housing, {}),
    ):
        town.move(case_id, name, actor, said, at=at + dt.timedelta(minutes=minutes))
    return case_id


def triage(town, **facts):
    return {
        "area_code": town.village_code, "category": "1004", "line": "HSC", "sla_class": "S4",
        "confidentiality": "C0", "suggested_unit": f"{town.county_code}-hsc", **facts,
    }  # fmt: skip


def close(town, case_id, at):
    for name, actor, said in (
        ("feedback", town.housing, {"result": "已疏通管道"}),
        ("verify_pass", town.village, {}),
        ("close", town.town, {"reply": "已疏通"}),
    ):
        town.move(case_id, name, actor, said, at=at)


def test_the_list_that_comes_with_the_platform_fits_the_table():
    names = {formula.name for formula in FORMULAS}
    assert {one.indicator for one in seeded()} <= names
    assert {one.rule for one in seeded()} == {"no_matter", "suspended", "ruled", "not_reached"}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("a,no_such,1,2026-01-01,,", "there is no rule 'no_such'"),
        ("a,ruled,1,2026-02-01,2026-02-01,", "ends before it begins"),
        ("a,ruled,1,2026-01-01,,\na,ruled,2,2026-02-01,,", "in force on the same day"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(tmp_path, lines, said):
    file = tmp_path / "exclusions.csv"
    file.write_text(f"indicator,rule,version,begins,ends,source\n{lines}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        read_exclusions(file)


def test_versions_that_follow_each_other_are_fine():
    check(
        [
            Exclusion("a", "ruled", 1, D(2026, 1, 1), D(2026, 2, 1)),
            Exclusion("a", "ruled", 2, D(2026, 2, 1)),
        ]
    )


def test_what_is_taken_out_leaves_both_sides():
    rule = Exclusion("closed_in_time_jinhua_share", "suspended", 1, D(2018, 1, 1))
    counts = {
        "closing_due": 972, "closed_in_time": 737, rule.key: 12,
        f"{rule.indicator}:whole": 12, f"{rule.indicator}:part": 0,
    }  # fmt: skip
    table = {row.name: row for row in table_from(counts, [rule])}
    assert shown(table["closed_in_time_share"]) == (737, 972)
    assert shown(table["closed_in_time_jinhua_share"]) == (737, 960)
    assert table["closed_in_time_jinhua_share"].as_json()["exclusions"] == [
        {"rule": "suspended", "version": 1, "begins": "2018-01-01", "ends": None,
         "label": str(rule.label), "cases": 12},
    ]  # fmt: skip
    assert table["closed_in_time_share"].taken_out == ()


@pytest.mark.django_db
def test_a_suspended_case_is_taken_out_of_the_jinhua_variant_only(town):
    case_id = at_handling(town)
    said = {"ground": "season", "reason": "汛期", "review_on": "2026-11-30"}
    town.move(case_id, "suspend", town.county, said, at=MORNING + dt.timedelta(hours=2))
    close(town, at_handling(town), MORNING + dt.timedelta(hours=3))
    found = rows()
    assert shown(found["closed_in_time_share"]) == (1, 2)
    assert shown(found["closed_in_time_jinhua_share"]) == (1, 1)
    (taken,) = found["closed_in_time_jinhua_share"].taken_out
    assert (taken.exclusion.rule, taken.cases) == ("suspended", 1)
    assert found["suspended"].numerator == 1


@pytest.mark.django_db
def test_a_rule_holds_for_the_cases_of_its_days(town):
    for day in (9, 10, 11):
        case_id = at_handling(town, MORNING.replace(day=day))
        said = {"ground": "season", "reason": "汛期", "review_on": "2026-11-30"}
        town.move(case_id, "suspend", town.county, said, at=MORNING.replace(day=day, hour=12))
    rule = ("closed_share", "suspended")
    versions = [
        Exclusion(*rule, 1, D(2026, 11, 9), D(2026, 11, 10)),
        Exclusion(*rule, 2, D(2026, 11, 11)),
        Exclusion(*rule, 3, D(2031, 1, 1)),
    ]
    closed = rows(exclusions=versions)["closed_share"]
    assert shown(closed) == (0, 1)
    assert [(t.exclusion.version, t.cases) for t in closed.taken_out] == [(1, 1), (2, 1)]
    assert shown(rows(exclusions=[])["closed_share"]) == (0, 3)


@pytest.mark.django_db
def test_a_reporter_who_was_not_reached_is_neither_solved_nor_unsolved(town):
    for outcome in ("solved", "not_solved", "not_reached"):
        case_id = at_handling(town)
        close(town, case_id, MORNING + dt.timedelta(hours=3))
        later = MORNING + dt.timedelta(hours=5)
        town.move(case_id, "revisit", town.county, {"outcome": outcome}, at=later)
    solved = rows()["solved_share"]
    assert shown(solved) == (1, 2)
    assert [(t.exclusion.rule, t.cases) for t in solved.taken_out] == [("not_reached", 1)]


@pytest.mark.django_db
def test_times_are_a_median_and_nine_of_ten_and_say_how_many_were_measured(town):
    for n in range(10):
        case_id = at_handling(town)
        if n < 3:
            later = MORNING + dt.timedelta(minutes=41 + n)
            town.move(case_id, "contact", town.housing, {"note": "已联系"}, at=later)
    town.report(at=MORNING)
    found = rows()
    accept = found["accept_median_minutes"]
    assert (accept.numerator, accept.denominator, accept.value) == (10, None, 10)
    assert found["sign_p90_minutes"].value == 30
    assert found["contact_median_minutes"].numerator == 3
    assert found["contact_median_minutes"].value == 2
    assert found["contact_p90_minutes"].value == 3
    assert accept.as_json()["unit"] == "minutes"
    nothing = rows(area="330802")["accept_median_minutes"]
    assert (nothing.numerator, nothing.value) == (0, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "metres", "category", "repeated"),
    [(5, 60, "1004", 1), (89, 0, "1004", 1), (95, 0, "1004", 0), (5, 300, "1004", 0),
     (5, 0, "0901", 0)],
)  # fmt: skip
def test_a_report_of_the_same_at_the_same_place_is_a_repeat(town, days, metres, category, repeated):
    point = {"lon": 119.2, "lat": 29.03, "datum": "WGS-84"}
    first = town.report(at=MORNING, **point).case_id
    town.move(first, "triage", SYSTEM, triage(town), at=MORNING)
    for name in ("accept", "file_case"):
        town.move(first, name, town.town, at=MORNING)
    town.move(first, "dispatch", town.town, {"unit": f"{town.county_code}-hsc"}, at=MORNING)
    town.move(first, "sign_for", town.housing, at=MORNING)
    close(town, first, MORNING)
    again = {**point, "lat": 29.03 + metres / 111320}
    when = MORNING + dt.timedelta(days=days)
    second = town.report(at=when, area_code=town.village_code, **again).case_id
    said = triage(town, category=category)
    engine.move(second, "triage", SYSTEM, key="second", facts=said, at=when)
    found = rows()["repeated_share"]
    assert shown(found) == (repeated, 1)


@pytest.mark.django_db
def test_without_reports_of_patrols_nothing_is_said_of_what_they_missed(town):
    town.report(at=MORNING)
    town.report(at=MORNING)
    assert shown(rows()["missed_share"]) == (0, 0)
    town.report(at=MORNING, actor=town.grid)
    assert shown(rows()["missed_share"]) == (2, 3)


@pytest.mark.django_db
def test_a_unit_is_asked_for_what_it_had_to_lead(town):
    at_handling(town)
    town.report(at=MORNING)
    assert rows(unit_code="330825-hsc")["reported"].numerator == 1
    assert rows(unit_code="330825-utl")["reported"].numerator == 0
    assert rows()["reported"].numerator == 2
