"""The map of cases: its numbers add up, and the list beside it holds the same cases."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from maplebridge.web.command.tests.test_desk import desk_of, page

WEST, SOUTH, EAST, NORTH = 118.6, 28.6, 119.4, 29.4


@pytest.fixture
def scattered(town: Any) -> list[tuple[float, float]]:
    """Forty open cases at points, two of them at one, one of them confidential, one without."""
    drawn = random.Random(7)
    points = [(drawn.uniform(WEST, EAST), drawn.uniform(SOUTH, NORTH)) for _ in range(38)]
    points += [points[0], points[0]]
    for lon, lat in points:
        town.triage(town.report(lon=lon, lat=lat).case_id)
    town.triage(town.report(lon=119.0, lat=29.0).case_id, confidentiality="C2")
    town.triage(town.report().case_id)
    return points


def counted(query: str = "") -> int:
    answer = desk_of("county").get(f"/desk/map/cases.json{query}")
    return sum(one["properties"]["count"] for one in json.loads(answer.content)["features"])


def test_the_groups_of_every_zoom_add_up_to_the_list(scattered: list[tuple[float, float]]) -> None:
    assert [counted(f"?zoom={zoom}") for zoom in (0, 5, 8, 11, 14, 20)] == [40] * 6
    shown = page(desk_of("county").get("/desk/map/"))
    assert "40 件有确切位置" in shown
    assert "1 件没有位置，只在列表中" in shown


def test_a_frame_holds_what_lies_in_it_on_the_map_and_in_the_list(
    scattered: list[tuple[float, float]],
) -> None:
    middle = (WEST + EAST) / 2
    inside = sum(lon <= middle for lon, _lat in scattered)
    frame = f"frame={WEST},{SOUTH},{middle},{NORTH}"
    for zoom in (6, 10, 16):
        assert counted(f"?zoom={zoom}&{frame}") == inside
    listed, after = 0, ""
    while True:
        answer = desk_of("county").get(f"/desk/map/?{frame}{after}")
        listed += page(answer).count('class="case-row')
        if not answer.context["more"]:
            break
        after = "&after=" + answer.context["more"].split("after=")[1]
    assert listed == inside


def test_cases_of_one_spot_stay_a_group_with_its_frame(
    scattered: list[tuple[float, float]],
) -> None:
    lon, lat = scattered[0]
    edges = f"{lon - 1e-6},{lat - 1e-6},{lon + 1e-6},{lat + 1e-6}"
    answer = desk_of("county").get(f"/desk/map/cases.json?zoom=20&frame={edges}")
    (group,) = json.loads(answer.content)["features"]
    assert group["properties"] == {"count": 3, "frame": [lon, lat, lon, lat]}


@pytest.mark.parametrize(
    "said", ["zoom=x", "zoom=-3", "zoom=99999999999", "frame=a,b", "frame=nan,1,2,3", "frame=1,2"]
)
def test_what_cannot_be_read_narrows_nothing(
    scattered: list[tuple[float, float]], said: str
) -> None:
    assert counted(f"?{said}") == 40


def test_the_map_costs_a_known_number_of_statements(
    scattered: list[tuple[float, float]], django_assert_max_num_queries: Any
) -> None:
    client = desk_of("county")
    with django_assert_max_num_queries(15):
        client.get("/desk/map/cases.json?zoom=9")


def test_the_map_and_its_list_are_narrowed_to_one_kind_of_case(
    town: Any, scattered: list[tuple[float, float]]
) -> None:
    hazard = town.report(kind="hazard", lon=119.0, lat=29.0)
    assert (counted(), counted("?kind=hazard"), counted("?kind=matter")) == (41, 1, 40)
    assert counted("?kind=nothing") == 41
    shown = desk_of("county").get("/desk/map/?kind=hazard")
    assert "在办事项：隐患" in page(shown)
    assert [row.case.pk for row in shown.context["rows"]] == [hazard.case_id]
    # What asks for the points and what leads back keep the kind.
    for address in ("cases_address", "list_address"):
        assert "kind=hazard" in shown.context[address]
    assert "kind=hazard" in page(shown).split('aria-label="列表"')[1].split("</nav>")[0]
