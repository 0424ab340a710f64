"""Six strangers try every address of the map on cases that exist and on cases that do not.

A visitor, a resident with a code of another matter, the worker of the next grid, a neighbouring
department, an administrator, and the unit complained about: the same status, body, headers and
number of statements, and not one word of a case.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from maplebridge.cases.models import Assignment, Case
from maplebridge.organisation.models import Account, Holding, Post
from tests.gate import ways
from tests.gate.test_every_way_out import steady
from tests.gate.world import COUNTY, OTHER_COUNTY, TOWN, World

VILLAGE = f"{TOWN}201"
GRID, NEXT_GRID = f"{VILLAGE}001", f"{VILLAGE}002"
# Nobody has this case; its number is of the same form as a true one.
NOBODYS_NUMBER = "330825-20261101-XYZXYZ"
# Cases that all six are shut out from: C1 with a complaint about the unit, and C2.
TARGETS = (6, 12)
STRANGERS = (
    "visitor", "resident", "next grid", "neighbour", "administrator", "complained about",
)  # fmt: skip
POSTS = {
    "next grid": (f"{NEXT_GRID}-grid", "grid_worker"),
    "neighbour": (f"{OTHER_COUNTY}-hsc", "officer"),
    "administrator": ("3308-center", "administrator"),
    "complained about": (f"{COUNTY}-hsc", "officer"),
}
SAID_EACH_TIME = {"Set-Cookie", "Date", "Expires"}


@dataclass(frozen=True)
class Tried:
    """All that a stranger learns of one answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    statements: int


@pytest.fixture
def shut(world: World) -> World:
    """The world with two cases that every way would open to somebody else."""
    for n, grade in zip(TARGETS, ("C1", "C2"), strict=True):
        Case.objects.filter(pk=world.ids[n]).update(
            area_code=GRID, unit_code=f"{TOWN}-room", confidentiality=grade, line="HSC",
            about_unit=f"{COUNTY}-hsc", state="handling", ended=False, supervision=1,
            handed_to="119", merged_into=None,
        )  # fmt: skip
        Assignment.objects.filter(case_id=world.ids[n]).delete()
        Assignment.objects.create(
            case_id=world.ids[n], number=1, area_code=GRID, unit_code=f"{TOWN}-enforce",
            duty="lead", progress="handling", since=world.at,
        )  # fmt: skip
    return world


def stranger(world: World, name: str) -> Client:
    client = Client()
    if name == "resident":
        # Has followed the own matter from this browser.
        own = next(n for n in range(20, 60) if not world.row(n)["merged_into"])
        assert client.get(f"/r/{world.row(own)['query_code']}/").status_code == 200
    elif name in POSTS:
        unit, role = POSTS[name]
        account = Account.objects.create(username=f"stranger-{role}-{unit}", display_name="路人")
        post, _made = Post.objects.get_or_create(
            code=f"gate:{unit}:{role}", defaults={"unit_id": unit, "role": role, "title": role}
        )
        Holding.objects.create(account=account, post=post, begins="2026-01-01")
        client.force_login(account)
    client.get("/")
    return client


def nobodys(world: World, key: UUID) -> UUID:
    """An id of the same form that no case has, next to a true one in every order."""
    near = UUID(int=key.int ^ 1)
    assert near not in world.number_of
    return near


def ways_to_ask(case_id: UUID, number: str, code: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every address in which a case can be named: method, address, what is sent."""
    page = f"/desk/case/{case_id}/"
    more = (
        "", "photo/1/", "photo/1/original/", "reporter/", "hold/", "dispatch-slip.pdf",
        "supervision-slip.docx", "hand-over-note.docx", "no-slip.docx", "overrule/classify/",
        "move/accept/", "move/close/", "move/merge/", "move/open_lead/", "move/nonsense/",
    )  # fmt: skip
    for each in more:
        yield "get", page + each, {}
        yield "head", page + each, {}
        yield "post", page + each, {"key": "stranger", "reason": "核实现场情况", "value": "1004"}
        yield "put", page + each, {}
    for each in ("", "photo/1/", "move/log/", "move/handle_on_spot/", "move/nonsense/"):
        task = f"/worker/task/{case_id}/{each}"
        for method in ("get", "head", "put"):
            yield method, task, {}
        yield "post", task, {"key": "stranger", "note": "现场查看"}
    for method in ("get", "head"):
        for tab in ("open", "closed", "waiting", "asked", "overdue"):
            yield method, "/desk/", {"tab": tab, "number": number}
        yield method, "/desk/", {"tab": "open", "after": f",{case_id}"}
        yield method, "/desk/looks/", {"number": number}
        yield method, "/desk/grants/", {"number": number}
        yield method, "/live/since/", {"rows": str(case_id)}
        yield method, "/desk/revisit/", {"case": str(case_id)}
        yield method, f"/r/{code}/", {}
        yield method, f"/r/{code}/photo/1/", {}
        yield method, f"/r/{code}/mine/", {}
        yield method, f"/desk/destruction/{case_id}/", {}
        yield method, f"/api/v1/reports/{code}", {}
    for act in ("call", "record", "check", "reopen"):
        sent = {"act": act, "case": str(case_id), "outcome": "solved", "found": "convincing"}
        yield "post", "/desk/revisit/", {**sent, "reason": "没有解决", "key": "stranger"}
    for act in ("write", "take", "back"):
        yield "post", "/desk/duty/", {"act": act, "shift": str(case_id), "key": "stranger"}
    asked = {"number": number, "reason": "需要查阅此件", "hours": "24", "key": "stranger"}
    yield "post", "/desk/grants/", {"act": "ask", **asked}
    named = {"case": str(case_id), "grant": str(case_id), "ruling": "同意查阅", "given": "yes"}
    yield "post", "/desk/grants/", {"act": "rule", **named}
    yield "post", "/desk/grants/", {"act": "revoke", **named}
    yield "post", "/desk/leads/", {"act": "open", "reason": "受理线索", **named}
    yield "post", "/desk/leads/", {"act": "confirm", "receipt": "R-1", **named}
    yield "post", "/follow/", {"code": code}
    yield "post", f"/r/{code}/move/rate/", {"rating": "5", "key": "stranger"}


def ask(
    client: Client, method: str, address: str, said: dict[str, str], hide: tuple[str, ...],
    **headers: str,
) -> tuple[Tried, Any]:  # fmt: skip
    with CaptureQueriesContext(connection) as asked:
        answer = getattr(client, method)(address, said, headers=headers)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    shown = body.decode("utf-8", "replace")
    told = "\n".join(f"{n}: {v}" for n, v in sorted(answer.headers.items()))
    for known in hide:
        shown, told = shown.replace(known, "(asked)"), told.replace(known, "(asked)")
    lines = [line.partition(": ") for line in told.splitlines()]
    kept = tuple((n, v) for n, _colon, v in lines if n not in SAID_EACH_TIME)
    return Tried(answer.status_code, kept, steady(shown), len(asked)), answer


def difference(one: Tried, other: Tried) -> list[str]:
    """The lines that differ, to be read by whoever mends it."""
    before, after = one.body.splitlines(), other.body.splitlines()
    return [line for line in ndiff(before, after) if line[0] in "+-"][:6]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_exists_answers_like_what_does_not(shut: World, name: str) -> None:
    client = stranger(shut, name)
    # A code that somebody holds is the key itself; so a well-formed one that is nobody's is tried.
    for n in TARGETS:
        key, number = shut.ids[n], shut.row(n)["number"]
        there = ways_to_ask(key, number, "2222-2222-2222")
        none = nobodys(shut, key)
        nothing = ways_to_ask(none, NOBODYS_NUMBER, "2222-2222-2222")
        for (method, address, said), (_same, elsewhere, instead) in zip(
            there, nothing, strict=True
        ):
            real, answer = ask(client, method, address, said, (str(key), key.hex, number))
            made_up, _other = ask(
                client, method, elsewhere, instead, (str(none), none.hex, NOBODYS_NUMBER)
            )
            assert difference(real, made_up) == [], (method, address, said)
            assert real == made_up, (method, address, said)
            assert real.status != 200 or "/desk/case/" not in address, address
            told = shut.found_in(f"{real.body} {real.headers}")
            assert not told.everything & set(TARGETS), (method, address)
            if real.status == 302:
                client.get("/desk/grants/")  # what was done is said once
            assert "ETag" not in answer.headers


@pytest.mark.parametrize("name", STRANGERS)
def test_no_header_changes_that(shut: World, name: str) -> None:
    client = stranger(shut, name)
    key = shut.ids[TARGETS[0]]
    for headers in (
        {"hx-request": "true"},
        {"range": "bytes=0-9"},
        {"if-none-match": "*"},
        {"if-modified-since": "Mon, 23 Nov 2026 00:00:00 GMT"},
        {"accept-language": "en"},
        {"accept": "application/json"},
        {"x-requested-with": "XMLHttpRequest"},
        {"x-http-method-override": "DELETE"},
    ):
        for more in ("", "photo/1/", "dispatch-slip.pdf", "move/accept/", "reporter/"):
            said = []
            for each in (key, nobodys(shut, key)):
                address = f"/desk/case/{each}/{more}"
                hide = (str(each), each.hex)
                said.append(ask(client, "get", address, {}, hide, **headers)[0])
            assert said[0] == said[1], (headers, more)
    for more in ("", "photo/1", "move/accept"):
        said = [
            ask(client, "get", f"/desk/case/{each}/{more}".rstrip("/"), {}, (str(each),))[0]
            for each in (key, nobodys(shut, key))
        ]
        assert said[0] == said[1], more


@pytest.mark.parametrize("name", STRANGERS)
def test_no_address_of_the_map_shows_them_a_word(shut: World, name: str) -> None:
    client = stranger(shut, name)
    own = set() if name != "resident" else set(range(20, 60))
    post = None
    if name in POSTS:
        unit, _role = POSTS[name]
        post = unit
    for pattern in ways.ADDRESSES:
        if pattern.startswith(("demonstration/", "map/areas", "api/openapi")):
            continue
        address = "/" + filled(pattern, shut)
        for method in ("get", "head", "post", "options", "delete"):
            answer = getattr(client, method)(address)
            assert answer.status_code < 500 or answer.status_code == 501, (method, address)
            found = shut.found_in_answer(answer, shut.ids[TARGETS[0]])
            assert not found.everything & set(TARGETS), (method, address)
            if post is None:
                assert found.everything <= own, (method, address)


def filled(pattern: str, world: World) -> str:
    """An address of a pattern, with the first target wherever a case is named."""
    blanks = {
        "<uuid:case_id>": str(world.ids[TARGETS[0]]),
        "<uuid:list_id>": str(world.ids[TARGETS[0]]),
        "<uuid:premises_id>": str(world.ids[TARGETS[0]]),
        "<uuid:visit_id>": str(world.ids[TARGETS[0]]),
        "<uuid:account_id>": str(world.people[0].account.pk),
        "<slug:name>.<slug:form>": "dispatch-slip.docx",
        ".<slug:form>": ".pdf",
        "<slug:provider_id>": "city",
        "<slug:step>": "classify",
        "<slug:what>": "secret",
        "<str:code>": "2222-2222-2222",
        "<query_code>": "2222-2222-2222",
        "<str:sha256>": "0" * 64,
        "<int:number>": "1",
        "move/<slug:name>": "move/accept",
        "<slug:name>": "categories",
        "<str:village>": f"{TOWN}201",
        "<slug:sort>": "notice",
        "<uuid:paper>": str(world.ids[TARGETS[0]]),
    }
    for blank, value in blanks.items():
        pattern = pattern.replace(blank, value)
    assert "<" not in pattern, f"{pattern}: say in `filled` what to try"
    return pattern


def test_every_blank_of_the_map_is_filled(world: World) -> None:
    assert all(not re.search("[<>]", filled(pattern, world)) for pattern in ways.ADDRESSES)


@pytest.mark.alone
@pytest.mark.parametrize("name", ["next grid", "neighbour", "complained about"])
def test_the_time_of_an_answer_tells_nothing_either(shut: World, name: str) -> None:
    client = stranger(shut, name)
    key = shut.ids[TARGETS[0]]
    took: dict[UUID, list[float]] = {key: [], nobodys(shut, key): []}
    for _turn in range(60):
        for each, times in took.items():
            began = time.perf_counter()
            client.get(f"/desk/case/{each}/")
            times.append(time.perf_counter() - began)
    real, made_up = (statistics.median(times) for times in took.values())
    assert 0.8 < real / made_up < 1.25
