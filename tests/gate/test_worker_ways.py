"""The grid worker's pages and what a phone keeps of them equal what the oracle says."""

from __future__ import annotations

import json

from maplebridge.lib import clock
from maplebridge.web.worker.shown import MOST_TASKS, OUTSIDE, SPOT, SPOT_CLASS
from tests.gate import oracle
from tests.gate.test_every_way_out import full, listed, unseen
from tests.gate.world import Found, Person, World


def outside(world: World) -> list[tuple[Person, int, oracle.Post]]:
    return [each for each in world.posts() if each[2].role in OUTSIDE]


def meant(world: World, post: oracle.Post) -> set[int]:
    """Waiting for the post, asked of its unit, or to be settled on the spot in its area."""
    spot = {
        n
        for n in listed(world, post, "open")
        if world.row(n)["state"] in SPOT
        and world.row(n)["sla_class"] == SPOT_CLASS
        and world.row(n)["area_code"].startswith(post.area)
    }
    return listed(world, post, "waiting") | listed(world, post, "asked") | spot


def test_the_workers_list_and_what_a_phone_keeps_equal_the_oracle(world: World) -> None:
    tried = 0
    for who, n, post in outside(world):
        client, tasks = who.client(n), meant(world, post)
        assert len(tasks) < MOST_TASKS
        secret = {m for m in tasks if world.row(m)["confidentiality"] == "C2"}
        found = world.found_in_answer(client.get("/worker/"))
        assert found.cases == tasks, post
        assert found.words <= tasks - secret
        assert found.unmasked <= full(world, post, tasks - secret)
        assert found.reporters == set()

        kept = client.get("/worker/caseload.json")
        pages = kept.json()["pages"]
        said = world.found_in(json.dumps(pages, ensure_ascii=False))
        assert said.cases == tasks
        # Nothing of a confidential case stays on a phone but that there is one.
        assert said.words == tasks - secret
        assert said.unmasked == full(world, post, tasks - secret)
        assert said.reporters == set()
        assert "csrfmiddlewaretoken" not in kept.content.decode()
        tried += len(tasks)
    assert tried > 10


def test_a_task_page_shows_that_case_and_no_other(world: World) -> None:
    at = clock.now()
    for who, n, post in outside(world):
        client, seen = who.client(n), world.visible(post)
        for m in sorted(seen)[:4]:
            key = world.ids[m]
            page = client.get(f"/worker/task/{key}/")
            found = world.found_in_answer(page)
            assert (found.cases, found.words, found.reporters) == ({m}, {m}, set()), (post, m)
            assert found.unmasked == full(world, post, {m})
            photo = client.get(f"/worker/task/{key}/photo/1/")
            shows = oracle.reads_full(post, world.row(m), world.rows, at)
            if not (shows or world.row(m)["confidentiality"] == "C0"):
                assert photo.status_code == 404
        for m in unseen(world, post, 3):
            key = world.ids[m]
            for more in ("", "photo/1/"):
                answer = client.get(f"/worker/task/{key}/{more}")
                assert answer.status_code == 404
                assert world.found_in_answer(answer, key) == Found()
            for move in ("log", "sign_for", "handle_on_spot"):
                answer = client.post(f"/worker/task/{key}/move/{move}/", {"note": "现场查看"})
                assert answer.status_code == 404
                assert world.found_in_answer(answer, key) == Found()


def test_other_posts_get_a_sentence_and_nothing_else(world: World) -> None:
    others = [each for each in world.posts() if each[2].role not in OUTSIDE]
    for who, n, post in others[::9]:
        client = who.client(n)
        for path in ("", "report/", "box/", "caseload.json"):
            answer = client.get(f"/worker/{path}")
            assert answer.status_code in (302, 403), post
            assert world.found_in_answer(answer) == Found()
        seen = sorted(world.visible(post))
        for m in seen[:1]:
            answer = client.get(f"/worker/task/{world.ids[m]}/")
            assert answer.status_code in (302, 403)
            assert world.found_in_answer(answer, world.ids[m]) == Found()
