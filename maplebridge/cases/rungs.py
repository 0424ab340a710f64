"""When a clock is told of, and to which units: the ladder from the warning to the county."""

from __future__ import annotations

import datetime as dt

from maplebridge.cases import deadlines
from maplebridge.cases.deadlines import Amount, Clock
from maplebridge.cases.grades import Rung
from maplebridge.organisation import calendar
from maplebridge.organisation.calendar import Hours
from maplebridge.organisation.people import Tier
from maplebridge.organisation.units import ROOMS, Directory, UnitFacts, UnknownUnit

WARN_SHARE = 0.8
# How long after the due time OVERDUE and LONG_OVERDUE ring. Source: domain guide, section 3: one
# 12345 rule urges a working day and publishes five working days after the time limit.
USUAL_STEPS = (Amount(1, "wd"), Amount(5, "wd"))
# What runs around the clock does not wait for tomorrow.
HURRIED_STEPS = (Amount(1, "h"), Amount(4, "h"))
HURRIED_CLASSES = frozenset({"S0", "S1"})
HURRIED_UNITS = frozenset({"min", "h"})


def counts_working_time(clock: Clock) -> bool:
    """Whether a clock runs in working time; then it also rings only in working time."""
    return clock.amount.unit in deadlines.WORKING and clock.fixed is None


def is_hurried(clock: Clock) -> bool:
    """Whether its overdue rungs follow in hours: emergencies, and whatever is due in hours."""
    return clock.sla_class in HURRIED_CLASSES or clock.amount.unit in HURRIED_UNITS


def warn_at(clock: Clock) -> dt.datetime:
    """When WARN rings: with four fifths of the allowed time used, never after the due time."""
    return min(deadlines.warn_at(clock, WARN_SHARE) or clock.due_at, clock.due_at)


LADDER = (Rung.WARN, Rung.DUE, Rung.OVERDUE, Rung.LONG_OVERDUE)


def instant(
    rung: Rung,
    warn: dt.datetime,
    due: dt.datetime,
    hours: Hours,
    *,
    working: bool,
    hurried: bool,
) -> dt.datetime:
    """When a rung of a running clock is to ring.

    warn, due: of the clock; hours: of the unit that owes the work. With `working` it lies inside
    these hours: what is due at closing time rings at the next opening.
    """
    if rung == Rung.WARN:
        at = warn
    elif rung == Rung.DUE:
        at = due
    else:
        steps = HURRIED_STEPS if hurried else USUAL_STEPS
        at, _provisional = deadlines.due_after(due, steps[rung - Rung.OVERDUE], hours)
    return calendar.next_opening(at, hours) if working else at


def told_units(
    rung: Rung, unit_code: str, area_code: str, units: Directory, about_unit: str = ""
) -> list[str]:
    """The units to be told that a rung rang: first the one that owes the work.

    WARN: itself. DUE: also its room. OVERDUE: also the room above that. LONG_OVERDUE: also the
    county's centre, or the city's for a unit of the county.
    unit_code: who owes the work; one that is gone is stood in for by the room of `area_code`.
    about_unit: the unit complained about; in its place, and of those under it, the room is told
    that stands above it.
    """
    try:
        unit = units.unit(unit_code) if unit_code in units else units.room_of(area_code, Tier.TOWN)
        room = unit if unit.kind in ROOMS else units.room_of(unit.area_code, Tier.TOWN)
    except UnknownUnit:
        return [] if units.is_kept_out(unit_code, about_unit) else [unit_code]
    told = [unit.code]
    match rung:
        case Rung.DUE:
            told.append(room.code)
        case Rung.OVERDUE:
            told.append((units.room_above(room.area_code) or room).code)
        case Rung.LONG_OVERDUE:
            told.append(_centre(unit, units, room).code)
    apart = units.room_apart(about_unit)
    kept = [
        (apart.code if apart else "") if units.is_kept_out(code, about_unit) else code
        for code in told
    ]
    return list(dict.fromkeys(filter(None, kept)))


def _centre(unit: UnitFacts, units: Directory, room: UnitFacts) -> UnitFacts:
    if unit.tier >= Tier.COUNTY:
        return units.room_above(unit.area_code) or room
    return units.room_of(unit.area_code, Tier.COUNTY)
