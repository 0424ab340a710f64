"""What a linkage centre's board shows of an area: six figures and what they are made of.

A board is looked at by many at once, so it counts no confidential case (C2) and none that complains
about a unit, and of sensitive ones (C1) no number under five. It compares areas, kinds and units,
never people.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, CaseQuerySet
from maplebridge.lib import clock
from maplebridge.lib.clock import CHINA, local_day
from maplebridge.organisation.areas import LENGTHS, subtree

# Of sensitive matters a smaller number would tell of single ones.
FEWEST = 5
TREND_DAYS = 30
FEED_DAYS = 7
FEED_ROWS = 12
# Stars out of five that count as satisfied: very, satisfied, fairly.
SATISFIED = 3
URGENT = ("S0", "S1")


@dataclass(frozen=True)
class Standing:
    """How one open case stands at an instant."""

    area_code: str
    category: str
    channel: str
    line: str
    confidentiality: str
    unit_code: str
    opened_at: dt.datetime
    due_at: dt.datetime | None
    supervision: int
    urgency: str
    sla_class: str


@dataclass(frozen=True)
class Count:
    """A number of cases; hides: fewer than FEWEST sensitive ones are left out of it."""

    name: str
    cases: int
    overdue: int = 0
    hides: bool = False


@dataclass(frozen=True)
class UnitCount:
    """What one unit has to answer for: supervised and overdue cases."""

    unit_code: str
    supervised: int
    overdue: int


@dataclass(frozen=True)
class Rated:
    """What reporters said of the matters closed within TREND_DAYS.

    closed: all of them. rated, satisfied: with a grade, with SATISFIED or better. asked, solved:
    who said whether it is solved, and that it is. Not reached and not rated count as neither.
    """

    closed: int = 0
    rated: int = 0
    satisfied: int = 0
    asked: int = 0
    solved: int = 0


@dataclass(frozen=True)
class Day:
    """One day of the trend: how many were reported, how many closed."""

    day: dt.date
    opened: int
    closed: int


@dataclass(frozen=True)
class Board:
    """Everything a board shows of an area at an instant."""

    area_code: str
    at: dt.datetime
    new_today: int
    open: int
    due_today: int
    overdue: int
    supervised: int
    rated: Rated
    channels: Sequence[Count]
    categories: Sequence[Count]
    lines: Sequence[Count]
    areas: Sequence[Count]
    units: Sequence[UnitCount]
    trend: Sequence[Day]
    hides: bool = False


@dataclass
class _Cell:
    """Cases of one kind in a breakdown, the sensitive ones apart."""

    plain: int = 0
    sensitive: int = 0
    overdue_plain: int = 0
    overdue_sensitive: int = 0
    hides: bool = field(default=False)


def counted(area_code: str) -> CaseQuerySet:
    """The cases a board of an area counts."""
    found = Case.objects.inside(area_code).exclude(confidentiality=Confidentiality.C2)
    return found.filter(about_unit="")


def live(area_code: str, at: dt.datetime | None = None) -> Board:
    """The board of an area now: three statements on indexes of open and recent cases.

    Asked behind the wall: an area out of its sight has no case. Raises ValueError for a code that
    is none. at: now, unless a test's clock says otherwise.
    """
    at = at or clock.now()
    names = Standing.__dataclass_fields__
    rows = counted(area_code).filter(ended=False).values_list(*names)
    standings = [Standing(*row) for row in rows]
    return compose(area_code, at, standings, *_recent(area_code, at))


RECENT = """
SELECT day, sum(opened)::int, sum(closed)::int FROM (
    SELECT (opened_at AT TIME ZONE 'Asia/Shanghai')::date AS day, 1 AS opened, 0 AS closed
    FROM cases_case WHERE {counted} AND opened_at >= %(since)s AND opened_at <= %(at)s
    UNION ALL
    SELECT (closed_at AT TIME ZONE 'Asia/Shanghai')::date, 0, 1
    FROM cases_case WHERE {counted} AND ended AND changed_at >= %(since)s
        AND closed_at >= %(since)s AND closed_at <= %(at)s
) AS moved GROUP BY day
"""
RATED = """
SELECT count(*), count(rating), count(*) FILTER (WHERE rating >= %(satisfied)s), count(solved),
    count(*) FILTER (WHERE solved)
FROM cases_case
WHERE {counted} AND ended AND changed_at >= %(since)s AND closed_at >= %(since)s
    AND closed_at <= %(at)s
"""
COUNTED = """area_code >= %(lo)s AND area_code < %(hi)s AND confidentiality <> 'C2'
    AND about_unit = ''"""


def since(at: dt.datetime) -> dt.datetime:
    """The first instant of the trend that ends at `at`: midnight in China."""
    first = local_day(at) - dt.timedelta(days=TREND_DAYS - 1)
    return dt.datetime.combine(first, dt.time(), CHINA)


def _recent(area_code: str, at: dt.datetime) -> tuple[list[Day], Rated]:
    lo, hi = subtree(area_code)
    asked: dict[str, Any] = {
        "lo": lo,
        "hi": hi,
        "since": since(at),
        "at": at,
        "satisfied": SATISFIED,
    }
    with connection.cursor() as cursor:
        cursor.execute(RECENT.format(counted=COUNTED), asked)
        moved = {day: (opened, closed) for day, opened, closed in cursor}
        cursor.execute(RATED.format(counted=COUNTED), asked)
        rated = Rated(*cursor.fetchone())
    return days(at, lambda day: moved.get(day, (0, 0))), rated


def days(at: dt.datetime, moved: Callable[[dt.date], tuple[int, int]]) -> list[Day]:
    """The days of the trend that ends at `at`, the oldest first."""
    last = local_day(at)
    each = [last - dt.timedelta(days=back) for back in reversed(range(TREND_DAYS))]
    return [Day(day, *moved(day)) for day in each]


def compose(
    area_code: str,
    at: dt.datetime,
    standings: Sequence[Standing],
    trend: Sequence[Day],
    rated: Rated,
) -> Board:
    """The board from what stands open in an area, its days and its ratings. Pure."""
    today = local_day(at)
    overdue = [one for one in standings if is_overdue(one, at)]
    length = below(area_code)
    open_now = _total(standings)
    return Board(
        area_code=area_code,
        at=at,
        new_today=trend[-1].opened,
        open=open_now.cases,
        due_today=_total([s for s in standings if _is_due_on(s, today, at)]).cases,
        overdue=_total(overdue).cases,
        supervised=_total([s for s in standings if s.supervision]).cases,
        rated=rated,
        channels=breakdown(standings, lambda one: one.channel, at),
        categories=breakdown(standings, lambda one: one.category[:2], at),
        lines=breakdown(standings, lambda one: one.line, at),
        areas=breakdown(standings, lambda one: one.area_code[:length], at) if length else (),
        units=_units(standings, at),
        trend=tuple(trend),
        hides=open_now.hides,
    )


def below(area_code: str) -> int:
    """Digits of the areas one level below; 0 for a grid."""
    return next((length for length in LENGTHS if length > len(area_code)), 0)


def is_overdue(one: Standing, at: dt.datetime) -> bool:
    """Whether its clock has run out."""
    return one.due_at is not None and one.due_at < at


def _is_due_on(one: Standing, day: dt.date, at: dt.datetime) -> bool:
    return one.due_at is not None and one.due_at >= at and local_day(one.due_at) == day


def _total(part: Sequence[Standing]) -> Count:
    """A sum; sensitive cases are in it when there are none or at least FEWEST of them."""
    sensitive = sum(is_sensitive(one) for one in part)
    hides = 0 < sensitive < FEWEST
    return Count("", len(part) - (sensitive if hides else 0), hides=hides)


def is_sensitive(one: Standing) -> bool:
    """Whether small numbers of such cases are hidden."""
    return one.confidentiality != Confidentiality.C0


def breakdown(
    standings: Iterable[Standing], name: Callable[[Standing], str], at: dt.datetime
) -> list[Count]:
    """How many cases of each name, the most first; of sensitive ones no number under FEWEST.

    Where one hidden number could be found by subtracting the others from the sum, the next
    smallest is hidden, too.
    """
    cells: dict[str, _Cell] = {}
    for one in standings:
        cell = cells.setdefault(name(one), _Cell())
        late = is_overdue(one, at)
        if is_sensitive(one):
            cell.sensitive += 1
            cell.overdue_sensitive += late
        else:
            cell.plain += 1
            cell.overdue_plain += late
    hide_few(list(cells.values()))
    found = [
        Count(
            key,
            cell.plain + (0 if cell.hides else cell.sensitive),
            cell.overdue_plain
            + (0 if cell.hides or 0 < cell.overdue_sensitive < FEWEST else cell.overdue_sensitive),
            cell.hides,
        )
        for key, cell in cells.items()
    ]
    return sorted(found, key=lambda count: (-count.cases, count.name))


def hide_few(cells: Sequence[_Cell]) -> None:
    """Marks the cells whose sensitive number is not shown."""
    for cell in cells:
        cell.hides = 0 < cell.sensitive < FEWEST
    hidden = [cell for cell in cells if cell.hides]
    others = sorted(
        (cell for cell in cells if cell.sensitive and not cell.hides),
        key=lambda cell: cell.sensitive,
    )
    # The sum is shown when it is large enough; one number hidden alone would be the difference.
    if len(hidden) == 1 and others:
        others[0].hides = True


def _units(standings: Sequence[Standing], at: dt.datetime) -> list[UnitCount]:
    """Units with supervised or overdue cases, the most pressing first; of C0 cases only."""
    supervised: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    for one in standings:
        if is_sensitive(one):
            continue
        supervised[one.unit_code] += one.supervision > 0
        overdue[one.unit_code] += is_overdue(one, at)
    found = [
        UnitCount(unit, supervised[unit], overdue[unit])
        for unit in supervised
        if supervised[unit] or overdue[unit]
    ]
    return sorted(found, key=lambda u: (-u.supervised, -u.overdue, u.unit_code))


@dataclass(frozen=True)
class Movement:
    """One line of the board's feed: a publishable matter that moved; never a word of it."""

    case_id: UUID
    at: dt.datetime
    area_code: str
    category: str
    kind: str
    kind_version: int
    state: str


def movements(area_code: str, at: dt.datetime | None = None) -> list[Movement]:
    """The latest movements of publishable (C0) matters reported within FEED_DAYS. One statement."""
    until = at or clock.now()
    names = ("pk", "changed_at", "area_code", "category", "kind", "kind_version", "state")
    rows = (
        counted(area_code)
        .filter(confidentiality=Confidentiality.C0)
        .filter(opened_at__gte=until - dt.timedelta(days=FEED_DAYS))
        .order_by("-changed_at", "-pk")
        .values_list(*names)[:FEED_ROWS]
    )
    return [Movement(*row) for row in rows]


def pressing(area_code: str) -> list[Case]:
    """Open publishable emergencies (S0 and S1) of an area, the most pressing first."""
    found = counted(area_code).filter(
        ended=False, sla_class__in=URGENT, confidentiality=Confidentiality.C0
    )
    return list(found.order_by("sla_class", "due_at", "pk")[:FEED_ROWS])
