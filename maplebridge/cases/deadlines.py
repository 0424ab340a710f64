"""When a case is due and why: clocks as a pure fold over its events and the working calendar."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from maplebridge.cases.kinds import Aside, Kind, State
from maplebridge.cases.models import Case, Event
from maplebridge.lib.clock import CHINA, local_day
from maplebridge.lib.tables import Problem, Row
from maplebridge.organisation import calendar, editions
from maplebridge.organisation.calendar import Hours
from maplebridge.organisation.editions import Cells, Said
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.units import directory

SEED = Path(__file__).parent / "seed" / "durations.csv"
WORKING = frozenset({"wh", "wd"})
UNITS = frozenset({"min", "h", "d", *WORKING})
CLASSES = frozenset(f"S{n}" for n in range(8))
EXTEND = "extend"
CATEGORY = re.compile(r"(\d{4})?")
AMOUNT = re.compile(r"\d{1,5}")
FIRST_EDITION = 1
_PINNED = "_edition_of_durations"
END_OF_DAY = dt.time(17, 30)
PROMISE = "%Y%m%dT%H%M%S.%fZ"  # an instant (UTC) as a code among the facts of an event
CLOCK_LABELS = {
    "accept": _l("Accept"),
    "dispatch": _l("File and dispatch"),
    "sign": _l("Sign for"),
    "contact": _l("Contact the reporter"),
    "dispose": _l("Handle"),
    "verify": _l("Verify"),
    "close": _l("Close and answer"),
    "answer": _l("Wait for the reporter"),
    "review": _l("Look at it again"),
    "progress": _l("Report the progress"),
    "attend": _l("Come when summoned"),
    "assist": _l("Report our share"),
    "advise": _l("Give advice"),
    "receipt": _l("Take note of the supervision"),
    "reply": _l("Answer the supervision"),
    "handed": _l("Receipt of the emergency service"),
}


@dataclass(frozen=True)
class Amount:
    """How long: a number with "min", "h", "d" (running through) or "wh", "wd" (working time).

    category: whose own limit it is, whatever the class; empty for the class's.
    """

    number: int
    unit: str
    clause: str = ""
    checked: bool = False
    category: str = ""

    def words(self) -> str:
        """The amount in the reader's language."""
        n = self.number
        shown = {
            "min": ngettext("%(n)d minute", "%(n)d minutes", n),
            "h": ngettext("%(n)d hour", "%(n)d hours", n),
            "d": ngettext("%(n)d day", "%(n)d days", n),
            "wh": ngettext("%(n)d working hour", "%(n)d working hours", n),
            "wd": ngettext("%(n)d working day", "%(n)d working days", n),
        }
        return shown[self.unit] % {"n": n}


class Durations:
    """The amounts in force by class, category, clock and day."""

    def __init__(self, rows: Iterable[tuple[str, str, str, dt.date, Amount]]) -> None:
        self._rows: dict[tuple[str, str, str], list[tuple[dt.date, Amount]]] = {}
        for sla_class, category, clock, begins, given in sorted(rows, key=lambda row: row[:3]):
            amount = replace(given, category=category)
            for key in ((sla_class, category, clock), ("", category, clock)):
                if category or key[0]:
                    dated = self._rows.setdefault(key, [])
                    if all(begins != known for known, _amount in dated):
                        dated.append((begins, amount))
        for dated in self._rows.values():
            dated.sort(key=lambda row: row[0], reverse=True)

    def find(self, sla_class: str, category: str, clock: str, day: dt.date) -> Amount | None:
        """The amount for a clock of a case opened on that day.

        A clock set for the category comes before the class's own, shorter or longer, and whatever
        class the case was given: the days of a statute are not ours to change (domain guide, 2.4).
        """
        keys = [(sla_class, category, clock), ("", category, clock)] if category else []
        for key in (*keys, (sla_class, "", clock)):
            for begins, amount in self._rows.get(key, ()):
                if begins <= day:
                    return amount
        return None


@dataclass(frozen=True)
class Happening:
    """What the fold needs of an event."""

    at: dt.datetime
    move: str
    state: str
    facts: Mapping[str, Any]

    @property
    def unit(self) -> str:
        """Who answered for the case after it."""
        return str(self.facts.get("unit", ""))


@dataclass(frozen=True)
class Change:
    """Something that shifted a clock: a pause (from, until) or an extension (at, amount)."""

    at: dt.datetime
    until: dt.datetime | None = None
    amount: Amount | None = None


@dataclass(frozen=True)
class Clock:
    """One clock of a case.

    ended_at: when the work it measured was done, None while it runs.
    hours: of the unit that answered when it started; they stay with it.
    fixed: a day somebody set, in place of start and amount.
    twins: cases that were merged into this one, each with the due time its reporter was promised
    for the same work; the earliest of all counts.
    provisional: rests on a year whose holidays are not published.
    """

    name: str
    started_at: dt.datetime
    amount: Amount
    due_at: dt.datetime
    hours: Hours = calendar.USUAL_HOURS
    fixed: dt.datetime | None = None
    changes: tuple[Change, ...] = ()
    twins: tuple[tuple[str, dt.datetime], ...] = ()
    ended_at: dt.datetime | None = None
    provisional: bool = False
    sla_class: str = ""

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return (
            bool(self.changes)
            and self.changes[-1].amount is None
            and (self.changes[-1].until is None)
        )

    @property
    def is_running(self) -> bool:
        """Whether it is counting now."""
        return self.ended_at is None and not self.paused

    def was_kept(self, at: dt.datetime) -> bool:
        """Whether the work was done, or at `at` can still be done, in time.

        While it stands still, what counts is when it was stopped.
        """
        stopped = self.changes[-1].at if self.paused else at
        return (self.ended_at or stopped) <= self.due_at


def due_after(start: dt.datetime, amount: Amount, hours: Hours) -> tuple[dt.datetime, bool]:
    """When an amount of time that begins at `start` has passed, and whether that is provisional."""
    match amount.unit:
        case "min":
            return start + dt.timedelta(minutes=amount.number), False
        case "h":
            return start + dt.timedelta(hours=amount.number), False
        case "d":
            return start + dt.timedelta(days=amount.number), False
        case "wh":
            return calendar.add_work_minutes(start, amount.number * 60, hours)
        case "wd":
            return calendar.add_work_days(start, amount.number, hours)
    raise ValueError(f"an amount is in min, h, d, wh or wd, not {amount.unit!r}")


def _with_due(clock: Clock) -> Clock:
    """The clock with its due time worked out from its start, amount and changes, in their order."""
    if clock.fixed is not None:
        return replace(clock, due_at=clock.fixed)
    hours = clock.hours
    due, provisional = due_after(clock.started_at, clock.amount, hours)
    for change in clock.changes:
        if change.amount is not None:
            due, unsure = due_after(due, change.amount, hours)
            provisional |= unsure
        elif change.until is not None and change.at < due:
            taken = _counted(change.at, change.until, clock)
            if taken:
                due = _later(due, taken, clock)
                provisional |= _is_unsure(due, clock)
    due = min([due, *(promised for _twin, promised in clock.twins)])
    return replace(clock, due_at=due, provisional=provisional)


def _counts_always(clock: Clock) -> bool:
    """Whether every minute counts: time that runs through, or the hours of an open duty room."""
    unit = clock.amount.unit
    return unit not in WORKING or (unit == "wh" and clock.hours.around_the_clock)


def _stretches(begin: dt.datetime, hours: Hours) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Opening hours from an instant on; a unit that never closes has its workdays whole."""
    opened = calendar.in_force().opened
    local = begin.astimezone(hours.zone)
    day = local.date()
    while True:
        for opens, closes in opened(day, hours):
            if closes > local:
                yield max(opens, local), closes
        day += calendar.DAY


def _counted(begin: dt.datetime, end: dt.datetime, clock: Clock) -> dt.timedelta:
    """How much of the time between two instants the clock counts."""
    if _counts_always(clock):
        return max(end - begin, dt.timedelta())
    within = takewhile(lambda stretch: stretch[0] < end, _stretches(begin, clock.hours))
    return sum((min(closes, end) - opens for opens, closes in within), dt.timedelta())


def _later(at: dt.datetime, left: dt.timedelta, clock: Clock) -> dt.datetime:
    """The instant by which the clock has counted so much more.

    Working days end inside opening hours, at the same position of the working clock; working
    hours end with the last minute counted, which may be closing time.
    """
    if _counts_always(clock):
        return at + left
    for opens, closes in _stretches(at, clock.hours):
        length = closes - opens
        if left < length or (left == length and clock.amount.unit == "wh"):
            return opens + left
        left -= length
    raise AssertionError("working time never ends")


def _is_unsure(at: dt.datetime, clock: Clock) -> bool:
    day = at.astimezone(clock.hours.zone).date()
    return not (_counts_always(clock) or calendar.in_force().is_published(day))


def _end(clock: Clock, at: dt.datetime) -> Clock:
    """The clock with its work done; a pause that lasted until now is over."""
    return replace(_go_on(clock, at), ended_at=at)


def _go_on(clock: Clock, at: dt.datetime) -> Clock:
    if not clock.paused:
        return clock
    over = replace(clock.changes[-1], until=at)
    return _with_due(replace(clock, changes=(*clock.changes[:-1], over)))


def fold(
    kind: Kind,
    history: Iterable[Happening],
    durations: Durations,
    hours: Callable[[str], Hours],
) -> tuple[Clock, ...]:
    """Every clock the case has had, in the order in which they started.

    history: the case's events, oldest first, at least the opening.
    durations: those in force on the day of the opening are used.
    hours: working hours of a unit, by its code; a clock keeps those of the unit it started under.
    """
    counting = Counting(kind, durations, hours)
    for step in history:
        counting.add(step)
    return counting.clocks()


class Counting:
    """The fold, event by event: `clocks` may be asked for between two of them."""

    def __init__(self, kind: Kind, durations: Durations, hours: Callable[[str], Hours]) -> None:
        self._kind, self._durations, self._hours = kind, durations, hours
        self._done: list[Clock] = []
        self._running: dict[str, Clock] = {}
        self._met: set[str] = set()  # work done before its state ended, as a contact noted
        self._state: State | None = None
        self._sla_class = self._category = ""
        self._day = dt.date.min

    def clocks(self) -> tuple[Clock, ...]:
        """Every clock so far, in the order in which they started."""
        clocks = [*self._done, *self._running.values()]
        return tuple(sorted(clocks, key=lambda clock: clock.started_at))

    def add(self, step: Happening) -> None:
        """Goes on by one event; the first is the opening. An aside leaves every clock as it is."""
        if step.move in Aside:
            return
        before, state = self._state, self._kind.state(step.state)
        move = self._kind.move(step.move)
        if before is None:
            self._day = local_day(step.at)
        known = (self._sla_class, self._category)
        self._sla_class = step.facts.get("sla_class", self._sla_class)
        self._category = step.facts.get("category", self._category)
        changed = (self._sla_class, self._category) != known
        entered = before is not state or move is None or move.target is not None
        stops = {*move.stops, *move.renews} if move else set()
        if entered and before is state:
            stops |= self._running.keys()  # passed up: the tier above has its own time
        if entered and not (before and _stands_between(before, state)):
            self._met.clear()
        if move:
            self._met.update(move.stops)
        kept = {*state.clocks, *state.keeps, state.pauses} - stops
        self._go_on(step, state, kept, changed=changed)
        # A class that adds a clock, as S0 its hourly progress, begins it then.
        self._begin(step, state.clocks if entered or changed else move.renews if move else ())
        if "twin" in step.facts:
            self._heed_twin(step)
        self._state = state

    def _go_on(self, step: Happening, state: State, kept: set[str], *, changed: bool) -> None:
        """Ends the running clocks that are not kept or that the class has no longer."""
        longer = self._allowed(EXTEND) if step.facts.get("extension") == "granted" else None
        for name, clock in list(self._running.items()):
            found = self._allowed(name) if changed else clock.amount
            if name not in kept or found is None:
                self._done.append(_end(self._running.pop(name), step.at))
                continue
            now = clock
            if changed:
                now = _with_due(replace(clock, amount=found, sla_class=self._sla_class))
            self._running[name] = _after_step(now, step, state, longer)

    def _heed_twin(self, step: Happening) -> None:
        """A twin that comes brings the due time of the same work; one that goes takes it along."""
        twin, until = str(step.facts["twin"]), step.facts.get("until")
        for name, clock in self._running.items():
            promised = [(t, due) for t, due in clock.twins if t != twin]
            if until and step.facts.get("clock") == name:
                promised.append((twin, _promised(until)))
            if tuple(promised) != clock.twins:
                self._running[name] = _with_due(replace(clock, twins=tuple(promised)))

    def _begin(self, step: Happening, names: Iterable[str]) -> None:
        """Starts clocks that do not run, whose work is not done and that the class has."""
        for name in names:
            if name in self._running or name in self._met:
                continue
            found = self._allowed(name)
            if found is not None:
                hours, fixed = self._hours(step.unit), _fixed(step, name)
                self._running[name] = _with_due(
                    Clock(name, step.at, found, step.at, hours, fixed, sla_class=self._sla_class)
                )

    def _allowed(self, name: str) -> Amount | None:
        return self._durations.find(self._sla_class, self._category, name, self._day)


def promise(due_at: dt.datetime) -> str:
    """A due time as the fact of an event."""
    return due_at.astimezone(dt.UTC).strftime(PROMISE)


def _promised(said: str) -> dt.datetime:
    return dt.datetime.strptime(said, PROMISE).replace(tzinfo=dt.UTC)


def _after_step(clock: Clock, step: Happening, state: State, longer: Amount | None) -> Clock:
    """A clock that goes on: standing still, counting again, or lengthened if the state's own."""
    if clock.name == state.pauses:
        return clock if clock.paused else _with_change(clock, Change(step.at))
    counting = _go_on(clock, step.at)
    if longer is None or clock.name != state.clocks[0]:
        return counting
    return _with_due(_with_change(counting, Change(step.at, amount=longer)))


def _with_change(clock: Clock, change: Change) -> Clock:
    return replace(clock, changes=(*clock.changes, change))


def _stands_between(before: State, after: State) -> bool:
    """Whether one of the two is only a pause of the other, so that no work begins anew."""
    return before.pauses in after.clocks or after.pauses in before.clocks


def _fixed(step: Happening, name: str) -> dt.datetime | None:
    """The end of a day that the move set for the clock, as `review_on` does; None without."""
    day = step.facts.get(f"{name}_on")
    if not day:
        return None
    return dt.datetime.combine(dt.date.fromisoformat(day), END_OF_DAY, CHINA)


def warn_at(clock: Clock, share: float = 0.8) -> dt.datetime | None:
    """When that share of the clock's allowed time will have been used; None while it stands still.

    share: of the time between start and due in which the clock counts, 0 to 1. Pauses do not
    count and extensions lengthen the whole. A clock in working time is measured in the working
    minutes of its unit, and its warning lies inside the unit's opening hours.
    """
    if clock.paused:
        return None
    if clock.fixed is not None:
        return clock.started_at + share * (clock.due_at - clock.started_at)
    spans = _spans(clock)
    lengths = [_counted(begin, end, clock) for begin, end in spans]
    left = share * sum(lengths, dt.timedelta())
    at = clock.due_at
    for (begin, _until), length in zip(spans, lengths, strict=True):
        if left <= length:
            at = _later(begin, left, clock)
            break
        left -= length
    # 80 % of an hour may have passed at noon sharp, when nobody is there to be warned.
    return calendar.next_opening(at, clock.hours) if clock.amount.unit in WORKING else at


def _spans(clock: Clock) -> list[tuple[dt.datetime, dt.datetime]]:
    """From start to due, without the pauses."""
    spans = []
    begin = clock.started_at
    for change in clock.changes:
        if change.until is not None:
            spans.append((begin, min(change.at, clock.due_at)))
            begin = change.until
    spans.append((begin, clock.due_at))
    return [(begin, end) for begin, end in spans if begin < end]


def next_due(clocks: Iterable[Clock]) -> Clock | None:
    """The running clock that is due first; None when none runs."""
    counting = (clock for clock in clocks if clock.is_running)
    return min(counting, key=lambda clock: clock.due_at, default=None)


def clocks_of(case: Case, events: Iterable[Event]) -> tuple[Clock, ...]:
    """The clocks of a case from its events; no statement besides the kept configuration."""
    return counting(case, events).clocks()


def counting(case: Case, events: Iterable[Event]) -> Counting:
    """The fold of a case's events, at least the opening, to go on from."""
    history = [happening(event) for event in events]
    begun = Counting(case.pinned_kind, _pinned(case, history[0].facts), hours_of)
    for step in history:
        begun.add(step)
    return begun


def happening(event: Event) -> Happening:
    """What the fold needs of a stored event."""
    return Happening(event.at, event.move, event.to_state, event.facts)


def allowed_amount(case: Case, clock_name: str) -> Amount | None:
    """How much the case's class allows a clock; None without a row."""
    day = local_day(case.opened_at)
    return _pinned(case).find(case.sla_class, case.category, clock_name, day)


def allowed(case: Case, clock_name: str) -> int:
    """How much the case's class allows a clock, in the clock's own unit; 0 without a row."""
    found = allowed_amount(case, clock_name)
    return found.number if found else 0


def hours_of(unit_code: str) -> Hours:
    """A unit's working hours; the city's usual ones for a unit that is gone."""
    units = directory()
    return units.unit(unit_code).hours if unit_code in units else calendar.USUAL_HOURS


def label(clock_name: str) -> str:
    """The clock's name in the reader's language."""
    return str(CLOCK_LABELS.get(clock_name, clock_name))


def explain(clock: Clock) -> list[str]:
    """Why the clock is due then, in sentences, in the reader's language and the city's time."""

    def shown(at: dt.datetime) -> str:
        return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")

    said = [
        (
            _("It started at %(at)s; category %(category)s has its own limit, %(amount)s.")
            if clock.amount.category
            else _("It started at %(at)s; class %(sla)s allows %(amount)s.")
        )
        % {
            "at": shown(clock.started_at),
            "sla": clock.sla_class,
            "category": clock.amount.category,
            "amount": clock.amount.words(),
        }
    ]
    if clock.fixed is not None:
        said.append(_("Its day was set when it started: %(at)s.") % {"at": shown(clock.fixed)})
    elif clock.amount.clause:
        said.append(
            _("The limit follows %(clause)s; nobody has compared it with the source yet.")
            % {"clause": clock.amount.clause}
            if not clock.amount.checked
            else _("The limit follows %(clause)s.") % {"clause": clock.amount.clause}
        )
    if clock.amount.unit in WORKING and clock.fixed is None:
        said.append(_("Only working time counts; holidays and make-up workdays are known."))
    for change in clock.changes:
        if change.amount is not None:
            said.append(
                _("Extended at %(at)s by %(amount)s.")
                % {"at": shown(change.at), "amount": change.amount.words()}
            )
        elif change.until is None:
            said.append(_("It stands still since %(at)s.") % {"at": shown(change.at)})
        else:
            said.append(
                _("It stood still from %(at)s to %(until)s.")
                % {"at": shown(change.at), "until": shown(change.until)}
            )
    for _twin, promised in clock.twins:
        said.append(
            _("The reporter of a case merged into this was promised %(at)s; the earliest counts.")
            % {"at": shown(promised)}
        )
    if clock.provisional:
        said.append(_("Provisional: the holidays of that year are not published yet."))
    if clock.ended_at is not None:
        said.append(_("Done at %(at)s.") % {"at": shown(clock.ended_at)})
    return said


def _build(_number: int, rows: Sequence[Cells]) -> Durations:
    return Durations(
        (
            cells["sla_class"],
            cells["category"],
            cells["clock"],
            dt.date.fromisoformat(cells["begins"]),
            Amount(int(cells["amount"]), cells["unit"], cells["clause"], cells["checked"] == "yes"),
        )
        for cells in rows
    )


def _check(cells: Cells) -> Iterable[Said]:
    if cells["sla_class"] not in CLASSES:
        yield editions.wrong_choice("sla_class", cells["sla_class"], CLASSES)
    if not CATEGORY.fullmatch(cells["category"]):
        yield (
            _("“%(said)s” is no code of a category.") % {"said": cells["category"]},
            _("Leave it empty for the whole class, or write the category's four digits."),
        )
    if cells["clock"] not in {*CLOCK_LABELS, EXTEND}:
        yield editions.wrong_choice("clock", cells["clock"], {*CLOCK_LABELS, EXTEND})
    if cells["unit"] not in UNITS:
        yield editions.wrong_choice("unit", cells["unit"], UNITS)
    if not (AMOUNT.fullmatch(cells["amount"]) and int(cells["amount"]) <= calendar.LONGEST_DAYS):
        yield (
            _("“%(said)s” is no amount.") % {"said": cells["amount"]},
            _("Write a whole number from 0 to %(most)d.") % {"most": calendar.LONGEST_DAYS},
        )
    if cells["checked"] not in ("yes", "no"):
        yield editions.wrong_choice("checked", cells["checked"], ("yes", "no"))
    if not editions.is_day(cells["begins"]):
        yield editions.wrong_day("begins")


def _whole(rows: Sequence[Row]) -> Iterable[Problem]:
    """Every class keeps the clocks it ships with, or a state would have none."""
    present = {
        (row.cells["sla_class"], row.cells["clock"]) for row in rows if not row.cells["category"]
    }
    with SEED.open(encoding="utf-8", newline="") as handle:
        shipped = {
            (row["sla_class"], row["clock"])
            for row in csv.DictReader(handle)
            if not row["category"]
        }
    for sla_class, clock in sorted(shipped - present):
        yield Problem(
            0,
            f"{sla_class} {clock}",
            _("Class %(sla)s has no limit for “%(clock)s” any more.")
            % {"sla": sla_class, "clock": clock},
            _("Keep the row and change its amount."),
        )


DURATIONS = editions.Table(
    name="durations",
    label=_l("Time limits"),
    columns=("sla_class", "category", "clock", "amount", "unit", "clause", "checked", "begins"),
    key=("sla_class", "category", "clock", "begins"),
    optional={"begins": editions.ALWAYS.isoformat()},
    check=_check,
    whole=_whole,
    build=_build,
)


def durations(number: int | None = None) -> Durations:
    """The configured durations: those in force, at most half a minute old, or of one edition."""
    return DURATIONS.value(number)


def edition_on(at: dt.datetime) -> int:
    """The number of the edition of durations that a case opened at that moment is pinned to."""
    return DURATIONS.number(local_day(at)) or FIRST_EDITION


def _pinned(case: Case, opening: Mapping[str, Any] | None = None) -> Durations:
    """The durations a case was opened under, whatever was published since.

    opening: the facts of its first event; asked for once a case object when not at hand. A case
    from before editions is under the first.
    """
    number: int | None = getattr(case, _PINNED, None)
    if number is None:
        if opening is None:
            first = Event.objects.filter(case_id=case.pk, sequence=1)
            opening = first.values_list("facts", flat=True).first() or {}
        number = int(opening.get("editions", {}).get(DURATIONS.name, FIRST_EDITION))
        setattr(case, _PINNED, number)
    return durations(number)


def open_durations() -> None:
    """Publishes the limits the product ships with, where a city has none yet.

    Where it has, rows for clocks that came with a later release are added in an edition of their
    own; what the city set stays.
    """
    shipped = editions.read_file(DURATIONS, SEED).rows
    number = DURATIONS.number()
    present = editions.rows_of(DURATIONS, number) if number else []
    known = {cells["clock"] for cells in present}
    fresh = [cells for cells in shipped if cells["clock"] not in known]
    if fresh:
        editions.publish(
            DURATIONS,
            [*present, *fresh],
            begins=None if number else editions.ALWAYS,
            note=_("Rows that come with the product."),
            by=SYSTEM,
        )
