"""The figures of safety, each with numerator and denominator: of areas and trades, never people.

Counted from the events of hazards and from the plan of visits. Of confidential hazards (C2), and of
those about the reader's own unit, none is in a figure of a desk.
Source: domain guide, 4.8 and section 6.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from maplebridge.applications.safety.models import Inspection
from maplebridge.applications.safety.papers import KIND
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, CaseQuerySet, Event
from maplebridge.insight.indicators import Indicator
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import Sight
from maplebridge.lib.clock import local_day
from maplebridge.organisation.areas import subtree

NAME = "safety"
COUNTED = ("notice", "stop_work", "resume_work", "mend", "reinspect_pass", "reinspect_fail",
           "reopen")  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """What became of the hazards of a table; each a number of hazards unless it says otherwise.

    due: with a deadline that has come, or mended before it. looked, passed: looks again (复查),
    each counted. planned, visited: visits of the plan in these days, and how many were made.
    """

    found: int = 0
    due: int = 0
    in_time: int = 0
    overdue: int = 0
    major_open: int = 0
    repeated: int = 0
    looked: int = 0
    passed: int = 0
    planned: int = 0
    visited: int = 0


def lines(counts: Counts) -> list[Indicator]:
    """The indicators of safety in the form of all others."""
    return [
        Indicator("hazard_found", _("Hazards found"), counts.found, None),
        Indicator(
            "hazard_in_time", _("Mended in time"), counts.in_time, counts.due,
            str(_("of hazards whose deadline has come or that were mended before it")),
        ),
        Indicator("hazard_overdue", _("Overdue and open"), counts.overdue, None),
        Indicator("hazard_major_open", _("Major hazards open"), counts.major_open, None),
        Indicator(
            "hazard_repeated", _("Repeated hazards"), counts.repeated, counts.found,
            str(_("the same item at the same premises within 12 months")),
        ),
        Indicator(
            "hazard_passed", _("Looks again that found it mended"), counts.passed, counts.looked,
            str(_("of all looks again, each counted")),
        ),
        Indicator(
            "visits_made", _("Planned visits made"), counts.visited, counts.planned,
            str(_("of the visits planned until today")),
        ),
    ]  # fmt: skip


def lines_of(area_code: str, period: Period, sight: Sight, today: dt.date) -> list[Indicator]:
    """The indicators of safety for an area and period, as every report of figures asks."""
    lo, hi = subtree(area_code)
    until = min(period.until, today)
    plan = Inspection.objects.filter(
        area_code__gte=lo, area_code__lt=hi, planned_on__gte=period.since, planned_on__lte=until
    )
    made = plan.filter(done_at__isnull=False).count()
    return lines(count(rows(area_code, period, sight), today, plan.count(), made))


@dataclass(frozen=True)
class Row:
    """One hazard as it is counted. premises: by code, empty where none is known."""

    case_id: UUID
    area_code: str
    category: str
    opened_at: dt.datetime
    ended: bool
    events: tuple[tuple[str, Mapping[str, Any], dt.datetime], ...] = ()
    repeat: bool = False

    @property
    def is_major(self) -> bool:
        """Whether the newest notice called it major."""
        said = [facts.get("weight") for move, facts, _at in self.events if move == "notice"]
        return bool(said) and said[-1] == "major"

    @property
    def due_on(self) -> dt.date | None:
        """The last day of the newest notice, moved on by the days that work was stopped since."""
        due: dt.date | None = None
        stopped: dt.date | None = None
        for move, facts, at in self.events:
            match move:
                case "notice":
                    due, stopped = dt.date.fromisoformat(str(facts["dispose_on"])), None
                case "stop_work":
                    stopped = local_day(at)
                case "resume_work" if due is not None and stopped is not None:
                    due, stopped = due + (local_day(at) - stopped), None
                case "reopen":
                    due = None
        return None if stopped else due

    @property
    def mended_on(self) -> dt.date | None:
        """The day of the report that a look again has found true; None while none has."""
        mended: dt.date | None = None
        proved: dt.date | None = None
        for move, _facts, at in self.events:
            match move:
                case "mend":
                    mended = local_day(at)
                case "reinspect_pass":
                    proved = mended
                case "reopen":
                    mended = proved = None
        return proved


def counted(area_code: str, sight: Sight) -> CaseQuerySet:
    """The hazards of an area that a reader's figures count."""
    lo, hi = subtree(area_code)
    found = Case.objects.filter(kind=KIND, area_code__gte=lo, area_code__lt=hi)
    if not sight.all:
        found = found.exclude(confidentiality=Confidentiality.C2)
        found = found.exclude(about_unit__in=sorted(sight.held))
    return found


def rows(area_code: str, period: Period, sight: Sight) -> list[Row]:
    """The hazards of an area that were found in a period, two statements."""
    begin, end = period.bounds()
    cases = list(
        counted(area_code, sight)
        .filter(opened_at__gte=begin, opened_at__lt=end)
        .order_by("opened_at")
    )
    events: dict[UUID, list[tuple[str, Mapping[str, Any], dt.datetime]]] = defaultdict(list)
    wanted = Event.objects.filter(
        Q(move__in=COUNTED) | Q(sequence=1), case_id__in=[case.pk for case in cases]
    )
    repeated = set()
    for case_id, move, facts, at in wanted.order_by("case_id", "sequence").values_list(
        "case_id", "move", "facts", "at"
    ):
        events[case_id].append((move, facts, at))
        if facts.get("repeat"):
            repeated.add(case_id)
    return [
        Row(
            c.pk,
            c.area_code,
            c.category,
            c.opened_at,
            c.ended,
            tuple(events.get(c.pk, ())),
            c.pk in repeated,
        )
        for c in cases
    ]


def count(table: Iterable[Row], today: dt.date, planned: int = 0, visited: int = 0) -> Counts:
    """The counts of hazards. today: a deadline of today has not come yet."""
    n: Counter[str] = Counter()
    for row in table:
        n["found"] += 1
        n["repeated"] += row.repeat
        n["looked"] += sum(move.startswith("reinspect") for move, _f, _at in row.events)
        n["passed"] += sum(move == "reinspect_pass" for move, _f, _at in row.events)
        n["major_open"] += row.is_major and not row.ended
        due, mended = row.due_on, row.mended_on
        if due is None or (mended is None and today <= due):
            continue
        n["due"] += 1
        n["in_time"] += mended is not None and mended <= due
        n["overdue"] += mended is None and not row.ended
    return Counts(**n, planned=planned, visited=visited)


def by_area(table: Iterable[Row], area_code: str, today: dt.date) -> dict[str, Counts]:
    """The counts of each area one tier below, by its code."""
    length = {4: 6, 6: 9, 9: 12}.get(len(area_code), len(area_code))
    return _split(table, lambda row: row.area_code[:length], today)


def by_category(table: Iterable[Row], today: dt.date) -> dict[str, Counts]:
    """The counts of each kind of hazard, by its category."""
    return _split(table, lambda row: row.category, today)


def _split(table: Iterable[Row], of: Callable[[Row], str], today: dt.date) -> dict[str, Counts]:
    parts: dict[str, list[Row]] = {}
    for row in table:
        parts.setdefault(of(row), []).append(row)
    return {code: count(parts[code], today) for code in sorted(parts)}
