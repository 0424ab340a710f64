"""What a phone's outbox is told of cases equals what the oracle says its post may see."""

from __future__ import annotations

import json
import uuid
from typing import Any
from uuid import UUID

from django.test import Client

from maplebridge.cases.models import Case, Event
from tests.gate.test_every_way_out import unseen
from tests.gate.test_worker_ways import outside
from tests.gate.world import Found, World


def sent(client: Client, keeper: str, case_id: UUID, name: str) -> Any:
    said = {
        "id": str(uuid.uuid4()), "keeper": keeper, "kind": "move", "case": str(case_id),
        "move": name, "fields": {"note": "现场查看"}, "photos": [], "at": "",
    }  # fmt: skip
    return client.post("/worker/outbox/", json.dumps(said), "application/json")


def test_an_outbox_moves_what_its_post_may_see_and_learns_nothing_of_the_rest(
    world: World,
) -> None:
    shut = opened = 0
    for who, n, post in outside(world):
        client, seen = who.client(n), world.visible(post)
        keeper = client.get("/worker/standing/").json()["keeper"]
        nothing = sent(client, keeper, uuid.uuid4(), "log")
        for m in unseen(world, post, 3):
            key = world.ids[m]
            before = Case.objects.values("sequence", "state").get(pk=key)
            for name in ("log", "sign_for", "nonsense"):
                answer = sent(client, keeper, key, name)
                assert (answer.status_code, answer.content) == (404, nothing.content)
                assert world.found_in_answer(answer, key) == Found()
            assert Case.objects.values("sequence", "state").get(pk=key) == before
            shut += 1
        for m in sorted(seen)[:2]:
            key = world.ids[m]
            # Sorting out and closing are a desk's work, whoever sees the case.
            assert sent(client, keeper, key, "close").status_code == 404
            answer = sent(client, keeper, key, "log")
            # Taken, or refused with where the case stands, and never a word of it.
            found = world.found_in_answer(answer)
            assert answer.status_code in (200, 409, 422), answer.content.decode()
            assert found.cases <= {m}
            assert (found.words, found.reporters, found.unmasked) == (set(), set(), set())
            made = Event.objects.filter(case_id=key, key__startswith="outbox:").exists()
            assert made == (answer.status_code == 200)
            opened += made
    assert shut > 10
    assert opened > 0
