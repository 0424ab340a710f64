"""Working days, opening hours and the ends of time limits."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maplebridge.organisation.calendar import (
    AROUND_THE_CLOCK,
    SHANGHAI,
    USUAL_HOURS,
    Hours,
    WorkCalendar,
)

CALENDAR = WorkCalendar()
MOMENTS = st.integers(0, 6 * 365 * 24 * 60).map(
    lambda minutes: dt.datetime(2023, 1, 1, tzinfo=SHANGHAI) + dt.timedelta(minutes=minutes)
)
MINUTES = st.integers(0, 40_000)
HOURS = st.sampled_from(
    [
        USUAL_HOURS,
        AROUND_THE_CLOCK,
        Hours(intervals=((dt.time(9), dt.time(17)),)),
        Hours(intervals=((dt.time(0), dt.time(6)), (dt.time(20), dt.time(23, 59)))),
    ]
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2026-10-01", False),  # National Day
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-09-20", True),  # a Sunday, made up for National Day
        ("2026-10-10", True),  # a Saturday, made up for National Day
        ("2026-02-14", True),  # a Saturday, made up for Spring Festival
        ("2026-02-15", False),
        ("2026-02-17", False),  # New Year by the moon, a Tuesday
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),  # a Saturday, made up for Spring Festival
        ("2026-03-07", False),  # a usual Saturday
    ],
)
def test_holidays_are_off_and_make_up_days_are_worked(day: str, worked: bool) -> None:
    assert CALENDAR.is_workday(dt.date.fromisoformat(day)) is worked


def test_beyond_the_published_years_the_week_has_five_days_and_is_provisional() -> None:
    year = CALENDAR.last_year + 1
    monday = next(
        day
        for day in (dt.date(year, 10, 1) + dt.timedelta(n) for n in range(7))
        if day.weekday() == 0
    )
    assert CALENDAR.is_workday(monday)
    assert not CALENDAR.is_workday(monday + dt.timedelta(5))
    start = dt.datetime.combine(monday, dt.time(9), SHANGHAI)
    assert CALENDAR.add_work_days(start, 1).provisional is True
    assert CALENDAR.add_calendar(start, dt.timedelta(days=1)).provisional is False


def test_a_limit_that_crosses_into_an_unpublished_year_is_provisional() -> None:
    known = WorkCalendar(last_year=2025)
    assert known.add_work_hours(at("2025-12-31 16:00"), 1) == (at("2025-12-31 17:00"), False)
    assert known.add_work_hours(at("2025-12-31 17:00"), 1) == (at("2026-01-01 09:00"), True)
    # Once the year is known the same limit moves behind the holiday.
    assert CALENDAR.add_work_hours(at("2025-12-31 17:00"), 1) == (at("2026-01-04 09:00"), False)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-09-30 16:00", 1.0, "2026-09-30 17:00"),
        ("2026-09-30 16:30", 1.0, "2026-09-30 17:30"),
        ("2026-09-30 17:00", 1.0, "2026-10-08 09:00"),  # over National Day
        ("2026-09-30 11:30", 1.0, "2026-09-30 14:30"),  # over noon
        ("2026-09-30 12:00", 1.0, "2026-09-30 15:00"),  # closing time counts from the opening
        ("2026-09-30 23:00", 2.0, "2026-10-08 10:30"),
        ("2026-10-03 10:00", 4.0, "2026-10-08 14:30"),
        ("2026-02-13 17:00", 1.0, "2026-02-14 09:00"),  # the make-up Saturday
        ("2026-03-06 17:00", 1.0, "2026-03-09 09:00"),
    ],
)
def test_working_hours_run_while_the_unit_is_open(start: str, hours: float, due: str) -> None:
    assert CALENDAR.add_work_hours(at(start), hours) == (at(due), False)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-09-30 10:00", 1, "2026-10-08 10:00"),
        ("2026-09-30 10:00", 3, "2026-10-10 10:00"),  # the third is a made-up Saturday
        ("2026-03-07 10:00", 1, "2026-03-10 08:30"),  # Saturday counts from Monday's opening
        ("2026-03-09 18:00", 1, "2026-03-11 08:30"),
        ("2026-03-09 13:00", 1, "2026-03-10 14:00"),
        ("2026-03-09 10:00", 0, "2026-03-09 10:00"),
        ("2026-02-13 09:15", 2, "2026-02-24 09:15"),  # over Spring Festival
    ],
)
def test_working_days_end_at_the_same_position_of_the_clock(
    start: str, days: int, due: str
) -> None:
    assert CALENDAR.add_work_days(at(start), days) == (at(due), False)


def test_a_unit_that_never_closes_still_counts_public_working_days() -> None:
    due = CALENDAR.add_work_days(at("2026-10-03 22:00"), 1, AROUND_THE_CLOCK)
    assert due == (at("2026-10-09 00:00"), False)
    due = CALENDAR.add_work_hours(at("2026-10-03 22:00"), 3, AROUND_THE_CLOCK)
    assert due == (at("2026-10-04 01:00"), False)


def test_an_exception_overrides_the_published_day() -> None:
    typhoon = WorkCalendar({dt.date(2026, 7, 15): False})
    assert typhoon.add_work_days(at("2026-07-14 09:00"), 1) == (at("2026-07-16 09:00"), False)


def test_minutes_between_skip_nights_and_holidays() -> None:
    assert CALENDAR.work_minutes_between(at("2026-09-30 17:00"), at("2026-10-08 09:00")) == 60
    assert CALENDAR.work_minutes_between(at("2026-10-01 00:00"), at("2026-10-07 23:00")) == 0
    assert CALENDAR.work_days_between(dt.date(2026, 9, 30), dt.date(2026, 10, 10)) == 3


def test_hours_are_kept_as_json() -> None:
    assert Hours.from_json({}) == USUAL_HOURS
    assert Hours.from_json({"around_the_clock": True}) == AROUND_THE_CLOCK
    assert Hours.from_json(USUAL_HOURS.to_json()) == USUAL_HOURS
    assert USUAL_HOURS.minutes_a_day == 420
    for wrong in ({"intervals": [["12:00", "08:30"]]}, {"intervals": []}, {"intervals": ["x"]}):
        with pytest.raises(ValueError, match=r"[Oo]pening hours"):
            Hours.from_json(wrong)


def test_a_moment_without_its_zone_or_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        CALENDAR.add_work_hours(at("2026-03-09 10:00").replace(tzinfo=None), 1)
    with pytest.raises(ValueError, match="between 0 and"):
        CALENDAR.add_work_days(at("2026-03-09 10:00"), -1)
    with pytest.raises(ValueError, match="between 0 and"):
        CALENDAR.add_work_minutes(at("2026-03-09 10:00"), float("nan"))
    with pytest.raises(ValueError, match="before the begin"):
        CALENDAR.work_minutes_between(at("2026-03-09 10:00"), at("2026-03-09 09:00"))


@settings(max_examples=60, deadline=None)
@given(MOMENTS, MINUTES, HOURS)
def test_minutes_between_undo_added_minutes(start: dt.datetime, minutes: int, hours: Hours) -> None:
    due, _ = CALENDAR.add_work_minutes(start, minutes, hours)
    assert due >= start
    assert CALENDAR.work_minutes_between(start, due, hours) == minutes


@settings(max_examples=60, deadline=None)
@given(MOMENTS, st.timedeltas(dt.timedelta(), dt.timedelta(days=40)), MINUTES, HOURS)
def test_a_later_start_is_never_due_earlier(
    start: dt.datetime, later: dt.timedelta, minutes: int, hours: Hours
) -> None:
    assert (
        CALENDAR.add_work_minutes(start, minutes, hours).at
        <= CALENDAR.add_work_minutes(start + later, minutes, hours).at
    )
    days = minutes % 30
    assert (
        CALENDAR.add_work_days(start, days, hours).at
        <= CALENDAR.add_work_days(start + later, days, hours).at
    )


@settings(max_examples=60, deadline=None)
@given(MOMENTS, st.integers(0, 60), HOURS)
def test_more_days_are_never_due_earlier_and_end_on_a_worked_day(
    start: dt.datetime, days: int, hours: Hours
) -> None:
    due = CALENDAR.add_work_days(start, days, hours).at
    assert due <= CALENDAR.add_work_days(start, days + 1, hours).at
    assert CALENDAR.is_workday(due.date())
