"""Who read a case that is not open to everybody: noted before it is shown, never switched off.

Source: domain guide, sections 5 and 8 (6); PIPL, articles 45 and 54.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from maplebridge.cases.grades import Confidentiality, Way
from maplebridge.cases.models import Case, Look
from maplebridge.lib import ids
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.masking import mask
from maplebridge.lib.text import normalise
from maplebridge.organisation.people import Actor, Role

# A reporter's own reading, and what automatic steps read, tells nobody anything.
UNNOTED = frozenset({Role.RESIDENT, Role.SYSTEM})
# A list that is drawn again and again, by one person under one post, is one reading.
LIST_COUNTS_ONCE_IN = dt.timedelta(minutes=10)
LONGEST_REASON = 200
# What the reporter is told the reason of.
WITH_REASON = (Way.REVEAL, Way.EVIDENCE)

# Rows of a list as one JSON parameter; those that were noted lately are left out.
NOTE_LIST = """
WITH fresh AS (
    SELECT r.* FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(
        case_id uuid, look_id uuid, area_code text, confidentiality text
    )
    WHERE NOT EXISTS (
        SELECT FROM cases_look l
        WHERE l.case_id = r.case_id AND l.way = 'list' AND l.at > %(since)s AND l.role = %(role)s
            AND l.unit_code = %(unit)s AND l.account_id IS NOT DISTINCT FROM %(account)s
    )
)
INSERT INTO cases_look (
    case_id, look_id, area_code, confidentiality, account_id, role, unit_code, way, at, reason
)
SELECT case_id, look_id, area_code, confidentiality, %(account)s, %(role)s, %(unit)s, 'list',
    %(at)s, ''
FROM fresh
"""


@dataclass(frozen=True)
class Looked:
    """What the reporter may know: on which day, under which post, how often; nobody's name.

    opened: that who reported, or the original of a photo, was opened, with the `reason` given.
    """

    day: dt.date
    unit_code: str
    role: Role
    times: int
    opened: Way | None = None
    reason: str = ""


def note(actor: Actor, case: Case, way: Way, reason: str = "") -> None:
    """Adds a row for a C1 or C2 case; one statement. What cannot be noted is not shown.

    That who reported was opened, or an original, is noted whatever the class of the case. reason:
    what the person gave as one, where a page asks for it.
    """
    is_open = case.confidentiality == Confidentiality.C0 and way not in WITH_REASON
    if is_open or actor.role in UNNOTED:
        return
    Look.objects.create(
        case_id=case.pk,
        area_code=case.area_code,
        confidentiality=case.confidentiality,
        account_id=actor.account_id,
        role=actor.role,
        unit_code=actor.unit_code,
        way=way,
        at=now(),
        reason=reason[:LONGEST_REASON],
    )


def note_list(actor: Actor, cases: Iterable[Case]) -> None:
    """Adds a row for each C1 or C2 case of a list that the actor is about to see; one statement.

    The same account under the same post counts once in ten minutes for a case, however often the
    list is drawn: a live page draws it anew whenever something happens.
    """
    rows = [
        {
            "case_id": str(case.pk),
            "look_id": str(ids.new_id()),
            "area_code": case.area_code,
            "confidentiality": case.confidentiality,
        }
        for case in cases
        if case.confidentiality != Confidentiality.C0
    ]
    if not rows or actor.role in UNNOTED:
        return
    at = now()
    asked = {
        "rows": json.dumps(rows),
        "account": actor.account_id,
        "role": str(actor.role),
        "unit": actor.unit_code,
        "at": at,
        "since": at - LIST_COUNTS_ONCE_IN,
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE_LIST, asked)


def clean_reason(said: str) -> str:
    """A reason as it is kept and shown: one line, what points to a person hidden."""
    return mask(normalise(said)[:LONGEST_REASON])


def looked(case: Case) -> list[Looked]:
    """The units that read a case, by day and post, the newest day first; one statement.

    Each opening of who reported, or of an original, stands for itself, with its reason.
    """
    found: dict[tuple[dt.date, str, str, str, str], int] = {}
    rows = Look.objects.filter(case_id=case.pk).order_by("-at", "-look_id")
    for at, unit_code, role, way, reason in rows.values_list(
        "at", "unit_code", "role", "way", "reason"
    ):
        opened = way if way in WITH_REASON else ""
        key = (local_day(at), unit_code, role, opened, reason if opened else "")
        found[key] = found.get(key, 0) + 1
    return [
        Looked(day, unit, Role(role), times, Way(opened) if opened else None, reason)
        for (day, unit, role, opened, reason), times in found.items()
    ]
