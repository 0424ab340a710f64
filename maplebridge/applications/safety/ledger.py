"""The ledger of accidents: entered once, corrected by a newer entry, compared with a year ago.

Accidents are public figures of days and places, and nobody is named in one, so the rule that few
cases are not told apart does not hold here: one accident is said to be one.
Source: State Council order 493, article 3; domain guide, section 6.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.applications.safety.models import Accident, Premises, Trade
from maplebridge.applications.safety.rules import AccidentGrade, accident_grade, change_share
from maplebridge.cases.engine import FactsError
from maplebridge.cases.permissions import covers
from maplebridge.insight.periods import DAY, Period, period_year_ago
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise
from maplebridge.organisation.areas import subtree
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor, Role

ENTERING = frozenset({Role.CLERK, Role.DISPATCHER, Role.OFFICER})
MOST_PEOPLE = 10_000
MOST_YUAN = 1_000_000_000_000
MOST_NOTE = 500
FIRST_YEAR = 2000
GRADES = {
    AccidentGrade.WORST: _l("Especially grave accident"),
    AccidentGrade.MAJOR: _l("Grave accident"),
    AccidentGrade.LARGER: _l("Larger accident"),
    AccidentGrade.ORDINARY: _l("Ordinary accident"),
}
MEASURES = (
    ("deaths", _l("Deaths"), MOST_PEOPLE),
    ("injured", _l("Gravely injured"), MOST_PEOPLE),
    ("loss_yuan", _l("Direct loss, in yuan"), MOST_YUAN),
)


@dataclass(frozen=True)
class Counts:
    """What a table of accidents adds up to."""

    accidents: int = 0
    deaths: int = 0
    injured: int = 0
    loss_yuan: int = 0


@dataclass(frozen=True)
class Line:
    """Counts of a part of the ledger beside those of the same days a year ago (同比)."""

    name: str
    now: Counts
    base: Counts

    @property
    def accidents_change(self) -> float | None:
        """How many more accidents, as a share; None where there was none a year ago."""
        return change_share(self.now.accidents, self.base.accidents)

    @property
    def deaths_change(self) -> float | None:
        """The same of deaths."""
        return change_share(self.now.deaths, self.base.deaths)


# -- entering ---------------------------------------------------------------------------------


def may_enter(actor: Actor) -> bool:
    """Whether a post writes into the ledger: rooms and departments, of their own area."""
    return actor.role in ENTERING and bool(actor.area_code) and bool(actor.unit_code)


def enter(
    actor: Actor, said: Mapping[str, str], key: str, *, at: dt.datetime | None = None,
    synthetic: bool = False,
) -> Accident:  # fmt: skip
    """Writes an accident down; the same key again gives back the first entry.

    said: `day`, `area` (a code), `trade`, `premises` (a code), `deaths`, `injured`, `loss_yuan`,
    `note`. Raises FactsError with a sentence for each field.
    """
    return _write(actor, said, key, None, at or now(), synthetic)


def correct(
    actor: Actor, entry_id: UUID, said: Mapping[str, str], key: str, *,
    at: dt.datetime | None = None,
) -> Accident:  # fmt: skip
    """Puts a newer entry in the place of one; both stay. Its note has to say why.

    Raises FactsError, also for an entry whose place another has taken already.
    """
    old = entries(actor.area_code).filter(pk=entry_id).first()
    if old is None:
        raise FactsError({"": _("There is no such entry in your area.")})
    return _write(actor, said, key, old, at or now(), old.synthetic)


def _write(
    actor: Actor, said: Mapping[str, str], key: str, old: Accident | None, at: dt.datetime,
    synthetic: bool,
) -> Accident:  # fmt: skip
    if not may_enter(actor):
        raise FactsError({"": _("Your post does not write into the ledger of accidents.")})
    mine = Accident.objects.filter(unit_code=actor.unit_code, key=key)
    if known := mine.first():
        return known
    read = _read(actor, said, local_day(at), why=old is not None)
    taken = _("This entry was corrected already. Please correct the newest one.")
    if old is not None and Accident.objects.filter(corrects=old).exists():
        raise FactsError({"": taken})
    try:
        with transaction.atomic():
            return Accident.objects.create(
                area_code=read.area_code, day=read.day, trade=read.trade, premises=read.premises,
                **read.measures, grade=int(accident_grade(*read.measures.values())),
                note=read.note, corrects=old, unit_code=actor.unit_code,
                account_id=actor.account_id, made_at=at, key=key, synthetic=synthetic,
            )  # fmt: skip
    except IntegrityError:
        # Two came at once: either this very form, or another correction of the same entry.
        if known := mine.first():
            return known
        raise FactsError({"": taken}) from None


@dataclass(frozen=True)
class _Read:
    """A form, checked."""

    area_code: str
    day: dt.date
    trade: str
    premises: Premises | None
    measures: dict[str, int]
    note: str


def _read(actor: Actor, said: Mapping[str, str], today: dt.date, *, why: bool) -> _Read:
    wrong: dict[str, str] = {}
    missing = _("Please fill in: %(label)s.")
    day = today
    try:
        day = dt.date.fromisoformat(said.get("day", ""))
    except ValueError:
        wrong["day"] = _("Please write the day; a date looks like 2026-01-31.")
    if not dt.date(FIRST_YEAR, 1, 1) <= day <= today:
        wrong["day"] = _("Please choose a day until today.")
    premises, area = None, said.get("area", "")
    if code := normalise(said.get("premises", "")):
        premises = Premises.objects.filter(code=code).first()
        if premises is None or not covers(actor.area_code, premises.area_code):
            wrong["premises"] = _("There are no such premises in your area.")
        else:
            area = premises.area_code
    if not (covers(actor.area_code, area) and Area.objects.filter(pk=area).exists()):
        wrong.setdefault("area", _("Please choose a place within your own area."))
    trade = said.get("trade", "") or (premises.trade if premises else "")
    if trade and trade not in Trade.values:
        wrong["trade"] = _("Please choose one of the offered answers.")
    measures: dict[str, int] = {}
    for name, label, most in MEASURES:
        typed = said.get(name, "").strip() or "0"
        if not (typed.isascii() and typed.isdigit() and int(typed) <= most):
            wrong[name] = _("%(label)s: please write a whole number, 0 or more.") % {"label": label}
        else:
            measures[name] = int(typed)
    note = normalise(said.get("note", ""))[:MOST_NOTE]
    if why and not note:
        wrong["note"] = missing % {"label": _("Why it is corrected")}
    if wrong:
        raise FactsError(wrong)
    return _Read(area, day, trade, premises, measures, note)


# -- reading ----------------------------------------------------------------------------------


def entries(area_code: str) -> QuerySet[Accident]:
    """Every entry of an area, those that were corrected too."""
    lo, hi = subtree(area_code)
    return Accident.objects.filter(area_code__gte=lo, area_code__lt=hi)


def standing(area_code: str, period: Period) -> list[Accident]:
    """The entries of an area and period that count: of each accident the newest."""
    found = entries(area_code).filter(newer=None, day__gte=period.since, day__lte=period.until)
    return list(found.order_by("-day", "-made_at").select_related("premises"))


def year_until(year: int, today: dt.date) -> Period:
    """A year, the running one until today, so that it is compared with the same days."""
    return Period(dt.date(year, 1, 1), max(min(today, dt.date(year, 12, 31)), dt.date(year, 1, 1)))


def count(table: Iterable[Accident]) -> Counts:
    """The sums of a table of accidents."""
    found = list(table)
    return Counts(
        len(found),
        sum(one.deaths for one in found),
        sum(one.injured for one in found),
        sum(one.loss_yuan for one in found),
    )


def compared(area_code: str, period: Period) -> Line:
    """An area and period beside the same days a year ago."""
    return _line("", standing(area_code, period), standing(area_code, period_year_ago(period)))


@dataclass(frozen=True)
class Year:
    """The ledger of an area and year: in all, by grade, by area and by month."""

    period: Period
    base: Period
    entries: list[Accident]
    total: Line
    by_grade: list[Line]
    by_area: list[Line]
    by_month: list[Line]


def year_of(area_code: str, period: Period) -> Year:
    """The ledger of an area and period; three statements."""
    base = period_year_ago(period)
    here, there = standing(area_code, period), standing(area_code, base)
    length = {4: 6, 6: 9, 9: 12}.get(len(area_code), len(area_code))
    codes = sorted({one.area_code[:length] for one in (*here, *there)})
    names = dict(Area.objects.filter(code__in=codes).values_list("code", "name"))

    def lines(parts: Iterable[tuple[str, Callable[[Accident], bool]]]) -> list[Line]:
        return [_line(name, filter(of, here), filter(of, there)) for name, of in parts]

    return Year(
        period, base, here, _line("", here, there),
        lines((str(label), _has_grade(grade)) for grade, label in GRADES.items()),
        lines((names.get(code, code), _lies_in(code)) for code in codes),
        lines((f"{month:02}", _is_in(month)) for month in range(1, period.until.month + 1)),
    )  # fmt: skip


def _line(name: str, here: Iterable[Accident], there: Iterable[Accident]) -> Line:
    return Line(name, count(here), count(there))


def _has_grade(grade: AccidentGrade) -> Callable[[Accident], bool]:
    return lambda one: one.grade == grade


def _lies_in(code: str) -> Callable[[Accident], bool]:
    return lambda one: one.area_code.startswith(code)


def _is_in(month: int) -> Callable[[Accident], bool]:
    return lambda one: one.day.month == month


def days_before(period: Period) -> Period:
    """As many days just before a period."""
    return Period(period.since - period.days * DAY, period.since - DAY)


def days_after(period: Period) -> Period:
    """As many days just after a period."""
    return Period(period.until + DAY, period.until + period.days * DAY)
