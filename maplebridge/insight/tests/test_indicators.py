"""The indicators against the figures that cities published."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.insight.indicators import (
    COUNTED,
    Compared,
    Indicator,
    Period,
    change,
    compared,
    indicators,
    percent,
    share,
    table_from,
)
from maplebridge.insight.tests.lives import Lives
from maplebridge.lib.clock import CHINA, local_day, now

# Numerator, denominator and share as published. Source: domain guide, section 6.
PUBLISHED = [
    (996, 1054, "94.50%", 2),
    (911, 972, "93.72%", 2),
    (737, 972, "75.82%", 2),
    (1239, 1443, "85.9%", 1),
    (45160, 45228, "99.85%", 2),
]


@pytest.mark.parametrize(("numerator", "denominator", "said", "digits"), PUBLISHED)
def test_published_shares_come_out_as_published(numerator, denominator, said, digits):
    assert percent(share(numerator, denominator), digits) == said


def test_year_on_year_as_published():
    assert percent(change(757, 1000), 1) == "-24.3%"
    assert percent(change(832, 1000), 1) == "-16.8%"
    assert change(5, 0) is None


def test_a_denominator_of_zero_gives_no_value():
    assert share(0, 0) is None
    assert percent(None) == "—"
    assert Indicator("x", "x", 0, 0).as_json()["value"] is None


def test_a_part_larger_than_the_whole_is_refused():
    with pytest.raises(ValueError, match="3 of 2"):
        share(3, 2)


def test_the_formulas_use_the_published_counts():
    counts = dict.fromkeys(COUNTED, 0)
    counts |= {
        "reported": 1443,
        "settled": 1239,
        "accepted": 1054,
        "filed": 996,
        "closing_due": 972,
        "closed": 911,
        "closed_in_time": 737,
        "disputes": 45228,
        "disputes_settled": 45160,
        "dispatches": 100,
        "kept_dispatches": 93,
    }
    shown = {row.name: percent(row.value) for row in table_from(counts) if row.denominator}
    assert shown["filed_share"] == "94.50%"
    assert shown["closed_share"] == "93.72%"
    assert shown["closed_in_time_share"] == "75.82%"
    assert shown["settled_share"] == "85.86%"
    assert shown["disputes_settled_share"] == "99.85%"
    assert shown["right_dispatch_share"] == "93.00%"


@pytest.mark.django_db
def test_the_table_counts_what_happened_in_the_area_and_period(town):
    town.opened("archived")
    town.opened("handling")
    town.report()
    today = now().astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    rows = {r.name: r for r in indicators("330825", Period(today, today), now())}
    assert (rows["reported"].numerator, rows["filed_share"].numerator) == (3, 2)
    assert (rows["closed_share"].numerator, rows["closed_share"].denominator) == (1, 1)
    assert (rows["satisfied_share"].numerator, rows["satisfied_share"].denominator) == (1, 1)
    elsewhere = {r.name: r for r in indicators("330802", Period(today, today), now())}
    assert elsewhere["reported"].numerator == 0
    before = Period(today - dt.timedelta(days=9), today - dt.timedelta(days=1))
    assert indicators("330825", before, now())[0].numerator == 0


@pytest.mark.django_db
@pytest.mark.parametrize("seed", [3, 11, 29])
def test_whatever_happened_every_share_lies_between_nothing_and_all(town, seed):
    walk = Lives(town, seed)
    today = local_day(now())
    period = Period(today - dt.timedelta(days=4000), today)
    for _ in range(60):
        walk.step()
        for row in indicators("3308", period, now() + dt.timedelta(days=30)):
            if row.denominator is not None and row.value is not None:
                assert 0 <= row.value <= 1, row


@pytest.mark.django_db
def test_a_reopened_case_does_not_count_as_closed(town):
    case = town.opened("archived")
    today = local_day(now())

    def closed():
        rows = {r.name: r for r in indicators("330825", Period(today, today), now())}
        return rows["closed_share"].numerator, rows["reopened_share"].numerator

    assert closed() == (1, 0)
    town.move(case.pk, "reopen", town.resident(case.pk), {"reason": "又堵了"})
    assert closed() == (0, 1)


@pytest.mark.django_db
def test_cases_closed_on_the_spot_and_rated_do_not_upset_the_table(town):
    today = local_day(now())
    for _ in range(2):
        case = town.opened()
        town.triage(case.pk, sla_class="S2", area_code=town.grid_code)
        town.move(case.pk, "handle_on_spot", town.grid, {"note": "已清理"})
        town.move(case.pk, "verify_pass", town.village)
        town.move(case.pk, "close", town.town, {"reply": "好了"})
        town.move(case.pk, "rate", town.resident(case.pk), {"rating": "4", "solved": True})
    rows = {r.name: r for r in indicators("330825", Period(today, today), now())}
    assert (rows["rated_share"].numerator, rows["rated_share"].denominator) == (2, 2)
    assert (rows["closed_share"].numerator, rows["closed_share"].denominator) == (0, 0)


def test_comparisons_as_published_and_a_dash_without_a_base():
    def row(numerator, denominator=None):
        return Indicator("x", "x", numerator, denominator)

    counted = Compared(row(757), row(1000), row(910))
    assert percent(counted.year_change, 1) == "-24.3%"
    assert percent(counted.before_change, 1) == "-16.8%"
    assert counted.year_points is None
    nothing = Compared(row(757), row(0), row(0, 0))
    assert (nothing.year_change, nothing.before_change) == (None, None)
    assert percent(nothing.year_change) == "—"
    shared = Compared(row(3, 4), row(1, 2), row(0, 0))
    assert (shared.year_change, shared.year_points) == (0.5, 25.0)
    assert (shared.before_change, shared.before_points) == (None, None)


@pytest.mark.django_db
def test_the_table_stands_beside_its_bases(town):
    noon = dt.datetime(2026, 11, 22, 12, tzinfo=CHINA)
    for days, times in ((0, 3), (1, 2), (365, 1)):
        for _ in range(times):
            town.report(at=noon - dt.timedelta(days=days))
    today = Period(noon.date(), noon.date())
    reported = compared("330825", today, noon)[0]
    assert reported.indicator.name == "reported"
    assert [r.numerator for r in (reported.indicator, reported.year_ago, reported.before)] == [
        3, 1, 2,
    ]  # fmt: skip
    assert (reported.year_change, reported.before_change) == (2.0, 0.5)
