"""Where the responsibility table is silent, past cases propose an owner; a person decides."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from maplebridge.cases.models import Assignment, Case
from maplebridge.journey import proposals, route
from maplebridge.journey.advance import advance
from maplebridge.journey.models import DecisionRecord, LearnedHandlers, Step
from maplebridge.journey.route import Table
from maplebridge.lib.clock import now

pytestmark = pytest.mark.django_db


@pytest.fixture
def silent(monkeypatch):
    """A responsibility table without a row."""
    monkeypatch.setattr(route, "table", lambda: Table([]))
    proposals.kept_proposals.forget()
    yield
    proposals.kept_proposals.forget()


def past(town, category, unit, times, late=False):
    """Closed cases that a unit handled, copied from one real report."""
    whole = Case.objects.get(pk=town.report().case_id)
    for n in range(times):
        whole.pk = uuid.uuid4()
        whole.state, whole.ended, whole.channel = "archived", True, "web"
        whole.area_code, whole.category, whole.nature = town.village_code, category, "complain"
        whole.handler_unit, whole.late = f"{town.county_code}-{unit}", late and n % 2 == 0
        whole.opened_at = whole.closed_at = now() - dt.timedelta(days=n % 20 + 1)
        whole.save(force_insert=True)


def proposed(town, text="村口下水道堵了，污水漫到路上"):
    case_id = town.report(text).case_id
    done = advance(case_id)
    assert done is not None
    return done, town.case(case_id)


def test_history_proposes_and_a_person_decides(town, silent):
    assert proposals.learn_handlers() is None, "nothing was handled yet"
    past(town, "1004", "hsc", 16)
    past(town, "0905", "enf", 16)
    learned = proposals.learn_handlers()
    assert learned is not None and learned.learned_from == 32
    assert proposals.learn_handlers() is None, "the same cases teach the same version"

    done, case = proposed(town)
    owner = done.owner.decision
    assert owner.value == case.suggested_unit == f"{town.county_code}-hsc"
    assert owner.version == learned.version
    assert owner.confidence <= proposals.HIGHEST < route.AGREED_CONFIDENCE
    assert "owner" in case.asks
    record = DecisionRecord.objects.get(case_id=case.pk, step=Step.ROUTE)
    assert record.version == learned.version
    assert set(record.evidence["inputs"]) == {"kind", "places", "said", "at"}

    [(first, share), *_rest] = record.evidence["candidates"]
    proposals.kept_proposals.forget()
    proposals._last.clear()
    again = proposals.owner_of(case, "1004", case.area_code, case.nature, "")
    assert again.evidence["candidates"][0] == (first, share), "stored numbers answer the same"


def test_a_unit_that_sends_such_matters_back_is_proposed_no_more(town, silent):
    past(town, "1004", "hsc", 10)
    past(town, "1004", "enf", 14)
    past(town, "0905", "hsc", 10)
    for case in Case.objects.filter(handler_unit=f"{town.county_code}-hsc")[:20]:
        Assignment.objects.create(
            case_id=case.pk, number=1, area_code=case.area_code, duty="lead",
            unit_code=f"{town.county_code}-enf", progress="returned", since=now(),
        )  # fmt: skip
    Case.objects.filter(handler_unit=f"{town.county_code}-hsc").update(category="1004")
    proposals.learn_handlers()
    done, _case = proposed(town)
    assert LearnedHandlers.objects.get().returned == [[f"{town.county_code}-enf", "1004"]]
    assert done.owner.decision.value == f"{town.county_code}-hsc"


def test_the_table_comes_first_and_the_unit_complained_about_never(town, silent, monkeypatch):
    past(town, "1004", "hsc", 16)
    past(town, "0905", "enf", 16)
    proposals.learn_handlers()
    case = Case.objects.get(pk=town.report().case_id)
    hsc = f"{town.county_code}-hsc"
    kept_out = proposals.owner_of(case, "1004", town.village_code, "complain", hsc)
    assert kept_out.value != hsc
    assert hsc not in dict(kept_out.evidence.get("candidates", []))
    rows = [route.Row(1, "1004", "3308", f"{town.county_code}-enf", dt.date(2020, 1, 1), None)]
    monkeypatch.setattr(route, "table", lambda: Table(rows))
    decided = proposals.owner_of(case, "1004", town.village_code, "complain", "")
    assert (decided.value, decided.confidence) == (f"{town.county_code}-enf", 1.0)
    assert not proposals.owner_of(case, "", town.village_code, "complain", "").value


def test_what_runs_late_is_said_only_where_enough_is_known(town, silent):
    past(town, "1004", "hsc", 20)
    proposals.learn_handlers()
    case = Case.objects.filter(category="1004").first()
    assert proposals.late_share(case) is None, "nothing was late"
    past(town, "0905", "enf", 30, late=True)
    proposals.learn_handlers()
    proposals.kept_proposals.forget()

    def share(category, unit):
        return proposals.late_share(
            Case(
                category=category, unit_code=f"{town.county_code}-{unit}", channel="web",
                area_code=town.village_code, nature="complain", opened_at=now(),
            )
        )  # fmt: skip

    assert share("1004", "hsc") < 0.2
    assert 0.35 < share("0905", "enf") < 0.65
