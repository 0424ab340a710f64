"""Whether the clocks agree with a second opinion that was written without looking at them."""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from maplebridge.cases import deadlines
from maplebridge.cases.deadlines import Amount, Clock, Durations, Happening
from maplebridge.cases.kinds import registry
from maplebridge.cases.tests import oracle
from maplebridge.cases.tests.oracle import Rules, Step, Verdict
from maplebridge.organisation import calendar
from maplebridge.organisation.calendar import AROUND_THE_CLOCK, CALENDAR, Hours

MATTER = registry.latest("matter")
LONG_AGO = dt.date(2000, 1, 1)


def _hours(intervals: oracle.Hours) -> Hours:
    if intervals == oracle.NEVER_CLOSED:
        return AROUND_THE_CLOCK
    return Hours(
        tuple(
            (dt.time(*divmod(opens, 60)), dt.time(*divmod(closes, 60)))
            for opens, closes in intervals
        )
    )


HOURS = {unit: _hours(intervals) for unit, intervals in oracle.UNITS.items()}


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """No city's own exceptions: these tests need no database, however long they take."""
    monkeypatch.setattr(calendar, "in_force", lambda: CALENDAR)


def seeded() -> Durations:
    with oracle.SEED.open(encoding="utf-8") as rows:
        return Durations(
            (
                row["sla_class"],
                row["category"],
                row["clock"],
                LONG_AGO,
                Amount(int(row["amount"]), row["unit"], row["clause"], row["checked"] == "yes"),
            )
            for row in csv.DictReader(rows)
        )


def told(clock: Clock, now: dt.datetime) -> Verdict:
    """What the code says of a clock, in the words of the oracle."""
    ended = clock.ended_at
    return Verdict(
        clock.name,
        oracle.micros(clock.started_at),
        oracle.micros(clock.due_at),
        None if ended is None else oracle.micros(ended),
        clock.was_kept(now),
        clock.paused,
        clock.provisional,
    )


def _sorted(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: (verdict.started, verdict.name))


def folded(history: list[Step], durations: Durations) -> tuple[Clock, ...]:
    """The clocks of a history by the code."""
    return deadlines.fold(
        MATTER,
        [Happening(oracle.moment(at), move, state, facts) for at, move, state, facts in history],
        durations,
        HOURS.__getitem__,
    )


def both(
    history: list[Step], durations: Durations, rules: Rules
) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts of the code and of the oracle an hour after the last step."""
    now = history[-1][0] + oracle.HOUR
    at = oracle.moment(now)
    return (
        _sorted(told(clock, at) for clock in folded(history, durations)),
        _sorted(oracle.clocks_of(history, now, rules)),
    )


@dataclass
class Seen:
    """What a comparison went through, and the first history the two judge differently."""

    histories: int = 0
    clocks: Counter[str] = field(default_factory=Counter)
    late: int = 0
    standing_still: int = 0
    provisional: int = 0
    differing: int = 0
    first: tuple[list[Step], list[Verdict], list[Verdict]] | None = None


def compared(seed: int, number: int, rules: Rules | None = None) -> Seen:
    """Judges that many histories by the code and by the oracle."""
    durations, rules, seen = seeded(), rules or Rules(), Seen()
    for history in oracle.histories(seed, number):
        code, opinion = both(history, durations, rules)
        seen.histories += 1
        for verdict in opinion:
            seen.clocks[verdict.name] += 1
            seen.late += not verdict.kept
            seen.standing_still += verdict.paused
            seen.provisional += verdict.provisional
        if code != opinion:
            seen.differing += 1
            seen.first = seen.first or (history, code, opinion)
    return seen


EVERY_CLOCK = {
    "accept", "answer", "close", "contact", "dispatch", "dispose", "progress", "review", "sign",
    "verify",
}  # fmt: skip


def test_the_clocks_agree_with_a_second_opinion_on_four_thousand_lives():
    seen = compared(seed=1, number=4_000)
    assert seen.first is None
    assert seen.histories == 4_000
    assert set(seen.clocks) == EVERY_CLOCK


@pytest.mark.long
def test_the_clocks_agree_with_a_second_opinion_on_a_hundred_thousand_lives():
    seen = compared(seed=2026, number=100_000)
    assert seen.first is None
    assert seen.histories == 100_000
    assert set(seen.clocks) == EVERY_CLOCK
    # Chance went where limits go wrong, often enough for the agreement to mean something.
    assert min(seen.clocks.values()) > 1_000
    assert min(seen.late, seen.standing_still, seen.provisional) > 1_000


LIMITS = oracle.read_limits()
BENT = {
    "one working day too many": Rules({**LIMITS, ("S4", "dispose"): (6, "wd")}),
    "one minute too few": Rules({**LIMITS, ("S1", "accept"): (14, "min")}),
    "a statute overlooked": Rules(
        {key: amount for key, amount in LIMITS.items() if key != ("1301", "dispose")}
    ),
    "an extension too short": Rules({**LIMITS, ("S5", "extend"): (14, "wd")}),
    "holidays overlooked": Rules(ignoring_holidays=True),
    "pauses overlooked": Rules(ignoring_pauses=True),
}


@pytest.mark.parametrize("rules", BENT.values(), ids=BENT.keys())
def test_one_bent_rule_is_enough_for_the_comparison_to_fail(rules):
    assert compared(seed=1, number=1_000, rules=rules).differing > 0


NOTHING = dt.timedelta()
BROKEN = {
    "a pause that gives nothing back": ("_counted", lambda _begin, _end, _clock: NOTHING),
    "a contact asked for again": ("_stands_between", lambda _before, _after: False),
    "a pause that never ends": ("_go_on", lambda clock, _at: clock),
    "a review on no day": ("_fixed", lambda _step, _name: None),
    "every minute counted": ("_counts_always", lambda _clock: True),
    "no year ever unpublished": ("_is_unsure", lambda _at, _clock: False),
}


@pytest.mark.parametrize(("name", "broken"), BROKEN.values(), ids=BROKEN.keys())
def test_one_broken_function_is_enough_for_the_comparison_to_fail(monkeypatch, name, broken):
    monkeypatch.setattr(deadlines, name, broken)
    assert compared(seed=5, number=3_000).differing > 0


def test_the_same_seed_gives_the_same_lives_and_every_move_of_them_is_legal():
    lives = list(oracle.histories(7, 500))
    assert lives == list(oracle.histories(7, 500))
    for life in lives:
        for (before, _move, state, _facts), (at, name, after, _said) in pairwise(life):
            move = MATTER.move(name)
            assert at >= before
            assert move.leads_from(state)
            assert after in {move.target or state, *([move.taken] if move.taken else [])}


def test_a_warning_comes_when_four_fifths_are_worked_and_somebody_is_there():
    durations, warned = seeded(), 0
    for history in oracle.histories(3, 1_500):
        for clock in folded(history, durations):
            if clock.amount.unit not in ("wh", "wd") or clock.fixed or clock.changes:
                continue
            intervals = next(oracle.UNITS[u] for u, hours in HOURS.items() if hours == clock.hours)
            if intervals == oracle.NEVER_CLOSED:
                continue
            warn = deadlines.warn_at(clock)
            assert CALENDAR.is_open(warn, clock.hours)
            assert clock.started_at < warn <= clock.due_at
            table = oracle.working_clock(intervals)
            start, at, due = (
                table.worked(oracle.micros(moment))
                for moment in (clock.started_at, warn, clock.due_at)
            )
            assert abs((at - start) - 0.8 * (due - start)) <= 1  # a microsecond of rounding
            warned += 1
    assert warned > 1_000
