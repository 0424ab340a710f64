"""Spans of days, and what each is compared with: the year before, and the span just before."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass

from maplebridge.lib.clock import CHINA

KINDS = ("day", "week", "month", "quarter", "year")
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """Days from `since` to `until`, both counted, in the city's time."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days + 1

    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """The first instant, and the first after the last."""
        begin = dt.datetime.combine(self.since, dt.time(), CHINA)
        return begin, dt.datetime.combine(self.until, dt.time(), CHINA) + DAY


def period_of(kind: str, day: dt.date) -> Period:
    """The day, week (from Monday), month, quarter or year that holds a day.

    Raises ValueError for another kind.
    """
    match kind:
        case "day":
            return Period(day, day)
        case "week":
            monday = day - dt.timedelta(days=day.weekday())
            return Period(monday, monday + 6 * DAY)
        case "month":
            return _months(day.year, day.month, 1)
        case "quarter":
            return _months(day.year, day.month - (day.month - 1) % 3, 3)
        case "year":
            return _months(day.year, 1, 12)
    raise ValueError(f"a period is one of {', '.join(KINDS)}, not {kind!r}")


def period_before(period: Period) -> Period:
    """The span just before: 环比.

    Whole calendar months, a quarter or a year are compared with as many whole calendar months;
    everything else, a week too, with the same number of days.
    """
    months = _whole_months(period)
    if months:
        year, month = divmod(period.since.year * 12 + period.since.month - 1 - months, 12)
        return _months(year, month + 1, months)
    return Period(period.since - period.days * DAY, period.since - DAY)


def period_year_ago(period: Period) -> Period:
    """The same days one year earlier: 同比; whole calendar months stay whole.

    29 February, which the year before does not have, becomes 28 February.
    """
    months = _whole_months(period)
    if months:
        return _months(period.since.year - 1, period.since.month, months)
    return Period(_year_ago(period.since), _year_ago(period.until))


def _whole_months(period: Period) -> int:
    """How many calendar months a period consists of; 0 when it cuts one."""
    last = monthrange(period.until.year, period.until.month)[1]
    if period.since.day != 1 or period.until.day != last:
        return 0
    return (
        (period.until.year - period.since.year) * 12 + period.until.month - period.since.month + 1
    )


def _months(year: int, month: int, count: int) -> Period:
    over, last = divmod(year * 12 + month - 1 + count - 1, 12)
    until = dt.date(over, last + 1, monthrange(over, last + 1)[1])
    return Period(dt.date(year, month, 1), until)


def _year_ago(day: dt.date) -> dt.date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
