"""Campaigns on a trade or area (专项整治): begun by a room, their effect counted, never typed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from maplebridge.applications.safety import ledger
from maplebridge.applications.safety.models import Drive, Inspection, Premises, Trade
from maplebridge.applications.safety.papers import KIND
from maplebridge.applications.safety.rules import change_share
from maplebridge.cases.engine import FactsError
from maplebridge.cases.models import Case, Event
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import Sight
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import printable
from maplebridge.organisation.areas import subtree
from maplebridge.organisation.people import Actor, Role

CALLING = frozenset({Role.CLERK, Role.DISPATCHER})
MOST_DAYS = 366


def may_call(actor: Actor) -> bool:
    """Whether a post begins campaigns: rooms, for their own area."""
    return actor.role in CALLING and bool(actor.area_code)


def seen_by(actor: Actor) -> QuerySet[Drive]:
    """The campaigns of a post's area, and those of wider areas that hold there."""
    area = actor.area_code
    above = [area[:n] for n in (2, 4, 6, 9) if n < len(area)]
    return Drive.objects.filter(Q(area_code__startswith=area) | Q(area_code__in=above))


def call(actor: Actor, said: Mapping[str, str], key: str, *, synthetic: bool = False) -> Drive:
    """Begins a campaign in the own area; the same key again gives back the first.

    said: title, trade (empty for all), aim, begins, ends. Raises FactsError.
    """
    known = Drive.objects.filter(unit_code=actor.unit_code, key=key).first()
    if known is not None:
        return known
    wrong = {
        name: _("Please fill this in.")
        for name in ("title", "aim")
        if not said.get(name, "").strip()
    }  # fmt: skip
    if said.get("trade", "") not in ("", *Trade.values):
        wrong["trade"] = _("Please choose one of the offered answers.")
    days = {}
    for name in ("begins", "ends"):
        try:
            days[name] = dt.date.fromisoformat(said.get(name, ""))
        except ValueError:
            wrong[name] = _("Please write the day; a date looks like 2026-01-31.")
    length = (days["ends"] - days["begins"]).days if len(days) == 2 else 0
    if not 0 <= length <= MOST_DAYS:
        wrong["ends"] = _("It ends after it begins, within a year.")
    if wrong:
        raise FactsError(wrong)
    return Drive.objects.create(
        area_code=actor.area_code, title=printable(said["title"]).strip()[:80],
        trade=said.get("trade", ""), aim=printable(said["aim"]).strip()[:500], **days,
        unit_code=actor.unit_code, account_id=actor.account_id, key=key, made_at=now(),
        synthetic=synthetic,
    )  # fmt: skip


@dataclass(frozen=True)
class Span:
    """What was counted in one stretch of days. mended: hazards that a second person found mended
    in these days, whenever they were found."""

    period: Period
    visits: int
    hazards: int
    mended: int
    accidents: int
    deaths: int


@dataclass(frozen=True)
class Effect:
    """A campaign beside as many days before it, and after it once these are over."""

    before: Span
    during: Span
    after: Span | None

    @property
    def accidents_change(self) -> float | None:
        """From the days before to the days after, or those of it so far; None with a base of 0."""
        return change_share((self.after or self.during).accidents, self.before.accidents)


def effect(drive: Drive, sight: Sight, today: dt.date | None = None) -> Effect:
    """What became of it, counted now. While it runs, the days so far stand beside as many before;
    the days after count only when all of them are over."""
    today = today or local_day(now())
    period = Period(drive.begins, max(min(drive.ends, today), drive.begins))
    after = ledger.days_after(Period(drive.begins, drive.ends))
    return Effect(
        _span(drive, ledger.days_before(period), sight),
        _span(drive, period, sight),
        _span(drive, after, sight) if after.until < today else None,
    )


def _span(drive: Drive, period: Period, sight: Sight) -> Span:
    lo, hi = subtree(drive.area_code)
    begin, end = period.bounds()
    made = Inspection.objects.filter(
        area_code__gte=lo, area_code__lt=hi, done_at__gte=begin, done_at__lt=end
    )
    cases = Case.objects.filter(kind=KIND, area_code__gte=lo, area_code__lt=hi)
    if not sight.all:
        cases = cases.exclude(confidentiality="C2").exclude(about_unit__in=sorted(sight.held))
    if drive.trade:
        made = made.filter(premises__trade=drive.trade)
        there = Premises.objects.filter(area_code__gte=lo, area_code__lt=hi, trade=drive.trade)
        codes = list(there.values_list("code", flat=True))
        at_one = Event.objects.filter(case_id=OuterRef("pk"), sequence=1, facts__premises__in=codes)
        cases = cases.filter(Exists(at_one))
    passed = Event.objects.filter(
        case_id__in=cases.values("pk"), move="reinspect_pass", at__gte=begin, at__lt=end
    )
    accidents = [
        one for one in ledger.standing(drive.area_code, period)
        if not drive.trade or one.trade == drive.trade
    ]  # fmt: skip
    return Span(
        period, made.count(), cases.filter(opened_at__gte=begin, opened_at__lt=end).count(),
        passed.values("case_id").distinct().count(),
        len(accidents), sum(one.deaths for one in accidents),
    )  # fmt: skip
