"""The pages of an emergency open to whom the gate shows its case, and to nobody else."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from maplebridge.applications.emergency import acts, story
from maplebridge.applications.emergency.demonstration import open_demonstration
from maplebridge.applications.emergency.models import Resource, Stock
from maplebridge.cases import wall
from maplebridge.cases.models import Case, Event
from maplebridge.connectors.models import Observation
from maplebridge.lib.clock import now
from maplebridge.organisation import readiness
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import SYSTEM
from maplebridge.organisation.readiness import ResponseLevel

pytestmark = pytest.mark.django_db
EVERYBODY = ("village", "town", "county", "city", "mediator", "leader", "supervisor", "grid",
             "housing", "revisit", "auditor", "administrator", "security")  # fmt: skip
SPOT = "卫生院以东三百米"


def client_of(username: str) -> Client:
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(Account.objects.get(username=username))
    return client


@pytest.fixture
def case(town: Any) -> Case:
    """An emergency under way, with a breach and a first report."""
    begin = now() - dt.timedelta(hours=2)
    with wall.standing(SYSTEM):
        story.open_station()
        acts.hear(story.STATION, "61.4", begin)
        acts.hear(story.STATION, "62.3", begin + dt.timedelta(hours=1))
        case = Case.objects.get(kind=acts.KIND)
        acts.take_command(case.pk, town.leader, ResponseLevel.IV, "水涨", "k1")
        acts.note(case.pk, "note_breach", town.town, "k2", metres=8, spot=SPOT)
        acts.report(case.pk, town.town, "first", "k3")
        return town.case(case.pk)


def test_the_pages_of_an_emergency_open_to_those_who_see_its_case(town: Any, case: Case) -> None:
    page = f"/emergency/{case.pk}/"
    number = Event.objects.get(case_id=case.pk, key="k3").sequence
    declared = Event.objects.get(case_id=case.pk, key="k1").sequence
    opened = set()
    for username in EVERYBODY:
        client = client_of(username)
        with wall.standing(SYSTEM):
            actor = town.people[username]
            seen = Case.objects.visible_to(actor).filter(pk=case.pk).exists()
        papers = (f"report-{number}.pdf", "review.pdf", f"alert-{declared}.xml")
        for address in (page, *(f"{page}{name}" for name in papers)):
            answer = client.get(address)
            assert answer.status_code == (200 if seen else 404), (username, address)
        listed = client.get("/emergency/").content.decode()
        assert (case.number in listed) <= seen, username
        assert (SPOT in client.get(page).content.decode()) == seen, username
        opened |= {username} if seen else set()
    assert {"town", "county", "leader", "city"} <= opened
    assert opened.isdisjoint({"auditor", "administrator", "security", "mediator"})


def test_a_form_of_an_emergency_moves_nothing_for_who_may_not(town: Any, case: Case) -> None:
    page = f"/emergency/{case.pk}/"
    said = {"reason": "抢先", "level": "1", "key": "x"}
    for username in ("town", "county", "grid", "housing", "auditor"):
        answer = client_of(username).post(f"{page}set_level/", {**said, "key": f"x-{username}"})
        assert answer.status_code in (403, 404, 422), username
    assert readiness.declared(story.TOWN).level == ResponseLevel.IV
    assert town.case(case.pk).sequence == case.sequence
    refused = client_of("county").post(f"{page}set_level/", said)
    assert list(refused.context["problems"]) == [""]
    assert "请先办理指挥权移交。" in refused.context["problems"][""]
    empty = client_of("leader").post(f"{page}set_level/", {"key": "y"})
    assert set(empty.context["problems"]) == {"level", "reason"}


def test_a_gauge_is_read_by_hand_within_ones_own_area_and_what_cannot_be_proposes_nothing(
    town: Any, case: Case
) -> None:
    said = {"station": story.STATION, "level": "62.40", "case": str(case.pk)}
    # Nobody of another post or place writes a reading.
    for username in ("auditor", "administrator"):
        assert client_of(username).post("/emergency/gauge/", said).status_code in (403, 404)
    before = Observation.objects.count()
    assert client_of("town").post("/emergency/gauge/", said).status_code == 302
    told = client_of("town").post("/emergency/gauge/", {**said, "level": "很高"}, follow=True)
    assert "“很高”不是以米为单位的水位" in told.content.decode()
    assert Observation.objects.count() == before + 1
    assert Case.objects.filter(kind=acts.KIND).count() == 1


def test_a_drill_goes_the_same_way_is_marked_and_declares_nothing(town: Any) -> None:
    county = client_of("county")
    answer = county.post("/emergency/propose/", {"text": "演练：溃口", "drill": "yes", "key": "d"})
    again = county.post("/emergency/propose/", {"text": "演练：溃口", "drill": "yes", "key": "d"})
    assert answer["Location"] == again["Location"]
    page = answer["Location"]
    assert "这是演练" in county.get(page).content.decode()
    said = {"level": "2", "reason": "演练", "key": "d1"}
    assert county.post(f"{page}take_command/", said).status_code == 302
    assert readiness.declared("330825").level == ResponseLevel.PEACE
    assert county.get(page).context["level"] == ResponseLevel.II
    assert county.post("/emergency/propose/", {"text": "", "key": "e"}).status_code == 422
    assert client_of("housing").post("/emergency/propose/", said).status_code == 404


def test_what_stands_ready_is_shown_within_reach_and_sent_once(town: Any, case: Case) -> None:
    open_demonstration()
    page = f"/emergency/{case.pk}/dispatch/"
    asked = client_of("town").get(f"{page}?dyke=2&boat=9&rescue=x")
    picks = asked.context["found"].picks
    assert [pick.resource.code.removeprefix("demonstration-") for pick in picks] == [
        "militia", "town-boat", "county-dyke", "neighbour-boat",
    ]  # fmt: skip
    assert [(gap.missing, gap.known) for gap in asked.context["found"].gaps] == [(7, 2)]
    said = {"act": "send", "resource": [str(pick.resource.pk) for pick in picks[:2]], "key": "s"}
    for username in ("auditor", "administrator", "mediator"):
        assert client_of(username).get(page).status_code == 404, username
        assert client_of(username).post(page, said).status_code == 404, username
    for _n in range(2):
        assert client_of("town").post(page, said).status_code == 302
    other = client_of("county").post(page, {**said, "key": "other"})
    assert (other.status_code, len(other.context["problems"])) == (422, 2)
    assert Event.objects.filter(case_id=case.pk, move="send_resource").count() == 2
    shelter = Stock.objects.get(code="demonstration-hall")
    draw = {"act": "draw", "stock": str(shelter.pk), "amount": "81", "key": "d"}
    assert client_of("town").post(page, draw).status_code == 422
    assert client_of("town").post(page, {**draw, "amount": "80"}).status_code == 302
    release = {"act": "release", "resource": said["resource"][0], "key": "r"}
    assert client_of("town").post(page, release).status_code == 302
    assert client_of("town").post(page, {**release, "key": "r2"}).status_code == 422
    listed = client_of("town").get("/emergency/ready/").content.decode()
    assert ("社阳乡冲锋舟" in listed, "80" in listed) == (True, True)
    # Only those of its own area write into a store.
    entry = {"stock": str(shelter.pk), "cause": "out", "amount": "5", "key": "e"}
    assert client_of("village").post("/emergency/ready/", entry).status_code == 404
    assert client_of("town").post("/emergency/ready/", {**entry, "amount": "x"}).status_code == 422
    assert client_of("town").post("/emergency/ready/", entry).status_code == 302
    assert Stock.objects.get(pk=shelter.pk).held == 75


def test_a_call_is_acknowledged_on_the_page_by_who_was_called_and_by_nobody_else(
    town: Any, case: Case
) -> None:
    page = f"/emergency/{case.pk}/"
    said = {"called": f"{story.TOWN}-room", "key": "c"}
    for username in ("grid", "housing", "auditor", "mediator"):
        answer = client_of(username).post(f"{page}call_duty/", {**said, "key": username})
        assert answer.status_code in (403, 404, 422), username
    assert client_of("leader").post(f"{page}call_duty/", said).status_code == 302
    call = str(Event.objects.get(case_id=case.pk, move="call_duty").sequence)
    assert "正在叫应" in client_of("county").get(page).content.decode()
    for username in ("county", "city", "village", "auditor"):
        answer = client_of(username).post(f"{page}answer_duty/", {"call": call, "key": username})
        assert answer.status_code in (403, 404, 422), username
    # What programs make, or other pages, is no form here.
    for name in ("ring_duty", "send_resource", "move_stock"):
        assert client_of("town").post(f"{page}{name}/", {"call": call}).status_code == 404, name
    paper = client_of("town").get(f"{page}duty.pdf")
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")
    for username in ("village", "auditor", "mediator"):
        assert client_of(username).get(f"{page}duty.pdf").status_code == 404, username
    bad = client_of("town").post(f"{page}answer_duty/", {"call": "x", "key": "bad"})
    assert bad.status_code == 422
    answered = client_of("town").post(f"{page}answer_duty/", {"call": call, "key": "a"})
    assert answered.status_code == 302
    assert "已应答" in client_of("leader").get(page).content.decode()


def test_what_was_sent_can_still_come_home_after_the_response_ended(town: Any, case: Case) -> None:
    open_demonstration()
    boat = Resource.objects.get(code="demonstration-town-boat")
    page = f"/emergency/{case.pk}/dispatch/"
    sent = {"act": "send", "resource": str(boat.pk), "key": "s"}
    assert client_of("town").post(page, sent).status_code == 302
    with wall.standing(SYSTEM):
        acts.stand_down(case.pk, town.leader, "水退", "k-down")
    assert client_of("town").post(page, {**sent, "key": "s2"}).status_code == 403
    release = {"act": "release", "resource": str(boat.pk), "key": "r"}
    assert client_of("town").post(page, release).status_code == 302
    boat.refresh_from_db()
    assert (boat.standing, boat.sent_for) == ("free", None)


def test_only_its_own_area_reports_a_resource_out_of_order(town: Any, case: Case) -> None:
    open_demonstration()
    boat = Resource.objects.get(code="demonstration-town-boat")
    said = {"act": "standing", "resource": str(boat.pk), "standing": "out"}
    for username in ("village", "auditor", "administrator", "mediator"):
        assert client_of(username).post("/emergency/ready/", said).status_code == 404, username
    # A neighbour that may ask for it does not say whether it works.
    Resource.objects.filter(pk=boat.pk).update(area_code="330803", lent_to=["330825"])
    assert client_of("town").post("/emergency/ready/", said).status_code == 404
    Resource.objects.filter(pk=boat.pk).update(area_code=story.TOWN)
    assert client_of("town").post("/emergency/ready/", said).status_code == 302
    boat.refresh_from_db()
    assert boat.standing == "out"
    invented = {**said, "standing": "sent"}
    assert client_of("town").post("/emergency/ready/", invented).status_code == 422
    assert (
        client_of("town").post("/emergency/ready/", {**said, "standing": "free"}).status_code == 302
    )
    page = f"/emergency/{case.pk}/dispatch/"
    sent = {"act": "send", "resource": str(boat.pk), "key": "s"}
    assert client_of("town").post(page, sent).status_code == 302
    refused = client_of("town").post("/emergency/ready/", said)
    assert "请先办理归队" in refused.content.decode()


def test_a_store_of_another_county_is_not_drawn_from(town: Any, case: Case) -> None:
    open_demonstration()
    ropes = Stock.objects.get(code="demonstration-ropes")
    Stock.objects.filter(pk=ropes.pk).update(area_code="330803")
    page = f"/emergency/{case.pk}/dispatch/"
    draw = {"act": "draw", "stock": str(ropes.pk), "amount": "1", "key": "d"}
    assert client_of("town").post(page, draw).status_code == 422
    ropes.refresh_from_db()
    assert ropes.held == 60
