"""What stands beside a call, whom to call back, and a roster, equal what the oracle says."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from uuid import UUID

from django.test import Client

from maplebridge.cases.grades import Way
from maplebridge.cases.models import Case, Event, Look
from maplebridge.journey.models import Fingerprint
from maplebridge.lib import clock
from maplebridge.lib.text import fingerprint
from maplebridge.organisation.models import Post, Shift, ShiftNote
from tests.gate import oracle
from tests.gate.test_every_way_out import full, unseen
from tests.gate.world import CASES, Found, Person, World

CALLS = {"clerk", "dispatcher"}
REVISITS = {"clerk", "dispatcher", "revisitor"}
ROOM_KINDS = {"city_center", "county_center", "town_room", "village_station"}
SAME = "夜里施工噪声吵得整条街睡不着觉已经一个星期"
CHOICE = re.compile(r'name="case" value="([^"]+)"')


def takers(world: World) -> list[tuple[Person, int, oracle.Post]]:
    return [
        each
        for each in world.posts()
        if each[2].role in CALLS
        and each[2].unit in world.units
        and world.units[each[2].unit].kind in ROOM_KINDS
    ]


def beside(client: Client, **said: str) -> Any:
    return client.post("/desk/hotline/beside/", said)


def lately(world: World, found: set[int]) -> set[int]:
    """Open, or ended within sixty days: all of this world."""
    return {n for n in found if world.row(n)["changed_at"] > clock.now() - dt.timedelta(days=60)}


def test_the_caller_and_the_twins_are_those_of_the_oracle(world: World) -> None:
    posts = takers(world)
    assert len(posts) > 10
    shown = hidden = 0
    for who, n, post in posts:
        client, seen = who.client(n), world.visible(post)
        for m in [*sorted(seen)[:3], *unseen(world, post, 3)]:
            answer = beside(client, phone=f"139 {m:04d} 7777")
            expected = lately(world, {m} & seen)
            found = world.found_in_answer(answer)
            assert found.cases == expected, (post, m)
            secret = {k for k in expected if world.row(k)["confidentiality"] == "C2"}
            assert found.words == expected - secret
            assert found.reporters == set()
            assert found.unmasked <= full(world, post, expected - secret)
            noted = Look.objects.filter(
                case_id=world.ids[m], way=Way.REVEAL, account_id=who.account.pk
            )
            assert noted.exists() == bool(expected)
            shown, hidden = shown + len(expected), hidden + (not expected)
    assert shown > 20
    assert hidden > 20


def test_a_number_that_is_typed_on_is_matched_once_in_ten_minutes(world: World) -> None:
    who, n, post = takers(world)[0]
    m = min(world.visible(post))
    client = who.client(n)
    for text in ("", "路灯", "路灯不亮"):
        assert beside(client, phone=f"+86139{m:04d}7777", text=text).status_code == 200
    noted = Look.objects.filter(case_id=world.ids[m], way=Way.REVEAL, account_id=who.account.pk)
    assert noted.count() == 1


def test_a_part_of_a_number_matches_nobody(world: World) -> None:
    for who, n, post in takers(world)[:4]:
        m = min(world.visible(post))
        for part in (f"139{m:04d}", f"{m:04d}7777", f"139{m:04d}777", f"139{m:04d}77770"):
            assert world.found_in_answer(beside(who.client(n), phone=part)) == Found()


def test_twins_are_taken_among_what_the_post_sees_before_they_are_counted(world: World) -> None:
    at = clock.now()
    Fingerprint.objects.bulk_create(
        Fingerprint(
            case_id=world.ids[n], area_code=world.row(n)["area_code"], category="",
            opened_at=world.row(n)["opened_at"], marks=fingerprint(SAME),
        )
        for n in range(CASES)
    )  # fmt: skip
    shown = 0
    for who, n, post in takers(world):
        near = {
            m
            for m in world.visible(post)
            if world.row(m)["area_code"].startswith(post.area[:9])
            and world.row(m)["confidentiality"] != "C2"
            and world.row(m)["state"] != "voided"
            and at - world.row(m)["opened_at"] < dt.timedelta(days=60 if len(post.area) > 4 else 7)
        }
        found = world.found_in_answer(beside(who.client(n), text=SAME))
        assert found.cases <= near, post
        assert found.words == found.cases
        assert found.reporters == set()
        assert len(found.cases) == min(5, len(near)), post
        shown += len(found.cases)
    assert shown > 20


def test_other_posts_take_no_call_and_learn_nothing(world: World) -> None:
    allowed = {(who.account.pk, n) for who, n, _post in takers(world)}
    others = [each for each in world.posts() if (each[0].account.pk, each[1]) not in allowed]
    for who, n, post in others[::11]:
        client, m = who.client(n), min(world.visible(post), default=0)
        for answer in (
            client.get("/desk/hotline/"),
            client.get("/desk/hotline/taken/"),
            client.post("/desk/hotline/", {"look": "1", "phone": f"139{m:04d}7777"}),
            beside(client, phone=f"139{m:04d}7777", text=SAME),
        ):
            assert answer.status_code == 403, post
            assert world.found_in_answer(answer) == Found()


def test_a_call_is_read_back_to_who_took_it_alone(world: World) -> None:
    mine, other = takers(world)[:2]
    client = mine[0].client(mine[1])
    said = {"nature": "complain", "text": "村口路灯不亮，晚上看不见", "key": "a-call"}
    taken = client.post("/desk/hotline/", said)
    assert taken.headers["Location"] == "/desk/hotline/taken/"
    page = client.get("/desk/hotline/taken/")
    case = Case.objects.get(channel="hotline")
    assert page.status_code == 200
    assert case.query_code in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    elsewhere = other[0].client(other[1]).get("/desk/hotline/taken/")
    assert (elsewhere.status_code, elsewhere.headers["Location"]) == (302, "/desk/hotline/")


def reached(world: World, post: oracle.Post, n: int) -> bool:
    """Whether a post may call the reporter of a case back, or check its file."""
    case = world.row(n)
    return (
        n in world.visible(post)
        and case["area_code"].startswith(post.area)
        and case["closed_at"] is not None
        and case["handler_unit"] != post.unit
    )


def test_who_is_to_be_called_back_is_what_the_oracle_says(world: World) -> None:
    closed = [n for n in range(CASES) if world.row(n)["state"] in ("closed", "archived")]
    rated = dict.fromkeys(closed[::3], 1)
    for n in rated:
        Case.objects.filter(pk=world.ids[n]).update(state="archived", rating=1, solved=False)
    world.read()
    posts = [each for each in world.posts() if each[2].role in REVISITS]
    assert len(posts) > 10
    shown = 0
    for who, n, post in posts:
        wanted = [
            m
            for m in closed
            if reached(world, post, m) and (m in rated or world.row(m)["state"] == "closed")
        ]
        answer = who.client(n).get("/desk/revisit/")
        found = world.found_in_answer(answer)
        # The cast shares one moment of closing, so bad ratings come first and the ids decide.
        wanted.sort(key=lambda m: (m not in rated, world.row(m)["closed_at"], world.ids[m]))
        assert found.cases == set(wanted[:13]), post
        secret = {m for m in found.cases if world.row(m)["confidentiality"] == "C2"}
        assert found.words == found.cases - secret
        assert found.unmasked <= full(world, post, found.cases)
        assert found.reporters == set()
        shown += len(found.cases)
        for m in unseen(world, post, 2):
            key = world.ids[m]
            assert world.found_in_answer(who.client(n).get(f"/desk/revisit/?case={key}"), key) == (
                found
            )
            for act in ("call", "record", "check", "reopen"):
                sent = {"act": act, "case": str(key), "outcome": "solved", "found": "convincing"}
                assert who.client(n).post("/desk/revisit/", sent).status_code == 404
    assert shown > 50
    assert not Event.objects.filter(move__in=["revisit", "try_reach", "check_sample"]).exists()


def test_a_telephone_of_a_reporter_never_comes_out_of_a_relay(world: World) -> None:
    tried = 0
    for who, n, post in [each for each in world.posts() if each[2].role in REVISITS]:
        client = who.client(n)
        page = client.get("/desk/revisit/").content.decode()
        for key in CHOICE.findall(page)[:1]:
            answer = client.post("/desk/revisit/", {"act": "call", "case": key}, follow=True)
            said = answer.content.decode()
            assert "000-0000-" in said, post
            assert world.found_in(said).reporters == set()
            assert UUID(key) in {world.ids[m] for m in world.visible(post)}
            tried += 1
    assert tried > 5


def test_other_posts_call_nobody_back(world: World) -> None:
    others = [each for each in world.posts() if each[2].role not in REVISITS]
    for who, n, post in others[::9]:
        seen = sorted(world.visible(post))[:1]
        client = who.client(n)
        answers = [client.get("/desk/revisit/")]
        answers += [
            client.post("/desk/revisit/", {"act": "call", "case": str(world.ids[m])}) for m in seen
        ]
        for answer in answers:
            assert answer.status_code == 403, post
            assert world.found_in_answer(answer, world.ids[seen[0]] if seen else "") == Found()


def test_the_roster_shows_of_the_own_unit_what_the_oracle_says(world: World) -> None:
    """A note names cases by their ids; who reads it sees those that the gate shows and no other."""
    at = clock.now()
    shown = 0
    for who, n, post in world.posts()[::3]:
        client = who.client(n)
        if post.role in {"administrator", "security", "auditor"}:
            answer = client.get("/desk/duty/")
            assert answer.status_code == 403
            continue
        place = Post.objects.filter(unit_id=post.unit).first()
        shift = Shift.objects.create(
            id=UUID(int=n + 1000 * shown + 7), unit_code=post.unit, post=place,
            begins_at=at - dt.timedelta(hours=9), ends_at=at - dt.timedelta(hours=1), made_at=at,
        )  # fmt: skip
        named = [*sorted(world.visible(post))[:4], *unseen(world, post, 4)]
        ShiftNote.objects.create(
            shift=shift, unit_code=post.unit, matters=[world.ids[m] for m in named],
            written_by=UUID(int=1), written_at=at,
        )  # fmt: skip
        watched = {
            m
            for m in world.visible(post)
            if not world.row(m)["ended"]
            and world.row(m)["unit_code"] == post.unit
            and (world.row(m)["sla_class"] in ("S0", "S1") or world.row(m)["supervision"] > 0)
        }
        found = world.found_in_answer(client.get("/desk/duty/"))
        assert len(watched) < 40
        assert found.cases == watched | (set(named) & world.visible(post)), post
        secret = {m for m in found.cases if world.row(m)["confidentiality"] == "C2"}
        assert found.words == found.cases - secret
        assert found.reporters == set()
        ShiftNote.objects.all().delete()
        Shift.objects.all().delete()
        shown += 1
    assert shown > 20
