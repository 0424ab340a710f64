"""One matter from report to rating, by what the manifest declares and nothing else."""

from __future__ import annotations

import pytest

from maplebridge.applications.matters.manifest import KINDS, MATTER
from maplebridge.cases import chain
from maplebridge.cases.checks import problems_of
from maplebridge.cases.kinds import Field, Move, Type
from maplebridge.cases.models import Assignment, Case, Event
from maplebridge.cases.permissions import moves_for

STRAIGHT = (
    "accepted",
    "filed",
    "dispatched",
    "handling",
    "feedback",
    "verified",
    "closed",
    "archived",
)


def offered(town, case: Case) -> list[tuple[str, Move]]:
    """Who of the cast, the reporter included, is offered which move now."""
    shares = list(Assignment.objects.filter(case_id=case.pk))
    people = {**town.people, "resident": town.resident(case.pk)}
    return [
        (name, move) for name, actor in people.items() for move in moves_for(actor, case, shares)
    ]


def answer(need: Field, case: Case) -> object:
    """Something that the field takes."""
    match need.type:
        case Type.UNIT:
            return case.suggested_unit
        case Type.CHOICE:
            return need.choices[0][0]
        case Type.FLAG:
            return True
        case _:
            return "管道已疏通"


def test_the_manifest_is_sound_and_declares_the_standard_kind():
    assert KINDS == (MATTER,)
    assert problems_of(MATTER) == []


@pytest.mark.django_db
def test_a_matter_goes_from_report_to_rating_by_the_offered_moves_alone(town):
    case_id = town.report().case_id
    town.triage(case_id)
    made = []
    for target in STRAIGHT:
        case = town.case(case_id)
        # "close" and "revisit" lead on as well; the reporter's own answer comes first.
        ways = [(who, m) for who, m in offered(town, case) if m.target == target and m.public]
        assert ways, f"nobody is offered a way from {case.state} to {target}"
        who, move = ways[-1]
        actor = town.resident(case_id) if who == "resident" else town.people[who]
        facts = {need.name: answer(need, case) for need in move.needs if need.required}
        town.move(case_id, move.name, actor, facts)
        assert town.case(case_id).state == target
        made.append(move.name)
    assert made == [
        "accept", "file_case", "dispatch", "sign_for", "feedback", "verify_pass", "close", "rate",
    ]  # fmt: skip
    case = town.case(case_id)
    assert (case.ended, case.rating, case.solved) == (True, 5, True)
    assert chain.verify(Event.objects.filter(case_id=case_id)) == []


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["reported", *STRAIGHT])
def test_the_stranger_is_offered_nothing_on_the_way(town, state):
    case = town.opened(state)
    shares = list(Assignment.objects.filter(case_id=case.pk))
    assert moves_for(town.stranger, case, shares) == []
    assert not Case.objects.visible_to(town.stranger).filter(pk=case.pk).exists()


def test_every_state_tells_the_reporter_what_comes_next():
    assert [state.name for state in MATTER.states if not str(state.next).strip()] == []
