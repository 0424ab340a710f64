"""Resources are recommended, sent and released; stocks are drawn from. One at a time, never twice.

Travel is by straight line and a road factor while no road network is loaded; both are said on the
page. Whoever calls stands behind the wall. Refusals are rules.Refused, with a sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from maplebridge.applications.emergency import acts
from maplebridge.applications.emergency.models import (
    Ability,
    Cause,
    Resource,
    Sort,
    Standing,
    Stock,
    StockEntry,
)
from maplebridge.applications.emergency.rules import Refused
from maplebridge.cases import leases, wall
from maplebridge.cases.models import Case, Event
from maplebridge.cases.permissions import covers
from maplebridge.lib import ids
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.lib.geometry import distance_metres
from maplebridge.organisation.areas import ancestors
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import SYSTEM, Actor

# A road is longer than the straight line. Source: our decision, to be measured for each city.
ROAD_FACTOR = 1.4
READY_MINUTES = 5
# Kilometres an hour of whatever carries it.
SPEEDS = {
    Ability.RESCUE: 40, Ability.DYKE: 40, Ability.MEDICAL: 50, Ability.BOAT: 30, Ability.PUMP: 30,
    Ability.VEHICLE: 40,
}  # fmt: skip
CITY, COUNTY = 4, 6
# Degrees of WGS-84 between which the country lies.
CHINA_WEST, CHINA_EAST, CHINA_SOUTH, CHINA_NORTH = 73.0, 136.0, 3.0, 54.0
# One that is missing costs more than any way there.
MISSING_COST = 1_000_000
MOST_MOVED = 1_000_000


@dataclass(frozen=True)
class Pick:
    """A resource that is recommended for an ability. minutes: until it could be there.

    sooner: how many free ones would be there sooner, but are recommended for something else.
    """

    resource: Resource
    ability: Ability
    minutes: int
    kilometres: float
    by_agreement: bool
    sooner: int = 0


@dataclass(frozen=True)
class Gap:
    """What is missing of an ability, and why. known: how many there are at all, wherever."""

    ability: Ability
    missing: int
    known: int
    sent: int


@dataclass(frozen=True)
class Recommendation:
    """What to send, the soonest first, and what is missing."""

    picks: tuple[Pick, ...]
    gaps: tuple[Gap, ...]


def within_reach(area_code: str) -> Q:
    """The resources an area may ask for: those of its county, and those lent by agreement."""
    today = local_day(now())
    asked = [*ancestors(area_code), area_code]
    lent = Q(lent_to__overlap=asked) & (Q(lent_until=None) | Q(lent_until__gte=today))
    return Q(area_code__startswith=area_code[:COUNTY]) | lent


def recommend(
    area_code: str, lon: float, lat: float, needs: Mapping[Ability, int]
) -> Recommendation:
    """The quickest way to fill all needs at once, each resource for one of them. One statement.

    lon, lat: WGS-84, where they are needed. Solved as a flow of least cost, so that one that can do
    two things goes where nobody else can.
    """
    known = list(Resource.objects.filter(within_reach(area_code)).order_by("code"))
    free = [one for one in known if one.standing == Standing.FREE]
    minutes = {
        (one.pk, Ability(ability)): _minutes(one, Ability(ability), lon, lat)
        for one in free
        for ability in one.abilities
        if ability in needs
    }
    chosen = _assigned(free, needs, {pair: found[0] for pair, found in minutes.items()})
    picks = [
        Pick(one, ability, *minutes[one.pk, ability],
             by_agreement=not one.area_code.startswith(area_code[:COUNTY]),
             sooner=sum(
                 (other.pk, ability) in minutes
                 and minutes[other.pk, ability][0] < minutes[one.pk, ability][0]
                 for other, elsewhere in chosen if elsewhere != ability
             ))
        for one, ability in chosen
    ]  # fmt: skip
    gaps = []
    for ability, wanted in needs.items():
        missing = wanted - sum(pick.ability == ability for pick in picks)
        if missing > 0:
            able = [one for one in known if ability in one.abilities]
            sent = sum(one.standing == Standing.SENT for one in able)
            gaps.append(Gap(ability, missing, len(able), sent))
    picks.sort(key=lambda pick: (pick.minutes, pick.resource.code))
    return Recommendation(tuple(picks), tuple(gaps))


def _minutes(one: Resource, ability: Ability, lon: float, lat: float) -> tuple[int, float]:
    kilometres = distance_metres(one.lon, one.lat, lon, lat) * ROAD_FACTOR / 1000
    return round(READY_MINUTES + kilometres / SPEEDS[ability] * 60), round(kilometres, 1)


def _assigned(
    free: Sequence[Resource],
    needs: Mapping[Ability, int],
    minutes: Mapping[tuple[UUID, Ability], int],
) -> list[tuple[Resource, Ability]]:
    # Loaded only when somebody asks: it takes a quarter of a second.
    from ortools.graph.python import min_cost_flow

    flow = min_cost_flow.SimpleMinCostFlow()
    wanted = {ability: n for ability, n in needs.items() if n > 0}
    first = {ability: 1 + len(free) + n for n, ability in enumerate(wanted)}
    end = 1 + len(free) + len(wanted)
    pairs: dict[int, tuple[Resource, Ability]] = {}
    for n, one in enumerate(free, start=1):
        flow.add_arc_with_capacity_and_unit_cost(0, n, 1, 0)
        for ability in wanted:
            if (one.pk, ability) in minutes:
                arc = flow.add_arc_with_capacity_and_unit_cost(
                    n, first[ability], 1, minutes[one.pk, ability]
                )
                pairs[arc] = (one, ability)
    for ability, count in wanted.items():
        flow.add_arc_with_capacity_and_unit_cost(0, first[ability], count, MISSING_COST)
        flow.add_arc_with_capacity_and_unit_cost(first[ability], end, count, 0)
    total = sum(wanted.values())
    flow.set_node_supply(0, total)
    flow.set_node_supply(end, -total)
    if total and flow.solve() != flow.OPTIMAL:
        raise RuntimeError("the flow of least cost has no solution")
    return [pair for arc, pair in pairs.items() if total and flow.flow(arc)]


def _is_here(name: str, area_code: str) -> None:
    lease = leases.covers(area_code)
    if lease is not None:
        raise Refused(
            _("%(name)s is commanded by the cut-off node of its area until %(until)s.")
            % {"name": name, "until": f"{lease.ends_at.astimezone(CHINA):%Y-%m-%d %H:%M}"}
        )


def send(
    case_id: UUID, actor: Actor, resource_id: UUID, key: str, at: dt.datetime | None = None
) -> Event:
    """Sends a resource to an emergency and notes it in the log; refused when it is not free."""
    with transaction.atomic(), wall.standing(SYSTEM):
        case = Case.objects.select_for_update().get(pk=case_id)
        made = Event.objects.filter(case_id=case_id, key=key).first()
        if made is not None:
            return made
        one = Resource.objects.select_for_update().filter(
            within_reach(case.area_code), pk=resource_id
        ).first()  # fmt: skip
        if one is None:
            raise Refused(_("There is no such resource within reach of this area."))
        _is_here(one.name, one.area_code)
        if one.standing == Standing.OUT:
            raise Refused(_("%(name)s is out of order.") % {"name": one.name})
        if one.standing == Standing.SENT:
            raise Refused(
                _("%(name)s is sent already. Please choose another one.") % {"name": one.name}
            )
        Resource.objects.filter(pk=resource_id).update(
            standing=Standing.SENT, sent_for=case_id, sent_at=at or now()
        )
        return acts.note(case_id, "send_resource", actor, key, at,
                         resource=one.name, people=one.people)  # fmt: skip


def release(
    case_id: UUID, actor: Actor, resource_id: UUID, key: str, at: dt.datetime | None = None
) -> Event:
    """Releases a resource and notes it; refused when it is not at this emergency any more."""
    with transaction.atomic(), wall.standing(SYSTEM):
        Case.objects.select_for_update().get(pk=case_id)
        made = Event.objects.filter(case_id=case_id, key=key).first()
        if made is not None:
            return made
        one = Resource.objects.select_for_update().filter(pk=resource_id).first()
        if one is None or one.sent_for != case_id:
            name = one.name if one else ""
            raise Refused(_("%(name)s is released already.") % {"name": name})
        _is_here(one.name, one.area_code)
        one.standing, one.sent_for, one.sent_at = Standing.FREE, None, None
        one.save(update_fields=["standing", "sent_for", "sent_at"])
        return acts.note(case_id, "release_resource", actor, key, at, resource=one.name)


@dataclass(frozen=True)
class Entered:
    """A resource or a store as somebody enters it. most: None without a limit.

    place: WGS-84; None: the middle of the area. lent_to: counties that may ask for it.
    """

    name: str
    place: tuple[float, float] | None = None
    abilities: Sequence[str] = ()
    people: int = 0
    lent_to: Sequence[str] = ()
    lent_until: dt.date | None = None
    sort: str = ""
    measure: str = ""
    most: int | None = None


def enter(actor: Actor, said: Entered, key: str) -> Resource | Stock:
    """Writes a resource of the actor's unit down, or a store or shelter; the same key, the same.

    Its code is made of the unit's and the key. Refused, with a sentence, when anything is missing.
    """
    if not said.name.strip():
        raise Refused(_("Please write a name."))
    place = said.place or _middle(actor.area_code)
    if not (CHINA_WEST <= place[0] <= CHINA_EAST and CHINA_SOUTH <= place[1] <= CHINA_NORTH):
        raise Refused(_("Longitude and latitude lie outside the country; please look again."))
    code = str(ids.keyed_id(actor.unit_code, "ready", key))
    common = {
        "name": said.name.strip()[:80], "unit_code": actor.unit_code,
        "area_code": actor.area_code, "lon": place[0], "lat": place[1],
    }  # fmt: skip
    if said.sort:
        if said.sort not in Sort.values:
            raise Refused(_("Please choose one of the offered answers."))
        if said.sort == Sort.SHELTER and not said.most:
            raise Refused(_("A shelter needs how many people it has room for."))
        measure = _("people") if said.sort == Sort.SHELTER else said.measure.strip()[:12]
        if not measure:
            raise Refused(_("Please write what is counted, such as sandbags by the piece."))
        values = {**common, "sort": said.sort, "measure": measure, "most": said.most}
        stock, _made = Stock.objects.get_or_create(code=code, defaults=values)
        return stock
    abilities = [one for one in Ability.values if one in said.abilities]
    if not abilities:
        raise Refused(_("Please choose what it can do."))
    others = sorted({area for area in said.lent_to if area and area != actor.area_code[:COUNTY]})
    if not set(others) <= {code for code, _name in neighbours(actor.area_code)}:
        raise Refused(_("Please choose one of the offered answers."))
    values = {
        **common, "abilities": abilities, "people": max(said.people, 0), "lent_to": others,
        "lent_until": said.lent_until,
    }  # fmt: skip
    resource, _made = Resource.objects.get_or_create(code=code, defaults=values)
    return resource


def neighbours(area_code: str) -> list[tuple[str, str]]:
    """The other counties of the city, with which an agreement to help can be made."""
    counties = Area.objects.filter(code__regex=f"^{area_code[:CITY]}[0-9]{{{COUNTY - CITY}}}$")
    others = counties.exclude(code=area_code[:COUNTY]).order_by("code")
    return list(others.values_list("code", "name"))


def _middle(area_code: str) -> tuple[float, float]:
    for code in (area_code, *reversed(ancestors(area_code))):
        area = Area.objects.filter(pk=code).first()
        if area is not None and area.inner_lon is not None and area.inner_lat is not None:
            return area.inner_lon, area.inner_lat
    raise Refused(_("Please write longitude and latitude; the middle of the area is not known."))


def set_standing(actor: Actor, resource_id: UUID, standing: str) -> Resource:
    """Reports a resource ready or out of order; refused while it is at an emergency."""
    if standing not in (Standing.FREE, Standing.OUT):
        raise Refused(_("Please choose one of the offered answers."))
    with transaction.atomic():
        one = Resource.objects.select_for_update().filter(pk=resource_id).first()
        if one is None or not covers(actor.area_code, one.area_code):
            raise Refused(_("There is no such resource within reach of this area."))
        if one.standing == Standing.SENT:
            raise Refused(_("%(name)s is sent. Please release it first.") % {"name": one.name})
        _is_here(one.name, one.area_code)
        one.standing = Standing(standing)
        one.save(update_fields=["standing"])
        return one


def change(
    stock_id: UUID, actor: Actor, cause: str, amount: int, key: str, *,
    case_id: UUID | None = None, note: str = "", at: dt.datetime | None = None,
) -> StockEntry:  # fmt: skip
    """Changes a stock by one entry; the same key again returns the first.

    amount: how much came in or went out, or how much was counted; at least 0. Refused when there
    is not so much, or not so much room.
    """
    if cause not in Cause.values:
        raise Refused(_("Please choose one of the offered answers."))
    if not 0 <= amount <= MOST_MOVED or (amount == 0 and cause != Cause.COUNT):
        raise Refused(_("Please write how much, a whole number of at least 1."))
    if cause == Cause.COUNT and not note.strip():
        raise Refused(_("A new count needs a reason."))
    with transaction.atomic():
        stock = Stock.objects.select_for_update().get(pk=stock_id)
        made = StockEntry.objects.filter(stock=stock, key=key).first()
        if made is not None:
            return made
        _is_here(stock.name, stock.area_code)
        by = {Cause.IN: amount, Cause.OUT: -amount, Cause.COUNT: amount - stock.held}[Cause(cause)]
        held = stock.held + by
        if held < 0:
            raise Refused(
                _("%(name)s has %(n)d %(measure)s; %(more)d cannot go out.")
                % {"name": stock.name, "n": stock.held, "measure": stock.measure, "more": amount}
            )
        if stock.most is not None and held > stock.most:
            raise Refused(
                _("%(name)s has room for %(room)d more %(measure)s, not for %(more)d.")
                % {"name": stock.name, "room": stock.most - stock.held, "measure": stock.measure,
                   "more": amount}
            )  # fmt: skip
        last = StockEntry.objects.filter(stock=stock).order_by("-number").first()
        stock.held = held
        stock.save(update_fields=["held"])
        return StockEntry.objects.create(
            stock=stock, number=last.number + 1 if last else 1, change=by, held=held, cause=cause,
            used_for=case_id, unit_code=actor.unit_code, note=note.strip()[:200], at=at or now(),
            key=key,
        )  # fmt: skip


def draw(
    case_id: UUID, actor: Actor, stock_id: UUID, cause: str, amount: int, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Goods for an emergency, or people into a shelter: an entry and its line in the log."""
    with transaction.atomic(), wall.standing(SYSTEM):
        case = Case.objects.select_for_update().get(pk=case_id)
        near = Stock.objects.filter(pk=stock_id, area_code__startswith=case.area_code[:COUNTY])
        if not near.exists():
            raise Refused(_("There is no such store within reach of this area."))
        entry = change(stock_id, actor, cause, amount, key, case_id=case_id, at=at)
        return acts.note(case_id, "move_stock", actor, key, at, stock=entry.stock.name,
                         way=cause, amount=amount)  # fmt: skip


def shelters(area_code: str) -> Iterable[Stock]:
    """The shelters of a county, those with most room first."""
    found = Stock.objects.filter(area_code__startswith=area_code[:COUNTY], sort=Sort.SHELTER)
    return sorted(found, key=lambda one: one.held - (one.most or 0))
