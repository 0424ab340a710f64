"""The two gates: who may see a case (`visible_to`) and who may move it (`may`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db.models import Exists, Q

from maplebridge.cases.grades import GONE, LIVE, Confidentiality, Duty
from maplebridge.cases.kinds import Move, Who, registry
from maplebridge.lib.clock import now
from maplebridge.organisation.people import Actor, Role, Tier
from maplebridge.organisation.units import directory

if TYPE_CHECKING:
    from maplebridge.cases.models import Assignment, Case, Grant

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
# Kinds of unit whose posts look over every case of their area.
ROOMS = frozenset({"village_station", "town_room", "county_center", "city_center"})
# Posts that see no case content at all. Source: domain guide, section 5.
NO_CONTENT = frozenset({Role.ADMINISTRATOR, Role.AUDITOR, Role.SECURITY})
# Posts that send cases on and so read them as written; the others above read them masked.
SORTING = frozenset({Role.CLERK, Role.DISPATCHER})
# The nature of a complaint about the service of the unit that has to answer it.
SERVICE_COMPLAINT = "service"


def within(field: str, area_code: str) -> Q:
    """The area and all below it, as a range over one index; an empty code is no area."""
    if not area_code:
        return NOTHING
    upper = area_code[:-1] + chr(ord(area_code[-1]) + 1)
    return Q(**{f"{field}__gte": area_code, f"{field}__lt": upper})


def covers(area_code: str, other: str) -> bool:
    """Whether an area contains another, or is it."""
    return bool(area_code) and other.startswith(area_code)


def visible(actor: Actor, assigned: Exists, granted: Exists) -> Q:
    """The condition under which an actor sees a case.

    (area and line) or assigned or granted for a time; a C2 case only by its accountable or
    assigned units, or a grant; none that complains about a unit of the actor.
    assigned: true of cases in which the actor's unit has a share. granted: true of cases that
    `grants` opens to the actor.
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
    return (own | wide | Q(granted)) & ~Q(about_unit__in=sorted(actor.held_units))


def grants(actor: Actor, at: dt.datetime) -> Q:
    """The condition under which a grant opens its case to an actor at a moment."""
    return Q(
        account_id=actor.account_id,
        unit_code=actor.unit_code,
        role=actor.role,
        given=True,
        revoked_at=None,
        begins_at__lte=at,
        ends_at__gt=at,
    )


def is_granted(actor: Actor, given: Collection[Grant], at: dt.datetime) -> bool:
    """Whether one of a case's grants opens it to an actor; the rule of `grants`, for rows."""
    return any(
        grant.account_id == actor.account_id
        and grant.unit_code == actor.unit_code
        and grant.role == actor.role
        and grant.given is True
        and grant.revoked_at is None
        and grant.begins_at is not None
        and grant.ends_at is not None
        and grant.begins_at <= at < grant.ends_at
        for grant in given
    )


def is_complained_about(actor: Actor, case: Case) -> bool:
    """Whether the case complains about a unit in which the actor holds a post."""
    return bool(case.about_unit) and case.about_unit in actor.held_units


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


def sees(
    actor: Actor, case: Case, assignments: Collection[Assignment], *, granted: bool = False
) -> bool:
    """Whether an actor sees a case that is at hand; the same rule as `visible`, for one row.

    granted: what `is_granted` says of the case's grants. A grant gives reading and no move.
    """
    if actor.role == Role.SYSTEM:
        return True
    if actor.role == Role.RESIDENT:
        return actor.reporter_of == case.pk
    if actor.role in NO_CONTENT or not actor.unit_code or is_complained_about(actor, case):
        return False
    if granted:
        return True
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
    if case.is_away(now()) or not move.leads_from(case.state) or actor.role not in move.by:
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


def has_in_sight(
    unit_code: str, kind: str, area_code: str, case: Case, assignments: Collection[Assignment]
) -> bool:
    """Whether some post of a unit sees a case: it answers for it, has a share, or is a room over
    its place. kind, area_code: the unit's. Costs no statement.
    """
    if unit_code == case.about_unit:
        return False
    if unit_code == case.unit_code or any(
        a.unit_code == unit_code and a.progress not in GONE for a in assignments
    ):
        return True
    secret = case.confidentiality == Confidentiality.C2
    return kind in ROOMS and not secret and covers(area_code, case.area_code)


def may_see_reporter(actor: Actor, case: Case, assignments: Collection[Assignment]) -> bool:
    """Whether an actor may see who reported: only posts of units that work on the case.

    Of a complaint about a service, whose own unit must answer it, only a room may.
    """
    if case.nature == SERVICE_COMPLAINT and actor.role not in SORTING:
        return False
    return _works_on(actor, case, assignments)


def reads_full(
    actor: Actor, case: Case, assignments: Collection[Assignment], *, granted: bool = False
) -> bool:
    """Whether an actor who sees a case reads its words as written, or with names, numbers and
    plates masked: the posts that work on it or send it on, and who was granted it."""
    if actor.role in (Role.SYSTEM, Role.RESIDENT) or granted:
        return sees(actor, case, assignments, granted=granted)
    if _works_on(actor, case, assignments):
        return True
    return actor.role in SORTING and sees(actor, case, assignments)


def _works_on(actor: Actor, case: Case, assignments: Collection[Assignment]) -> bool:
    if actor.role not in WORKING or is_complained_about(actor, case):
        return False
    works = _is_assigned(actor, assignments, ON_THE_WORK)
    return actor.unit_code == case.unit_code or works


def may_hold(actor: Actor, case: Case) -> bool:
    """Whether an actor may set and lift a legal hold: the rooms over the place, by their clerks."""
    if actor.role not in SORTING or is_complained_about(actor, case):
        return False
    return actor.unit_code == case.unit_code or covers(actor.area_code, case.area_code)


def may_list_for_destruction(actor: Actor) -> bool:
    """Whether an actor may list cases whose time is over: dispatchers of county and city."""
    return actor.role == Role.DISPATCHER


def may_agree_to_destruction(actor: Actor) -> bool:
    """Whether an actor may be the second pair of eyes over a destruction list: leaders."""
    return actor.role == Role.LEADER


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


def may_revisit(actor: Actor) -> bool:
    """Whether a post asks reporters back after the closing (回访), in some kind of case."""
    if actor.account_id is None or not actor.unit_code:
        return False
    moves = (move for kind in registry.all() for move in kind.moves if move.name == "revisit")
    return any(actor.role in move.by for move in moves)


def may_ask_leave(actor: Actor) -> bool:
    """Whether a post may ask to read a case for a time: posts of units, not the three officers."""
    apart = actor.role in NO_CONTENT or actor.role in (Role.RESIDENT, Role.SYSTEM)
    return actor.account_id is not None and bool(actor.unit_code) and not apart


def may_rule_on_leave(actor: Actor) -> bool:
    """Whether a post rules on such askings, in its area: the security officer."""
    return actor.role == Role.SECURITY and actor.account_id is not None and bool(actor.area_code)


def leave_ruled_by(actor: Actor) -> Q:
    """The condition under which an actor rules on an asking: in its area, never on its own."""
    if not may_rule_on_leave(actor):
        return NOTHING
    return within("area_code", actor.area_code) & ~Q(account_id=actor.account_id)
