"""Plain rules of work safety: grades of accidents, changes, repeats, and whom to visit when."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from maplebridge.applications.safety.models import Risk

WAN = 10_000
# From the worst: at least so many deaths, so many gravely injured, so much direct loss in yuan.
LADDER = (
    (1, 30, 100, 10_000 * WAN),
    (2, 10, 50, 5_000 * WAN),
    (3, 3, 10, 1_000 * WAN),
)
MONTHS_OF_REPEAT = 12


class AccidentGrade(IntEnum):
    """特别重大, 重大, 较大, 一般; the worst is 1."""

    WORST = 1
    MAJOR = 2
    LARGER = 3
    ORDINARY = 4


# Days between two visits of premises of each risk. Source: our decision; a clerk may ask for less.
DAYS_BETWEEN = {Risk.RED: 30, Risk.ORANGE: 90, Risk.YELLOW: 180, Risk.BLUE: 365}


@dataclass(frozen=True)
class Premises:
    """Premises as the plan sees them.

    lines: the departments that have something to check there. last_visit: the last by any of them.
    cause: why they are visited before their time; empty for none.
    """

    code: str
    risk: Risk
    lines: frozenset[str]
    last_visit: dt.date | None = None
    cause: str = ""


@dataclass(frozen=True)
class Visit:
    """One visit for all departments (综合查一次), and why."""

    code: str
    on: dt.date
    lines: tuple[str, ...]
    reason: str


def accident_grade(deaths: int, gravely_injured: int, loss_yuan: int) -> AccidentGrade:
    """The grade of an accident; each of the three measures alone is enough for a grade.

    deaths, gravely_injured: people, at least 0; acute industrial poisoning counts as injury.
    loss_yuan: direct economic loss. "At least" includes the figure itself, "below" does not.
    Raises ValueError for a negative figure.
    Source: State Council order 493 (生产安全事故报告和调查处理条例), article 3.
    """
    if min(deaths, gravely_injured, loss_yuan) < 0:
        raise ValueError("deaths, injured and loss are never negative")
    for grade, dead, hurt, loss in LADDER:
        if deaths >= dead or gravely_injured >= hurt or loss_yuan >= loss:
            return AccidentGrade(grade)
    return AccidentGrade.ORDINARY


def change_share(now: int, base: int) -> float | None:
    """How much more or less than in the base period (同比): -0.243 is 24.3 % less.

    None when the base is 0: no share can be said, and a page shows a dash. Raises ValueError for
    a negative count. Source: domain guide, 6.
    """
    if now < 0 or base < 0:
        raise ValueError("counts are never negative")
    return None if base == 0 else (now - base) / base


def is_repeat(item: str, found_on: dt.date, before: Iterable[tuple[str, dt.date]]) -> bool:
    """Whether the same item was found at the same premises within the 12 months before.

    before: items and days of earlier hazards of these premises. The same day a year ago counts.
    """
    try:
        since = found_on.replace(year=found_on.year - MONTHS_OF_REPEAT // 12)
    except ValueError:  # 29 February
        since = found_on.replace(year=found_on.year - 1, day=28)
    return any(known == item and since <= day < found_on for known, day in before)


def inspection_plan(
    register: Iterable[Premises],
    begins: dt.date,
    working_days: Iterable[dt.date],
    visits_a_day: int,
    seed: int,
    days_between: Mapping[Risk, int] = DAYS_BETWEEN,
) -> list[Visit]:
    """Who is visited on which day, all departments together, nobody twice without a cause.

    begins: the day of planning; days before it are left out. visits_a_day: at least 1.
    seed: decides among premises that are equally urgent; the same seed, days and register, in
    whatever order, give the same plan.
    Returns at most one visit for each premises: those with a cause first, then by risk, then by
    how long they are overdue. Premises not yet due on a day are not visited on it. Raises
    ValueError when visits_a_day is below 1 or premises stand twice in the register.
    """
    if visits_a_day < 1:
        raise ValueError("at least one visit a day")
    waiting = sorted(register, key=lambda one: one.code)
    if len({one.code for one in waiting}) != len(waiting):
        raise ValueError("premises stand twice in the register")
    waiting.sort(key=lambda one: _urgency(one, seed, days_between))
    plan: list[Visit] = []
    for day in sorted({day for day in working_days if day >= begins}):
        ready = [one for one in waiting if one.cause or _due(one, days_between) <= day]
        for one in ready[:visits_a_day]:
            reason = one.cause or one.risk.name.lower()
            plan.append(Visit(one.code, day, tuple(sorted(one.lines)), reason))
            waiting.remove(one)
    return plan


def _due(one: Premises, days_between: Mapping[Risk, int]) -> dt.date:
    if one.last_visit is None:
        return dt.date.min
    return one.last_visit + dt.timedelta(days=days_between[one.risk])


def _urgency(
    one: Premises, seed: int, days_between: Mapping[Risk, int]
) -> tuple[bool, int, dt.date, str]:
    drawn = hashlib.sha256(f"{seed}:{one.code}".encode()).hexdigest()
    return (not one.cause, one.risk, _due(one, days_between), drawn)
