"""Leave to read one case for a time: asked for, ruled on by somebody else, ended or revoked.

It gives reading and no move; the gate asks for it with `permissions.grants`. Each ruling stands in
the log of acts; each asking is a row of Grant.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from maplebridge.cases import permissions, wall
from maplebridge.cases.models import Case, Grant
from maplebridge.lib.clock import now
from maplebridge.lib.text import normalise, printable
from maplebridge.organisation import acts
from maplebridge.organisation.models import Deed
from maplebridge.organisation.people import SYSTEM, Actor

FEWEST_HOURS, MOST_HOURS = 1, 72
SHORTEST, LONGEST = 4, 400
MOST_LISTED = 50
# One namespace, so that the same form sent twice makes the same row.
ASKINGS = UUID("6a0d3f5e-52a1-5d0b-9c57-0f6f5a4c1f10")

# The same statement whether there is such a case or not, so that nobody can tell by the answer.
# A unit that the case complains about asks for nothing: no ruling could open it.
ASK = """
INSERT INTO cases_grant (
    case_id, grant_id, area_code, account_id, unit_code, role, reason, asked_at, hours, ruling
)
SELECT c.id, %(grant)s, c.area_code, %(account)s, %(unit)s, %(role)s, %(reason)s, %(at)s,
    %(hours)s, ''
FROM cases_case c
WHERE c.number = %(number)s AND NOT (c.about_unit <> '' AND c.about_unit = ANY(%(held)s))
ON CONFLICT (case_id, grant_id) DO NOTHING
"""


class NotAllowed(Exception):
    """The post may not do this; the text is a sentence."""


class AlreadyRuled(Exception):
    """Somebody ruled on it before; the text is a sentence."""


class Incomplete(ValueError):
    """Something is missing. problems: by field, a sentence each."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class Standing(StrEnum):
    """How an asking stands."""

    WAITING = "waiting"
    REFUSED = "refused"
    OPEN = "open"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Leave:
    """An asking with the number of its case, and what a ruling has to know; no content."""

    grant: Grant
    number: str
    category: str
    confidentiality: str
    standing: Standing


def ask(actor: Actor, number: str, reason: str, hours: str, key: str) -> None:
    """Asks for leave to read the case of that number; the same key again changes nothing.

    Nothing tells whether there is such a case: an unknown number is taken like any other and
    never comes to a ruling. hours: 1 to 72, counted from the ruling.
    Raises NotAllowed, or Incomplete.
    """
    if not permissions.may_ask_leave(actor):
        raise NotAllowed(_("This post cannot ask to read a case."))
    wanted, said = normalise(number).upper()[:40], printable(reason)
    length = int(hours) if hours.isascii() and hours.isdigit() and len(hours) < 4 else 0
    problems = {}
    if not wanted:
        problems["number"] = _("Please give the case number.")
    if len(said) < SHORTEST:
        problems["reason"] = _at_least()
    if not FEWEST_HOURS <= length <= MOST_HOURS:
        problems["hours"] = _("From %(few)s to %(most)s hours.") % {
            "few": FEWEST_HOURS, "most": MOST_HOURS,
        }  # fmt: skip
    if problems:
        raise Incomplete(problems)
    asked = {
        "grant": uuid.uuid5(ASKINGS, f"{actor.account_id} {key}"),
        "account": actor.account_id,
        "unit": actor.unit_code,
        "role": str(actor.role),
        "reason": said[:LONGEST],
        "at": now(),
        "hours": length,
        "number": wanted,
        "held": sorted(actor.held_units),
    }
    with wall.standing(SYSTEM), connection.cursor() as cursor:
        cursor.execute(ASK, asked)


def rule(actor: Actor, case_id: UUID, grant_id: UUID, *, given: bool, ruling: str) -> Grant:
    """Rules on an asking in the actor's area, with a sentence; the same ruling again changes
    nothing. What is given begins now.

    Raises NotAllowed when it is not the actor's to rule on, or not there; AlreadyRuled, Incomplete.
    """
    said = printable(ruling)
    if len(said) < SHORTEST:
        raise Incomplete({"ruling": _at_least()})
    with transaction.atomic():
        grant = _to_rule_on(actor, case_id, grant_id)
        if grant.given is not None:
            if (grant.given, grant.ruled_by) == (given, actor.account_id):
                return grant
            raise AlreadyRuled(_("This was ruled on before."))
        at = now()
        grant.given, grant.ruled_by, grant.ruled_at, grant.ruling = (
            given, actor.account_id, at, said[:LONGEST],
        )  # fmt: skip
        if given:
            grant.begins_at, grant.ends_at = at, at + dt.timedelta(hours=grant.hours)
        _save(grant, "given", "ruled_by", "ruled_at", "ruling", "begins_at", "ends_at")
        deed = Deed.GRANT_GIVEN if given else Deed.GRANT_REFUSED
        _note(actor, deed, grant)
    return grant


def revoke(actor: Actor, case_id: UUID, grant_id: UUID) -> Grant:
    """Ends a grant at once: by who rules in its area, or by its holder. Again changes nothing.

    Raises NotAllowed when it is neither's, not there, or was never given.
    """
    with transaction.atomic(), wall.standing(SYSTEM):
        mine = _locked(case_id, grant_id)
        is_own = mine is not None and _is_own(actor, mine)
        grant = mine if is_own else _to_rule_on(actor, case_id, grant_id)
        if grant is None or not grant.given:
            raise NotAllowed(_("There is no such grant."))
        at = now()
        if grant.revoked_at is None and grant.ends_at is not None and grant.ends_at > at:
            grant.revoked_at, grant.revoked_by = at, actor.account_id
            _save(grant, "revoked_at", "revoked_by")
            _note(actor, Deed.GRANT_REVOKED, grant)
    return grant


def to_rule_on(actor: Actor) -> tuple[list[Leave], list[Leave]]:
    """What waits for the actor's ruling, the oldest first, and what it may revoke now."""
    ruled = Grant.objects.filter(permissions.leave_ruled_by(actor))
    waiting = ruled.filter(given=None).order_by("asked_at", "grant_id")[:MOST_LISTED]
    running = ruled.filter(given=True, revoked_at=None, ends_at__gt=now()).order_by("ends_at")
    return _told(list(waiting)), _told(list(running[:MOST_LISTED]))


def own(actor: Actor) -> list[Leave]:
    """What was ruled on of the actor's askings under this post, the newest first.

    What waits is not listed: it would tell which numbers exist.
    """
    mine = _mine(actor).exclude(given=None)
    with wall.standing(SYSTEM):
        return _told(list(mine.order_by("-ruled_at", "grant_id")[:MOST_LISTED]))


def ended_for(actor: Actor, case_id: UUID) -> dt.datetime | None:
    """When the actor's last leave to read a case ended or was revoked; None when it had none."""
    mine = _mine(actor).filter(case_id=case_id, given=True)
    with wall.standing(SYSTEM):
        grant = mine.order_by("-ruled_at").first()
    if grant is None or standing(grant) is Standing.OPEN:
        return None
    return grant.revoked_at or grant.ends_at


def standing(grant: Grant) -> Standing:
    """How an asking stands now."""
    if grant.given is None:
        return Standing.WAITING
    if not grant.given:
        return Standing.REFUSED
    if grant.revoked_at is not None:
        return Standing.REVOKED
    return Standing.OPEN if grant.ends_at and grant.ends_at > now() else Standing.ENDED


def _mine(actor: Actor) -> QuerySet[Grant]:
    if actor.account_id is None:
        return Grant.objects.none()
    return Grant.objects.filter(
        account_id=actor.account_id, unit_code=actor.unit_code, role=actor.role
    )


def _told(grants: list[Grant]) -> list[Leave]:
    """One statement, whatever their number; of the case no more than a ruling has to know."""
    cases = {grant.case_id for grant in grants}
    rows = Case.objects.filter(pk__in=cases)
    facts = {
        case_id: said
        for case_id, *said in rows.values_list("pk", "number", "category", "confidentiality")
    }
    told = []
    for grant in grants:
        number, category, confidentiality = facts.get(grant.case_id, ("", "", ""))
        told.append(Leave(grant, number, category, confidentiality, standing(grant)))
    return told


def _locked(case_id: UUID, grant_id: UUID) -> Grant | None:
    found = Grant.objects.select_for_update().filter(case_id=case_id, grant_id=grant_id)
    return found.first()


def _to_rule_on(actor: Actor, case_id: UUID, grant_id: UUID) -> Grant:
    ruled = Grant.objects.select_for_update().filter(permissions.leave_ruled_by(actor))
    grant = ruled.filter(case_id=case_id, grant_id=grant_id).first()
    if grant is None:
        raise NotAllowed(_("There is no such grant."))
    return grant


def _is_own(actor: Actor, grant: Grant) -> bool:
    under = (actor.account_id, actor.unit_code, str(actor.role))
    return under == (grant.account_id, grant.unit_code, grant.role)


def _save(grant: Grant, *fields: str) -> None:
    # A composite key: the row is named by both of its columns.
    Grant.objects.filter(case_id=grant.case_id, grant_id=grant.grant_id).update(
        **{name: getattr(grant, name) for name in fields}
    )


def _note(actor: Actor, deed: Deed, grant: Grant) -> None:
    facts = {
        "case": str(grant.case_id),
        "unit": grant.unit_code,
        "role": grant.role,
        "hours": grant.hours,
    }
    acts.note(actor, deed, f"grant:{grant.grant_id}", facts)


def _at_least() -> str:
    return _("Please write at least %(n)s characters.") % {"n": SHORTEST}
