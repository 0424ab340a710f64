"""What a span of days is compared with."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.insight.periods import Period, period_before, period_of, period_year_ago

D = dt.date


def span(a: str, b: str) -> Period:
    return Period(D.fromisoformat(a), D.fromisoformat(b))


@pytest.mark.parametrize(
    ("period", "before", "year_ago"),
    [
        # A day, a week, months of other lengths, a quarter, a year, and days of no kind.
        (("2026-11-22", "2026-11-22"), ("2026-11-21", "2026-11-21"), ("2025-11-22", "2025-11-22")),
        (("2026-11-16", "2026-11-22"), ("2026-11-09", "2026-11-15"), ("2025-11-16", "2025-11-22")),
        (("2026-10-01", "2026-10-31"), ("2026-09-01", "2026-09-30"), ("2025-10-01", "2025-10-31")),
        (("2026-01-01", "2026-01-31"), ("2025-12-01", "2025-12-31"), ("2025-01-01", "2025-01-31")),
        (("2025-02-01", "2025-02-28"), ("2025-01-01", "2025-01-31"), ("2024-02-01", "2024-02-29")),
        (("2026-01-01", "2026-03-31"), ("2025-10-01", "2025-12-31"), ("2025-01-01", "2025-03-31")),
        (("2026-01-01", "2026-12-31"), ("2025-01-01", "2025-12-31"), ("2025-01-01", "2025-12-31")),
        (("2024-02-27", "2024-02-29"), ("2024-02-24", "2024-02-26"), ("2023-02-27", "2023-02-28")),
        (("2026-11-02", "2026-11-10"), ("2026-10-24", "2026-11-01"), ("2025-11-02", "2025-11-10")),
    ],
)  # fmt: skip
def test_a_span_is_compared_with_the_one_of_its_kind(period, before, year_ago):
    assert period_before(span(*period)) == span(*before)
    assert period_year_ago(span(*period)) == span(*year_ago)


@pytest.mark.parametrize(
    ("kind", "begins", "ends"),
    [
        ("day", "2026-11-22", "2026-11-22"),
        ("week", "2026-11-16", "2026-11-22"),
        ("month", "2026-11-01", "2026-11-30"),
        ("quarter", "2026-10-01", "2026-12-31"),
        ("year", "2026-01-01", "2026-12-31"),
    ],
)
def test_the_period_that_holds_a_day(kind, begins, ends):
    assert period_of(kind, D(2026, 11, 22)) == span(begins, ends)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="fortnight"):
        period_of("fortnight", D(2026, 11, 22))
