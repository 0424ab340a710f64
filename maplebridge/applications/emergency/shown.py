"""What the pages and the wall show of an emergency, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maplebridge.applications.emergency import acts, callout, rules
from maplebridge.applications.emergency.manifest import RUNGS, STAGES
from maplebridge.applications.emergency.rules import Entry, Interval, Situation, Sourced
from maplebridge.cases import wall
from maplebridge.cases.models import Case
from maplebridge.connectors import sensors
from maplebridge.connectors.models import Grade, Observation, Quality, Station
from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel
from maplebridge.web.command.rows import Happened, file_of, timeline

WIDTH, HEIGHT = 600, 160
MARGIN = 8
LABELS = {
    "breach_metres": gettext_lazy("Breach"),
    "people": gettext_lazy("People who came to help"),
    "filled_share": gettext_lazy("Filled"),
    "level_change_metres": gettext_lazy("Change of level since the breach"),
    "households": gettext_lazy("Households moved out"),
}
TOOK = {
    "declared": gettext_lazy("from the proposal to the declared level"),
    "asked": gettext_lazy("from the breach to the request for help"),
    "answered": gettext_lazy("from the request to its answer"),
    "arrived": gettext_lazy("from the request to the arrival"),
    "reported": gettext_lazy("from taking command to the first report"),
    "filled": gettext_lazy("from the breach to the first filling"),
    "ended": gettext_lazy("from taking command to the end"),
}


def figure(name: str, value: Fraction | Decimal | int) -> str:
    """A number of a situation with its unit, as it is read."""
    if name == "breach_metres":
        return _("%(n)s m wide") % {"n": value}
    if name == "level_change_metres":
        return _("%(n)s m") % {"n": f"{value:+.2f}"}
    if isinstance(value, Fraction):
        return _("all of it") if value == 1 else str(value)
    return str(value)


@dataclass(frozen=True)
class Source:
    """Where a number is from: words, and the anchor on the page of the emergency."""

    words: str
    anchor: str


@dataclass(frozen=True)
class Line:
    """One number of a situation, ready to be read."""

    name: str
    label: str
    value: str
    sources: tuple[Source, ...]


def lines(known: Situation) -> list[Line]:
    """The numbers that have a source, each with it."""
    return [
        Line(name, str(LABELS[name]), figure(name, one.value), tuple(_sources(one)))
        for name, one in known.known.items()
    ]


def _sources(one: Sourced) -> Iterable[Source]:
    for number in one.entries:
        yield Source(_("entry %(n)d") % {"n": number}, f"entry-{number}")
    for reading in one.readings:
        said = {"at": _clock(reading.at), "level": f"{reading.metres:.2f}"}
        yield Source(_("gauge %(at)s, %(level)s m") % said, anchor_of(reading.at))


def anchor_of(at: dt.datetime) -> str:
    """The place of a reading on the page."""
    return f"reading-{int(at.timestamp())}"


def _clock(at: dt.datetime) -> str:
    return f"{at.astimezone(CHINA):%H:%M}"


@dataclass(frozen=True)
class Told:
    """An entry of the log as it is read. newer: the entry that took its place, 0 for none."""

    entry: Entry
    happened: Happened
    newer: int

    @property
    def said(self) -> list[tuple[str, str]]:
        """What it says, without what only programs read."""
        hidden = {str(self.entry.facts.get("to", ""))}
        return [(label, words) for label, words in self.happened.said if words not in hidden]


def told(case: Case, log: Sequence[Entry]) -> list[Told]:
    """The log in words, the newest first. Seven statements at most."""
    newer = rules.corrected(log)
    entries = {entry.number: entry for entry in log}
    file = file_of(case)
    happened = timeline(file)[::-1]
    return [
        Told(entries[event.sequence], one, newer.get(event.sequence, 0))
        for event, one in zip(file.events, happened, strict=True)
        if event.sequence in entries
    ][::-1]


def commander_of(log: Iterable[Entry]) -> tuple[str, str]:
    """The name of whoever commands; "" while nobody does. Second: the account."""
    held = rules.commander(log)
    if held is None:
        return "", ""
    name = Account.objects.filter(pk=held).values_list("display_name", flat=True).first()
    return name or "", str(held)


def level_of(log: Iterable[Entry]) -> ResponseLevel:
    """The level this emergency is under, read from its log; PEACE when none, or ended."""
    level = ResponseLevel.PEACE
    for entry in log:
        if entry.move in ("take_command", "set_level"):
            level = ResponseLevel(int(entry.facts["level"]))
        elif entry.move == "stand_down":
            level = ResponseLevel.PEACE
    return level


@dataclass(frozen=True)
class Mark:
    """A mark of the gauge in the picture: its height from the top, and words."""

    y: float
    words: str
    tone: str


@dataclass(frozen=True)
class Water:
    """A gauge with its last hours as a picture of WIDTH by HEIGHT, and as a table."""

    station: Station
    grade: str
    over: str
    rise: str
    points: str
    marks: tuple[Mark, ...]
    readings: tuple[tuple[Observation, str, bool], ...]
    fault: str


def water(station_code: str, since: dt.datetime, until: dt.datetime) -> Water | None:
    """The gauge of an emergency from a day before it began; None without one. Three statements."""
    station = Station.objects.filter(pk=station_code).first()
    if station is None:
        return None
    begin = since - dt.timedelta(days=1)
    found = list(
        Observation.objects.filter(station_id=station.pk, at__gte=begin, at__lte=until)
        .order_by("at")
    )  # fmt: skip
    good = [one for one in found if one.quality == Quality.GOOD]
    over, rise = sensors.over_warning(station), sensors.rise(station, 1, until)
    marks = [mark for _grade, mark in sensors.marks_of(station)]
    levels = [one.value for one in good] + marks
    low, high = (min(levels), max(levels)) if levels else (Decimal(0), Decimal(1))
    span = max(high - low, Decimal("0.1"))

    def y(level: Decimal) -> float:
        return round(MARGIN + float((high - level) / span) * (HEIGHT - 2 * MARGIN), 1)

    first = good[0].at if good else begin
    length = max((until - first).total_seconds(), 60.0)
    points = " ".join(
        f"{round((one.at - first).total_seconds() / length * WIDTH, 1)},{y(one.value)}"
        for one in good
    )
    words = (("warning", _("Warning level")), ("guarantee", _("Guarantee level")),
             ("historical", _("Highest ever measured")))  # fmt: skip
    drawn = tuple(
        Mark(y(level), f"{label} {level:.2f}", "amber" if name == "warning" else "crimson")
        for name, label in words
        if (level := getattr(station, name)) is not None
    )
    return Water(
        station,
        str(Grade(station.grade).label),
        f"{over:+.2f}" if over is not None else "",
        f"{rise:+.2f}" if rise is not None else "",
        points,
        drawn,
        tuple((one, anchor_of(one.at), one.quality == Quality.GOOD) for one in found[::-1]),
        station.fault,
    )


def took(found: Iterable[Interval]) -> list[tuple[str, str, Interval]]:
    """Each interval in words: what, how long, and between which entries."""
    return [(str(TOOK[one.name]), _minutes(one.minutes), one) for one in found]


def _minutes(minutes: int) -> str:
    if minutes < 120:
        return _("%(n)d min") % {"n": minutes}
    return _("%(h)d h %(m)02d min") % {"h": minutes // 60, "m": minutes % 60}


def stage_words(stage: str) -> str:
    """The name of a report's stage."""
    return str(dict(STAGES).get(stage, ""))


@dataclass(frozen=True)
class Called:
    """A call to those on duty, ready to be read. units: who was called, the last one last."""

    call: callout.Call
    units: tuple[str, ...]
    way: str
    by: str
    mine: bool


def called(log: Sequence[Entry], unit_code: str) -> list[Called]:
    """The calls of a log, the newest first. unit_code: of whoever looks. One statement."""
    found = callout.calls(log)
    answers = [one.answer.account_id for one in found if one.answer is not None]
    accounts = Account.objects.filter(pk__in=[one for one in answers if one is not None])
    names: dict[UUID | None, str] = dict(accounts.values_list("pk", "display_name"))
    return [
        Called(
            one,
            one.called,
            str(dict(RUNGS)[one.rungs[-1].facts["rung"]]) if one.rungs else "",
            names.get(one.answer.account_id, "") if one.answer is not None else "",
            one.answer is None and unit_code in one.called,
        )
        for one in found[::-1]
    ]


@dataclass(frozen=True)
class Panel:
    """A running emergency as the wall shows it."""

    case: Case
    level: ResponseLevel
    lines: tuple[Line, ...]
    reported_at: dt.datetime | None
    open_requests: int
    late_requests: int
    open_calls: int
    drill: bool


def panels(area_code: str) -> list[Panel]:
    """The emergencies that run in an area, the latest first; four statements each."""
    at = now()
    with wall.standing(SYSTEM):
        running = Case.objects.filter(kind=acts.KIND, state__in=("proposed", "responding"))
        found = running.filter(area_code__startswith=area_code).order_by("-opened_at")[:3]
        return [_panel(case, at) for case in found]


def _panel(case: Case, at: dt.datetime) -> Panel:
    log = acts.log_of(case.pk)
    reports = [entry.at for entry in log if entry.move == "report_situation"]
    asked = rules.requests(log)
    return Panel(
        case,
        level_of(log),
        tuple(lines(acts.situation(case.pk, at))),
        reports[-1] if reports else None,
        sum(one.answer is None for one in asked),
        sum(one.is_late(at) for one in asked),
        sum(one.answer is None for one in callout.calls(log)),
        rules.is_drill(log),
    )
