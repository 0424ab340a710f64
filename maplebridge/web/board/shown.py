"""A board ready to be drawn, once for all who look at the same area in the same language."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from maplebridge.cases.kinds import registry
from maplebridge.connectors import sensors
from maplebridge.connectors.models import Grade, Station
from maplebridge.insight import board
from maplebridge.insight.board import Board, Count
from maplebridge.insight.scope import scope_of, watches
from maplebridge.journey.models import Category
from maplebridge.lib import clock
from maplebridge.organisation.areas import LENGTHS
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor
from maplebridge.organisation.readiness import ResponseLevel, in_force
from maplebridge.web.parts import words
from maplebridge.web.parts.beside import panels_of
from maplebridge.web.parts.position import Position, here

MOST_GAUGES = 8
CHANNELS = {
    "web": gettext_lazy("Residents"),
    "grid": gettext_lazy("Grid workers"),
    "desk": gettext_lazy("Desks"),
    "hotline": gettext_lazy("Hotline 12345"),
    "api": gettext_lazy("Partner systems"),
    "file": gettext_lazy("Loaded files"),
    "sensor": gettext_lazy("Sensors"),
    "demonstration": gettext_lazy("Demonstration"),
}
# 社阳村村民委员会 is said 社阳村.
COMMITTEE = re.compile(r"(村民|居民)委员会$")
MOST_BARS = 6
# Nobody waits for another one's board longer than this before counting alone.
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Figure:
    """One of the six: its number, its meaning, and where its rows are."""

    name: str
    label: str
    value: str
    tone: str
    icon: str
    definition: str
    rows: str = ""
    under: str = ""


@dataclass(frozen=True)
class Bar:
    """One line of a breakdown; length of 100."""

    name: str
    cases: int
    overdue: int
    length: float
    hides: bool
    code: str = ""


LAYOUTS = ("peace", "emergency")


@dataclass
class _Shelf:
    """What was drawn last of one board, and from which position of the feed on it is old."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: Position | None = None
    drawn: dict[str, Any] = field(default_factory=dict)
    html: dict[str, str] = field(default_factory=dict)


_shelves: dict[tuple[str, ...], _Shelf] = {}


def fresh(area_code: str, actor: Actor, after: Position | None) -> dict[str, Any]:
    """The values of a live board; counted anew only when something happened since.

    after: the position of the news that made the reader ask. A board that was counted from there
    or later serves all readers; one of them counts, the others wait for it.
    """
    key = (area_code, actor.area_code, get_language() or "")
    shelf = _shelves.setdefault(key, _Shelf())
    taken = shelf.lock.acquire(timeout=WAIT_SECONDS)
    try:
        if after is None or shelf.at is None or shelf.at < after or not _is_young(shelf):
            place = here()
            shelf.drawn = values(board.live(area_code), actor, live=True)
            shelf.at = place
            shelf.html = {}
        return shelf.drawn
    finally:
        if taken:
            shelf.lock.release()


def drawn_parts(request: HttpRequest, context: dict[str, Any], area: str, actor: Actor) -> str:
    """The live parts as HTML, drawn once for all who look at the same board."""
    shelf = _shelves.get((area, actor.area_code, get_language() or ""))
    layout = context["layout"]
    if shelf is None or context["past"] is not None:
        return render_to_string("board/parts.html", context, request)
    kept = shelf.html
    if layout not in kept:
        kept[layout] = render_to_string("board/parts.html", context, request)
    return kept[layout]


def layout_of(context: Mapping[str, Any]) -> str:
    """How a board looks by itself: an emergency that runs, or a grave level, takes its place."""
    serious = context["response"].level in (ResponseLevel.I, ResponseLevel.II)
    return "emergency" if serious or context.get("running") else "peace"


def paint(actor: Actor, asked: Mapping[str, str]) -> str:
    """The live parts for the stream, counted now."""
    area = area_of(actor, asked) or actor.area_code
    context = dict(fresh(area, actor, None))
    layout = asked.get("layout") or layout_of(context)
    context |= {"layout": layout, "past": None}
    context["pressing"] = pressing(area) if layout == "emergency" else []
    return render_to_string("board/parts.html", context)


@dataclass(frozen=True)
class Gauge:
    """A station as the board shows it. over: metres over the warning level; fault: in words."""

    station: Station
    grade: str
    tone: str
    over: str
    fault: str


GRADE_TONES = {
    Grade.NORMAL: "jade", Grade.WARNING: "amber", Grade.GUARANTEE: "crimson",
    Grade.HISTORICAL: "crimson",
}  # fmt: skip
FAULTS = {
    sensors.QUIET: gettext_lazy("Sensor silent"),
    sensors.IMPOSSIBLE: gettext_lazy("Sensor faulty: impossible level"),
    sensors.LEAPING: gettext_lazy("Level in doubt: it leapt"),
}


def gauges(area_code: str) -> list[Gauge]:
    """The stations of an area, the highest over its warning level first; two statements."""
    broken = {station.pk: why for station, why in sensors.faulty(area_code, clock.now())}
    found = []
    for station in Station.objects.filter(area_code__startswith=area_code):
        over = sensors.over_warning(station)
        grade = Grade(station.grade)
        shown = Gauge(
            station,
            str(grade.label),
            GRADE_TONES[grade],
            f"{over:+.2f}" if over is not None else "",
            str(FAULTS.get(broken.get(station.pk, ""), "")),
        )
        found.append((-grade, -(over if over is not None else Decimal(-999)), station.pk, shown))
    return [shown for *_order, shown in sorted(found, key=lambda one: one[:3])][:MOST_GAUGES]


def area_of(actor: Actor, asked: Mapping[str, str]) -> str | None:
    """The area a reader asks the board of, the own one unless said; None when it is not theirs."""
    scope = scope_of(actor)
    if scope is None or not watches(actor):
        return None
    area = asked.get("area") or scope.area_code
    valid = area.isascii() and area.isdigit() and len(area) in LENGTHS
    return area if valid and scope.holds(area) else None


def _is_young(shelf: _Shelf) -> bool:
    """Clocks run out without news: a board is counted again after a quarter of a minute."""
    at: dt.datetime = shelf.drawn["at"]
    return dt.datetime.now(dt.UTC) - at < dt.timedelta(seconds=15)


def values(found: Board, actor: Actor, *, live: bool) -> dict[str, Any]:
    """What a template draws of a board."""
    area = found.area_code
    names = _names(area, [count.name for count in found.areas])
    groups = {c.code[:2]: c.shown_group for c in Category.objects.all()}
    return {
        "area": area,
        "area_name": names.get(area, area),
        "trail": [(code, names.get(code, code)) for code in _trail(area, actor.area_code)],
        "at": found.at,
        "is_live": live,
        "hides": found.hides or any(c.hides for c in (*found.categories, *found.areas)),
        "figures": figures(found, actor),
        "channels": bars(found.channels, lambda c: str(CHANNELS.get(c, c))),
        "categories": bars(found.categories, lambda c: groups.get(c, _("Not sorted yet"))),
        "lines": bars(found.lines, lambda c: words.line_name(c) if c else _("No line yet")),
        "areas": bars(
            found.areas, lambda c: names.get(c, c) if c != area else _("Not placed closer"), most=99
        ),
        "is_deepest": not found.areas and not board.below(area),
        "units": [
            {"name": words.unit_name(unit.unit_code), **vars(unit)} for unit in found.units[:8]
        ],
        "trend": found.trend,
        "spans": [
            {
                "days": days,
                "opened": sum(day.opened for day in found.trend[-days:]),
                "closed": sum(day.closed for day in found.trend[-days:]),
            }
            for days in (7, 30)
        ],
        "rated": found.rated,
        "movements": movements(area) if live else [],
        "gauges": gauges(area) if live else [],
        "running": panels_of(area) if live else [],
        "response": in_force(area),
        "peace": ResponseLevel.PEACE,
    }


def figures(found: Board, actor: Actor) -> list[Figure]:
    """The six figures. Their rows are open to whoever works in the area they count."""
    solved, asked = found.rated.solved, found.rated.asked
    own = found.area_code.startswith(actor.area_code)

    def rows(**query: str) -> str:
        if not own:
            return ""
        return f"{reverse('desk')}?{urlencode({**query, 'area': found.area_code})}"

    return [
        Figure(
            "new_today",
            _("New today"),
            str(found.new_today),
            "water",
            "plus",
            _("Matters reported since midnight, wherever they stand now."),
            rows(tab="all", since="today"),
        ),
        Figure(
            "open",
            _("Still open"),
            str(found.open),
            "maple",
            "inbox",
            _("Matters in which somebody still owes work."),
            rows(tab="open"),
        ),
        Figure(
            "due_today",
            _("Due today"),
            str(found.due_today),
            "amber",
            "due",
            _("Open matters whose running clock ends before midnight and has not run out."),
            rows(tab="open", due="today"),
        ),
        Figure(
            "overdue",
            _("Overdue"),
            str(found.overdue),
            "crimson",
            "overdue",
            _("Open matters whose running clock has run out."),
            rows(tab="overdue"),
        ),
        Figure(
            "supervised",
            _("Supervised"),
            str(found.supervised),
            "crimson",
            "flag",
            _("Open matters under supervision: ordinary, yellow or red."),
            rows(tab="open", supervised="yes"),
        ),
        Figure(
            "solved",
            _("Solved, say reporters"),
            f"{round(100 * solved / asked)}%" if asked >= board.FEWEST else "—",
            "jade",
            "star",
            _(
                "Of the matters closed in the last 30 days: how many reporters say that it is "
                "solved, of those who said anything. Who was not reached counts as neither. Under "
                "5 answers no share is shown."
            ),
            "",
            _("%(solved)d of %(asked)d answers, %(closed)d closed")
            % {"solved": solved, "asked": asked, "closed": found.rated.closed},
        ),
    ]


def bars(counts: Sequence[Count], name: Callable[[str], str], most: int = MOST_BARS) -> list[Bar]:
    """The longest bars of a breakdown."""
    longest = max((count.cases for count in counts), default=0) or 1
    return [
        Bar(
            name(count.name),
            count.cases,
            count.overdue,
            round(100 * count.cases / longest, 1),
            count.hides,
            count.name,
        )
        for count in counts[:most]
    ]


def forget() -> None:
    """Draws every board of this process anew; others do so within a quarter of a minute."""
    _shelves.clear()


def category_names() -> dict[str, str]:
    """The categories in the reader's language, by code."""
    return {category.code: category.shown_name for category in Category.objects.all()}


def place_names(codes: Sequence[str]) -> dict[str, str]:
    """The names of the villages, or of what is known above, of some area codes."""
    return _names("", [code[:12] for code in codes])


def pressing(area: str) -> list[dict[str, Any]]:
    """Open emergencies by number, kind and place; never a word of their reporters."""
    found = board.pressing(area)
    kinds = category_names()
    places = place_names([case.area_code for case in found])
    now = clock.now()
    return [
        {
            "case": case,
            "category": kinds.get(case.category, ""),
            "place": places.get(case.area_code[:12], ""),
            "sign": words.clock_sign(case, now),
        }
        for case in found
    ]


def movements(area_code: str) -> list[dict[str, Any]]:
    """The feed: when, where to the village, what kind, and how it stands."""
    found = board.movements(area_code)
    places = place_names([one.area_code for one in found])
    kinds = category_names()
    return [
        {
            "at": one.at,
            "place": places.get(one.area_code[:12], ""),
            "category": kinds.get(one.category, _("Not sorted yet")),
            "state": registry.pinned(one.kind, one.kind_version).state(one.state).label,
        }
        for one in found
    ]


def _names(area_code: str, codes: Sequence[str]) -> dict[str, str]:
    wanted = {*codes, *(area_code[:length] for length in LENGTHS if length <= len(area_code))}
    found = Area.objects.filter(code__in=wanted).values_list("code", "name")
    return {code: COMMITTEE.sub("", name) for code, name in found}


def _trail(area_code: str, top: str) -> list[str]:
    """The areas from the reader's own down to the one shown."""
    return [area_code[:n] for n in LENGTHS if len(top) <= n <= len(area_code)]
