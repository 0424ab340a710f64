"""One emergency from the reading that proposes it to its archive, and the story's figures."""

from __future__ import annotations

import datetime as dt

import pytest

from maplebridge.applications.emergency import acts, papers, story
from maplebridge.applications.emergency.rules import Refused
from maplebridge.cases import wall
from maplebridge.cases.models import Case, Event
from maplebridge.lib import papers as setting
from maplebridge.lib.clock import now
from maplebridge.organisation import readiness
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(town):
    """An emergency that the gauge proposed an hour ago."""
    story.open_station()
    begin = now() - dt.timedelta(hours=3)
    with wall.standing(SYSTEM):
        assert acts.hear(story.STATION, "61.5", begin)[1] is None
        opened = acts.hear(story.STATION, "62.3", begin + dt.timedelta(hours=1))[1]
        assert opened is not None
        # The same again, noise about the mark, and what cannot be, propose nothing.
        for value, minutes in (("62.3", 60), ("61.98", 70), ("62.02", 80), ("99", 90)):
            assert acts.hear(story.STATION, value, begin + dt.timedelta(minutes=minutes))[1] is None
    assert readiness.declared(story.TOWN).level == ResponseLevel.PEACE
    return opened.case_id


def test_one_commander_declares_hands_over_and_ends(town, case_id):
    county, city = town.county, town.people["city"]
    with pytest.raises(Refused, match="由本地区的调度员或领导宣布"):
        acts.take_command(case_id, town.town, ResponseLevel.IV, "水涨", "k0")
    first = acts.take_command(case_id, county, ResponseLevel.IV, "水涨", "k1")
    assert acts.take_command(case_id, county, ResponseLevel.IV, "水涨", "k1") == first
    for again in (
        lambda: acts.set_level(case_id, city, ResponseLevel.I, "我来", "k2"),
        lambda: acts.take_command(case_id, city, ResponseLevel.I, "我来", "k3"),
        lambda: acts.stand_down(case_id, city, "我来", "k4"),
    ):
        with pytest.raises(Refused):
            again()
    assert readiness.declared(story.TOWN).level == ResponseLevel.IV
    grid = Account.objects.get(username="grid")
    with pytest.raises(Refused):
        acts.hand_command(case_id, county, grid, "换班", "k5")
    acts.hand_command(case_id, county, Account.objects.get(pk=city.account_id), "换班", "k6")
    with pytest.raises(Refused):
        acts.set_level(case_id, county, ResponseLevel.III, "还是我", "k7")
    acts.set_level(case_id, city, ResponseLevel.III, "加重", "k8")
    assert readiness.declared(story.TOWN).level == ResponseLevel.III
    acts.stand_down(case_id, city, "水退", "k9")
    assert readiness.declared(story.TOWN).level == ResponseLevel.PEACE
    assert town.case(case_id).state == "stood_down"


def test_the_flood_is_told_with_the_figures_of_the_record(town):
    told: list[tuple[str, dt.datetime]] = []
    found = story.tell(lambda said, at: told.append((said, at)))
    sitrep = dict(found["sitrep"])
    sources = sitrep.pop("sources")
    assert sitrep == {
        "breach_metres": 8, "people": 40, "filled_share": 0.3333, "level_change_metres": -0.6,
        "at": "18:10",
    }  # fmt: skip
    with wall.standing(SYSTEM):
        case = Case.objects.get(number=found["number"])
        moves = dict(Event.objects.filter(case_id=case.pk).values_list("move", "sequence"))
        known = acts.situation(case.pk, told[0][1].replace(hour=18, minute=10))
    assert sources["breach_metres"] == f"指令日志第{moves['note_breach']}条"
    assert sources["level_change_metres"] == (
        "sheyang-creek 14:50 63.00米；sheyang-creek 18:10 62.40米"
    )
    assert found["state"] == "archived"
    moments = [at for _said, at in told]
    assert moments == sorted(moments)
    assert sum("被拒绝" in said for said, _at in told) == 2
    paper = papers.report(case, known, "follow_up")
    assert paper.mark == "模拟"
    assert setting.render(paper, "pdf").startswith(b"%PDF")
    # A second telling is an emergency of its own.
    assert story.tell(lambda _said, _at: None)["number"] != found["number"]
