"""What holds of every case after any moves in any order, by a seeded random walk."""

from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise

import pytest

from maplebridge.cases import chain, engine
from maplebridge.cases.kinds import Field, Type
from maplebridge.cases.models import Assignment, Case, Event, Feed, Payload
from maplebridge.cases.permissions import may
from maplebridge.lib.clock import CHINA
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.units import directory

pytestmark = pytest.mark.django_db

CASES = 5
STEPS = 60
SEEDS = (1, 2, 3)
BEGIN = dt.datetime(2026, 11, 2, 9, tzinfo=CHINA)
UNITS = [
    "330825-hsc", "330825-utl", "330825-enf", "330825209201-station", "330825209-room",
    "330825-center", "330825209-mediation",
]  # fmt: skip
AREAS = ["330825209", "330825209201", "330825209201001", "330825"]


class Walk:
    """A few cases, moved at random by people who may and people who may not."""

    def __init__(self, town, seed):
        self.town = town
        self.draw = random.Random(seed)
        self.at = BEGIN
        self.keys = 0
        self.made = self.refused = 0
        self.seed = seed
        self.cases = [town.report(at=self.at, key=f"walk-{seed}-{n}").case_id for n in range(CASES)]

    def actors(self, case_id):
        return [
            *self.town.people.values(), self.town.stranger, self.town.resident(case_id), SYSTEM,
        ]  # fmt: skip

    def value(self, need: Field):
        """Something that fits a field, now and then something that does not."""
        if self.draw.random() < 0.03:
            return "不对"
        match need.type:
            case Type.UNIT:
                return self.draw.choice(UNITS)
            case Type.UNITS:
                return self.draw.sample(UNITS, self.draw.randint(1, 2))
            case Type.AREA:
                return self.draw.choice(AREAS)
            case Type.CATEGORY:
                return self.draw.choice(["1004", "0901", "0102"])
            case Type.CASE:
                return str(self.draw.choice(self.cases))
            case Type.CHOICE:
                return self.draw.choice(need.choices)[0]
            case Type.DATE:
                return (self.at.date() + dt.timedelta(days=self.draw.randint(-2, 40))).isoformat()
            case Type.FLAG:
                return self.draw.choice([True, False])
            case Type.CODE:
                sensible = {
                    "sla_class": ["S1", "S2", "S4", "S7"],
                    "confidentiality": ["C0", "C1", "C2"],
                    "line": ["HSC", "UTL", ""],
                }
                return self.draw.choice(sensible.get(need.name, [""]))
            case Type.CODES | Type.PHOTOS:
                return []
            case _:
                return "一句话"

    def facts(self, move):
        return {
            need.name: self.value(need)
            for need in move.needs
            if self.draw.random() < (0.98 if need.required else 0.5)
        }

    def step(self):
        """One try: mostly by somebody who may, sometimes by anybody."""
        self.at += dt.timedelta(minutes=self.draw.choice([1, 30, 600]))
        case_id = self.draw.choice(self.cases)
        case = Case.objects.get(pk=case_id)
        shares = list(Assignment.objects.filter(case_id=case_id))
        moves = case.pinned_kind.moves
        pairs = [(actor, move) for actor in self.actors(case_id) for move in moves]
        if self.draw.random() < 0.85:
            pairs = [(a, m) for a, m in pairs if may(a, m, case, shares)] or pairs
            # Moves that lead on are rarer than notes; without a push no case would ever end.
            onward = [(a, m) for a, m in pairs if m.target is not None]
            if onward and self.draw.random() < 0.7:
                pairs = onward
        actor, move = self.draw.choice(pairs)
        self.keys += 1
        key, facts = f"walk-{self.seed}-{self.keys}", self.facts(move)
        before = rows_of(case_id)
        try:
            event = engine.move(case_id, move.name, actor, key=key, facts=facts, at=self.at)
        except (engine.Refused, engine.FactsError):
            self.refused += 1
            assert rows_of(case_id) == before, f"a refused {move.name} changed something"
            return
        self.made += 1
        after = rows_of(case_id)
        again = engine.move(case_id, move.name, actor, key=key, facts=facts, at=self.at)
        assert again.sequence == event.sequence
        assert rows_of(case_id) == after, f"{move.name} with the same key changed something"
        check(case_id, f"after {move.name} by {actor.role}")


def rows_of(case_id):
    """Everything stored of a case."""
    return (
        Case.objects.values().get(pk=case_id),
        list(Assignment.objects.filter(case_id=case_id).order_by("number").values()),
        Event.objects.filter(case_id=case_id).count(),
        Payload.objects.filter(case_id=case_id).count(),
        Feed.objects.filter(case_id=case_id).count(),
    )


def check(case_id, when):
    """What must hold of a case whatever happened to it."""
    case = Case.objects.get(pk=case_id)
    events = list(Event.objects.filter(case_id=case_id).order_by("sequence"))
    state = case.pinned_kind.state(case.state)
    assert case.ended == state.ended, when
    assert case.unit_code in directory(), f"{when}: {case.unit_code!r} answers for {case.state}"
    if case.ended:
        assert (case.due_at, case.due_clock) == (None, ""), when
    elif not state.pauses:
        assert case.due_at is not None, f"{when}: no clock runs in {case.state}"
        assert case.due_clock in state.clocks, when
    assert [event.sequence for event in events] == list(range(1, case.sequence + 1)), when
    told = Feed.objects.filter(case_id=case_id).order_by("sequence")
    assert list(told.values_list("sequence", "move", "to_state")) == [
        (event.sequence, event.move, event.to_state) for event in events
    ], when
    assert chain.verify(events) == [], when
    assert bytes(case.last_hash) == bytes(events[-1].hash), when
    for earlier, later in pairwise(events):
        assert later.from_state == earlier.to_state, when
        assert later.at >= earlier.at, when
    assert case.state == events[-1].to_state, when
    owners = [event.facts["unit"] for event in events if "unit" in event.facts]
    assert owners[-1] == case.unit_code, f"{when}: the events do not tell who answers for it"
    leads = [
        share
        for share in Assignment.objects.filter(case_id=case_id, duty="lead")
        if share.progress in ("to_sign", "handling")
    ]
    assert len(leads) <= 1, f"{when}: more than one lead"
    if case.state in ("dispatched", "handling"):
        assert [share.unit_code for share in leads] == [case.unit_code], when


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_moves_in_any_order_every_case_is_whole(town, seed):
    walk = Walk(town, seed)
    for _step in range(STEPS):
        walk.step()
    assert walk.made >= STEPS // 3
    assert walk.refused > 0


def test_the_walk_sees_most_moves_and_states(town):
    """Otherwise the walk would prove little."""
    # Counted over what one longer walk makes, without repeating the checks above.
    walk = Walk(town, 77)
    for _step in range(2 * STEPS):
        walk.step()
    events = Event.objects.filter(case_id__in=walk.cases)
    assert len(set(events.values_list("move", flat=True))) >= 15
    assert len(set(events.values_list("to_state", flat=True))) >= 8


def test_the_check_can_fail(town):
    case = town.opened("handling")
    check(case.pk, "as it is")
    for wrong in ({"unit_code": "nowhere"}, {"ended": True}, {"due_at": None}, {"sequence": 9}):
        Case.objects.filter(pk=case.pk).update(**wrong)
        with pytest.raises(AssertionError):
            check(case.pk, "broken on purpose")
        Case.objects.filter(pk=case.pk).update(**{name: getattr(case, name) for name in wrong})
    check(case.pk, "mended")


def test_an_overruled_step_leaves_the_work_with_the_unit_that_does_it(town):
    """A walk found it: the accountable unit and the lead unit must not part."""
    case = town.opened("filed")
    town.move(case.pk, "dispatch", town.town, {"unit": "330825209201-station"})
    town.move(case.pk, "sign_for", town.village)
    town.move(case.pk, "overrule", town.village, {"unit": "330825-enf", "category": "0901"})
    check(case.pk, "after overrule")
    assert town.case(case.pk).unit_code == "330825209201-station"
