"""The indicators against the figures that cities published."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.insight.indicators import (
    Indicator,
    Period,
    change,
    indicators,
    percent,
    share,
    table_from,
)
from maplebridge.lib.clock import now

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
    counts = dict.fromkeys(
        (
            "reported",
            "accepted",
            "filed",
            "closing_due",
            "closed",
            "closed_in_time",
            "settled",
            "dispatches",
            "returns",
            "checked",
            "reworked",
            "extended",
            "suspended",
            "rated",
            "satisfied",
            "answered",
            "solved",
            "reopened",
            "disputes",
            "disputes_settled",
        ),
        0,
    )
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
        "returns": 7,
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
