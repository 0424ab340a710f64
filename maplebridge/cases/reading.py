"""How a viewer reads the words of cases: as written, or with what points to a person hidden.

Who reads them as written stands in `permissions.reads_full`; what is hidden, in `lib.masking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from maplebridge.cases import permissions
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Assignment, Case
from maplebridge.cases.reporters import Destroyed, Unreadable, as_said
from maplebridge.lib.clock import now
from maplebridge.lib.masking import mask
from maplebridge.organisation.people import Actor, Role

# One row a case: the viewer's unit's shares in it, whether a grant opens it, and what was last
# said of who reported, with its seal.
HOW_READ = """
SELECT c.id,
    ARRAY(
        SELECT ARRAY[a.duty, a.progress]::text[] FROM cases_assignment a
        WHERE a.case_id = c.id AND a.unit_code = %(unit)s
    ),
    EXISTS (
        SELECT FROM cases_grant g
        WHERE g.case_id = c.id AND g.account_id = %(account)s AND g.unit_code = %(unit)s
            AND g.role = %(role)s AND g.given AND g.revoked_at IS NULL
            AND g.begins_at <= %(at)s AND g.ends_at > %(at)s
    ),
    said.sequence, said.content, said.sealed, said.key_id, said.wrapped
FROM cases_case c LEFT JOIN LATERAL (
    SELECT p.sequence, p.content::text AS content, s.case_id IS NOT NULL AS sealed, s.key_id,
        s.wrapped
    FROM cases_payload p
    LEFT JOIN cases_seal s ON s.case_id = p.case_id AND s.sequence = p.sequence
    WHERE p.case_id = c.id AND p.part = 'reporter'
    ORDER BY p.sequence DESC LIMIT 1
) said ON true
WHERE c.id = ANY(%(cases)s)
"""


@dataclass(frozen=True)
class Reading:
    """How somebody reads one case. words: what a text of the case becomes for that reader.

    masked_photos: photos that the reporter sent are not shown.
    """

    full: bool
    words: Callable[[str], str]
    masked_photos: bool = False


FULL = Reading(full=True, words=str)


def readings(actor: Actor, cases: Iterable[Case]) -> dict[UUID, Reading]:
    """How an actor reads cases that it sees, by case; at most one statement for all of them.

    None is needed for who works on a case in its own unit or sends cases on.
    """
    read: dict[UUID, Reading] = {}
    asked: list[Case] = []
    for case in cases:
        if permissions.reads_full(actor, case, ()):
            read[case.pk] = FULL
        else:
            asked.append(case)
    if asked:
        found = _found(actor, asked)
        read |= {case.pk: _reading(actor, case, found.get(case.pk)) for case in asked}
    return read


def _found(actor: Actor, cases: list[Case]) -> dict[UUID, tuple[Any, ...]]:
    asked = {
        "cases": [case.pk for case in cases],
        "unit": actor.unit_code,
        "account": actor.account_id,
        "role": str(actor.role),
        "at": now(),
    }
    with connection.cursor() as cursor:
        cursor.execute(HOW_READ, asked)
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _reading(actor: Actor, case: Case, found: tuple[Any, ...] | None) -> Reading:
    shares, granted, *said = found or ([], False, None)
    mine = [
        Assignment(case_id=case.pk, unit_code=actor.unit_code, duty=duty, progress=progress)
        for duty, progress in shares
    ]
    if permissions.reads_full(actor, case, mine, granted=granted):
        return FULL
    hides_photos = case.confidentiality != Confidentiality.C0
    try:
        known = as_said(case.pk, None if said[0] is None else said)
    except Destroyed:
        return Reading(False, mask, hides_photos)
    except Unreadable:
        # Whose name has to be hidden is not known, so no word is shown.
        return Reading(False, _closed, hides_photos)
    hide = partial(mask, names=[known.name], phones=[known.phone])
    return Reading(False, hide, hides_photos)


def _closed(text: str) -> str:
    return _("(these words cannot be shown just now)") if text else ""


def is_of_reporter(role: str) -> bool:
    """Whether an event's photos came from whoever reported."""
    return role == Role.RESIDENT
