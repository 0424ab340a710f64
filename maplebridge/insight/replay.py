"""The board as it was at a past instant, told again from the events alone.

What is confidential today, or complains about a unit, was perhaps not yet known for it then; it is
left out of the past, too. Which unit answered for a case is not told again.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from maplebridge.cases import deadlines
from maplebridge.cases.kinds import Effect
from maplebridge.cases.models import Case, Event
from maplebridge.insight import board
from maplebridge.insight.board import Board, Rated, Standing
from maplebridge.lib.clock import local_day

# Digits of a city: a case that lies elsewhere now may have lain here then.
CITY = 4
# More than these would keep a page waiting.
MOST_EVENTS = 60_000
# What work begins anew with.
ANEW = frozenset({Effect.REOPEN, Effect.APPEAL})
# The facts by which a case came to stand where it stands.
SORTED = ("area_code", "category", "line", "confidentiality", "sla_class", "urgency")


class TooMuch(Exception):
    """So many events cannot be told again at once; a smaller area can."""


def at(area_code: str, instant: dt.datetime) -> Board:
    """The board of an area at a past instant; the same for ever. Two statements.

    instant: aware. Asked behind the wall. Raises TooMuch for more than MOST_EVENTS events.
    """
    inside = [
        one for one in stood(area_code, instant).values() if one["area_code"].startswith(area_code)
    ]
    return board.compose(
        area_code,
        instant,
        [_standing(one) for one in inside if not one["ended"]],
        _trend(inside, instant),
        _rated(inside, instant),
    )


def stood(area_code: str, instant: dt.datetime) -> dict[UUID, Mapping[str, Any]]:
    """How each case stood at a past instant, by its events: the columns of `Standing` but the unit,
    and whether it was ended and what its reporter said. Also of cases that lay elsewhere then.
    """
    first = board.since(instant)
    cases = {
        case.pk: case
        for case in board.counted(area_code[:CITY]).filter(opened_at__lte=instant)
        if not case.ended or case.changed_at >= first or case.opened_at >= first
    }
    found: dict[UUID, list[Event]] = defaultdict(list)
    events = Event.objects.filter(case_id__in=list(cases), at__lte=instant)
    for number, event in enumerate(events.order_by("case_id", "sequence").iterator(), 1):
        if number > MOST_EVENTS:
            raise TooMuch
        found[event.case_id].append(event)
    return {case_id: _stood(cases[case_id], history) for case_id, history in found.items()}


def _stood(case: Case, history: Sequence[Event]) -> Mapping[str, Any]:
    """What a case's events say of it."""
    opening = history[0]
    stands: dict[str, Any] = {
        "area_code": opening.area_code,
        "category": "",
        "line": "",
        "confidentiality": str(Case._meta.get_field("confidentiality").default),
        "sla_class": str(Case._meta.get_field("sla_class").default),
        "urgency": str(Case._meta.get_field("urgency").default),
        "channel": case.channel,
        "opened_at": case.opened_at,
        "supervision": 0,
        "closed_at": None,
        "rating": None,
        "solved": None,
    }
    kind = case.pinned_kind
    for event in history:
        facts = event.facts
        move = kind.move(event.move)
        effects = frozenset(move.effects) if move else frozenset()
        if Effect.TRIAGE in effects:
            stands |= {name: facts[name] for name in SORTED if facts.get(name)}
        if Effect.EXPEDITE in effects:
            stands["urgency"] = facts["urgency"]
        if Effect.SUPERVISE in effects:
            stands["supervision"] = int(facts["supervision"])
        if Effect.RELEASE in effects:
            stands["supervision"] = 0
        if Effect.CLOSE in effects:
            stands |= {"closed_at": event.at, "rating": None, "solved": None}
        if Effect.RATE in effects:
            stands["rating"], stands["solved"] = int(facts["rating"]), bool(facts["solved"])
        if effects & ANEW:
            stands |= {"closed_at": None, "rating": None, "solved": None}
    stands["ended"] = kind.state(history[-1].to_state).ended
    clocks = deadlines.clocks_of(case, history)
    running = None if stands["ended"] else deadlines.next_due(clocks)
    stands["due_at"] = running.due_at if running else None
    return stands


def _standing(stands: Mapping[str, Any]) -> Standing:
    known = {name: stands.get(name, "") for name in Standing.__dataclass_fields__}
    return Standing(**known)


def _trend(inside: Iterable[Mapping[str, Any]], instant: dt.datetime) -> list[board.Day]:
    opened: dict[dt.date, int] = defaultdict(int)
    closed: dict[dt.date, int] = defaultdict(int)
    for one in inside:
        opened[local_day(one["opened_at"])] += 1
        if one["closed_at"] is not None and one["ended"]:
            closed[local_day(one["closed_at"])] += 1
    return board.days(instant, lambda day: (opened[day], closed[day]))


def _rated(inside: Iterable[Mapping[str, Any]], instant: dt.datetime) -> Rated:
    first = board.since(instant)
    ended = [
        one
        for one in inside
        if one["ended"] and one["closed_at"] is not None and one["closed_at"] >= first
    ]
    return Rated(
        closed=len(ended),
        rated=sum(one["rating"] is not None for one in ended),
        satisfied=sum((one["rating"] or 0) >= board.SATISFIED for one in ended),
        asked=sum(one["solved"] is not None for one in ended),
        solved=sum(bool(one["solved"]) for one in ended),
    )
