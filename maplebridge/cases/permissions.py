"""The two gates: who may see a case (`visible_to`) and who may move it (`may`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import Exists, Q

from maplebridge.cases.grades import GONE, LIVE, Confidentiality, Duty
from maplebridge.cases.kinds import Move, Who, registry
from maplebridge.lib.clock import now
from maplebridge.organisation.people import Actor, Role, Tier
from maplebridge.organisation.units import directory

if TYPE_CHECKING:
    from maplebridge.cases.models import Assignment, Case

# Posts that work on cases; the others only look over them.
WORKING = frozenset(
    {
        Role.GRID_WORKER,
        Role.STATION,
        Role.CLERK,
        Role.OFFICER,
        Role.MEDIATOR,
        Role.DISPATCHER,
    }
)
NOTHING = Q(pk__in=[])
# Duties of the units that work on a case; the others advise, answer or read.
ON_THE_WORK = (Duty.LEAD, Duty.ASSIST, Duty.ATTEND)
# Posts that see no case content at all. Source: domain guide, section 5.
NO_CONTENT = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


def within(field: str, area_code: str) -> Q:
    """The area and all below it, as a range over one index; an empty code is no area."""
    if not area_code:
        return NOTHING
    upper = area_code[:-1] + chr(ord(area_code[-1]) + 1)
    return Q(**{f"{field}__gte": area_code, f"{field}__lt": upper})


def covers(area_code: str, other: str) -> bool:
    """Whether an area contains another, or is it."""
    return bool(area_code) and other.startswith(area_code)


def visible(actor: Actor, assigned: Exists) -> Q:
    """The condition under which an actor sees a case.

    (area and line) or assigned; a C2 case only by its accountable or assigned units.
    assigned: true of cases in which the actor's unit has a share.
    Source: domain guide, section 5.
    """
    if actor.role == Role.SYSTEM:
        return Q()
    if actor.role == Role.RESIDENT:
        return Q(pk=actor.reporter_of) if actor.reporter_of else NOTHING
    if actor.role in NO_CONTENT or not actor.unit_code:
        return NOTHING
    area = within("area_code", actor.area_code) & ~Q(confidentiality=Confidentiality.C2)
    match actor.role:
        case Role.GRID_WORKER:
            wide = area & Q(confidentiality=Confidentiality.C0)
        case Role.STATION | Role.CLERK | Role.DISPATCHER | Role.LEADER:
            wide = area
        case Role.OFFICER if actor.line:
            wide = area & Q(line=actor.line)
        case Role.SUPERVISOR:
            overdue = Q(late=True) | Q(ended=False, due_at__lt=now())
            wide = area & (Q(supervision__gt=0) | overdue)
        case Role.REVISITOR:
            wide = area & Q(closed_at__isnull=False)
        case _:
            wide = NOTHING
    own = Q(unit_code=actor.unit_code) | Q(assigned)
    if actor.role not in WORKING:
        own &= ~Q(confidentiality=Confidentiality.C2)
    return own | wide


def waiting(actor: Actor) -> Q:
    """The condition under which an open case waits for an actor: held by its unit, or to be
    verified in its own village or grid by somebody who did not handle it."""
    held = Q(unit_code=actor.unit_code)
    if actor.role not in (Role.STATION, Role.GRID_WORKER):
        return held
    states = {
        state
        for kind in registry.all()
        for move in kind.moves
        if move.who is Who.OTHER and actor.role in move.by
        for state in move.sources
    }
    to_verify = Q(state__in=sorted(states)) & ~Q(handler_unit=actor.unit_code)
    return held | (within("area_code", actor.area_code) & to_verify)


def sees(actor: Actor, case: Case, assignments: Collection[Assignment]) -> bool:
    """Whether an actor sees a case that is at hand; the same rule as `visible`, for one row."""
    if actor.role == Role.SYSTEM:
        return True
    if actor.role == Role.RESIDENT:
        return actor.reporter_of == case.pk
    if actor.role in NO_CONTENT or not actor.unit_code:
        return False
    secret = case.confidentiality == Confidentiality.C2
    if actor.unit_code == case.unit_code or _is_assigned(actor, assignments):
        return not secret or actor.role in WORKING
    if not covers(actor.area_code, case.area_code) or secret:
        return False
    match actor.role:
        case Role.GRID_WORKER:
            return case.confidentiality == Confidentiality.C0
        case Role.STATION | Role.CLERK | Role.DISPATCHER | Role.LEADER:
            return True
        case Role.OFFICER:
            return bool(actor.line) and actor.line == case.line
        case Role.SUPERVISOR:
            return case.supervision > 0 or case.late or case.is_overdue(now())
        case Role.REVISITOR:
            return case.closed_at is not None
        case _:
            return False


def may(actor: Actor, move: Move, case: Case, assignments: Collection[Assignment]) -> bool:
    """Whether an actor may make a move on a case in its present state.

    assignments: the case's. Costs no statement.
    """
    if not move.leads_from(case.state) or actor.role not in move.by:
        return False
    if move.tiers and actor.tier not in move.tiers:
        return False
    if not sees(actor, case, assignments):
        return False
    match move.who:
        case Who.SYSTEM:
            return actor.role == Role.SYSTEM
        case Who.REPORTER:
            return actor.reporter_of == case.pk
        case Who.OWNER:
            return actor.unit_code == case.unit_code
        case Who.LEAD:
            return _works(actor, assignments, (Duty.LEAD,))
        case Who.WORKING:
            return _works(actor, assignments, ON_THE_WORK)
        case Who.ASKED:
            return any(
                a.unit_code == actor.unit_code and (a.duty, a.progress) in move.shares
                for a in assignments
            )
        case Who.SEES:
            return True
        case Who.ABOVE:
            return _stands_above(actor, case)
        case Who.AREA:
            return actor.unit_code == case.unit_code or covers(actor.area_code, case.area_code)
        case Who.OTHER:
            return (
                covers(actor.area_code, case.area_code)
                and actor.unit_code != case.handler_unit
                and (actor.account_id is None or actor.account_id != case.handler_id)
            )
        case Who.FILER:
            if case.supervision and actor.tier < Tier.COUNTY:
                return False
            answers = actor.unit_code in (case.filer_code, case.unit_code)
            return answers or _stands_above(actor, case)


def _is_assigned(
    actor: Actor,
    assignments: Collection[Assignment],
    duties: tuple[str, ...] = tuple(Duty.values),
) -> bool:
    return any(
        a.unit_code == actor.unit_code and a.duty in duties and a.progress not in GONE
        for a in assignments
    )


def _works(actor: Actor, assignments: Collection[Assignment], duties: tuple[str, ...]) -> bool:
    return any(
        a.unit_code == actor.unit_code and a.duty in duties and a.progress in LIVE
        for a in assignments
    )


def _stands_above(actor: Actor, case: Case) -> bool:
    """Whether the actor's room covers the case and stands above the accountable unit."""
    if actor.role not in (Role.CLERK, Role.DISPATCHER):
        return False
    if not covers(actor.area_code, case.area_code) or actor.unit_code == case.unit_code:
        return False
    units = directory()
    # A unit that is gone leaves its cases to whichever room stands over the place.
    return case.unit_code not in units or actor.tier >= units.unit(case.unit_code).tier


def may_see_reporter(actor: Actor, case: Case, assignments: Collection[Assignment]) -> bool:
    """Whether an actor may see who reported: only posts of units that work on the case."""
    if actor.role not in WORKING:
        return False
    works = _is_assigned(actor, assignments, ON_THE_WORK)
    return actor.unit_code == case.unit_code or works


def may_audit(actor: Actor) -> bool:
    """Whether an actor may see who read which case; never what stands in it."""
    return actor.role == Role.AUDITOR


def looks_seen_by(actor: Actor) -> Q:
    """The condition under which an actor sees who read a case: only auditors, in their area."""
    return within("area_code", actor.area_code) if may_audit(actor) else NOTHING


def moves_for(actor: Actor, case: Case, assignments: Collection[Assignment]) -> list[Move]:
    """The moves to offer an actor as buttons now, in the order of the manifest."""
    moves = case.pinned_kind.moves
    return [move for move in moves if move.plain and may(actor, move, case, assignments)]
