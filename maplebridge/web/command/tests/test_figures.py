"""The page of figures: whose, of which days, beside what, and what is too little to be a share."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client

from maplebridge.cases import feed
from maplebridge.cases.models import Feed
from maplebridge.insight import counts
from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation.models import Account

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 10, 20, 12, tzinfo=CHINA)
OCTOBER = {"kind": "month", "on": "2026-10-20"}


def desk_of(name: str) -> Client:
    client = Client()
    client.force_login(Account.objects.get(username=name))
    return client


def page(answer: Any) -> str:
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def row(shown: str, label: str) -> list[str]:
    """The cells of a line of the table, as words."""
    found = re.search(rf'<th scope="row">{label}</th>(.*?)</tr>', shown)
    assert found, label
    cells = re.findall(r"<td.*?</td>", found[1])
    return [" ".join(re.sub(r"<.*?>", " ", cell).split()) for cell in cells]


def count_all() -> None:
    counts.carry_out(
        [
            feed.News(f.case_id, f.sequence, f.area_code, f.kind, f.move, f.to_state, f.at, "0")
            for f in Feed.objects.all()
        ]
    )


def test_the_table_stands_beside_a_year_ago_and_the_month_before(town: Any) -> None:
    for days, times in ((0, 6), (30, 4), (365, 5)):
        for n in range(times):
            at = NOON - dt.timedelta(days=days)
            case_id = town.report(at=at).case_id
            if n < 3:
                town.move(case_id, "accept", town.town, at=at + dt.timedelta(minutes=12))
    shown = page(desk_of("town").get("/desk/figures/", OCTOBER))
    assert row(shown, "上报")[:4] == ["6", "", "▲ +20.0%", "▲ +50.0%"]
    accepted = row(shown, "受理率")
    assert accepted[:3] == ["50.00%", "3 / 6", "▼ -16.7% -10.00 个百分点"]
    # The month before has four cases: too few for a share to be compared with.
    assert accepted[3] == "—"
    # Nor does a time of three cases say anything of the area.
    assert row(shown, "上报到受理用时（中位数）")[:2] == ["—", "3 件有记录 件数过少"]
    assert "2025-10-01 至 2025-10-31" in shown
    assert "2026-09-01 至 2026-09-30" in shown
    assert "数据时间" in shown
    assert "规则第 1 版，2018-01-01 起" in row(shown, "满意率")[4]


def test_a_share_of_fewer_than_five_is_not_shown(town: Any) -> None:
    for _ in range(4):
        town.move(town.report(at=NOON).case_id, "accept", town.town, at=NOON)
    shown = page(desk_of("town").get("/desk/figures/", OCTOBER))
    assert row(shown, "受理率")[:2] == ["—", "4 / 4 件数过少"]
    assert "100.00%" not in shown


def test_a_period_of_nothing_says_so_and_draws_nothing(town: Any) -> None:
    shown = page(desk_of("town").get("/desk/figures/", {"kind": "day", "on": "2026-03-03"}))
    assert "本时段没有上报的事项" in shown
    assert "<table" not in shown
    assert "polyline" not in shown


def test_the_pictures_come_from_the_roll_up(town: Any) -> None:
    at = now()
    for _ in range(3):
        town.triage(town.report(at=at - dt.timedelta(minutes=5)).case_id)
    town.report(at=at - dt.timedelta(minutes=5))
    count_all()
    shown = page(desk_of("county").get("/desk/figures/", {"kind": "day"}))
    assert "共 4 件，单日最多 4 件" in shown
    assert len(re.search(r'<polyline points="([^"]+)"', shown)[1].split()) == 30
    bars = re.findall(r'bar-count">(\d+).*?<rect width="([\d.]+)"', shown)
    assert bars == [("4", "100.0"), ("3", "100.0"), ("1", "33.3")]
    assert f"?area={town.town_code}&amp;kind=day" in shown


def test_nobody_sees_figures_of_another_area(town: Any) -> None:
    client = desk_of("town")
    for area in ("330802005", "3308", "330825", "33082520x", "330825209x", "3308252"):
        assert client.get("/desk/figures/", {"area": area}).status_code == 404
    assert client.get("/desk/figures/", {"area": town.village_code}).status_code == 200


def test_a_department_sees_what_it_had_to_lead(town: Any) -> None:
    town.opened("handling")
    town.report()
    mine = page(desk_of("housing").get("/desk/figures/"))
    assert row(mine, "上报")[0] == "1"
    assert "polyline" not in mine
    everything = page(desk_of("county").get("/desk/figures/"))
    assert row(everything, "上报")[0] == "2"


def test_who_has_nothing_to_do_with_matters_is_refused(town: Any, client: Client) -> None:
    assert client.get("/desk/figures/").status_code == 302
    auditor = Account.objects.create(username="nobody", display_name="无岗")
    client.force_login(auditor)
    assert client.get("/desk/figures/").status_code == 403


def test_whatever_is_asked_there_is_a_page(town: Any) -> None:
    client = desk_of("town")
    for said in ({"kind": "fortnight"}, {"on": "2026-02-31"}, {"on": "9999-12-31"},
                 {"on": "0001-01-01"}, {"kind": "\x00"}):  # fmt: skip
        assert client.get("/desk/figures/", said).status_code == 200


def test_a_time_of_five_cases_is_shown(town: Any) -> None:
    for _n in range(5):
        case_id = town.report(at=NOON).case_id
        town.move(case_id, "accept", town.town, at=NOON + dt.timedelta(minutes=12))
    shown = page(desk_of("town").get("/desk/figures/", OCTOBER))
    assert row(shown, "上报到受理用时（中位数）")[:2] == ["12 分钟", "5 件有记录"]
