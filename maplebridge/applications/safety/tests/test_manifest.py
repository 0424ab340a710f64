"""A hazard from report to rating, and who may not look at it again."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.applications.safety import story
from maplebridge.applications.safety.manifest import HAZARD, KINDS
from maplebridge.cases import chain, engine
from maplebridge.cases.checks import problems_of
from maplebridge.cases.facts import MissingFacts
from maplebridge.cases.models import Assignment, Case, Event
from maplebridge.cases.permissions import moves_for
from maplebridge.lib.clock import CHINA

NOTICED = {
    "weight": "general", "measures": "更换软管", "responsible": "店主", "money_yuan": 300,
    "dispose_on": "2026-12-04", "plan": "关闭总阀",
}  # fmt: skip


def found(town) -> Case:
    receipt = engine.open(
        engine.Opening(
            kind="hazard", channel="web", account="somebody", key="gas",
            area_code=town.village_code,
            unit_code=f"{town.town_code}-room", words={"text": "软管老化"},
        )
    )  # fmt: skip
    return town.case(receipt.case_id)


def noticed(town) -> Case:
    case = found(town)
    town.move(case.pk, "assign", town.town, {"unit": "330825-hsc", "category": "0205"})
    town.move(case.pk, "notice", town.housing, NOTICED)
    return town.case(case.pk)


def test_the_manifest_is_sound():
    assert KINDS == (HAZARD,)
    assert problems_of(HAZARD) == []


@pytest.mark.django_db
def test_the_deadline_of_the_notice_is_the_clock(town):
    case = noticed(town)
    assert (case.state, case.unit_code, case.due_clock) == ("noticed", "330825-hsc", "dispose")
    assert case.due_at.astimezone(CHINA).date() == dt.date(2026, 12, 4)


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["measures", "responsible", "money_yuan", "dispose_on", "plan"])
def test_a_notice_without_one_of_the_five_is_refused(town, missing):
    case = found(town)
    town.move(case.pk, "assign", town.town, {"unit": "330825-hsc", "category": "0205"})
    facts = {name: value for name, value in NOTICED.items() if name != missing}
    with pytest.raises(MissingFacts) as refused:
        town.move(case.pk, "notice", town.housing, facts)
    assert set(refused.value.problems) == {missing}
    assert town.case(case.pk).state == "assigned"


@pytest.mark.django_db
def test_nobody_looks_again_at_what_the_own_unit_reported_mended(town):
    case = noticed(town)
    town.move(case.pk, "mend", town.housing, {"result": "已更换"})
    with pytest.raises(engine.Refused):
        town.move(case.pk, "reinspect_pass", town.housing, {"evidence": "已看"})
    with pytest.raises(MissingFacts):
        town.move(case.pk, "reinspect_pass", town.village, {})
    assert town.case(case.pk).state == "mended"
    town.move(case.pk, "reinspect_pass", town.village, {"evidence": "软管是新的"})
    assert town.case(case.pk).state == "checked"


@pytest.mark.django_db
def test_the_stranger_may_do_nothing_with_it(town):
    case = noticed(town)
    shares = list(Assignment.objects.filter(case_id=case.pk))
    assert moves_for(town.stranger, case, shares) == []
    assert not Case.objects.visible_to(town.stranger).filter(pk=case.pk).exists()


@pytest.mark.django_db
def test_the_story_is_told_from_report_to_rating(town):
    told: list[tuple[str, dt.datetime]] = []
    figures = story.tell(lambda said, at: told.append((said, at)))
    said = {name: figures[name] for name in ("steps", "state", "ended", "rework", "rating")}
    assert said == {"steps": 16, "state": "archived", "ended": True, "rework": 1, "rating": 5}
    assert figures["repeated"] is True
    assert figures["record"] == {
        "accidents_change_share": -0.243, "deaths_change_share": -0.168,
    }  # fmt: skip
    moments = [at for _said, at in told]
    assert moments == sorted(moments)
    assert sum("被拒绝" in said for said, _at in told) == 1
    case = Case.objects.get(number=figures["number"])
    assert case.synthetic
    assert chain.verify(Event.objects.filter(case_id=case.pk)) == []
