"""The two gates: what each role sees, against a plain retelling, and that nobody moves unseen."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from maplebridge.cases import engine, permissions
from maplebridge.cases.grades import Duty, Progress
from maplebridge.cases.kinds import Who, registry
from maplebridge.cases.models import Assignment, Case, Event, Feed
from maplebridge.lib.clock import now
from maplebridge.organisation.people import SYSTEM, Actor, Role, reporter_of

pytestmark = pytest.mark.django_db

SEED = 330826
MATTER = registry.latest("matter")
AREAS = [
    "3308", "330825", "330825209", "330825209201", "330825209201001", "330825209201002",
    "330825100", "330825100200", "330802", "330802005", "330802005001",
]  # fmt: skip
UNITS = [
    "3308-center", "330825-center", "330825-hsc", "330825-enf", "330825-utl", "330825209-room",
    "330825209-mediation", "330825209-peace", "330825209201-station", "330825209201001-grid",
    "330802005-room",
]  # fmt: skip
LINES = ["", "HSC", "ENF", "UTL", "MED"]


def more_actors():
    """Posts the demonstration town has no account for."""
    return {
        "platform": Actor(Role.OFFICER, unit_code="330825209-peace", area_code="330825209"),
        "far_county": Actor(
            Role.DISPATCHER, unit_code="330802-center", area_code="330802", name="外县"
        ),
        "far_grid": Actor(
            Role.GRID_WORKER, unit_code="330825209201002-grid", area_code="330825209201002"
        ),
        "far_housing": Actor(Role.OFFICER, unit_code="330802-hsc", area_code="330802", line="HSC"),
        "somebody": Actor(Role.RESIDENT),
        "nobody": Actor(Role.CLERK, area_code="330825209"),
    }


def everybody(town):
    return {**town.people, "stranger": town.stranger, **more_actors()}


def made_up_cases(town, how_many=60):
    """Cases in random places, states, lines and grades, with random shares; by a fixed seed."""
    draw = random.Random(SEED)
    made = []
    for number in range(how_many):
        case_id = town.report(f"编的第{number}件").case_id
        state = draw.choice(MATTER.states)
        unit, filer = draw.choice(UNITS), draw.choice(["330825209-room", "330825-center"])
        Case.objects.filter(pk=case_id).update(
            area_code=draw.choice(AREAS),
            unit_code=filer if state.name in ("verified", "closed") else unit,
            filer_code=filer,
            handler_unit=draw.choice(["", *UNITS]),
            line=draw.choice(LINES),
            confidentiality=draw.choice(["C0", "C1", "C2"]),
            supervision=draw.choice([0, 0, 1, 3]),
            late=draw.choice([False, False, True]),
            state=state.name,
            ended=state.ended,
            closed_at="2026-10-01T00:00:00Z" if state.name in ("closed", "archived") else None,
        )
        for n in range(1, draw.choice([1, 2, 3, 4])):
            Assignment.objects.create(
                case_id=case_id,
                number=n,
                area_code="3308",
                unit_code=draw.choice(UNITS),
                duty=draw.choice(Duty.values),
                progress=draw.choice(Progress.values),
                since="2026-09-01T00:00:00Z",
            )
        made.append(case_id)
    cases = list(Case.objects.filter(pk__in=made))
    shares = {case.pk: list(Assignment.objects.filter(case_id=case.pk)) for case in cases}
    return cases, shares


# Three officers, two organs that are handed leads only, a reporter of nothing, and nobody.
SEE_NONE = {
    "auditor", "administrator", "security", "police", "discipline", "somebody", "nobody",
}  # fmt: skip


def should_see(actor, case, shares):
    """The table of the domain guide, section 5, told again without a query."""
    if actor.role == Role.SYSTEM:
        return True
    if actor.role == Role.RESIDENT:
        return actor.reporter_of == case.pk
    if actor.role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.SECURITY) or not actor.unit_code:
        return False
    mine = {s.unit_code for s in shares if s.progress not in ("returned", "withdrawn")} | {
        case.unit_code
    }
    overlooking = (Role.LEADER, Role.SUPERVISOR, Role.REVISITOR)
    if actor.unit_code in mine:
        return case.confidentiality != "C2" or actor.role not in overlooking
    if case.confidentiality == "C2" or not case.area_code.startswith(actor.area_code):
        return False
    return {
        Role.GRID_WORKER: case.confidentiality == "C0",
        Role.STATION: True,
        Role.CLERK: True,
        Role.DISPATCHER: True,
        Role.LEADER: True,
        Role.OFFICER: bool(actor.line) and actor.line == case.line,
        Role.SUPERVISOR: case.supervision > 0
        or case.late
        or (not case.ended and case.due_at is not None and case.due_at < now()),
        Role.REVISITOR: case.closed_at is not None,
        Role.MEDIATOR: False,
    }[actor.role]


def test_everybody_sees_exactly_what_the_table_says(town):
    cases, shares = made_up_cases(town)
    actors = {**everybody(town), "system": SYSTEM, "reporter": reporter_of(cases[7].pk)}
    for name, actor in actors.items():
        seen = set(Case.objects.visible_to(actor).filter(pk__in=[c.pk for c in cases]))
        expected = {case for case in cases if should_see(actor, case, shares[case.pk])}
        assert seen == expected, name
        # The same rule asked of one row at hand.
        assert {c for c in cases if permissions.sees(actor, c, shares[c.pk])} == expected, name


def test_the_made_up_cases_can_tell_the_roles_apart(town):
    """Otherwise the comparison above would prove nothing."""
    cases, shares = made_up_cases(town)
    counts = {
        name: sum(should_see(actor, case, shares[case.pk]) for case in cases)
        for name, actor in everybody(town).items()
    }
    staff = set(counts) - SEE_NONE
    assert [name for name in staff if not 0 < counts[name] < len(cases)] == []


@pytest.mark.parametrize("name", sorted(SEE_NONE))
def test_they_see_no_case_at_all(town, name):
    made_up_cases(town)
    assert list(Case.objects.visible_to(everybody(town)[name])) == []


def test_a_reporter_sees_the_own_case_only(town):
    mine, other = town.opened(), town.opened()
    seen = Case.objects.visible_to(town.resident(mine.pk))
    assert [case.pk for case in seen] == [mine.pk]
    assert not seen.filter(pk=other.pk).exists()


def test_a_returned_share_no_longer_opens_a_case(town):
    case = town.opened("dispatched")
    Case.objects.filter(pk=case.pk).update(confidentiality="C2")
    seen = Case.objects.visible_to(town.housing).filter(pk=case.pk)
    assert seen.exists()
    town.move(case.pk, "return_back", town.housing, {"reason": "不归我们"})
    assert not seen.exists()


def test_a_confidential_case_is_seen_by_its_units_and_nobody_else(town):
    case = town.opened("handling")
    Case.objects.filter(pk=case.pk).update(confidentiality="C2")
    seeing = {
        name
        for name, actor in everybody(town).items()
        if Case.objects.visible_to(actor).filter(pk=case.pk).exists()
    }
    assert seeing == {"housing"}


def test_nobody_may_move_what_they_cannot_see(town):
    """`may` never says yes to somebody whom `visible_to` shows nothing, its reporter aside."""
    cases, shares = made_up_cases(town, 120)
    unseen: dict[str, set[str]] = {}
    for name, actor in everybody(town).items():
        visible = set(Case.objects.visible_to(actor).values_list("pk", flat=True))
        for case in cases:
            if case.pk in visible:
                continue
            for move in MATTER.moves:
                if permissions.may(actor, move, case, shares[case.pk]):
                    unseen.setdefault(f"{name}, {case.confidentiality}", set()).add(move.name)
    assert unseen == {}


def strangers(town):
    """People of the same roles who have nothing to do with the case."""
    far = more_actors()
    return [
        town.stranger,
        town.auditor,
        town.administrator,
        *(far[name] for name in ("far_county", "far_housing", "somebody", "nobody")),
        replace(town.stranger, role=Role.SUPERVISOR),
        replace(town.stranger, role=Role.LEADER),
        replace(town.stranger, role=Role.REVISITOR),
        replace(town.stranger, role=Role.MEDIATOR),
        replace(town.stranger, role=Role.STATION),
    ]


def test_a_stranger_may_make_no_move_in_any_state(town):
    case = town.opened("handling")
    case.supervision = 1
    shares = list(Assignment.objects.filter(case_id=case.pk))
    allowed = set()
    for state in MATTER.states:
        for case.confidentiality in ("C0", "C1", "C2"):
            case.state, case.ended = state.name, state.ended
            for who in strangers(town):
                assert permissions.moves_for(who, case, shares) == [], (who, state.name)
                allowed |= {m.name for m in MATTER.moves if permissions.may(who, m, case, shares)}
    assert allowed == set()


def test_the_engine_refuses_a_stranger_every_move_and_nothing_changes(town):
    for state in ("reported", "accepted", "filed", "dispatched", "handling", "closed"):
        case = town.opened(state)
        before = Case.objects.values().get(pk=case.pk)
        for move in MATTER.moves:
            with pytest.raises(engine.NotAllowed):
                town.move(case.pk, move.name, town.stranger)
        assert Case.objects.values().get(pk=case.pk) == before
        assert Event.objects.filter(case_id=case.pk).count() == case.sequence
        assert Feed.objects.filter(case_id=case.pk).count() == case.sequence


def test_only_programs_are_the_system(town):
    case = town.opened()
    for name, actor in everybody(town).items():
        for move in MATTER.moves:
            if move.who is Who.SYSTEM:
                assert not permissions.may(actor, move, case, []), name


def test_a_button_is_offered_for_each_move_that_may_be_made_and_no_other(town):
    case = town.opened("handling")
    shares = list(Assignment.objects.filter(case_id=case.pk))
    for name, actor in everybody(town).items():
        offered = [move.name for move in permissions.moves_for(actor, case, shares)]
        expected = [
            move.name
            for move in MATTER.moves
            if move.plain and permissions.may(actor, move, case, shares)
        ]
        assert offered == expected, name


def test_the_handling_unit_is_offered_its_own_moves(town):
    case = town.opened("handling")
    shares = list(Assignment.objects.filter(case_id=case.pk))
    offered = {move.name for move in permissions.moves_for(town.housing, case, shares)}
    assert {"feedback", "escalate", "request_extend", "contact", "log_progress"} <= offered
    assert not {"verify_pass", "close", "supervise", "suspend", "dispatch"} & offered


def test_asking_the_gate_costs_no_statement(town, django_assert_num_queries):
    case = town.opened("handling")
    shares = list(Assignment.objects.filter(case_id=case.pk))
    permissions.moves_for(town.county, case, shares)
    with django_assert_num_queries(0):
        permissions.moves_for(town.county, case, shares)


def test_an_area_covers_itself_and_what_lies_below_it():
    assert permissions.covers("330825", "330825")
    assert permissions.covers("330825", "330825209201001")
    assert not permissions.covers("330825209", "330825")
    assert not permissions.covers("330825", "330826")
    assert not permissions.covers("", "330825")
