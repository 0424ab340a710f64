"""Whether the clocks agree with a second opinion that was written without looking at them."""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterable

from maplebridge.applications.matters.manifest import MATTER
from maplebridge.cases import deadlines
from maplebridge.cases.deadlines import Amount, Clock, Durations, Happening
from maplebridge.cases.tests import oracle
from maplebridge.cases.tests.oracle import Rules, Step, Verdict
from maplebridge.organisation.calendar import AROUND_THE_CLOCK, Hours

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


def both(
    history: list[Step], durations: Durations, rules: Rules
) -> tuple[list[Verdict], list[Verdict]]:
    """The verdicts of the code and of the oracle an hour after the last step."""
    now = history[-1][0] + oracle.HOUR
    clocks = deadlines.fold(
        MATTER,
        [Happening(oracle.moment(at), move, state, facts) for at, move, state, facts in history],
        durations,
        HOURS.__getitem__,
    )
    at = oracle.moment(now)
    return (
        _sorted(told(clock, at) for clock in clocks),
        _sorted(oracle.clocks_of(history, now, rules)),
    )


def disagreements(seed: int, number: int, rules: Rules | None = None) -> Counter[str]:
    """How many histories were compared, clocks seen, and histories differed."""
    durations, rules = seeded(), rules or Rules()
    seen: Counter[str] = Counter()
    for history in oracle.histories(seed, number):
        code, opinion = both(history, durations, rules)
        seen["histories"] += 1
        seen["clocks"] += len(opinion)
        seen["differ"] += code != opinion
        seen.update(verdict.name for verdict in opinion)
    return seen
