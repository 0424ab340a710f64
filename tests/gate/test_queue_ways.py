"""A batch shows only cases its reader sees and moves none of the others."""

from __future__ import annotations

from typing import Any

from maplebridge.cases import wall
from maplebridge.cases.models import Event
from maplebridge.organisation.people import SYSTEM
from tests.gate.test_every_way_out import one_of_each, unseen
from tests.gate.world import World


def shown(world: World, answer: Any, asked: list[int]) -> set[int]:
    """What stands in a page besides the ids that were in its address."""
    text = answer.content.decode()
    for m in asked:
        text = text.replace(str(world.ids[m]), "")
    listed = {world.ids.index(row.case.pk) for row in answer.context["rows"]}
    return world.found_in(text).everything | listed


def test_a_batch_shows_and_moves_what_the_oracle_lets(world: World) -> None:
    tried = 0
    for who, n, post in one_of_each(world):
        client = who.client(n)
        seen = sorted(world.visible(post))[:5]
        hidden = list(unseen(world, post, 5))
        asked = {"case": [str(world.ids[m]) for m in [*seen, *hidden]]}
        answer = client.get("/desk/batch/", asked)
        if answer.status_code == 200:
            assert shown(world, answer, [*seen, *hidden]) <= set(seen), post
            tried += bool(seen)
        said = {**asked, "move": "log", "note": "一并记录", "key": f"batch-{n}"}
        answer = client.post("/desk/batch/", said)
        if answer.status_code == 200:
            assert shown(world, answer, [*seen, *hidden]) <= set(seen), post
        with wall.standing(SYSTEM):
            written = Event.objects.filter(
                move="log", case_id__in=[world.ids[m] for m in hidden], account_id=post.account
            )
            assert not written.exists(), post
    assert tried >= 4
