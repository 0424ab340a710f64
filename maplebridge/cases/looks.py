"""Who read a case that is not open to everybody: noted before it is shown, never switched off.

Source: domain guide, sections 5 and 8 (6); PIPL, articles 45 and 54.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from maplebridge.cases.grades import Confidentiality, Way
from maplebridge.cases.models import Case, Look
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.people import Actor, Role

# A reporter's own reading, and what automatic steps read, tells nobody anything.
UNNOTED = frozenset({Role.RESIDENT, Role.SYSTEM})


@dataclass(frozen=True)
class Looked:
    """What the reporter may know: on which day, under which post, how often; nobody's name."""

    day: dt.date
    unit_code: str
    role: Role
    times: int


def note(actor: Actor, case: Case, way: Way) -> None:
    """Adds a row for a C1 or C2 case; one statement. What cannot be noted is not shown."""
    if case.confidentiality == Confidentiality.C0 or actor.role in UNNOTED:
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
    )


def looked(case: Case) -> list[Looked]:
    """The units that read a case, by day and post, the newest day first; one statement."""
    found: dict[tuple[dt.date, str, str], int] = {}
    rows = Look.objects.filter(case_id=case.pk).order_by("-at")
    for at, unit_code, role in rows.values_list("at", "unit_code", "role"):
        key = (local_day(at), unit_code, role)
        found[key] = found.get(key, 0) + 1
    return [Looked(day, unit, Role(role), times) for (day, unit, role), times in found.items()]
