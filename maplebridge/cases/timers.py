"""The timers of running clocks: armed by moves, rung by the timer worker, gathered into notices.

A move keeps the timers of its case in line, in its own transaction (`standing`, `follow`). `ring`
takes what is due, bucket by bucket, and writes the alarms and the timer's next instant in one
transaction; so a rung rings once whatever is killed. `gather` gives every alarm one notice.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from maplebridge.cases import deadlines, rungs, shares
from maplebridge.cases.deadlines import Clock
from maplebridge.cases.grades import Duty, Rung
from maplebridge.cases.models import Alarm, Assignment, Case, Digest, Event, Timer
from maplebridge.cases.statements import SET_TIMERS
from maplebridge.lib import ids
from maplebridge.lib.clock import now
from maplebridge.organisation import calendar
from maplebridge.organisation.units import directory

Key = tuple[str, int]
CASE_ITSELF = 0
BATCH = 500
# A rung planned for the last second of the day rings, although the door closes meanwhile.
GRACE = dt.timedelta(minutes=1)
# From this many on, what a unit has to be told becomes one notice; and so it does when it would
# be this many within a minute.
DIGEST_FROM = 5
GUARD = dt.timedelta(minutes=1)
# Names of locks that end with their transaction, hence also with a killed worker.
BUCKET_LOCK = 0x746D72
GATHER_LOCK = 0x646773

DUE_BUCKETS = """
SELECT b FROM generate_series(0, %s) AS b
WHERE EXISTS (SELECT 1 FROM cases_timer t WHERE t.bucket = b AND t.at <= %s)
"""
TAKE_DUE = """
SELECT case_id, clock, share, area_code, unit_code, warn_at, due_at, working, hurried, rung, told,
    about_unit
FROM cases_timer WHERE bucket = %s AND at <= %s
ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED
"""
RING = """
WITH rung AS (
    INSERT INTO cases_alarm (
        case_id, clock, share, due_at, rung, told_unit, area_code, unit_code, planned_at, rang_at
    )
    SELECT case_id, clock, share, due_at, rung, told_unit, area_code, unit_code, planned_at,
        clock_timestamp()
    FROM jsonb_to_recordset(%s::jsonb) AS r(
        case_id uuid, clock text, share int, due_at timestamptz, rung int, told_unit text,
        area_code text, unit_code text, planned_at timestamptz
    )
    ON CONFLICT (case_id, clock, share, due_at, rung, told_unit) DO NOTHING
    RETURNING 1
), moved AS (
    UPDATE cases_timer AS t
    SET rung = m.rung, rang_at = coalesce(m.rang_at, t.rang_at), at = m.at, told = m.told
    FROM jsonb_to_recordset(%s::jsonb) AS m(
        case_id uuid, clock text, share int, rung int, rang_at timestamptz, at timestamptz,
        told text[]
    )
    WHERE t.case_id = m.case_id AND t.clock = m.clock AND t.share = m.share
)
SELECT count(*) FROM rung
"""
LATENESS = """
SELECT count(*), coalesce(extract(epoch FROM max(a.rang_at - a.planned_at)), 0)
FROM cases_alarm a WHERE a.rung > 0 AND a.rang_at >= %s
"""
UNTOLD = """
SELECT a.told_unit, count(*) FROM cases_alarm a WHERE a.digest_id IS NULL GROUP BY a.told_unit
"""
GATHER = """
WITH told AS (
    UPDATE cases_alarm AS a SET digest_id = n.id
    FROM jsonb_to_recordset(%s::jsonb) AS n(unit_code text, id uuid)
    WHERE a.told_unit = n.unit_code AND a.digest_id IS NULL
    RETURNING a.told_unit, a.digest_id
)
SELECT digest_id, told_unit, count(*) FROM told GROUP BY digest_id, told_unit
"""
TELL_SINGLY = """
WITH told AS (
    UPDATE cases_alarm AS a SET digest_id = gen_random_uuid()
    WHERE a.told_unit = ANY(%s) AND a.digest_id IS NULL
    RETURNING a.told_unit, a.digest_id
)
SELECT digest_id, told_unit, 1 FROM told
"""


# -- arming: part of a move -----------------------------------------------------------------


@dataclass(frozen=True)
class Owed:
    """That a clock runs towards a due time, which unit owes the work, and which is kept out."""

    due_at: dt.datetime
    unit_code: str
    area_code: str
    about_unit: str = ""


def standing(
    case: Case, clocks: Iterable[Clock], assignments: Iterable[Assignment]
) -> dict[Key, Owed]:
    """What a case and its shares owe now, by clock and share; nothing once it has ended."""
    if case.ended:
        return {}
    owed = {
        (clock.name, CASE_ITSELF): Owed(
            clock.due_at, case.unit_code, case.area_code, case.about_unit
        )
        for clock in clocks
        if clock.is_running
    }
    for share in assignments:
        if share.due_at is not None:
            owed[share.due_clock, share.number] = Owed(
                share.due_at, _who_owes(case, share), case.area_code, case.about_unit
            )
    return owed


def known(
    case: Case, clocks: Collection[Clock], assignments: Iterable[Assignment]
) -> dict[Key, Owed]:
    """What the timers of a case stand at before a move; nothing when that cannot be told.

    clocks: counted now. If they do not say what the case's row says, the calendar or a time limit
    was published since its last move, and all timers are to be written again.
    """
    first = deadlines.next_due(clocks)
    counted = (first.due_at, first.name, first.provisional) if first else (None, "", False)
    if counted != (case.due_at, case.due_clock, case.due_provisional):
        return {}
    return standing(case, clocks, assignments)


def _who_owes(case: Case, share: Assignment) -> str:
    # 110, 119 and 120 have no desk here: whoever handed the case over has to ask them again.
    return (share.asked_by or case.unit_code) if share.duty == Duty.RECEIVE else share.unit_code


def follow(
    case: Case,
    before: Mapping[Key, Owed],
    after: Mapping[Key, Owed],
    clocks: Iterable[Clock],
    assignments: Iterable[Assignment],
) -> None:
    """Brings a case's timers in line, inside the move's transaction: one statement, or none.

    before, after: what `known` said before the move and `standing` says now.
    """
    if before == after:
        return
    running: dict[Key, Clock | None] = {(c.name, CASE_ITSELF): c for c in clocks if c.is_running}
    asked = {share.number: share for share in assignments}
    rows = []
    for (name, share), owed in after.items():
        clock = shares.clock_of(case, asked[share]) if share else running[name, share]
        if clock is not None:
            rows.append(timer_row(clock, owed.unit_code, share, owed.about_unit))
    with connection.cursor() as cursor:
        cursor.execute(
            SET_TIMERS,
            {
                "case": case.pk,
                "kept": [f"{name}:{share}" for name, share in after],
                "area": case.area_code,
                "bucket": ids.bucket_of(case.pk),
                "rows": json.dumps(rows),
            },
        )


def timer_row(
    clock: Clock, unit_code: str, share: int = CASE_ITSELF, about_unit: str = ""
) -> dict[str, Any]:
    """A timer of a running clock as JSON values.

    Of the rungs that were passed before it could be armed only the last one will ring.
    """
    warn = rungs.warn_at(clock)
    working, hurried = rungs.counts_working_time(clock), rungs.is_hurried(clock)
    rung, at = 0, warn
    moment = now()
    for later in rungs.LADDER[1:] if warn <= moment else ():
        planned = rungs.instant(
            later, warn, clock.due_at, clock.hours, working=working, hurried=hurried
        )
        if planned <= moment:
            rung, at = later - 1, planned
    return {
        "clock": clock.name,
        "share": share,
        "unit_code": unit_code,
        "about_unit": about_unit,
        "warn_at": warn.isoformat(),
        "due_at": clock.due_at.isoformat(),
        "working": working,
        "hurried": hurried,
        "rung": rung,
        "at": at.isoformat(),
    }


def arm_missing() -> int:
    """Arms the open cases that have a due time and no timer: those from before there were timers.

    Each under its own lock; again changes nothing. Returns how many cases.
    """
    armed = Timer.objects.filter(case_id=OuterRef("pk"))
    waiting = Case.objects.open().filter(due_at__isnull=False, lent_to="").exclude(Exists(armed))
    done = 0
    for case_id in list(waiting.values_list("pk", flat=True)):
        with transaction.atomic():
            case = Case.objects.select_for_update().get(pk=case_id)
            clocks, asked = _clocks_and_shares(case)
            follow(case, {}, standing(case, clocks, asked), clocks, asked)
        done += 1
    return done


def disarm(lent: UUID) -> None:
    """Takes the timers of a case away: another node rings for it now."""
    Timer.objects.filter(case_id=lent).delete()


def is_behind(case: Case) -> bool:
    """Whether the timers say other than the clocks do when counted now: the calendar changed."""
    clocks, asked = _clocks_and_shares(case)
    shares.set_clocks(case, asked)
    counted = {key: owed.due_at for key, owed in standing(case, clocks, asked).items()}
    armed = Timer.objects.filter(case_id=case.pk).values_list("clock", "share", "due_at")
    return counted != {(clock, share): due_at for clock, share, due_at in armed}


def _clocks_and_shares(case: Case) -> tuple[tuple[Clock, ...], list[Assignment]]:
    events = Event.objects.filter(case_id=case.pk).order_by("sequence")
    asked = Assignment.objects.filter(case_id=case.pk).order_by("number")
    return deadlines.clocks_of(case, events), list(asked)


# -- ringing --------------------------------------------------------------------------------


def ring(at: dt.datetime | None = None, limit: int = BATCH) -> int:
    """Rings what is due, in every bucket that no other worker is ringing; returns how many alarms.

    at: the moment, by default now. limit: timers of one bucket in one transaction.
    Exactly once: alarms and the timer's next instant are one transaction, and a worker killed in
    it leaves the bucket free.
    """
    moment = at or now()
    with connection.cursor() as cursor:
        cursor.execute(DUE_BUCKETS, [ids.BUCKETS - 1, moment])
        buckets = [bucket for (bucket,) in cursor]
    # Two workers begin at different ends, so they seldom ask for the same bucket.
    random.shuffle(buckets)
    return sum(_ring_bucket(bucket, moment, limit) for bucket in buckets)


def _ring_bucket(bucket: int, moment: dt.datetime, limit: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [BUCKET_LOCK, bucket])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(TAKE_DUE, [bucket, moment, limit])
        alarms: list[dict[str, Any]] = []
        moved = []
        for row in cursor.fetchall():
            found, stands = _Due(*row).rung_by(moment)
            alarms += found
            moved.append(stands)
        if not moved:
            return 0
        cursor.execute(RING, [json.dumps(alarms), json.dumps(moved)])
        return int(cursor.fetchone()[0])


@dataclass(frozen=True)
class _Due:
    """A timer that is due, as TAKE_DUE reads it."""

    case_id: UUID
    clock: str
    share: int
    area_code: str
    unit_code: str
    warn_at: dt.datetime
    due_at: dt.datetime
    working: bool
    hurried: bool
    rung: int
    told: list[str]
    about_unit: str

    def rung_by(self, moment: dt.datetime) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The alarms of every rung passed, and where the timer stands afterwards.

        While its unit is closed none rings, as when the worker comes back in the night.
        """
        hours = deadlines.hours_of(self.unit_code)
        units = directory()
        alarms: list[dict[str, Any]] = []
        stands: dict[str, Any] = {"rung": self.rung, "rang_at": None, "at": None}
        told = dict.fromkeys(self.told)
        for rung in rungs.LADDER[self.rung :]:
            planned = rungs.instant(
                rung,
                self.warn_at,
                self.due_at,
                hours,
                working=self.working,
                hurried=self.hurried,
            )
            waits = planned > moment
            if not waits and self.working and moment - planned > GRACE:
                opens = calendar.next_opening(moment, hours)
                waits, planned = opens > moment, opens if opens > moment else planned
            if waits:
                stands["at"] = planned.isoformat()
                break
            stands |= {"rung": int(rung), "rang_at": planned.isoformat()}
            for unit in rungs.told_units(
                rung, self.unit_code, self.area_code, units, self.about_unit
            ):
                told[unit] = None
                alarms.append(
                    {
                        **self._key(),
                        "due_at": self.due_at.isoformat(),
                        "rung": int(rung),
                        "told_unit": unit,
                        "area_code": self.area_code,
                        "unit_code": self.unit_code,
                        "planned_at": planned.isoformat(),
                    }
                )
        return alarms, {**self._key(), **stands, "told": list(told)}

    def _key(self) -> dict[str, Any]:
        return {"case_id": str(self.case_id), "clock": self.clock, "share": self.share}


def note_urging(case_id: UUID, sequence: int) -> None:
    """Makes the urging that an event tells of an alarm for the accountable unit, once."""
    event = Event.objects.get(case_id=case_id, sequence=sequence)
    case = Case.objects.get(pk=case_id)
    unit = str(event.facts.get("unit", case.unit_code))
    Alarm.objects.bulk_create(
        [
            Alarm(
                case_id=case_id,
                clock="",
                share=CASE_ITSELF,
                due_at=event.at,
                rung=Rung.URGED,
                told_unit=unit,
                area_code=event.area_code,
                unit_code=unit,
                planned_at=event.at,
                rang_at=now(),
            )
        ],
        ignore_conflicts=True,
    )


# -- gathering ------------------------------------------------------------------------------


def gather(at: dt.datetime | None = None) -> int:
    """Gives every alarm that waits for it its one notice; returns how many notices were made.

    A unit with few alarms is told of each; from DIGEST_FROM on within a minute of all in one
    digest. After a digest it is left alone for a minute, and its alarms gather.
    """
    moment = at or now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [GATHER_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(UNTOLD)
        waiting: dict[str, int] = dict(cursor.fetchall())
        if not waiting:
            return 0
        lately: dict[str, list[int]] = {}
        for unit, count in Digest.objects.filter(
            unit_code__in=waiting, made_at__gt=moment - GUARD
        ).values_list("unit_code", "count"):
            lately.setdefault(unit, []).append(count)
        singly: list[str] = []
        together: list[str] = []
        for unit, count in waiting.items():
            made = lately.get(unit, [])
            if any(n > 1 for n in made) or len(made) >= DIGEST_FROM:
                continue
            (singly if count + len(made) < DIGEST_FROM else together).append(unit)
        notices: list[tuple[UUID, str, int]] = []
        if singly:
            cursor.execute(TELL_SINGLY, [singly])
            notices += cursor.fetchall()
        if together:
            named = [{"unit_code": unit, "id": str(ids.new_id())} for unit in together]
            cursor.execute(GATHER, [json.dumps(named)])
            notices += cursor.fetchall()
        Digest.objects.bulk_create(
            Digest(id=notice, unit_code=unit, made_at=moment, count=count)
            for notice, unit, count in notices
        )
        return len(notices)


def lateness(since: dt.datetime) -> tuple[int, float]:
    """How many alarms of clocks rang since then, and the seconds by which the worst came late."""
    with connection.cursor() as cursor:
        cursor.execute(LATENESS, [since])
        count, seconds = cursor.fetchone()
    return int(count), float(seconds)
