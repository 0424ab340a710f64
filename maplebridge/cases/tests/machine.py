"""Random lives of cases for hypothesis, and what must hold of a case after every step.

`Lives` makes the moves; each function marked `invariant` is one named law. A law that does not
hold raises `Broken` with the law's name, and hypothesis looks for the shortest life that breaks it.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar
from uuid import UUID

import hypothesis
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from maplebridge.cases import chain, deadlines, engine, permissions, rungs, shares, timers
from maplebridge.cases.effects import ABOUT, EFFECTS, GUARDS, OWED, RETURNS_BEFORE_RULING, Step
from maplebridge.cases.feed import News
from maplebridge.cases.grades import GONE, LIVE, Duty
from maplebridge.cases.kinds import Effect, Field, Kind, Move, Type, Who, registry
from maplebridge.cases.models import Assignment, Case
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.people import SYSTEM, Actor, Role, Tier
from maplebridge.organisation.units import directory

CASES = 4
STEPS_OF_A_LIFE = 100
# Some lives end a little early; these make up for them.
SPARE = 20
# With so many different facts a guarded move is tried before it counts as refused.
TURNS = 12
BEGIN = dt.datetime(2026, 11, 2, 9, tzinfo=CHINA)
GAPS = [dt.timedelta(minutes=m) for m in (1, 1, 30, 30, 240, 600, 1440, 8640)]
UNITS = [
    "330825-hsc", "330825-utl", "330825-enf", "330825209201-station", "330825209-room",
    "330825-center", "330825209-mediation", "330825209201001-grid", "3308-center", "330825-dis",
]  # fmt: skip
AREAS = ["330825209201", "330825209201", "330825209", "330825209201001", "330825"]
CODES = {
    "line": ["HSC", "UTL", ""],
    "nature": ["", "dispute"],
    "receipt": ["2026-110-7"],
}
# What the feed's reader does to twins; nobody else may.
OF_TWINS = frozenset({"absorb", "give_back", "return_twin"})
# The usual way through, often taken, or few cases would ever be handled.
STRAIGHT = frozenset(
    {
        "accept", "file_case", "dispatch", "sign_for", "feedback", "verify_pass", "close", "rate",
        "rate_twin",
    }
)  # fmt: skip
SORTING = frozenset({"triage", "overrule"})
SEALING = frozenset({Effect.SEAL_OVER, Effect.DESTROY_SEAL, Effect.UNSEAL})
NEGATIVE = frozenset({"declined", "voided", "merged"})

# Every row of a case, in one statement.
PICTURE = """
SELECT json_build_object(
    'case', (SELECT to_jsonb(c) FROM cases_case c WHERE c.id = %(id)s),
    'events', (SELECT coalesce(json_agg(to_jsonb(e) ORDER BY e.sequence), '[]')
        FROM cases_event e WHERE e.case_id = %(id)s),
    'payloads', (SELECT coalesce(json_agg(to_jsonb(p) ORDER BY p.sequence, p.part), '[]')
        FROM cases_payload p WHERE p.case_id = %(id)s),
    'shares', (SELECT coalesce(json_agg(to_jsonb(a) ORDER BY a.number), '[]')
        FROM cases_assignment a WHERE a.case_id = %(id)s),
    'files', (SELECT coalesce(json_agg(to_jsonb(f) ORDER BY f.number), '[]')
        FROM cases_attachment f WHERE f.case_id = %(id)s),
    'told', (SELECT coalesce(json_agg(to_jsonb(n) ORDER BY n.sequence), '[]')
        FROM cases_feed n WHERE n.case_id = %(id)s),
    'timers', (SELECT coalesce(json_agg(to_jsonb(t) ORDER BY t.clock, t.share), '[]')
        FROM cases_timer t WHERE t.case_id = %(id)s)
)::text
"""


class Broken(AssertionError):
    """A law does not hold; `law` is its name."""

    def __init__(self, law: str, said: str) -> None:
        super().__init__(f"{law}: {said}")
        self.law = law


def instant(said: str | None) -> dt.datetime | None:
    """A moment as PostgreSQL writes it into JSON."""
    return dt.datetime.fromisoformat(said) if said else None


def picture(case_id: UUID) -> str:
    """Everything stored of a case, as text that differs when anything does."""
    with connection.cursor() as cursor:
        cursor.execute(PICTURE, {"id": case_id})
        return str(cursor.fetchone()[0])


class Sight:
    """A case as its rows tell it, before and after a step."""

    def __init__(self, now: str, before: str | None = None) -> None:
        rows = json.loads(now)
        self.row: dict[str, Any] = rows["case"]
        self.rows = rows
        self.before = json.loads(before) if before else None
        self.kind = registry.pinned(self.row["kind"], self.row["kind_version"])
        self.state = self.kind.state(self.row["state"])
        self.events = [
            SimpleNamespace(
                **{
                    **e,
                    "at": instant(e["at"]),
                    "hash": bytes.fromhex(e["hash"][2:]),
                    "previous_hash": bytes.fromhex(e["previous_hash"][2:]),
                }
            )
            for e in rows["events"]
        ]
        self.shares = [
            Assignment(
                **{
                    **a,
                    **{name: instant(a[name]) for name in ("since", "ended_at", "due_at")},
                }
            )
            for a in rows["shares"]
        ]

    @cached_property
    def case(self) -> Case:
        """The row as a Case, for the gates and the clocks; never to be saved."""
        moments = {name: instant(self.row[name]) for name in self.row if name.endswith("_at")}
        ids = {name: UUID(self.row[name]) for name in ("id", "handler_id") if self.row[name]}
        return Case(**{**self.row, **moments, **ids})

    @cached_property
    def clocks(self) -> tuple[deadlines.Clock, ...]:
        """Counted anew from the stored events."""
        return deadlines.clocks_of(self.case, self.events)

    def live(self, *duties: str) -> list[Assignment]:
        """Open shares with one of the duties; of any without."""
        return [a for a in self.shares if a.progress in LIVE and (not duties or a.duty in duties)]

    def effects(self, event: Any) -> tuple[Effect, ...]:
        """What the manifest says that an event's move changed."""
        move = self.kind.move(event.move)
        return move.effects if move else ()

    @cached_property
    def tale(self) -> dict[str, Any]:
        """The columns of the case as its events alone tell them."""
        return retell(self)


def retell(seen: Sight) -> dict[str, Any]:
    """The case's columns, told again from its events; a second reading, apart from `effects`."""
    first = seen.events[0]
    told: dict[str, Any] = {
        "question_count": 0, "return_count": 0, "ruled": False, "rework_count": 0,
        "extension": "", "reopen_count": 0, "appeal_count": 0, "handler_id": None,
        "handler_unit": "", "closed_at": None, "merged_into": None, "rating": None,
        "solved": None, "supervision": 0, "legacy": False, "handed_to": "", "filer_code": "",
        "category": first.facts.get("category", ""), "line": first.facts.get("line", ""),
        "confidentiality": first.facts.get("confidentiality", "C1"),
        "sla_class": first.facts["sla_class"], "urgency": "ordinary", "nature": "",
        "suggested_unit": "", "level": "", "scale": "individual", "area_code": first.area_code,
        "asks": [], "about_unit": first.facts.get("about", ""),
    }  # fmt: skip
    for event in seen.events[1:]:
        facts, effects = event.facts, seen.effects(event)
        for effect in effects:
            match effect:
                case Effect.TRIAGE:
                    told |= {
                        name: facts[name]
                        for name in (
                            "area_code", "category", "line", "nature", "confidentiality",
                            "sla_class", "suggested_unit", "asks", "urgency",
                        )
                        if name in facts
                    }  # fmt: skip
                    told["about_unit"] = facts.get("about", told["about_unit"])
                    withhold(told)
                case Effect.NAME_UNIT:
                    told["about_unit"] = facts["about"]
                    withhold(told)
                    if event.from_state != event.to_state:
                        told["extension"] = ""
                case Effect.CONFIRM_UNIT | Effect.CLEAR_UNIT:
                    told["asks"] = [ask for ask in told["asks"] if ask != ABOUT]
                    told["about_unit"] *= effect is Effect.CONFIRM_UNIT
                case Effect.SEAL_OVER:
                    told |= {
                        "handed_to": facts["service"], "confidentiality": "C2", "filer_code": "",
                        "suggested_unit": "", "extension": "", "asks": [], "supervision": 0,
                    }  # fmt: skip
                case Effect.UNSEAL:
                    told |= {"category": "", "handed_to": "", "asks": ["kind"]}
                case Effect.ASK:
                    told["question_count"] += 1
                case Effect.ASSIGN_LEAD | Effect.REWORK:
                    told["extension"] = ""
                    told["rework_count"] += effect is Effect.REWORK
                case Effect.RETURN:
                    told["return_count"] += 1
                case Effect.RULE:
                    told["ruled"] = True
                case Effect.FINISH_LEAD:
                    told |= {"handler_id": event.account_id, "handler_unit": event.unit_code}
                    room = directory().room_of(told["area_code"], Tier.TOWN).code
                    told["filer_code"] = apart(told["filer_code"] or room, told["about_unit"])
                case Effect.FILE | Effect.CALL_BACK:
                    told["filer_code"] = event.unit_code
                case Effect.DELEGATE:
                    told["filer_code"] = ""
                case Effect.APPEAL:
                    told |= {
                        "appeal_count": told["appeal_count"] + 1, "closed_at": None,
                        "rating": None, "solved": None, "return_count": 0, "ruled": False,
                        "extension": "",
                    }  # fmt: skip
                case Effect.CLOSE:
                    told |= {"closed_at": event.at, "rating": None, "solved": None}
                case Effect.REOPEN:
                    told |= {
                        "reopen_count": told["reopen_count"] + 1, "closed_at": None,
                        "rating": None, "solved": None, "return_count": 0, "ruled": False,
                        "extension": "", "filer_code": facts["unit"],
                    }  # fmt: skip
                case Effect.ASK_EXTENSION:
                    told["extension"] = "asked"
                case Effect.ANSWER_EXTENSION:
                    told["extension"] = facts["extension"]
                case Effect.SUPERVISE:
                    told["supervision"] = int(facts["supervision"])
                case Effect.RELEASE:
                    told["supervision"] = 0
                case Effect.HAND_OFF:
                    told["handed_to"] = facts["service"]
                case Effect.EXPEDITE:
                    told["urgency"] = facts["urgency"]
                case Effect.MARK_LEGACY:
                    told["legacy"] = True
                case Effect.GRADE:
                    told |= {n: facts[n] for n in ("level", "scale", "urgency") if facts.get(n)}
                case Effect.MERGE:
                    told["merged_into"] = facts["into"]
                case Effect.UNMERGE:
                    told["merged_into"] = None
                case Effect.RATE:
                    told |= {"rating": int(facts["rating"]), "solved": facts["solved"]}
                case _:
                    pass
    return told


def apart(unit: str, about: str) -> str:
    """The unit, or who stands in for it when it is kept out of the matter."""
    if not directory().is_kept_out(unit, about):
        return unit
    return directory().room_apart(about).code


def withhold(told: dict[str, Any]) -> None:
    """What a case no longer says once it is known which unit it complains about."""
    about = told["about_unit"]
    told["filer_code"] = apart(told["filer_code"], about)
    if directory().is_kept_out(told["suggested_unit"], about):
        told["suggested_unit"] = ""


# -- the laws ---------------------------------------------------------------------------------

LAWS: dict[str, Callable[[Sight], str | None]] = {}


def invariant(check: Callable[[Sight], str | None]) -> Callable[[Sight], str | None]:
    """A law: a function that says what is wrong with a case, or nothing."""
    LAWS[check.__name__] = check
    return check


def check(now: str, before: str | None = None) -> Sight:
    """Holds every law against a case. Raises Broken."""
    seen = Sight(now, before)
    for law, wrong in LAWS.items():
        said = wrong(seen)
        if said is not None:
            raise Broken(law, said)
    return seen


@invariant
def one_accountable_unit(seen: Sight) -> str | None:
    row = seen.row
    if row["unit_code"] not in directory():
        return f"{row['unit_code']!r} answers for it, which is no unit"
    leads = [share.unit_code for share in seen.live(Duty.LEAD)]
    if len(leads) > 1:
        return f"more than one lead: {leads}"
    if row["state"] in ("dispatched", "handling", "suspended") and leads != [row["unit_code"]]:
        return f"{row['unit_code']} answers for it, and {leads} leads in {row['state']}"
    return None


@invariant
def a_next_due_time(seen: Sight) -> str | None:
    row = seen.row
    if row["ended"] != seen.state.ended:
        return f"ended is {row['ended']} in {row['state']}"
    if seen.state.ended:
        return f"{row['due_clock']} runs on" if row["due_at"] or row["due_clock"] else None
    if row["due_at"] is None or row["due_clock"] not in seen.state.clocks:
        return f"{row['due_clock']!r} is next in {row['state']}, due {row['due_at']}"
    return None


@invariant
def a_second_return_is_ruled_on(seen: Sight) -> str | None:
    """Only the newest event is new; what came before was looked at then."""
    returns, ruled = 0, False
    *_earlier, last = seen.events
    for event in seen.events:
        effects = seen.effects(event)
        if event is last:
            waits = returns >= RETURNS_BEFORE_RULING and not ruled
            if Effect.ASSIGN_LEAD in effects and Effect.RULE not in effects and waits:
                return "it was dispatched before the ruling"
            if Effect.RULE in effects and not waits and not ruled:
                return "it was ruled on before a second return"
            if Effect.RETURN in effects and ruled:
                return "it was returned after the ruling"
        if Effect.REOPEN in effects or Effect.APPEAL in effects:
            returns, ruled = 0, False
        returns += Effect.RETURN in effects
        ruled |= Effect.RULE in effects
    if returns >= RETURNS_BEFORE_RULING and not ruled and seen.row["state"] == "filed":
        unit = directory().unit(seen.row["unit_code"])
        if unit.tier < Tier.COUNTY:
            return f"{unit.code} has it and may not rule"
    return None


@invariant
def the_verifier_is_not_the_handler(seen: Sight) -> str | None:
    last = seen.events[-1]
    move = seen.kind.move(last.move)
    if move is None or move.who is not Who.OTHER:
        return None
    for event in reversed(seen.events[:-1]):
        if Effect.FINISH_LEAD in seen.effects(event):
            if last.unit_code == event.unit_code:
                return f"{last.unit_code} looked at its own work"
            if last.account_id and last.account_id == event.account_id:
                return "a person looked at the own work under another post"
            return None
    return None


@invariant
def only_the_lead_reports_the_result(seen: Sight) -> str | None:
    last = seen.events[-1]
    if last.from_state != "handling" or Effect.FINISH_LEAD not in seen.effects(last):
        return None
    leading = seen.events[-2].facts["unit"]
    return None if last.unit_code == leading else f"{last.unit_code} reported what {leading} does"


@invariant
def nothing_ends_before_its_shares(seen: Sight) -> str | None:
    state = seen.row["state"]
    open_ones: list[Assignment] = []
    if state == "verified":
        open_ones = seen.live(Duty.LEAD, Duty.ASSIST)
    elif seen.state.ended:
        open_ones = seen.live(Duty.LEAD, *OWED)
    if open_ones:
        return f"{state} with {[(a.unit_code, a.duty, a.progress) for a in open_ones]}"
    return None


@invariant
def the_row_is_what_the_events_tell(seen: Sight) -> str | None:
    row, last = seen.row, seen.events[-1]
    told = {
        **seen.tale,
        "state": last.to_state,
        "unit_code": last.facts["unit"],
        "sequence": len(seen.events),
        "changed_at": last.at,
        "opened_at": seen.events[0].at,
    }
    for name, value in told.items():
        stored = instant(row[name]) if name.endswith("_at") else row[name]
        if stored != value:
            return f"{name} is {stored!r}; the events tell {value!r}"
    return None


@invariant
def events_follow_each_other(seen: Sight) -> str | None:
    if [event.sequence for event in seen.events] != list(range(1, len(seen.events) + 1)):
        return "a sequence number is missing or twice there"
    for earlier, later in pairwise(seen.events):
        if later.from_state != earlier.to_state:
            return f"{later.move} starts in {later.from_state}, not in {earlier.to_state}"
        if later.at < earlier.at:
            return f"{later.move} is dated before {earlier.move}"
    keys = [event.key for event in seen.events]
    return None if len(set(keys)) == len(keys) else "a key is there twice"


@invariant
def the_chain_holds(seen: Sight) -> str | None:
    broken = chain.verify(seen.events)
    if broken:
        return str(broken)
    if seen.row["last_hash"] != f"\\x{seen.events[-1].hash.hex()}":
        return "the row does not hold the last event's hash"
    sealed_parts = [(e.sequence, part) for e in seen.events for part in sorted(e.commitments)]
    if sealed_parts != [(p["sequence"], p["part"]) for p in seen.rows["payloads"]]:
        return "words were sealed and not kept, or kept and not sealed"
    for payload in seen.rows["payloads"]:
        event = seen.events[payload["sequence"] - 1]
        if payload["content"] is None and is_closed(seen, payload):
            continue
        sealed = chain.commitment(bytes.fromhex(payload["salt"][2:]), payload["content"])
        if event.commitments.get(payload["part"]) != sealed:
            return f"the words of event {event.sequence} are not those it sealed"
    return None


@invariant
def who_is_complained_about_has_no_part(seen: Sight) -> str | None:
    """It is in no share, holds nothing, filed nothing, is told of nothing and sees nothing."""
    row, units = seen.row, directory()
    about = row["about_unit"]
    if not about:
        return None
    for name in ("unit_code", "filer_code", "suggested_unit"):
        if units.is_kept_out(row[name], about):
            return f"{name} is {row[name]}, and it complains about {about}"
    parts = [a.unit_code for a in seen.shares if a.progress not in GONE]
    if any(units.is_kept_out(code, about) for code in parts):
        return f"shares of {parts}, and it complains about {about}"
    for timer in seen.rows["timers"]:
        for rung in rungs.LADDER:
            told = rungs.told_units(rung, timer["unit_code"], row["area_code"], units, about)
            if any(units.is_kept_out(code, about) for code in told):
                return f"{told} are told at {rung}, and it complains about {about}"
    for role in permissions.WORKING:
        there = Actor(role, UUID(int=9), about, row["area_code"][:4])
        elsewhere = Actor(role, UUID(int=9), "3308-pol", "3308", also=frozenset({about}))
        for actor in (there, elsewhere):
            if permissions.sees(actor, seen.case, seen.shares, granted=True):
                return f"{role} of {about} sees it"
    return None


@invariant
def nothing_told_is_taken_back(seen: Sight) -> str | None:
    """Every reporter's and every unit's words stay, whatever happens to the case."""
    if seen.before is None:
        return None
    for table in ("events", "payloads", "told", "files"):
        known = seen.before[table]
        there = seen.rows[table]
        if table == "payloads" and set(SEALING) & set(seen.effects(seen.events[-1])):
            # Closed for the organ, opened for it, given back or destroyed: the rows stay.
            known, there = ([(p["sequence"], p["part"]) for p in rows] for rows in (known, there))
            if sorted(known) != sorted(there)[: len(known)] and not set(known) <= set(there):
                return "a row of payloads was removed"
            continue
        if there[: len(known)] != known:
            return f"a row of {table} was changed or removed"
    numbers = [share["number"] for share in seen.rows["shares"]]
    if numbers != list(range(1, len(numbers) + 1)) or len(numbers) < len(seen.before["shares"]):
        return "a share was removed"
    return None


def is_closed(seen: Sight, payload: dict[str, Any]) -> bool:
    """Whether a payload may be empty: closed for an organ later, or opened by it and destroyed."""
    later = [seen.effects(e) for e in seen.events if e.sequence >= payload["sequence"]]
    ends = {Effect.DESTROY_SEAL, Effect.UNSEAL} if payload["part"] == "lead" else {Effect.SEAL_OVER}
    return any(ends & set(effects) for effects in later)


@invariant
def the_feed_tells_every_event(seen: Sight) -> str | None:
    told = [(n["sequence"], n["move"], n["to_state"], instant(n["at"])) for n in seen.rows["told"]]
    if told != [(e.sequence, e.move, e.to_state, e.at) for e in seen.events]:
        return "the feed and the events differ"
    return None


@invariant
def the_clocks_are_a_fold_of_the_events(seen: Sight) -> str | None:
    row = seen.row
    late = any(c.name == "dispose" and not c.was_kept(seen.events[-1].at) for c in seen.clocks)
    if row["late"] != late:
        return f"late is {row['late']}; the clocks say {late}"
    first = None if seen.state.ended else deadlines.next_due(seen.clocks)
    counted = (first.due_at, first.name) if first else (None, "")
    if (instant(row["due_at"]), row["due_clock"]) != counted:
        return f"{row['due_clock']} is due {row['due_at']}; the clocks say {counted}"
    return None


@invariant
def every_share_has_its_clock(seen: Sight) -> str | None:
    if seen.before is None:
        return None
    for share in seen.shares:
        clock = shares.clock_of(seen.case, share)
        counted = (clock.due_at, clock.name) if clock else (None, "")
        if (share.due_at, share.due_clock) != counted:
            return f"{share.unit_code} ({share.duty}): {share.due_at}, not {counted}"
    return None


@invariant
def a_timer_for_all_that_is_owed(seen: Sight) -> str | None:
    timed = {(t["clock"], t["share"]): instant(t["due_at"]) for t in seen.rows["timers"]}
    owed: dict[tuple[str, int], dt.datetime] = {}
    if not seen.state.ended:
        owed = {(c.name, 0): c.due_at for c in seen.clocks if c.is_running}
        owed |= {(s.due_clock, s.number): s.due_at for s in seen.shares if s.due_at}
    return None if timed == owed else f"timers {timed}, owed {owed}"


# -- the lives --------------------------------------------------------------------------------


class World:
    """Some cases, the people who may and who may not move them, and what was done.

    work: what the feed's reader does with news, or None. at: the world's clock.
    """

    # How much more or less readily than its sources say a move is taken.
    weights: ClassVar[dict[str, float]] = {
        "return_back": 12.0,
        "merge": 0.5,
        "record_only": 0.3,
        "escalate": 0.3,
        "delegate": 0.5,
        "decline": 0.5,
        "void": 0.5,
        "whistle": 3.0,
        "withdraw": 5.0,
        "rate_unit": 20.0,
        "conclude": 5.0,
        "end_supervision": 9.0,
        "note_supervision": 9.0,
        "answer_supervision": 9.0,
        "note_receipt": 9.0,
        "request_extend": 3.0,
        "answer_extend": 20.0,
        "add_assist": 2.0,
        "handle_on_spot": 12.0,
        "name_unit": 0.6,
        "confirm_unit": 40.0,
        "hand_over": 0.3,
        "open_lead": 3.0,
        "confirm_receipt": 5.0,
        "tell_more": 9.0,
    }

    def __init__(self, town: Any, work: Callable[[News], None] | None = None) -> None:
        self.town = town
        self.work = work
        self.size = CASES  # cases of a life
        self.at = BEGIN
        self.made: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.states: Counter[str] = Counter()
        self.steps = 0
        self.lives = 0
        self.failed = False
        self._posts: dict[str, list[tuple[Actor | None, list[Move]]]] = {}
        self.cast = [*town.people.values(), town.stranger, SYSTEM, *self._others()]

    def _others(self) -> list[Actor]:
        """People whom the demonstration town lacks: two posts in one hand, a second station."""
        town = self.town
        return [
            Actor(
                Role.STATION, town.housing.account_id, town.village.unit_code,
                town.village.area_code, name="两处任职",
            ),
            Actor(
                Role.GRID_WORKER, town.village.account_id, town.grid.unit_code,
                town.grid.area_code, name="站长兼网格员",
            ),
            Actor(
                Role.CLERK, UUID(int=5), town.town.unit_code, town.town.area_code, name="夜班",
            ),
            *(
                Actor(Role.OFFICER, UUID(int=n), code, code[:-4], line="DIS", name="纪检监察组")
                for n, code in ((6, "330825-dis"), (7, "3308-dis"))
            ),
        ]  # fmt: skip

    def begin(self) -> None:
        """A new life: fresh cases, nothing told."""
        self.lives += 1
        self.at = BEGIN
        self.keys = 0
        self.told: dict[UUID, int] = {}
        self.waiting: dict[UUID, deque[News]] = {}
        self.proven: set[Any] = set()
        self.seen: dict[UUID, str] = {}
        self.sights: dict[UUID, Sight] = {}
        self.history: list[str] = []
        self.openings = [self._opening(n) for n in range(self.size)]
        self.cases = [engine.open(opening).case_id for opening in self.openings]
        self.residents = {case_id: self.town.resident(case_id) for case_id in self.cases}
        for case_id in self.cases:
            self.look(case_id)

    def _opening(self, number: int) -> engine.Opening:
        return engine.Opening(
            kind="matter",
            channel="web",
            account=f"somebody-{number}",
            key=f"life-{self.lives}-{number}",
            area_code=self.town.town_code,
            unit_code=f"{self.town.town_code}-room",
            words={"text": f"第{number}件事"},
            reporter={"name": "赵小满", "phone": f"1390000000{number}"},
            at=self.at,
        )

    def look(self, case_id: UUID) -> Sight:
        """Takes a new picture of a case and holds the laws against it."""
        before = self.seen.get(case_id)
        self.seen[case_id] = now = picture(case_id)
        self.sights[case_id] = seen = check(now, before)
        self.states[seen.row["state"]] += 1
        news = self.waiting.setdefault(case_id, deque())
        for event in seen.events[self.told.get(case_id, 0) :]:
            news.append(
                News(
                    case_id, event.sequence, event.area_code, seen.row["kind"], event.move,
                    event.to_state, event.at, "1",
                )
            )  # fmt: skip
        self.told[case_id] = len(seen.events)
        return seen

    def same(self, case_id: UUID, law: str, said: str) -> None:
        """Asks that nothing stored of a case has changed. Raises Broken."""
        now = picture(case_id)
        if now != self.seen[case_id]:
            raise Broken(law, said)

    def key(self) -> str:
        """A key never used before."""
        self.keys += 1
        return f"key-{self.keys}"

    def value(self, need: Field, draw: random.Random, case_id: UUID) -> Any:
        """Something that fits a field, now and then something that does not."""
        if draw.random() < 0.02:
            return "不对"
        units = directory()
        match need.type:
            case Type.UNIT if need.name == "organ":
                return draw.choice(["330825-dis", "3308-dis"])
            case Type.UNIT | Type.UNITS:
                offered = [
                    code for code in UNITS if not need.kinds or units.unit(code).kind in need.kinds
                ]
                if need.among:
                    offered = [
                        a.unit_code
                        for a in self.sights[case_id].shares
                        if (a.duty, a.progress) in need.among
                    ] or offered
                return (
                    offered
                    if need.type is Type.UNITS and draw.random() < 0.1
                    else (
                        [draw.choice(offered)] if need.type is Type.UNITS else draw.choice(offered)
                    )
                )
            case Type.AREA:
                return draw.choice(AREAS)
            case Type.CATEGORY:
                return draw.choice(["1004", "0901", "0102"])
            case Type.CASE:
                return str(draw.choice(self.cases))
            case Type.CHOICE if need.name == "sla_class" and draw.random() < 0.3:
                return "S2"
            case Type.CHOICE:
                return draw.choice(need.choices)[0]
            case Type.DATE:
                return (self.at.date() + dt.timedelta(days=draw.randint(-2, 33))).isoformat()
            case Type.FLAG:
                return draw.choice([True, False])
            case Type.DAYS | Type.NUMBER:
                return draw.randint(0, min(need.most, 2030))
            case Type.CODE:
                return draw.choice(CODES.get(need.name, [""]))
            case Type.CODES if need.name == "asks":
                return draw.choice([[], [ABOUT]])
            case Type.CODES | Type.PHOTOS:
                return []
            case _:
                return "一句话"

    def facts(self, move: Move, draw: random.Random, case_id: UUID) -> dict[str, Any]:
        """Values for a move's form, mostly complete."""
        return {
            need.name: self.value(need, draw, case_id)
            for need in move.needs
            if draw.random() < (0.99 if need.required else 0.35)
            or (Effect.TRIAGE in move.effects and need.name in ("area_code", "category"))
        }

    def actors(self, case_id: UUID) -> list[Actor]:
        """Everybody, and whoever reported this case."""
        return [*self.cast, self.residents[case_id]]

    def possible(
        self, seen: Sight, case: Case, assigned: list[Assignment]
    ) -> list[tuple[Actor, Move]]:
        """Who may make which move now, except what belongs to the feed."""
        found = []
        for post, moves in self.posts(seen.kind, case.state):
            actor = self.residents[case.pk] if post is None else post
            if permissions.sees(actor, case, assigned):
                found += [
                    (actor, move) for move in moves if permissions.may(actor, move, case, assigned)
                ]
        return found

    def posts(self, kind: Kind, state: str) -> list[tuple[Actor | None, list[Move]]]:
        """Which moves from a state fit whose role and tier; None stands for the case's reporter."""
        if state not in self._posts:
            leading = [m for m in kind.moves if m.leads_from(state) and m.name not in OF_TWINS]
            self._posts[state] = [
                (
                    post,
                    [
                        move
                        for move in leading
                        if (post.role if post else Role.RESIDENT) in move.by
                        and (not move.tiers or (post and post.tier in move.tiers))
                    ],
                )
                for post in [*self.cast, None]
            ]
        return self._posts[state]

    def choose(self, case_id: UUID, draw: random.Random) -> tuple[Actor, Move, dict[str, Any]]:
        """Mostly somebody who may, and mostly a move that leads on; else no case would end."""
        seen = self.sights[case_id]
        pairs = self.possible(seen, seen.case, seen.shares)
        onward = [pair for pair in pairs if pair[1].target is not None]
        usual = STRAIGHT if seen.row["category"] else SORTING
        straight = [pair for pair in pairs if pair[1].name in usual]
        dice = draw.random()
        if straight and dice < 0.4:
            pairs = straight
        elif onward and dice < 0.65:
            pairs = onward
        if not pairs:
            return self.anybody(case_id, draw)
        # First the move, then who: posts are many for a note and few for a ruling.
        moves = {move.name: move for _actor, move in pairs}
        weights = [self.weight(move) for move in moves.values()]
        for _turn in range(3):
            name = draw.choices(list(moves), weights)[0]
            actor, move = draw.choice([pair for pair in pairs if pair[1].name == name])
            facts = self.facts(move, draw, case_id)
            if self.is_likely(seen, actor, move, facts):
                break
        return actor, move, facts

    def is_likely(self, seen: Sight, actor: Actor, move: Move, facts: dict[str, Any]) -> bool:
        """Whether the guards would let it pass, as far as can be told without trying."""
        try:
            step = self.step_of(seen, seen.case, seen.shares, actor, move, facts)
            return all(GUARDS[guard](step) is None for guard in move.guards)
        except (KeyError, ValueError, LookupError):
            return False  # something said does not fit

    def weight(self, move: Move) -> float:
        """How readily a move is taken: what few states allow, or few units owe, more often."""
        return (2.0 if move.who is Who.ASKED else 1.0 / len(move.sources)) * self.weights.get(
            move.name, 1.0
        )

    def anybody(self, case_id: UUID, draw: random.Random) -> tuple[Actor, Move, dict[str, Any]]:
        """Any actor and any move, allowed or not."""
        kind = registry.latest("matter")
        actor = draw.choice(self.actors(case_id))
        moves = [m for m in kind.moves if actor.role != Role.SYSTEM or m.name not in OF_TWINS]
        move = draw.choice(moves)
        return actor, move, self.facts(move, draw, case_id)

    def attempt(
        self, case_id: UUID, actor: Actor, move: Move, facts: dict[str, Any], *, again: bool
    ) -> bool:
        """One step: a move that is made, or refused without a trace."""
        self.steps += 1
        key = self.key()
        who = f"{actor.role} {actor.unit_code or actor.name}"
        told = f"{self.at:%m-%d %H:%M} case {self.cases.index(case_id)}: {move.name} by {who}"
        try:
            event = engine.move(case_id, move.name, actor, key=key, facts=facts, at=self.at)
        except (engine.Refused, engine.FactsError):
            self.refused[move.name] += 1
            self.same(case_id, "a_refused_move_leaves_no_trace", told)
            return False
        self.made[move.name] += 1
        self.history.append(f"{told} {facts}")
        seen = self.look(case_id)
        if len(seen.events) != event.sequence:
            raise Broken("one_event_for_one_move", told)
        if again:
            try:
                repeated = engine.move(case_id, move.name, actor, key=key, facts=facts, at=self.at)
            except (engine.Refused, engine.FactsError) as refused:
                raise Broken("the_same_key_changes_nothing_twice", f"{told}: {refused}") from None
            if repeated.sequence != event.sequence:
                raise Broken("the_same_key_changes_nothing_twice", told)
            self.same(case_id, "the_same_key_changes_nothing_twice", told)
        self.goes_on(case_id, seen)
        return True

    # -- a way out

    def goes_on(self, case_id: UUID, seen: Sight) -> None:
        """Asks that somebody can move the case on, or object. Raises Broken.

        A place that was left once is not tried again.
        """
        row = seen.row
        unit = directory().unit(row["unit_code"])
        place = (
            row["state"], unit.kind, bool(row["filer_code"]), len(row["area_code"]),
            bool(row["category"]), row["confidentiality"] == "C2",
            min(row["return_count"], 2), row["ruled"], row["appeal_count"] > 0,
            row["supervision"] > 0, bool(row["closed_at"]), row["about_unit"],
            tuple(sorted({a.duty for a in seen.live(*OWED)})),
        )  # fmt: skip
        if place in self.proven:
            return
        if seen.state.ended and not self.may_object(seen):
            return
        if not self.finds_way(seen, seen.case, seen.shares, 3):
            raise Broken(
                "no_state_without_a_way_out",
                f"nobody can move it on from {row['state']}, held by {row['unit_code']}",
            )
        self.proven.add(place)

    @staticmethod
    def may_object(seen: Sight) -> bool:
        """Whether an ended case still owes its reporter a way back."""
        row = seen.row
        if row["state"] == "merged":
            return True
        return row["state"] in NEGATIVE and not row["appeal_count"]

    def finds_way(self, seen: Sight, case: Case, assigned: list[Assignment], depth: int) -> bool:
        """Whether a few moves of the cast lead out of the state.

        Tried in memory: guards and effects neither read nor write a table.
        """
        ways: dict[tuple[str, str], tuple[Actor, Move]] = {}
        for actor, move in self.possible(seen, case, assigned):
            ways.setdefault((move.name, actor.unit_code), (actor, move))
        leaves = [way for way in ways.values() if way[1].target not in (None, seen.row["state"])]
        leaves.sort(key=lambda way: way[1].name not in STRAIGHT)
        if any(self.tried(seen, case, assigned, *way) for way in leaves):
            return True
        for actor, move in ways.values() if depth else ():
            if ENABLING & set(move.effects):
                further = self.tried(seen, case, assigned, actor, move)
                if further and self.finds_way(seen, further.case, further.assignments, depth - 1):
                    return True
        return False

    def tried(
        self, seen: Sight, case: Case, assigned: list[Assignment], actor: Actor, move: Move
    ) -> Step | None:
        """The step that a move would be; None if refused.

        The effects of a move that stays in its state are carried out, on copies.
        """
        for turn in range(TURNS if move.guards else 1):
            facts = self.sensible(move, random.Random(turn), case.pk)
            step = self.step_of(seen, case, assigned, actor, move, facts)
            if any(GUARDS[guard](step) for guard in move.guards):
                continue
            if move.target in (None, case.state):
                shares_now = [copy(share) for share in assigned]
                step = self.step_of(seen, copy(case), shares_now, actor, move, facts)
                for effect in move.effects:
                    EFFECTS[effect](step)
            return step
        return None

    def step_of(
        self,
        seen: Sight,
        case: Case,
        assigned: list[Assignment],
        actor: Actor,
        move: Move,
        facts: dict[str, Any],
    ) -> Step:
        """A move as the engine would begin it, in memory."""
        return Step(
            case,
            move,
            actor,
            facts,
            self.at,
            directory(),
            assigned,
            due={c.name: c.due_at for c in seen.clocks if c.ended_at is None}.get,
            allows=lambda clock: deadlines.allowed(case, clock),
        )

    def sensible(self, move: Move, draw: random.Random, case_id: UUID) -> dict[str, Any]:
        """All that a move needs, well formed; of what it may know, only what helps on."""
        facts = {}
        for need in move.needs:
            if need.required:
                facts[need.name] = self.value(need, draw, case_id)
            elif Effect.TRIAGE in move.effects and need.name in ("area_code", "category"):
                facts[need.name] = {"area_code": AREAS[0], "category": "1004"}[need.name]
            if need.type is Type.DATE:
                facts[need.name] = (self.at.date() + dt.timedelta(days=3)).isoformat()
        return facts

    # -- the feed

    def deliver(self, pick: int, *, again: bool) -> None:
        """Hands one case's next news to the feed's reader; sometimes twice, as after a crash."""
        cases = [case_id for case_id in self.cases if self.waiting[case_id]]
        if self.work is None or not cases:
            return
        case_id = cases[pick % len(cases)]
        news = self.waiting[case_id].popleft()
        self.steps += 1
        self.history.append(f"feed: {news.move} of case {self.cases.index(case_id)}")
        self.work(news)
        for other in self.cases:
            if picture(other) != self.seen[other]:
                self.goes_on(other, self.look(other))
        if again:
            self.work(news)
            for other in self.cases:
                self.same(other, "the_feed_changes_nothing_twice", news.move)

    def drain(self) -> None:
        """Carries out all that waits."""
        for _turn in range(1000):
            if not any(self.waiting.values()):
                return
            self.deliver(0, again=False)
        raise Broken("the_feed_comes_to_rest", "there is always more")

    def end(self) -> None:
        """What must hold when a life is over: nothing changed behind our back."""
        for case_id in self.cases:
            self.same(case_id, "nothing_changes_without_an_event", str(self.cases.index(case_id)))


# Effects that can make a move possible which a guard refused.
ENABLING = frozenset(
    {
        Effect.TRIAGE, Effect.FINISH_ASSIST, Effect.WITHDRAW, Effect.CONCLUDE, Effect.ANSWER,
        Effect.NOTE_RECEIPT, Effect.ADVISE, Effect.TAKE, Effect.RELEASE, Effect.ATTEND,
        Effect.ESCALATE, Effect.DELEGATE,
    }
)  # fmt: skip


def lives_of(world: World) -> type[RuleBasedStateMachine]:
    """The machine that hypothesis drives, over one world.

    Numbers are drawn from ranges as they stand: what `integers` draws also depends on the
    constants in whatever modules happen to be loaded, so lives would differ from run to run.
    """

    class Lives(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.open = transaction.atomic()
            self.open.__enter__()
            world.begin()

        @rule(
            case=st.sampled_from(range(CASES)),
            gap=st.sampled_from(range(len(GAPS))),
            pick=st.sampled_from(range(2**16)),
        )
        def somebody_moves(self, case: int, gap: int, pick: int) -> None:
            """A move, mostly of somebody who may make it."""
            with told_with_history(world):
                world.at += GAPS[gap]
                case_id, draw = world.cases[case % world.size], random.Random(pick)
                allowed = draw.random() < 0.9
                choose = world.choose if allowed else world.anybody
                actor, move, facts = choose(case_id, draw)
                world.attempt(case_id, actor, move, facts, again=pick % 8 == 0)

        @precondition(lambda _self: any(world.waiting.values()))
        @rule(pick=st.sampled_from(range(CASES)), again=st.booleans())
        def the_feed_is_read(self, pick: int, again: bool) -> None:
            """A reader of the feed does its work."""
            with told_with_history(world):
                world.deliver(pick, again=again)

        def teardown(self) -> None:
            """Leaves the database as it was found."""
            try:
                with told_with_history(world):
                    if world.work is not None and not world.failed:
                        world.drain()
                    if not world.failed:
                        world.end()
            finally:
                world.failed = False
                transaction.set_rollback(True)
                self.open.__exit__(None, None, None)

    if world.work is None:
        del Lives.the_feed_is_read
    return Lives


@contextmanager
def told_with_history(world: World) -> Iterator[None]:
    """Tells with a broken law which moves led there."""
    try:
        yield
    except Exception as broken:
        world.failed = True
        hypothesis.note("\n".join(world.history))
        broken.world_history = list(world.history)  # type: ignore[attr-defined]
        raise


def search(
    world: World,
    monkeypatch: Any,
    steps: int,
    *,
    seed: int | None = None,
    shrink: bool = True,
    life: int = STEPS_OF_A_LIFE,
) -> Exception | None:
    """Lives of at least so many steps together; what broke, or None.

    The same lives each time, or others with a seed. life: steps of one.
    """
    for module in (engine, permissions, timers):
        monkeypatch.setattr(module, "now", lambda: world.at)
    machine = lives_of(world)
    if seed is not None:
        machine = hypothesis.seed(seed)(machine)
    settings = hypothesis.settings(
        max_examples=-(-steps // life) + SPARE,
        stateful_step_count=life,
        derandomize=seed is None,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
    )
    try:
        run_state_machine_as_test(machine, settings=settings)
    except Exception as broken:
        return broken
    return None
