"""The board: its numbers are the oracle's over all rows, and it names no case."""

from __future__ import annotations

import pytest

from maplebridge.lib import clock
from maplebridge.web.board import shown
from tests.gate import oracle
from tests.gate.world import Found, World

WATCHING = {"clerk", "dispatcher", "leader", "supervisor"}
FEWEST = 5


def number(rows: list[oracle.Row]) -> int:
    """A sum as a board may show it: sensitive ones only when none or enough of them are there."""
    sensitive = sum(row["confidentiality"] != "C0" for row in rows)
    return len(rows) - (sensitive if sensitive < FEWEST else 0)


def test_the_board_counts_what_the_oracle_counts_and_names_no_case(world: World) -> None:
    watched = 0
    now = clock.now()
    for person, n, post in world.posts():
        client = person.client(n)
        shown.forget()
        answer = client.get("/board/")
        if post.role not in WATCHING or not post.area:
            assert answer.status_code in (302, 403), post
            continue
        assert answer.status_code == 200, post
        watched += 1
        counted = [
            row
            for row in world.rows.cases.values()
            if row["area_code"].startswith(post.area)
            and row["confidentiality"] != "C2"
            and not row["about_unit"]
            and not row["ended"]
        ]
        late = [row for row in counted if row["due_at"] is not None and row["due_at"] < now]
        figures = {one.name: one.value for one in answer.context["figures"]}
        assert figures["open"] == str(number(counted)), post
        assert figures["overdue"] == str(number(late)), post
        assert world.found_in_answer(answer) == Found(), post
        assert world.found_in_answer(client.get("/board/screen/")) == Found(), post
        below = client.get("/board/", {"area": f"{post.area[:-1]}0"}).status_code
        assert below in (200, 404)
    assert watched >= 20


@pytest.mark.parametrize("layout", ["emergency"])
def test_emergencies_are_publishable_ones_the_post_may_see(world: World, layout: str) -> None:
    for person, n, post in world.posts():
        if post.role not in WATCHING or not post.area:
            continue
        shown.forget()
        found = world.found_in_answer(person.client(n).get("/board/", {"layout": layout}))
        allowed = {
            one
            for one in range(len(world.rows.cases))
            if world.row(one)["confidentiality"] == "C0"
            and world.row(one)["area_code"].startswith(post.area)
            and not world.row(one)["about_unit"]
        }
        assert found.cases <= allowed, post
        assert not found.everything - found.cases, post
