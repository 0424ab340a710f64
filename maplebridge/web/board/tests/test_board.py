"""The board's pages: who may open them, what they show, and what they cost."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maplebridge.cases.models import Case
from maplebridge.connectors.models import Station
from maplebridge.connectors.sensors import observe
from maplebridge.lib.clock import now
from maplebridge.organisation.models import Account
from maplebridge.organisation.readiness import Cause, ResponseLevel, declare, in_force
from maplebridge.web.board import shown
from maplebridge.web.parts import sessions

pytestmark = pytest.mark.django_db
COUNTY = "330825"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    shown.forget()


def at_desk(username: str) -> Client:
    client = Client(headers={"accept-language": "zh-CN"})
    client.force_login(Account.objects.get(username=username))
    return client


def test_a_kept_screen_stays_on_and_opens_nothing_else(town: Any) -> None:
    wall = at_desk("leader")
    assert wall.post("/board/screen/keep/", {"area": COUNTY}).status_code == 302
    assert wall.get("/board/screen/").context["is_kept"]
    for address in ("/desk/", "/board/", "/staff/", "/account/", f"/desk/case/{COUNTY}/", "/"):
        shut = wall.get(address)
        assert shut.status_code == 403, address
        assert "这个浏览器是大屏" in shut.content.decode()
    leader = Account.objects.get(username="leader")
    in_a_week = time.time() + 7 * 86_400
    with mock.patch("time.time", return_value=in_a_week):
        assert wall.get("/board/screen/").status_code == 200
    with mock.patch("time.time", return_value=time.time() + 31 * 86_400):
        assert wall.get("/board/screen/").status_code == 302
    wall = at_desk("leader")
    wall.post("/board/screen/keep/", {"area": COUNTY})
    assert len(sessions.open_sessions(leader.pk)) == 1
    sessions.end_sessions(leader.pk)
    assert wall.get("/board/screen/").status_code == 302


def test_a_kept_screen_is_for_those_who_command_an_area(town: Any) -> None:
    for name in ("housing", "grid", "auditor"):
        assert at_desk(name).post("/board/screen/keep/", {"area": COUNTY}).status_code == 403
    assert at_desk("town").post("/board/screen/keep/", {"area": COUNTY}).status_code == 404


def test_it_is_for_those_who_command_an_area(town: Any) -> None:
    found = {
        name: at_desk(name).get("/board/").status_code
        for name in ("city", "county", "supervisor", "leader", "town", "housing", "grid", "auditor")
    }
    assert found == {
        "city": 200, "county": 200, "supervisor": 200, "leader": 200, "town": 200,
        "housing": 403, "grid": 403, "auditor": 403,
    }  # fmt: skip
    assert at_desk("town").get("/board/?area=330825").status_code == 404
    assert at_desk("town").get("/board/?area=330825209201").status_code == 200
    assert Client().get("/board/").status_code == 302


def test_no_word_of_a_report_and_no_number_of_it_stands_there(town: Any) -> None:
    case = town.opened("handling")
    secret = town.report("家里的事").case_id
    town.triage(secret, confidentiality="C2")
    for path in ("/board/", "/board/screen/", "/board/?layout=emergency"):
        page = at_desk("county").get(path).content.decode()
        assert "下水道" not in page
        assert case.number not in page
        assert str(secret) not in page
        assert "林格格" not in page
    assert ">1</a>" in at_desk("county").get("/board/").content.decode()


def test_figures_open_to_their_rows(town: Any) -> None:
    late = town.opened("accepted")
    Case.objects.filter(pk=late.pk).update(due_at=now() - dt.timedelta(hours=1))
    town.opened("handling")
    desk = at_desk("county")
    context = desk.get("/board/").context
    figures = {figure.name: figure for figure in context["figures"]}
    assert figures["open"].value == "2"
    for name, many in (("new_today", 2), ("open", 2), ("overdue", 1), ("supervised", 0)):
        assert figures[name].value == str(many)
        listed = desk.get(figures[name].rows).content.decode()
        assert listed.count('class="case-row') == many, name


def test_readers_of_one_board_share_one_counting(town: Any) -> None:
    town.opened("accepted")
    desk = at_desk("county")
    desk.get("/board/")
    place = desk.get("/board/").context["live_after"]
    live = {"HTTP_X_LIVE": "1"}
    first = desk.get(f"/board/?area={COUNTY}&after={place}", **live)
    assert first.content.startswith(b'<div class="board-grid peace')
    # A test's transaction never ends, so what it wrote counts as news for ever.
    shelf = next(iter(shown._shelves.values()))
    shelf.at = type(place)(place.txid + 1)
    with CaptureQueriesContext(connection) as asked:
        again = desk.get(f"/board/?area={COUNTY}&after={place}", **live)
    assert again.content == first.content
    assert sum("cases_case" in one["sql"] for one in asked) <= 1
    assert len(asked) <= 12


def test_a_past_hour_is_told_again_and_is_not_live(town: Any) -> None:
    town.opened("handling")
    page = at_desk("county").get("/board/?back=24")
    assert page.context["figures"][1].value == "0"
    assert "data-live=" not in page.content.decode()
    assert at_desk("county").get("/board/?back=9999").context["past"] is None
    assert at_desk("county").get("/board/?at=nonsense").context["past"] is None


def test_a_level_is_declared_by_whoever_commands_there(town: Any) -> None:
    said = {"area": COUNTY, "level": "3", "cause": "flood"}
    assert at_desk("town").post("/board/response/", said).status_code == 403
    assert at_desk("county").post("/board/response/", said).status_code == 302
    assert in_force(COUNTY).level == ResponseLevel.III
    assert "Ⅲ级响应" in at_desk("town").get("/board/screen/").content.decode()
    assert at_desk("county").post("/board/response/", {**said, "level": "9"}).status_code == 404
    declare(town.county, COUNTY, ResponseLevel.I, Cause.FLOOD)
    shown.forget()
    assert at_desk("county").get("/board/").context["layout"] == "emergency"


def test_seven_and_thirty_days_are_the_sums_of_the_rows_below(town: Any) -> None:
    for state in ("reported", "closed", "archived"):
        town.opened(state)
    answer = at_desk("county").get("/board/")
    days = answer.context["trend"]
    assert len(days) == 30
    assert [(one["days"], one["opened"], one["closed"]) for one in answer.context["spans"]] == [
        (n, sum(day.opened for day in days[-n:]), sum(day.closed for day in days[-n:]))
        for n in (7, 30)
    ]
    assert "近 7 天：上报 3 件，结案 2 件" in answer.content.decode()


def test_gauges_stand_on_the_emergency_board_the_highest_first(town: Any) -> None:
    common = {"area_code": "330825209", "lowest": "5", "highest": "20", "steepest": "2"}
    for code, name in (("a", "上游站"), ("b", "社阳桥站")):
        Station.objects.create(code=code, name=name, water="社阳溪", warning="12", **common)
    Station.objects.create(code="c", name="邻县站", water="衢江", warning="12",
                           **{**common, "area_code": "330802"})  # fmt: skip
    observe("a", "11.5", now())
    observe("b", "13.0", now())
    observe("b", "99", now() + dt.timedelta(minutes=1))
    answer = at_desk("county").get("/board/?layout=emergency")
    assert [(one.station.pk, one.over) for one in answer.context["gauges"]] == [
        ("b", "+1.00"), ("a", "-0.50"),
    ]  # fmt: skip
    shown = answer.content.decode()
    assert "邻县站" not in shown
    assert "传感器异常" in shown
    assert "较警戒水位 +1.00 米" in shown
