"""The figures of an area and period: indicators beside their bases, and the roll-up's pictures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from maplebridge.insight import counts
from maplebridge.insight.counts import Standing
from maplebridge.insight.indicators import (
    FEWEST,
    Compared,
    Indicator,
    compared,
    compared_of,
    percent,
)
from maplebridge.insight.periods import KINDS, Period, period_before, period_of, period_year_ago
from maplebridge.insight.scope import Scope, Sight, scope_of, sight_of
from maplebridge.journey.models import Category
from maplebridge.lib import clock
from maplebridge.organisation.areas import LENGTHS, Level
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor
from maplebridge.web.command.rows import place_names
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.beside import figure_lines
from maplebridge.web.parts.desk import at_a_desk

TREND_DAYS = 30
MOST_BARS = 8
WIDTH, HEIGHT = 600, 96
KIND_WORDS = {
    "day": gettext_lazy("Day"),
    "week": gettext_lazy("Week"),
    "month": gettext_lazy("Month"),
    "quarter": gettext_lazy("Quarter"),
    "year": gettext_lazy("Year"),
}


@dataclass(frozen=True)
class Change:
    """Against one base: how it is called, by how much, and in points for a share; "—" for none."""

    name: str
    words: str
    points: str
    way: str


@dataclass(frozen=True)
class Left:
    """What one rule took out: how many, in which words, since when."""

    cases: int
    label: str
    version: int
    begins: dt.date


@dataclass(frozen=True)
class Line:
    """One row of the table, ready to be read."""

    label: str
    value: str
    parts: str
    few: bool
    changes: tuple[Change, Change]
    excluded: str
    left: tuple[Left, ...]


@dataclass(frozen=True)
class Bar:
    """One bar: its name, its number, its length of 100, and where it leads."""

    name: str
    count: int
    open: int
    length: float
    area: str = ""


@dataclass(frozen=True)
class Trend:
    """The line of the last days as points of a picture of WIDTH by HEIGHT."""

    line: str
    ground: str
    last: tuple[float, float]
    most: int
    total: int
    days: Sequence[Standing]


@require_safe
@at_a_desk
def figures(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The table for an area within one's scope and a period; without script, by one form."""
    scope = scope_of(actor)
    if scope is None:
        raise PermissionDenied
    at = clock.now()
    today = clock.local_day(at)
    area = narrowing(request.GET, "area") or scope.area_code
    if not scope.holds(area) or len(area) not in LENGTHS or not area.isdigit():
        raise Http404
    kind, day = _asked(request.GET, today)
    period = period_of(kind, day)
    table = compared(area, period, at, unit_code=scope.unit_code, sight=sight_of(actor))
    shown: dict[str, Any] = {
        "here": "figures",
        "area": area,
        "area_name": place_names([area])[area],
        "scope": scope,
        "kind": kind,
        "kinds": [(name, KIND_WORDS[name]) for name in KINDS],
        "on": day,
        "areas": _areas(scope, area),
        "period": period,
        "year_ago": period_year_ago(period),
        "before": period_before(period),
        "running": period.until >= today,
        "at": at,
        "lines": [_line(row) for row in table],
        "empty": not any(row.numerator for row in (table[0].indicator,)),
        "fewest": FEWEST,
    }
    if not scope.unit_code and len(area) <= Level.TOWNSHIP:
        shown["brought"] = _brought(area, period, sight_of(actor), today)
        shown |= _pictures(area, period, min(period.until, today), kind, day)
    return render(request, "command/figures.html", shown)


def _brought(area: str, period: Period, sight: Sight, today: dt.date) -> list[dict[str, Any]]:
    """What applications count, where there is anything to count."""
    found = []
    for part in figure_lines():
        table = compared_of(part.lines_of, area, period, sight, today)
        if any(row.indicator.numerator for row in table):
            lines = [_line(row) for row in table]
            found.append({"name": part.name, "label": part.label, "lines": lines})
    return found


def _asked(said: QueryDict, today: dt.date) -> tuple[str, dt.date]:
    """The kind of period and a day of it; what cannot be read falls back to this month."""
    kind = narrowing(said, "kind")
    try:
        day = dt.date.fromisoformat(narrowing(said, "on"))
    except ValueError:
        day = today
    # A year with a base before the calendar's first, or beyond its last, has no table.
    if not 1990 <= day.year <= today.year + 1:
        day = today
    return (kind if kind in KINDS else "month"), day


def _areas(scope: Scope, area: str) -> list[tuple[str, str]]:
    """The areas to choose from: those above within the scope, this one, and those just below."""
    above = [area[:n] for n in LENGTHS if len(scope.area_code) <= n <= len(area)]
    deeper = [n for n in LENGTHS if n > len(area)]
    below: list[tuple[str, str]] = []
    if deeper:
        found = Area.objects.within(area).filter(code__regex=f"^.{{{deeper[0]}}}$")
        below = list(found.order_by("code").values_list("code", "name"))
    names = place_names(above)
    return [*((code, names[code]) for code in above), *below]


def _line(row: Compared) -> Line:
    now = row.indicator
    few = now.is_few
    return Line(
        label=str(now.label),
        value="—" if few else _value(now),
        parts=_parts(now),
        few=few,
        changes=(
            _change(_("year on year"), now, row.year_ago, row.year_change, row.year_points),
            _change(_("on the period before"), now, row.before, row.before_change,
                    row.before_points),
        ),
        excluded=str(now.excluded),
        left=tuple(
            Left(t.cases, str(t.exclusion.label), t.exclusion.version, t.exclusion.begins)
            for t in now.taken_out
        ),
    )  # fmt: skip


def _value(row: Indicator) -> str:
    if row.unit == "minutes":
        return _time(row.minutes)
    if row.denominator is None:
        return str(row.numerator)
    return percent(row.value)


def _parts(row: Indicator) -> str:
    if row.unit == "minutes":
        return _("%(n)s measured") % {"n": row.numerator}
    return "" if row.denominator is None else f"{row.numerator} / {row.denominator}"


def _time(minutes: float | None) -> str:
    """A length of time in the unit that suits it."""
    if minutes is None:
        return "—"
    if minutes < 90:
        return _("%(n)s min") % {"n": round(minutes)}
    if minutes < 48 * 60:
        return _("%(n)s h") % {"n": f"{minutes / 60:.1f}"}
    return _("%(n)s d") % {"n": f"{minutes / 60 / 24:.1f}"}


def _change(
    name: str, now: Indicator, base: Indicator, changed: float | None, points: float | None
) -> Change:
    if changed is None or now.is_few or base.is_few:
        return Change(name, "—", "", "")
    way = "up" if changed > 0 else "down" if changed < 0 else "same"
    sign = "+" if changed > 0 else ""
    in_points = "" if points is None else _("%(n)s points") % {"n": f"{points:+.2f}"}
    return Change(name, f"{sign}{percent(changed, 1)}", in_points, way)


def _pictures(area: str, period: Period, until: dt.date, kind: str, day: dt.date) -> dict[str, Any]:
    """What the roll-up shows: the last days, and the cases of the period by area and category."""
    towns = counts.by_township(area, period)
    categories = counts.by_category(area, period)
    names = place_names([standing.name for standing in towns])
    kinds = {category.code: category.shown_name for category in Category.objects.all()}
    more = urlencode({"kind": kind, "on": day.isoformat()})
    return {
        "trend": _trend(counts.by_day(area, until, TREND_DAYS)),
        "trend_days": TREND_DAYS,
        "towns": [
            Bar(names[s.name], s.opened, s.open, length, s.name if s.name != area else "")
            for s, length in _longest(towns)
        ],
        "categories": [
            Bar(kinds.get(s.name, _("Not sorted yet")), s.opened, s.open, length)
            for s, length in _longest(categories)
        ],
        "more_towns": max(len(towns) - MOST_BARS, 0),
        "more_categories": max(len(categories) - MOST_BARS, 0),
        "period_query": more,
    }


def _longest(standings: Sequence[Standing]) -> list[tuple[Standing, float]]:
    most = max((standing.opened for standing in standings), default=0) or 1
    return [(s, round(s.opened / most * 100, 1)) for s in standings[:MOST_BARS]]


def _trend(days: Sequence[Standing]) -> Trend:
    most = max((day.opened for day in days), default=0)
    step = (WIDTH - 12) / max(len(days) - 1, 1)
    points = [
        (round(6 + n * step, 1), round(HEIGHT - 6 - (HEIGHT - 14) * day.opened / (most or 1), 1))
        for n, day in enumerate(days)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    ground = f"6,{HEIGHT - 6} {line} {WIDTH - 6},{HEIGHT - 6}"
    return Trend(line, ground, points[-1], most, sum(day.opened for day in days), days)
