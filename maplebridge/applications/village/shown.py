"""What the pages of a village show, gathered in few statements."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Max, Q, Sum

from maplebridge.applications.village.models import (
    Activity,
    AnsweredLetter,
    CovenantVersion,
    Flow,
    Ledger,
    LedgerEntry,
    Notice,
    Shown,
    ShownQuerySet,
    Writing,
    yuan,
)
from maplebridge.applications.village.rules import VILLAGE
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Account, Area

PAGE_ROWS = 20
MOST_FOUND = 40
# 金龙村村民委员会 is said 金龙村, 东门社区居民委员会 is said 东门社区.
COMMITTEE = re.compile(r"(村民|居民)委员会$")
# 社阳乡 is a township in the directory of the statistics bureau; its villages have 12 digits.
LEVELS = (6, 9, 12)


@dataclass(frozen=True)
class Place:
    """A village, or what stands above it: its code and its name as people say it."""

    code: str
    name: str
    above: str = ""


def spoken(name: str) -> str:
    """The name of a village as people say it."""
    return COMMITTEE.sub("", name)


def village(code: str) -> Place | None:
    """The village of that code with its township's and county's names; None for no village."""
    if not VILLAGE.fullmatch(code):
        return None
    names = dict(Area.objects.filter(pk__in=[code, code[:9], code[:6]]).values_list("pk", "name"))
    if code not in names:
        return None
    above = " ".join(names[part] for part in (code[:6], code[:9]) if part in names)
    return Place(code, spoken(names[code]), above)


def areas_below(code: str) -> tuple[list[Place], list[Place]]:
    """The way down to an area, and what lies directly below it; of no area, the city's counties."""
    code = code if len(code) in LEVELS and code.isdigit() else settings.CITY_CODE
    below = next((length for length in LEVELS if length > len(code)), 12)
    way = [code[:length] for length in LEVELS if length <= len(code)]
    names = dict(Area.objects.filter(pk__in=way).values_list("pk", "name"))
    found = Area.objects.within(code).filter(pk__regex=rf"^\d{{{below}}}$").order_by("pk")
    return (
        [Place(part, names[part]) for part in way if part in names],
        [Place(area.code, spoken(area.name)) for area in found],
    )


def find_villages(words: str) -> list[Place]:
    """Villages whose name holds all the words, or whose code begins with them; at most 40."""
    asked = Q()
    parts = words.split()
    if not parts:
        return []
    for word in parts:
        above = Area.objects.filter(name__contains=word).filter(pk__regex=r"^\d{9}$")
        towns = list(above.values_list("pk", flat=True)[:MOST_FOUND])
        here = Q(name__contains=word)
        if word.isdigit():
            here |= Q(pk__startswith=word)
        for town in towns:
            here |= Q(pk__startswith=town)
        asked &= here
    rows = Area.objects.filter(asked, pk__regex=r"^\d{12}$").order_by("pk")[:MOST_FOUND]
    found = list(rows)
    towns_of = Area.objects.in_bulk({area.code[:9] for area in found})
    return [
        Place(
            area.code,
            spoken(area.name),
            towns_of[area.code[:9]].name if area.code[:9] in towns_of else "",
        )
        for area in found
    ]


def page_of(rows: ShownQuerySet, after: str) -> tuple[list[Any], str]:
    """One page of rows by day, the newest first, and where the next begins; empty at the end.

    after: "<day>,<id>" of the last row seen; anything else starts at the beginning.
    """
    day, _comma, last = after.partition(",")
    try:
        at, key = dt.date.fromisoformat(day), UUID(last)
    except ValueError:
        pass
    else:
        rows = rows.filter(Q(on__lt=at) | Q(on=at, pk__lt=key))
    found = list(rows.order_by("-on", "-pk")[: PAGE_ROWS + 1])
    if len(found) <= PAGE_ROWS:
        return found, ""
    last_row = found[PAGE_ROWS - 1]
    return found[:PAGE_ROWS], f"{last_row.on.isoformat()},{last_row.pk}"


@dataclass(frozen=True)
class Home:
    """The first page of a village."""

    notices: Sequence[Notice]
    activities: Sequence[Activity]
    entries: Sequence[LedgerEntry]
    covenants: Sequence[CovenantVersion]
    letters: Sequence[AnsweredLetter]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is shown yet."""
        return not any(vars(self).values())


def home(code: str) -> Home:
    """What stands on the first page: the newest of each; five statements."""
    return Home(
        list(Notice.objects.standing(code).order_by("-on", "-pk")[:3]),
        list(coming(code)[:2]),
        list(LedgerEntry.objects.standing(code).order_by("-on", "-pk")[:4]),
        current_covenants(code),
        list(AnsweredLetter.objects.standing(code).order_by("-on", "-pk")[:2]),
    )


def coming(code: str) -> ShownQuerySet:
    """Activities that are not over, the next first."""
    today = dt.datetime.combine(local_day(now()), dt.time(), CHINA)
    ahead = Q(ends_at__gte=now()) | Q(ends_at=None, begins_at__gte=today)
    return Activity.objects.standing(code).filter(ahead).order_by("begins_at", "pk")


def over(code: str) -> ShownQuerySet:
    """Activities that are over."""
    ahead = coming(code).values("pk")
    return Activity.objects.standing(code).exclude(pk__in=ahead)


@dataclass(frozen=True)
class Sums:
    """Income and expense of a year in the finance ledger, in yuan."""

    income: Decimal
    expense: Decimal

    @property
    def rest(self) -> Decimal:
        """What is left."""
        return self.income - self.expense

    @property
    def income_said(self) -> str:
        """In words."""
        return yuan(self.income)

    @property
    def expense_said(self) -> str:
        """In words."""
        return yuan(self.expense)

    @property
    def rest_said(self) -> str:
        """In words."""
        return yuan(self.rest)


def sums(code: str, year: int) -> Sums:
    """What came in and went out by the finance ledger of a year; one statement."""
    found = (
        LedgerEntry.objects.standing(code)
        .filter(ledger=Ledger.FINANCE, on__year=year)
        .aggregate(
            income=Sum("amount", filter=Q(flow=Flow.INCOME)),
            expense=Sum("amount", filter=Q(flow=Flow.EXPENSE)),
        )
    )
    return Sums(found["income"] or Decimal(0), found["expense"] or Decimal(0))


def years(code: str, ledger: str) -> list[int]:
    """The years that a ledger has entries of, the newest first."""
    rows = LedgerEntry.objects.standing(code).filter(ledger=ledger)
    return [day.year for day in rows.dates("on", "year", order="DESC")]


def current_covenants(code: str) -> list[CovenantVersion]:
    """The version in force of each covenant: its last that was not withdrawn."""
    rows = CovenantVersion.objects.standing(code).annotate(
        last=Max(
            "covenant__versions__number",
            filter=Q(covenant__versions__withdrawn_at=None),
        )
    )
    return list(rows.filter(number=F("last")).order_by("covenant__made_at", "pk"))


@dataclass(frozen=True)
class Line:
    """One act of writing as it is shown. by: the person's name, for colleagues only."""

    writing: Writing
    by: str


def history(paper: Shown, *, inside: bool = False) -> list[Line]:
    """Who wrote it, when and why, the newest first; inside: with people's names."""
    rows = list(Writing.objects.filter(paper_id=paper.pk).order_by("-number"))
    people = (
        Account.objects.in_bulk({row.account_id for row in rows if row.account_id})
        if inside
        else {}
    )
    found = []
    for row in rows:
        account = people.get(row.account_id) if row.account_id else None
        found.append(Line(row, account.display_name if account else ""))
    return found
