"""A second opinion on the clocks, written from the domain guide and not from `cases.deadlines`.

It counts otherwise, so that one mistake is not made twice: an instant is a whole number of
microseconds, and the working clock of a unit is one table of opening times with the time worked
before each, searched by bisection. It reads the manifest (which clocks run in which state) and
the seed (how long), and nothing of the code it judges.

What it holds to be true:

1.  A start outside opening hours counts from the next opening; closing time is outside.
2.  n working hours end at the first instant by which so much has been worked; n working days end
    at the same position of the working clock n working days later, inside opening hours.
3.  A unit that never closes works every hour, yet its working days are the public ones, from
    midnight to midnight.
4.  Years without a published notice have Mondays to Fridays and make what rests on them
    provisional.
5.  A row of the category (a statute) wins over the class, shorter or longer, whatever the class.
6.  A clock runs from state to state while the states name it; it stands still in a state that
    pauses it; it ends in any other. Passing a case up starts it anew for the tier above.
7.  While it stands still no time of its own kind is used. A limit already missed stays missed.
8.  An extension begins where the limit ends, with the amount of the class when it was granted.
9.  A new class or category counts from the clock's own start; a clock it does not know ends, one
    that it adds begins then.
10. Contact noted stays noted until the work begins anew; a suspension does not begin it anew.
11. While a matter is merged away its clock goes on: taken out again, it has the time it had.
12. A clock keeps the hours of the unit that answered when it started.
"""

import csv
import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import chinese_calendar
import numpy as np

from maplebridge.cases.kinds import registry

MATTER = registry.latest("matter")
SEED = Path(__file__).parent.parent / "seed" / "durations.csv"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CHINA = 8 * HOUR
FIRST_DAY = dt.date(2023, 6, 1)
LAST_DAY = dt.date(2032, 12, 31)
RUNNING = {"min": MINUTE, "h": HOUR, "d": DAY}

Hours = tuple[tuple[int, int], ...]  # opening and closing, minutes after midnight
USUAL: Hours = ((510, 720), (840, 1050))
NEVER_CLOSED: Hours = ((0, 1440),)
UNITS: Mapping[str, Hours] = {
    "room": USUAL,
    "market": ((480, 690), (810, 1020)),
    "counter": ((540, 1020),),
    "duty": NEVER_CLOSED,
}
Limits = Mapping[tuple[str, str], tuple[int, str]]  # (class or category, clock): number, unit
Step = tuple[int, str, str, dict[str, Any]]  # at, move, state after, facts


def micros(at: dt.datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (at - EPOCH) // dt.timedelta(microseconds=1)


def moment(at: int) -> dt.datetime:
    """Microseconds since 1970 as a datetime in UTC."""
    return EPOCH + dt.timedelta(microseconds=at)


def read_limits(file: Path = SEED) -> dict[tuple[str, str], tuple[int, str]]:
    """The seed by class and clock, or by category and clock where a row names a category."""
    with file.open(encoding="utf-8") as rows:
        return {
            (row["category"] or row["sla_class"], row["clock"]): (int(row["amount"]), row["unit"])
            for row in csv.DictReader(rows)
        }


@cache
def published_until() -> int:
    """The last year of which the holidays are published."""
    return max(day.year for day in chinese_calendar.constants.holidays)


class WorkingClock:
    """Opening times of a unit as a table: when each begins and ends, and what was worked before."""

    def __init__(self, hours: Hours, ignoring_holidays: bool = False) -> None:
        days = np.arange(FIRST_DAY, LAST_DAY, dtype="datetime64[D]")
        worked = np.is_busday(days)
        if not ignoring_holidays:
            known = days.astype("datetime64[Y]").astype(int) + 1970 <= published_until()
            worked[known] = [chinese_calendar.is_workday(day) for day in days[known].tolist()]
        midnights = days[worked].astype("datetime64[us]").astype(np.int64) - CHINA
        opens = np.array([opens for opens, _closes in hours], dtype=np.int64) * MINUTE
        closes = np.array([closes for _opens, closes in hours], dtype=np.int64) * MINUTE
        starts = (midnights[:, None] + opens[None, :]).ravel()
        lengths = np.tile(closes - opens, len(midnights))
        self.day = int((closes - opens).sum())
        self.starts: list[int] = starts.tolist()
        self.lengths: list[int] = lengths.tolist()
        self.before: list[int] = (np.cumsum(lengths) - lengths).tolist()

    def worked(self, at: int) -> int:
        """Time worked up to an instant."""
        i = bisect_right(self.starts, at) - 1
        return self.before[i] + min(at - self.starts[i], self.lengths[i])

    def first_instant(self, worked: int) -> int:
        """The first instant by which so much has been worked."""
        i = bisect_left(self.before, worked) - 1
        return self.starts[i] + worked - self.before[i]

    def inside(self, worked: int) -> int:
        """The last such instant: never a closing time, rather the next opening."""
        i = bisect_right(self.before, worked) - 1
        return self.starts[i] + worked - self.before[i]


@cache
def working_clock(hours: Hours, ignoring_holidays: bool = False) -> WorkingClock:
    """The one table of those hours."""
    return WorkingClock(hours, ignoring_holidays)


@dataclass(frozen=True)
class Rules:
    """What the opinion rests on; a test bends one to see the comparison fail."""

    limits: Limits = field(default_factory=read_limits)
    ignoring_holidays: bool = False
    ignoring_pauses: bool = False


@dataclass
class Running:
    """A clock while the history is read."""

    name: str
    started: int
    hours: Hours
    amount: tuple[int, str]
    changes: list[tuple[str, int, int, tuple[int, str]]] = field(default_factory=list)
    paused_at: int | None = None
    fixed: int | None = None
    ended: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What is true of one clock: instants in microseconds; kept: in time, or still able to be."""

    name: str
    started: int
    due: int
    ended: int | None
    kept: bool
    paused: bool
    provisional: bool


NO_AMOUNT = (0, "min")
STATES = {state.name: state for state in MATTER.states}
MOVES = {move.name: move for move in MATTER.moves}


def after(at: int, amount: tuple[int, str], hours: Hours, rules: Rules) -> int:
    """When an amount of time beginning at an instant has passed."""
    number, unit = amount
    if unit in RUNNING:
        return at + number * RUNNING[unit]
    clock = working_clock(hours, rules.ignoring_holidays)
    if unit == "wd":
        return clock.inside(clock.worked(at) + number * clock.day)
    if hours == NEVER_CLOSED:
        return at + number * HOUR
    return clock.first_instant(clock.worked(at) + number * HOUR)


def shifted(due: int, begin: int, end: int, unit: str, hours: Hours, rules: Rules) -> int:
    """A limit after a pause: later by the time of the clock's own kind that the pause took."""
    if begin >= due or rules.ignoring_pauses:
        return due
    if unit in RUNNING or (unit == "wh" and hours == NEVER_CLOSED):
        return due + end - begin
    clock = working_clock(hours, rules.ignoring_holidays)
    taken = clock.worked(end) - clock.worked(begin)
    if not taken:
        return due
    back = clock.inside if unit == "wd" else clock.first_instant
    return back(clock.worked(due) + taken)


def rests_on_the_unpublished(due: int, unit: str, hours: Hours) -> bool:
    """Whether a limit reached in that unit rests on holidays not yet known."""
    known = unit in RUNNING or (unit == "wh" and hours == NEVER_CLOSED)
    return not known and moment(due + CHINA).year > published_until()


def verdict(clock: Running, now: int, rules: Rules) -> Verdict:
    """What is true of a clock at `now`."""
    unit = clock.amount[1]
    due = after(clock.started, clock.amount, clock.hours, rules)
    unsure = rests_on_the_unpublished(due, unit, clock.hours)
    for what, begin, end, amount in clock.changes:
        if what == "pause":
            later = shifted(due, begin, end, unit, clock.hours, rules)
            counts = unit if later != due else "d"
        else:
            later, counts = after(due, amount, clock.hours, rules), amount[1]
        due = later
        unsure |= rests_on_the_unpublished(due, counts, clock.hours)
    if clock.fixed is not None:
        due, unsure = clock.fixed, False
    counts_until = clock.ended if clock.ended is not None else now
    if clock.paused_at is not None:
        counts_until = clock.paused_at
    return Verdict(
        clock.name,
        clock.started,
        due,
        clock.ended,
        counts_until <= due,
        clock.paused_at is not None,
        unsure,
    )


def clocks_of(history: Sequence[Step], now: int, rules: Rules) -> list[Verdict]:
    """Every clock of a matter, in the order in which they started."""
    every: list[Running] = []
    running: dict[str, Running] = {}
    sla_class = category = before = ""
    contacted = False
    for at, name, state, facts in history:
        move = MOVES.get(name)
        held = STATES[state]
        told = "sla_class" in facts or "category" in facts
        sla_class = facts.get("sla_class", sla_class)
        category = facts.get("category", category)
        anew = move is not None and move.target is not None
        if state == "handling" and before not in ("handling", "suspended"):
            contacted = False
        if name == "contact":
            contacted = True

        def limit(
            clock: str, sla_class: str = sla_class, category: str = category
        ) -> tuple[int, str] | None:
            return rules.limits.get((category, clock)) or rules.limits.get((sla_class, clock))

        for clock in list(running.values()):
            goes_on = clock.name in (*held.clocks, *held.keeps) and not (before == state and anew)
            stops = move is not None and (clock.name in move.stops or clock.name in move.renews)
            amount = limit(clock.name) if told else clock.amount
            if clock.name == held.pauses:
                if clock.paused_at is None:
                    clock.paused_at = at
            elif not goes_on or stops or amount is None:
                clock.ended = at
                if clock.paused_at is not None:  # what ends a clock ends its pause
                    clock.changes.append(("pause", clock.paused_at, at, NO_AMOUNT))
                    clock.paused_at = None
                del running[clock.name]
            elif clock.paused_at is not None:
                clock.changes.append(("pause", clock.paused_at, at, NO_AMOUNT))
                clock.paused_at = None
            if amount is not None and clock.ended is None:
                clock.amount = amount
        if name == "answer_extend" and facts.get("granted") and "dispose" in running:
            extra = limit("extend")
            if extra:
                running["dispose"].changes.append(("extend", at, at, extra))
        for wanted in held.clocks:
            amount = limit(wanted)
            if wanted in running or amount is None or (wanted == "contact" and contacted):
                continue
            clock = Running(wanted, at, UNITS[facts["unit"]], amount)
            if wanted == "review":
                day = dt.datetime.combine(
                    dt.date.fromisoformat(facts["review_on"]), dt.time(9, 30), dt.UTC
                )
                clock.fixed = micros(day)  # half past five in the afternoon in China
            every.append(clock)
            running[wanted] = clock
        before = state
    return [verdict(clock, now, rules) for clock in every]


# ---------------------------------------------------------------- histories by chance

CLASSES = tuple(f"S{n}" for n in range(8))
STATUTORY = tuple(sorted({key for key, _clock in read_limits() if not key.startswith("S")}))
CATEGORIES = (*STATUTORY, "0102", "0603", "0901", "1001", "1502", "")
# Days about which limits go wrong: eves, holidays, make-up days, the ends of years.
TURNS = (
    "2024-02-04", "2024-02-09", "2024-02-18", "2024-05-11", "2024-09-14", "2024-09-29",
    "2024-10-12", "2024-12-31", "2025-01-26", "2025-01-27", "2025-02-08", "2025-04-27",
    "2025-09-28", "2025-09-30", "2025-10-08", "2025-10-11", "2026-01-04", "2026-02-14",
    "2026-02-15", "2026-02-28", "2026-05-09", "2026-09-20", "2026-09-30", "2026-10-07",
    "2026-10-10", "2026-12-30", "2026-12-31", "2027-01-01", "2027-02-05", "2027-09-30",
)  # fmt: skip
EDGES = (0, 480, 510, 540, 690, 720, 810, 840, 1020, 1050, 1439)
NEW_UNIT = {"triage", "escalate", "dispatch", "adjudicate", "take_over", "call_back", "return_back"}
LONG_STEPS = (
    (0, 2 * MINUTE),
    (MINUTE, HOUR),
    (MINUTE, HOUR),
    (HOUR, 8 * HOUR),
    (HOUR, 8 * HOUR),
    (8 * HOUR, 3 * DAY),
    (DAY, 14 * DAY),
    (14 * DAY, 60 * DAY),
)
ONWARD = {
    "reported": ("accept", "ask_more"),
    "need_info": ("supply",),
    "accepted": ("file_case", "file_case", "escalate"),
    "filed": ("dispatch", "dispatch", "adjudicate"),
    "dispatched": ("sign_for", "sign_for", "return_back"),
    "handling": ("feedback", "contact", "suspend", "request_extend", "answer_extend", "overrule"),
    "suspended": ("resume", "resume", "call_back"),
    "feedback": ("verify_pass", "verify_fail"),
    "verified": ("close",),
    "closed": ("reopen", "order_reopen", "rate"),
    "archived": ("order_reopen",),
    "declined": ("appeal",),
    "voided": ("appeal",),
    "merged": ("unmerge",),
    "handed_over": ("confirm_receipt", "return_lead"),
    "received": ("tell_more",),
}
FROM = {
    state.name: tuple(move.name for move in MATTER.moves if move.leads_from(state.name))
    for state in MATTER.states
}
ONCE = {"ask_more", "appeal", "request_extend", "reopen"}


def _next_instant(chance: Random, at: int) -> int:
    roll = chance.random()
    if roll < 0.15:  # exactly when a unit opens or closes
        midnight = (at + CHINA) // DAY * DAY - CHINA
        later = midnight + chance.randrange(4) * DAY + chance.choice(EDGES) * MINUTE
        return max(at, later)
    low, high = chance.choice(LONG_STEPS)
    later = at + low + int(chance.random() * (high - low))
    return later if roll < 0.3 else max(at, later // MINUTE * MINUTE)


def _first_instant(chance: Random) -> int:
    day = micros(
        dt.datetime.combine(dt.date.fromisoformat(chance.choice(TURNS)), dt.time(), dt.UTC)
    )
    if chance.random() < 0.4:
        day += chance.randrange(-400, 400) * DAY
    day = max(day, micros(dt.datetime(2024, 1, 1, tzinfo=dt.UTC)))
    minute = chance.choice(EDGES) if chance.random() < 0.3 else chance.randrange(1440)
    return (
        day - CHINA + minute * MINUTE + (chance.randrange(MINUTE) if chance.random() < 0.2 else 0)
    )


def _facts(chance: Random, move: str, at: int) -> dict[str, Any]:
    if move in ("triage", "overrule"):
        said: dict[str, Any] = {}
        if chance.random() < 0.7:
            said["sla_class"] = chance.choice(CLASSES)
        if chance.random() < 0.5:
            said["category"] = chance.choice(CATEGORIES)
        return said
    if move == "suspend":
        day = moment(at + CHINA).date() + dt.timedelta(days=chance.randint(1, 30))
        return {"review_on": day.isoformat()}
    if move == "answer_extend":
        granted = chance.random() < 0.8
        return {"granted": granted, "extension": "granted" if granted else "refused"}
    return {}


def history_by_chance(chance: Random) -> list[Step]:
    """A valid life of a matter: legal moves at increasing instants, the facts that clocks read."""
    at = _first_instant(chance)
    unit = chance.choice(list(UNITS))
    facts = {"unit": unit, "sla_class": chance.choice(CLASSES)}
    if chance.random() < 0.4:
        facts["category"] = chance.choice(CATEGORIES)
    steps: list[Step] = [(at, "report", "reported", facts)]
    state, done, asked = "reported", set[str](), False
    for _turn in range(chance.randint(0, 18)):
        at = _next_instant(chance, at)
        name = chance.choice(ONWARD[state] if chance.random() < 0.7 else FROM[state])
        move = MOVES[name]
        if name in ONCE and name in done:
            continue
        if name == "answer_extend" and not asked:
            continue
        done.add(name)
        asked = name == "request_extend" or (asked and name != "answer_extend")
        if name in NEW_UNIT and chance.random() < 0.6:
            unit = chance.choice(list(UNITS))
        state = move.target or state
        if name == "name_unit" and state in move.taken_from:
            state = move.taken or state  # the unit that had it is the one complained about
        steps.append((at, name, state, {"unit": unit, **_facts(chance, name, at)}))
        if name == "sign_for":  # a unit that takes it anew may ask for more time again
            asked = False
            done.discard("request_extend")
    return steps


def histories(seed: int, number: int) -> Iterator[list[Step]]:
    """That many histories, the same ones for the same seed."""
    chance = Random(seed)
    for _history in range(number):
        yield history_by_chance(chance)
