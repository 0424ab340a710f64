"""The figures of mediation, each with numerator and denominator: of areas and causes, never people.

Counted from events alone; nothing sealed is opened. Of confidential disputes (C2), and of those
about the reader's own unit, none is in a figure of a desk.
Source: domain guide, section 6.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from maplebridge.applications.mediation.files import KIND
from maplebridge.applications.mediation.rules import REPEAT_DAYS
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, Event
from maplebridge.insight.indicators import Indicator
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import Sight
from maplebridge.organisation.areas import subtree

NAME = "mediation"
COUNTED = ("agree", "note_performance", "note_ruling", "ask_court", "stop", "leave_to_others",
           "close")  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """What happened to the disputes of a table; each a number of disputes.

    screened: all that came up, by whatever way. settled: brought to an agreement. due: agreements
    with a day of performance that has come. repeated: came up again after an agreement.
    """

    screened: int = 0
    settled: int = 0
    ended: int = 0
    due: int = 0
    performed: int = 0
    asked: int = 0
    confirmed: int = 0
    repeated: int = 0


def lines(counts: Counts) -> list[Indicator]:
    """The indicators of mediation in the form of all others."""
    return [
        Indicator("dispute_screened", _("Disputes found or taken in"), counts.screened, None),
        Indicator("dispute_settled", _("Brought to an agreement"), counts.settled, None),
        Indicator(
            "dispute_success", _("Success share"), counts.settled, counts.screened,
            str(_("of all that were found or taken in")),
        ),
        Indicator(
            "dispute_performed", _("Performed share"), counts.performed, counts.due,
            str(_("of agreements with something due")),
        ),
        Indicator(
            "dispute_confirmed", _("Confirmed share"), counts.confirmed, counts.settled,
            str(_("of all agreements; asking the court is up to the parties")),
        ),
        Indicator(
            "dispute_repeated", _("Repeated share"), counts.repeated, counts.settled,
            str(_("same cause and place again within 180 days of an agreement")),
        ),
    ]  # fmt: skip


def lines_of(area_code: str, period: Period, sight: Sight, today: dt.date) -> list[Indicator]:
    """The indicators of mediation for an area and period, as every report of figures asks."""
    return lines(count(rows(area_code, period, sight), today))


@dataclass(frozen=True)
class Row:
    """One dispute as it is counted."""

    area_code: str
    category: str
    opened_at: dt.datetime
    events: tuple[tuple[str, Mapping[str, Any], dt.datetime], ...]

    def first(self, move: str) -> tuple[Mapping[str, Any], dt.datetime] | None:
        """The facts and moment of the first event of a move."""
        return next(((facts, at) for name, facts, at in self.events if name == move), None)


def rows(area_code: str, period: Period, sight: Sight) -> list[Row]:
    """The disputes of an area that came up in a period, two statements."""
    lo, hi = subtree(area_code)
    begin, end = period.bounds()
    found = Case.objects.filter(
        kind=KIND, area_code__gte=lo, area_code__lt=hi, opened_at__gte=begin, opened_at__lt=end
    )
    if not sight.all:
        found = found.exclude(confidentiality=Confidentiality.C2)
        found = found.exclude(about_unit__in=sorted(sight.held))
    cases = list(found.order_by("opened_at"))
    events: dict[UUID, list[tuple[str, Mapping[str, Any], dt.datetime]]] = {}
    wanted = Event.objects.filter(case_id__in=[c.pk for c in cases], move__in=COUNTED)
    for case_id, move, facts, at in wanted.order_by("case_id", "sequence").values_list(
        "case_id", "move", "facts", "at"
    ):
        events.setdefault(case_id, []).append((move, facts, at))
    return [Row(c.area_code, c.category, c.opened_at, tuple(events.get(c.pk, ()))) for c in cases]


def count(table: Iterable[Row], today: dt.date) -> Counts:
    """The counts of disputes. today: performance counts what was due until then."""
    found = list(table)
    n: Counter[str] = Counter(screened=len(found))
    for row in found:
        agreed = row.first("agree")
        n["ended"] += row.first("stop") is not None or row.first("leave_to_others") is not None
        if agreed is None:
            continue
        n["settled"] += 1
        n["asked"] += row.first("ask_court") is not None
        n["confirmed"] += any(
            name == "note_ruling" and facts["ruling"] == "confirmed"
            for name, facts, _at in row.events
        )
        n["repeated"] += any(_repeats(row, agreed[1], other) for other in found)
        dues = [str(day) for day in agreed[0].get("dues", [])]
        asked = {k for k, day in enumerate(dues, start=1) if day <= today.isoformat()}
        if asked:
            n["due"] += 1
            n["performed"] += asked <= _kept(row)
    return Counts(**n)


def _kept(row: Row) -> set[int]:
    said = {
        int(facts["item"]): facts["kept"]
        for name, facts, _at in row.events
        if name == "note_performance"
    }
    return {item for item, kept in said.items() if kept == "whole"}


def _repeats(row: Row, agreed_at: dt.datetime, other: Row) -> bool:
    """Whether another dispute is the same again: cause and place, soon after the agreement."""
    return (
        other is not row
        and (other.area_code, other.category) == (row.area_code, row.category)
        and agreed_at < other.opened_at <= agreed_at + dt.timedelta(days=REPEAT_DAYS)
    )


def by_area(table: Iterable[Row], area_code: str, today: dt.date) -> dict[str, Counts]:
    """The counts of each area one tier below, by its code."""
    length = {4: 6, 6: 9, 9: 12}.get(len(area_code), len(area_code))
    return _split(table, lambda row: row.area_code[:length], today)


def by_cause(table: Iterable[Row], today: dt.date) -> dict[str, Counts]:
    """The counts of each cause, by its category."""
    return _split(table, lambda row: row.category, today)


def _split(table: Iterable[Row], of: Any, today: dt.date) -> dict[str, Counts]:
    parts: dict[str, list[Row]] = {}
    for row in table:
        parts.setdefault(of(row), []).append(row)
    return {code: count(parts[code], today) for code in sorted(parts)}
