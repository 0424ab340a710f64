"""The wall behind the gate: row level security keeps a forgotten filter within the actor's area.

The gate in `permissions` says exactly who sees a case. The wall is coarser and stands in the
database: a transaction sees the rows of one range of area codes, and of single cases beyond it on
which the actor's unit works or which a grant opens. Nobody stands anywhere until `standing` says
so; then there are no rows. Figures and reasons: docs/decisions/row-level-security.md.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import connection, connections, transaction

from maplebridge.cases.grades import GONE
from maplebridge.lib.clock import now
from maplebridge.organisation.people import Actor, Role

AREA, END, CASES = "maplebridge.area", "maplebridge.area_end", "maplebridge.cases"
# Area codes are digits; ":" comes after the last of them.
AFTER_ALL = ":"
SET = (
    f"SELECT set_config('{CASES}', %(cases)s, true), set_config('{AREA}', %(first)s, true),"
    f" set_config('{END}', %(end)s, true)"
)
# A statement that writes for the system opens the wall for itself; it begins with this, and what
# it writes is drawn from `wall`, so that it is open before the first row is looked at.
OPENED = f"""wall AS MATERIALIZED (
    SELECT set_config('{AREA}', '', true) AS first, set_config('{END}', '{AFTER_ALL}', true)
)"""
# The same with the cases beyond the range that a unit holds or works on, or an account was granted.
# They are looked for while the transaction still sees everything: the settings follow in order.
SET_WITH_BEYOND = f"""
SELECT set_config('{CASES}', (
    SELECT coalesce(array_agg(id), '{{}}')::text FROM (
        SELECT id FROM cases_case WHERE unit_code = %(unit)s AND area_code < %(first)s
        UNION
        SELECT id FROM cases_case WHERE unit_code = %(unit)s AND area_code >= %(end)s
        UNION
        SELECT case_id FROM cases_assignment
        WHERE unit_code = %(unit)s AND area_code < %(first)s AND NOT progress = ANY(%(gone)s)
        UNION
        SELECT case_id FROM cases_assignment
        WHERE unit_code = %(unit)s AND area_code >= %(end)s AND NOT progress = ANY(%(gone)s)
        UNION
        SELECT case_id FROM cases_grant
        WHERE account_id = %(account)s AND unit_code = %(unit)s AND given AND revoked_at IS NULL
            AND begins_at <= %(at)s AND ends_at > %(at)s
    ) AS beyond
), true), set_config('{AREA}', %(first)s, true), set_config('{END}', %(end)s, true)
"""
# What the policies say. Rows of a case keep the area in which they were written, while the case may
# have moved on: they are seen in that area, and wherever their case is.
IN_THE_AREA = (
    f"(area_code >= (SELECT current_setting('{AREA}', true))"
    f" AND area_code < (SELECT current_setting('{END}', true)))"
)
REACHED = f"IN (SELECT unnest(nullif(current_setting('{CASES}', true), '')::uuid[]))"
POLICY_OF_CASES = f"{IN_THE_AREA} OR id {REACHED}"
# A value, not EXISTS: that would be worked out for all cases at once, though a page asks for few.
POLICY_WITHOUT_AREA = "(SELECT true FROM cases_case AS c WHERE c.id = {case_id})"
POLICY_OF_ROWS = f"{IN_THE_AREA} OR {{case_id}} {REACHED} OR {POLICY_WITHOUT_AREA}"


@dataclass(frozen=True)
class Sight:
    """What a transaction sees: areas from `first` until before `end`, and single cases.

    cases: their ids as PostgreSQL writes an array.
    """

    first: str = ""
    end: str = ""
    cases: str = "{}"


NOTHING = Sight()
EVERYTHING = Sight("", AFTER_ALL)
# Posts that hold no case: what they may look at lies in their area.
HOLDS_NONE = frozenset({Role.AUDITOR, Role.SECURITY})


class _Now(threading.local):
    """Where this thread's transaction stands; None: where its process began."""

    actor: Actor | None = None
    sight: Sight | None = None
    begun: Sight | None = None


_now = _Now()
_process = NOTHING


@contextmanager
def standing(actor: Actor, also: Collection[UUID] = ()) -> Iterator[None]:
    """One transaction that sees what the actor's post can reach, and nothing else.

    also: single cases beside, for a reporter whose report goes on in another case.
    Inside another one it holds until its end, then the outer one's sight is back. One or two
    statements.
    """
    nested = connection.in_atomic_block
    outer, before = (_now.actor, _now.sight), _present()
    if nested and _now.actor == actor and not also:
        yield
        return
    with transaction.atomic():
        try:
            _stand(actor, also)
            _now.actor = actor
            yield
            if nested:
                _see(before)
        finally:
            # A transaction that fails takes its settings back by itself.
            _now.actor, _now.sight = outer


def see_again() -> None:
    """Gives a transaction its sight back after a statement that began with `OPENED`."""
    before = _present()
    if connection.in_atomic_block and before != EVERYTHING:
        _now.sight = EVERYTHING
        _see(before)


def _present() -> Sight:
    return _now.sight or _now.begun or _process


def _see(sight: Sight) -> None:
    if sight != _present():
        with connection.cursor() as cursor:
            cursor.execute(SET, vars(sight))
    _now.sight = sight


def _stand(actor: Actor, also: Collection[UUID]) -> None:
    if actor.role == Role.SYSTEM:
        _see(EVERYTHING)
    elif actor.role == Role.RESIDENT:
        own = [] if actor.reporter_of is None else [actor.reporter_of]
        _see(Sight(cases="{" + ",".join(map(str, dict.fromkeys([*own, *also]))) + "}"))
    elif actor.role == Role.ADMINISTRATOR or not actor.unit_code or not actor.area_code:
        _see(NOTHING)
    else:
        first = actor.area_code
        end = first[:-1] + chr(ord(first[-1]) + 1)
        if actor.role in HOLDS_NONE:
            _see(Sight(first, end))
        else:
            _see_beyond(actor, first, end)


def _see_beyond(actor: Actor, first: str, end: str) -> None:
    _see(EVERYTHING)
    asked = {
        "unit": actor.unit_code,
        "account": actor.account_id,
        "first": first,
        "end": end,
        "gone": [str(progress) for progress in GONE],
        "at": now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(SET_WITH_BEYOND, asked)
        _now.sight = Sight(first, end, cursor.fetchone()[0])


def open_process() -> None:
    """Lets a whole process stand as the system: the worker, the command line; never a web server.

    Called before its first statement; each of its connections begins with the settings.
    """
    global _process  # noqa: PLW0603  one process, one beginning
    _process = EVERYTHING
    for name in connections:
        options = connections[name].settings_dict.setdefault("OPTIONS", {})
        options["options"] = f"-c {AREA}= -c {END}={AFTER_ALL}"


@contextmanager
def begun_closed() -> Iterator[None]:
    """What a web server's request meets, in a process that stands open: for tests."""
    inner = connection.connection
    said = f"SELECT set_config('{AREA}', %s, false), set_config('{END}', %s, false)"
    outer = (_now.actor, _now.sight, _now.begun)
    _now.actor, _now.sight, _now.begun = None, None, NOTHING
    if inner is not None:
        inner.execute(said, ["", ""])
    try:
        yield
    finally:
        _now.actor, _now.sight, _now.begun = outer
        back = _present()
        if connection.connection is not None and not connection.connection.closed:
            with contextlib.suppress(psycopg.Error):
                connection.connection.execute(said, [back.first, back.end])
