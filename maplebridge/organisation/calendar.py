"""The working calendar: which days are worked, when units are open, and when a time limit ends.

Rules, the same for every clock:

1. A moment outside opening hours counts from the next opening; a moment at closing time too.
2. Working hours and minutes run only while the unit is open.
3. A working day is a day of the public calendar: holidays are not worked, make-up days are, also
   for a unit that never closes. n working days end at the same position of the working clock, n
   working days later.
4. Calendar time ("15 days", "30 minutes" of an emergency) runs always.
5. Holidays are published a year at a time. Beyond the last published year Monday to Friday are
   taken as worked and every answer that rests on such a day says so: it is provisional, and is
   computed again once the year is known.

Source of holidays: the State Council's yearly notice, by the package chinesecalendar. What a city
adds (a typhoon day, a local holiday, a year the package does not know yet) is a configuration
table with editions; an exception counts for every open case, whenever that was opened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import chinese_calendar
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.lib.tables import Problem, Row
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, Said

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
DAY: Final = dt.timedelta(days=1)
MINUTE: Final = dt.timedelta(minutes=1)
# No time limit of the service comes near; a larger number is a slip, not a wish.
LONGEST_DAYS: Final = 3660

Intervals = tuple[tuple[dt.time, dt.time], ...]
Stretch = tuple[dt.datetime, dt.datetime]


class Due(NamedTuple):
    """When a time limit ends, and whether that rests on a year not yet published."""

    at: dt.datetime
    provisional: bool


@dataclass(frozen=True)
class Hours:
    """A unit's opening hours on a working day, local time; each interval ends before the next.

    Raises ValueError with a sentence when intervals overlap, are empty or out of order.
    """

    intervals: Intervals = (
        (dt.time(8, 30), dt.time(12, 0)),
        (dt.time(14, 0), dt.time(17, 30)),
    )
    around_the_clock: bool = False
    zone: ZoneInfo = field(default=SHANGHAI, compare=False)

    def __post_init__(self) -> None:
        edges = [edge for interval in self.intervals for edge in interval]
        if not edges and not self.around_the_clock:
            raise ValueError("A unit needs opening hours, or is open around the clock.")
        if any(a >= b for a, b in pairwise(edges)):
            raise ValueError("Opening hours must follow one another: each begins after the last.")

    @property
    def minutes_a_day(self) -> int:
        """Working minutes of one working day."""
        if self.around_the_clock:
            return 24 * 60
        return sum(
            (end.hour - begin.hour) * 60 + end.minute - begin.minute
            for begin, end in self.intervals
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Hours:
        """The hours kept with a unit.

        value: {} for the usual hours, {"around_the_clock": true}, or
        {"intervals": [["08:30", "12:00"], ["14:00", "17:30"]]}.
        Raises ValueError with a sentence when it cannot be read.
        """
        if value.get("around_the_clock"):
            return AROUND_THE_CLOCK
        if "intervals" not in value:
            return USUAL_HOURS
        try:
            return cls(
                tuple(
                    (dt.time.fromisoformat(begin), dt.time.fromisoformat(end))
                    for begin, end in value["intervals"]
                )
            )
        except (TypeError, ValueError) as problem:
            raise ValueError(f"Opening hours cannot be read: {problem}") from problem

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        if self.around_the_clock:
            return {"around_the_clock": True}
        return {
            "intervals": [
                [begin.isoformat("minutes"), end.isoformat("minutes")]
                for begin, end in self.intervals
            ]
        }


USUAL_HOURS: Final = Hours()
AROUND_THE_CLOCK: Final = Hours(intervals=(), around_the_clock=True)


class WorkCalendar:
    """Which days are worked, and the arithmetic of time limits on them.

    exceptions: days that differ from the published calendar, True for worked (a typhoon day, a
    local holiday). last_year: the last year to trust; the package's own unless given. For a later
    year than the package's, days without an exception are worked from Monday to Friday.
    """

    def __init__(
        self, exceptions: Mapping[dt.date, bool] | None = None, last_year: int | None = None
    ) -> None:
        published = chinese_calendar.constants.holidays
        self.first_year: int = min(published).year
        self._newest: int = max(published).year
        self.last_year: int = self._newest if last_year is None else last_year
        self._days: dict[dt.date, bool] = dict(exceptions or {})
        self._opened: dict[tuple[dt.date, Intervals, ZoneInfo], tuple[Stretch, ...]] = {}

    def is_published(self, day: dt.date) -> bool:
        """Whether the day's year has a published holiday notice."""
        return self.first_year <= day.year <= self.last_year

    def is_workday(self, day: dt.date) -> bool:
        """Whether the day is worked; Monday to Friday outside the published years."""
        known = self._days.get(day)
        if known is None:
            if self.is_published(day) and day.year <= self._newest:
                known = bool(chinese_calendar.is_workday(day))
            else:
                known = day.weekday() < 5
            self._days[day] = known
        return known

    def is_open(self, moment: dt.datetime, hours: Hours = USUAL_HOURS) -> bool:
        """Whether a unit is open at an aware moment. Raises ValueError for a naive one."""
        local = _local(moment, hours)
        if hours.around_the_clock:
            return True
        return self.is_workday(local.date()) and any(
            begin <= local.time() < end for begin, end in hours.intervals
        )

    def next_opening(self, moment: dt.datetime, hours: Hours = USUAL_HOURS) -> dt.datetime:
        """The moment itself while the unit is open, else its next opening, local time.

        Raises ValueError for a naive moment.
        """
        local = _local(moment, hours)
        if hours.around_the_clock:
            return local
        day = local.date()
        while True:
            for begin, end in self.opened(day, hours):
                if local < end:
                    return max(local, begin)
            day += DAY

    def add_work_minutes(
        self, start: dt.datetime, minutes: float, hours: Hours = USUAL_HOURS
    ) -> Due:
        """When `minutes` of open time have passed since an aware start.

        Raises ValueError for a naive start, a negative or absurdly large number.
        """
        left = MINUTE * _checked(minutes, LONGEST_DAYS * 24 * 60, "minutes")
        local = _local(start, hours)
        if hours.around_the_clock:
            return Due(_plus(local, left), False)
        at = self.next_opening(local, hours)
        day = at.date()
        while True:
            for begin, end in self.opened(day, hours):
                begins = max(begin, at)
                if begins >= end:
                    continue
                if left <= end - begins:
                    return self._due(local, begins + left)
                left -= end - begins
            day += DAY

    def add_work_hours(self, start: dt.datetime, hours: float, of_unit: Hours = USUAL_HOURS) -> Due:
        """When `hours` of open time have passed since an aware start; errors as for minutes."""
        return self.add_work_minutes(start, hours * 60, of_unit)

    def add_work_days(self, start: dt.datetime, days: int, hours: Hours = USUAL_HOURS) -> Due:
        """The same position of the working clock, `days` working days after an aware start.

        A start outside hours counts from the next opening: reported on a Saturday, one working
        day ends on Tuesday at opening time. For a unit that never closes the working day runs
        from midnight to midnight.
        Raises ValueError for a naive start, a negative or absurdly large number.
        """
        left = int(_checked(days, LONGEST_DAYS, "working days"))
        local = _local(start, hours)
        at = self._next_working_moment(local, hours)
        day = at.date()
        while left:
            day += DAY
            left -= self.is_workday(day)
        return self._due(local, dt.datetime.combine(day, at.timetz()))

    def add_calendar(self, start: dt.datetime, length: dt.timedelta) -> Due:
        """A length of calendar time after an aware start; never provisional.

        Raises ValueError for a naive start, a negative or absurdly large length.
        """
        _checked(length / DAY, LONGEST_DAYS, "days")
        return Due(_plus(_local(start, USUAL_HOURS), length), False)

    def work_minutes_between(
        self, begin: dt.datetime, end: dt.datetime, hours: Hours = USUAL_HOURS
    ) -> int:
        """Whole minutes of open time from one aware moment to a later one, at least 0.

        Undoes `add_work_minutes`. Raises ValueError for naive moments or an end before the begin.
        """
        first, last = _local(begin, hours), _local(end, hours)
        if last < first:
            raise ValueError("The end lies before the begin.")
        if hours.around_the_clock:
            return (last - first) // MINUTE
        worked = dt.timedelta()
        day = first.date()
        while day <= last.date():
            for opens, closes in self.opened(day, hours):
                worked += max(min(closes, last) - max(opens, first), dt.timedelta())
            day += DAY
        return worked // MINUTE

    def work_days_between(self, begin: dt.date, end: dt.date) -> int:
        """Working days after the first day, up to and with the last; 0 when the last is earlier."""
        days = 0
        day = begin + DAY
        while day <= end:
            days += self.is_workday(day)
            day += DAY
        return days

    def opened(self, day: dt.date, hours: Hours) -> tuple[Stretch, ...]:
        """When a unit is open on a day, local time; a worked day whole if it never closes."""
        key = (day, hours.intervals, hours.zone)
        known = self._opened.get(key)
        if known is None:
            known = self._opened[key] = _hours_on(day, hours) if self.is_workday(day) else ()
        return known

    def _next_working_moment(self, local: dt.datetime, hours: Hours) -> dt.datetime:
        if not hours.around_the_clock:
            return self.next_opening(local, hours)
        day = local.date()
        if self.is_workday(day):
            return local
        while not self.is_workday(day):
            day += DAY
        return dt.datetime.combine(day, dt.time(), hours.zone)

    def _due(self, start: dt.datetime, at: dt.datetime) -> Due:
        return Due(at, not (self.is_published(start.date()) and self.is_published(at.date())))


def _hours_on(day: dt.date, hours: Hours) -> tuple[Stretch, ...]:
    if hours.around_the_clock:
        midnight = dt.datetime.combine(day, dt.time(), hours.zone)
        return ((midnight, midnight + DAY),)
    return tuple(
        (dt.datetime.combine(day, begin, hours.zone), dt.datetime.combine(day, end, hours.zone))
        for begin, end in hours.intervals
    )


def _local(moment: dt.datetime, hours: Hours) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError("A clock needs a moment with its time zone.")
    return moment.astimezone(hours.zone)


def _plus(local: dt.datetime, length: dt.timedelta) -> dt.datetime:
    # Through UTC, so that a zone with summer time loses or gains no hour.
    return (local.astimezone(dt.UTC) + length).astimezone(local.tzinfo)


def _checked(amount: float, most: float, what: str) -> float:
    if not 0 <= amount <= most:
        raise ValueError(f"A time limit is between 0 and {most} {what}, not {amount}.")
    return amount


# What holds where a city has published nothing of its own.
CALENDAR: Final = WorkCalendar()


class What(models.TextChoices):
    """What an edition says of a day."""

    OFF = "off", _l("Not worked")
    WORKED = "worked", _l("Worked")
    PUBLISHED = "published", _l("Holidays are known up to and with this day")


def _check(cells: Cells) -> Iterable[Said]:
    if cells["what"] not in What.values:
        yield editions.wrong_choice("what", cells["what"], What.values)
    if not editions.is_day(cells["day"]):
        yield editions.wrong_day("day")
    elif cells["what"] == What.PUBLISHED and not cells["day"].endswith("-12-31"):
        yield (
            _("Holidays are published for whole years."),
            _("Write the last day of the year, like 2026-12-31."),
        )


def _whole(rows: Sequence[Row]) -> Iterable[Problem]:
    said: dict[str, str] = {}
    for row in rows:
        if row.cells["what"] == What.PUBLISHED:
            continue
        day = row.cells["day"]
        if said.setdefault(day, row.cells["what"]) != row.cells["what"]:
            yield Problem(
                row.line,
                day,
                _("The day is both worked and not worked."),
                _("Keep one of the two lines."),
            )


def _build(_number: int, rows: Sequence[Cells]) -> WorkCalendar:
    if not rows:
        return CALENDAR
    days = {
        dt.date.fromisoformat(cells["day"]): cells["what"] == What.WORKED
        for cells in rows
        if cells["what"] != What.PUBLISHED
    }
    years = [int(cells["day"][:4]) for cells in rows if cells["what"] == What.PUBLISHED]
    return WorkCalendar(days, max(years, default=None))


EXCEPTIONS: Final = editions.Table(
    name="calendar",
    label=_l("Working calendar"),
    columns=("day", "what", "reason"),
    key=("day", "what"),
    check=_check,
    whole=_whole,
    build=_build,
)


def in_force() -> WorkCalendar:
    """The calendar with the city's own exceptions, at most half a minute old."""
    return EXCEPTIONS.value()


def is_workday(day: dt.date) -> bool:
    """As `WorkCalendar.is_workday`, by the calendar in force; so are the functions below."""
    return in_force().is_workday(day)


def next_opening(moment: dt.datetime, hours: Hours = USUAL_HOURS) -> dt.datetime:
    """The moment itself while the unit is open, else its next opening."""
    return in_force().next_opening(moment, hours)


def add_work_minutes(start: dt.datetime, minutes: float, hours: Hours = USUAL_HOURS) -> Due:
    """When `minutes` of open time have passed."""
    return in_force().add_work_minutes(start, minutes, hours)


def add_work_hours(start: dt.datetime, hours: float, of_unit: Hours = USUAL_HOURS) -> Due:
    """When `hours` of open time have passed."""
    return in_force().add_work_hours(start, hours, of_unit)


def add_work_days(start: dt.datetime, days: int, hours: Hours = USUAL_HOURS) -> Due:
    """The same position of the working clock, `days` working days later."""
    return in_force().add_work_days(start, days, hours)


def add_calendar(start: dt.datetime, length: dt.timedelta) -> Due:
    """A length of calendar time after a start."""
    return in_force().add_calendar(start, length)


def work_minutes_between(begin: dt.datetime, end: dt.datetime, hours: Hours = USUAL_HOURS) -> int:
    """Whole minutes of open time from one moment to a later one."""
    return in_force().work_minutes_between(begin, end, hours)
