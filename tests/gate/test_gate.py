"""The gate in `cases/permissions.py` equals the oracle: 200 made-up people, all rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from maplebridge.cases import permissions, wall
from maplebridge.cases.models import Assignment, Case, Grant
from maplebridge.lib import clock
from maplebridge.organisation.people import Actor, Role, reporter_of
from tests.gate import oracle
from tests.gate.world import CASES, PEOPLE, ROLES, World


@pytest.fixture
def at_hand(world: World) -> Any:
    """Cases, shares and grants as models, by case."""
    cases = Case.objects.in_bulk(world.ids)
    shares: dict[Any, list[Assignment]] = {key: [] for key in cases}
    for share in Assignment.objects.filter(case_id__in=world.ids):
        shares[share.case_id].append(share)
    grants: dict[Any, list[Grant]] = {key: [] for key in cases}
    for grant in Grant.objects.filter(case_id__in=world.ids):
        grants[grant.case_id].append(grant)
    return cases, shares, grants


def seen_by(world: World, actor: Actor) -> set[int]:
    seen = Case.objects.visible_to(actor).values_list("pk", flat=True)
    return {world.number_of[key] for key in seen if key in world.number_of}


def test_everybody_acts_under_the_posts_the_oracle_says(world: World) -> None:
    assert len(world.people) == PEOPLE
    for who in world.people:
        said = [(a.account_id, a.role.value, a.unit_code, a.area_code, a.line, a.held_units)
                for a in who.actors]  # fmt: skip
        meant = [(p.account, p.role, p.unit, p.area, p.line, p.held) for p in who.posts]
        assert said == meant


def test_what_200_people_see_equals_the_oracle(world: World) -> None:
    for who, n, post in world.posts():
        assert seen_by(world, who.actors[n]) == world.visible(post), post


def test_the_gate_for_one_row_equals_the_oracle(world: World, at_hand: Any) -> None:
    cases, shares, grants = at_hand
    for who, n, post in world.posts():
        actor, at = who.actors[n], clock.now()
        for key, case in cases.items():
            row = world.rows.cases[key]
            given = permissions.is_granted(actor, grants[key], at)
            assert given == oracle.is_granted(post, world.rows.grants[key], at)
            sees = oracle.sees(post, row, world.rows, at)
            assert permissions.sees(actor, case, shares[key], granted=given) == sees, post
            without = oracle.sees(post, row, world.rows, at, with_grants=False)
            assert permissions.sees(actor, case, shares[key]) == without, post
            reporter = oracle.sees_reporter(post, row, world.rows)
            assert permissions.may_see_reporter(actor, case, shares[key]) == reporter, post
            if sees:
                full = oracle.reads_full(post, row, world.rows, at)
                assert permissions.reads_full(actor, case, shares[key], granted=given) == full


def test_who_reported_sees_the_own_case_and_nothing_else(world: World) -> None:
    for n in range(0, CASES, 17):
        assert seen_by(world, reporter_of(world.ids[n])) == {n}
    assert seen_by(world, Actor(Role.RESIDENT)) == set()


def test_a_forgotten_filter_stays_behind_the_wall(world: World) -> None:
    """Every case, asked for without any filter: what the wall lets through, and the gate in it."""
    at = clock.now()
    for who, n, post in world.posts():
        with wall.standing(who.actors[n]):
            known = Case.objects.filter(pk__in=world.ids)
            through = {world.number_of[key] for key in known.values_list("pk", flat=True)}
            seen = seen_by(world, who.actors[n])
        bound = {
            world.number_of[key]
            for key, case in world.rows.cases.items()
            if oracle.behind_the_wall(post, case, world.rows, at)
        }
        assert through == bound, post
        # The wall hides nothing that the gate shows.
        assert seen == world.visible(post) <= bound, post


def test_the_world_can_tell_the_rules_apart(world: World) -> None:
    """Otherwise the comparisons above would prove nothing: each rule opens and shuts something."""
    at = clock.now()
    opened: Counter[str] = Counter()
    for _who, _n, post in world.posts():
        for key, case in world.rows.cases.items():
            shares, grants = world.rows.shares[key], world.rows.grants[key]
            ways = {
                "area": oracle.covers(post, case, at),
                "own": oracle.own_or_assigned(post, case, shares),
                "grant": oracle.is_granted(post, grants, at),
            }
            if post.role in oracle.SEE_NOTHING:
                opened["nothing for them"] += any(ways.values())
                continue
            opened["conflict"] += oracle.conflicts(post, case) and any(ways.values())
            only = [name for name, yes in ways.items() if yes]
            if len(only) == 1 and not oracle.conflicts(post, case):
                opened[f"only {only[0]}"] += 1
                opened[f"{only[0]} {case['confidentiality']}"] += 1
                opened[f"{post.role} by {only[0]}"] += 1
            opened["given back"] += not any(ways.values()) and any(
                s["unit_code"] == post.unit for s in shares
            )
    for what in ("nothing for them", "conflict", "only area", "only own", "only grant", "own C2",
                 "grant C2", "given back"):  # fmt: skip
        assert opened[what] > 20, (what, opened)
    assert opened["area C2"] == 0
    for role in set(ROLES) - oracle.SEE_NOTHING - {"mediator"}:
        assert opened[f"{role} by area"] > 3, (role, opened)
    assert any(not who.posts for who in world.people)
    assert any(len(who.posts) > 1 for who in world.people)
