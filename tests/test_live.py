"""Live pages over real sockets: nothing lost, nothing told to whom it does not concern."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from maplebridge.cases import feed
from maplebridge.cases.models import Case, Event, Feed
from maplebridge.organisation.models import Account, Holding
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.web.live import hub as hubs
from maplebridge.web.live import viewers
from maplebridge.web.parts import position
from maplebridge.web.parts.models import Session
from maplebridge.web.parts.sessions import end_sessions
from tests.live import LiveServer, Page, live_server, session_of, until

SCOPES = ("town", "village", "county", "housing", "grid", "utility")
STEPS = (
    ("accept", "town", {}),
    ("file_case", "town", {}),
    ("dispatch", "town", {"unit": "330825-hsc"}),
    ("sign_for", "housing", {}),
    ("feedback", "housing", {"result": "已疏通"}),
)  # fmt: skip


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[LiveServer]:
    with live_server() as server:
        yield server


@pytest.fixture
def server(running: LiveServer, committed_town: Any) -> Iterator[LiveServer]:
    """One server for all tests, over the committed database of the town."""
    yield running
    Session.objects.all().delete()


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs it on a loop of its own thread: the browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


def cookie(name: str) -> str:
    return session_of(Account.objects.get(username=name))


def visible(actor: Actor) -> set[tuple[str, int]]:
    """Every event of every case that an actor sees."""
    cases = Case.objects.visible_to(actor).values_list("pk", flat=True)
    events = Event.objects.filter(case_id__in=list(cases))
    return {(str(e.case_id), e.sequence) for e in events}


def end_connections() -> int:
    """Ends every connection of the server to the database, and says how many they were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


def in_order(told: list[tuple[str, int]], before: int = 0) -> bool:
    last: dict[str, int] = {}
    for case, sequence in told:
        if sequence != last.get(case, before) + 1:
            return False
        last[case] = sequence
    return True


def sorted_cases(town: Any) -> list[UUID]:
    """Twelve each: open to all, for the offices only, confidential, and of the town at large."""
    cases = []
    for number in range(48):
        case_id = town.report(f"第{number}件").case_id
        area = town.village_code if number % 4 else town.town_code
        town.triage(case_id, confidentiality=f"C{number % 3}", area_code=area)
        cases.append(case_id)
    return cases


def make_moves(town: Any, cases: list[UUID], before_each: Callable[[int], None]) -> int:
    """Walks cases through each other in a seeded disorder, each where its sight stays the same.

    A confidential one is not given on: the room that gave it would see it no more.
    """
    draw = random.Random(20190711)
    left = [
        (case_id, list(STEPS[:2] if number % 3 == 2 else STEPS))
        for number, case_id in enumerate(cases)
    ]
    made = 0
    while left:
        before_each(made)
        chosen = draw.choice(left[:8])
        name, actor, facts = chosen[1].pop(0)
        town.move(chosen[0], name, getattr(town, actor), facts)
        made += 1
        if not chosen[1]:
            left.remove(chosen)
    return made


def test_nothing_is_lost_to_a_page_that_was_cut_off_over_two_hundred_moves(
    server: LiveServer, committed_town: Any
) -> None:
    town = committed_town
    cases = sorted_cases(town)
    start = f"after={position.here()}"
    pages = {name: Page(server.port, cookie(name), start).open() for name in SCOPES}
    away = Page(server.port, cookie("town"), start).open()
    struck: list[int] = []

    def interrupt(number: int) -> None:
        if number == 40:
            away.cut()
        elif number == 90:
            struck.append(end_connections())

    assert make_moves(town, cases, interrupt) == 192
    # The one that listens, and mostly the one that reads, unless it has just been given back.
    assert struck[0] >= 1
    assert len(away.told) <= 40
    away.open()
    sizes = set()
    for name, page in [*pages.items(), ("town", away)]:
        expected = {told for told in visible(getattr(town, name)) if told[1] > 2}
        assert until(lambda page=page, expected=expected: set(page.told) >= expected), name
        assert set(page.told) == expected, name
        assert in_order(page.told, 2), name
        # Nothing came twice either, although it might.
        assert len(page.events) == len(page.told)
        sizes.add(len(expected))
    assert len(sizes) >= 4


def test_a_page_comes_back_after_kill_9_of_the_server_and_misses_nothing(
    server: LiveServer, committed_town: Any
) -> None:
    town = committed_town
    page = Page(server.port, cookie("town")).open()
    first = town.opened("filed")
    assert until(lambda: set(page.told) == visible(town.town))
    server.kill()
    second = town.opened("handling")
    town.move(first.pk, "dispatch", town.town, {"unit": "330825-hsc"})
    server.again()
    page.open()
    assert until(lambda: set(page.told) >= visible(town.town))
    assert set(page.told) == visible(town.town)
    assert in_order(page.told)
    assert (str(second.pk), 6) in page.told
    assert len(page.events) == len(page.told)


def test_a_server_that_is_told_to_stop_waits_for_no_open_page(committed_town: Any) -> None:
    with live_server() as server:
        page = Page(server.port, cookie("town")).open()
        assert server.stop() < 3
        page.cut()
    Session.objects.all().delete()


def test_a_stranger_and_a_visitor_are_told_nothing(server: LiveServer, committed_town: Any) -> None:
    town = committed_town
    clerk = Account.objects.create(username="next-door", display_name="外乡人")
    visitor = Page(server.port).open()
    nobody = Page(server.port, session_of(clerk)).open()
    wrong_code = Page(server.port, query="code=0000-0000-0000").open()
    case = town.opened("accepted")
    seen = Page(server.port, cookie("town"), f"after={position.Position(3)}").open()
    assert (visitor.status, nobody.status, wrong_code.status) == (403, 403, 403)
    assert until(lambda: (str(case.pk), 3) in seen.told)
    assert visitor.told == nobody.told == wrong_code.told == []
    assert Client().get("/live/since/").status_code == 403
    assert Client().get("/live/since/?code=0000-0000-0000").status_code == 403
    clerk.delete()


def test_a_reporter_is_told_of_the_own_case_only(server: LiveServer, committed_town: Any) -> None:
    town = committed_town
    mine, other = town.opened(), town.opened()
    page = Page(server.port, query=f"code={mine.query_code}&after={position.here()}").open()
    town.walk_from(other.pk, "reported", "filed")
    town.move(mine.pk, "accept", town.town)
    assert until(lambda: page.events != [])
    assert page.events == [{"case": str(mine.pk), "sequence": 3}]


def test_a_message_holds_no_word_of_the_case(server: LiveServer, committed_town: Any) -> None:
    page = Page(server.port, cookie("town")).open()
    case = committed_town.opened()
    assert until(lambda: len(page.events) == 2)
    assert page.events[1] == {
        "case": str(case.pk), "sequence": 2, "state": "reported", "unit": case.unit_code,
    }  # fmt: skip


def test_a_case_that_goes_out_of_sight_is_told_as_gone_once(
    server: LiveServer, committed_town: Any
) -> None:
    town = committed_town
    case = town.opened()
    hidden = town.report(area_code="330802", unit_code="330802-center").case_id
    query = f"after={position.here()}&rows={case.pk},{hidden}"
    page = Page(server.port, cookie("village"), query).open()
    # Another's case among the rows is told as gone like one that does not exist.
    assert page.gone == [str(hidden)]
    town.triage(case.pk, confidentiality="C2")
    assert until(lambda: len(page.gone) == 2)
    assert page.gone == [str(hidden), str(case.pk)]
    assert page.told == []


@pytest.mark.django_db
def test_a_page_that_was_away_too_long_is_asked_to_look_anew(
    town: Any, monkeypatch: Any, client: Client
) -> None:
    monkeypatch.setattr(viewers, "MOST_REPLAYED", 3)
    client.force_login(Account.objects.get(username="town"))
    assert client.get(f"/live/since/?after={position.Position(10**15)}").json()["reload"] is True
    answer = client.get("/live/since/").json()
    assert (answer["events"], answer["gone"], answer["reload"]) == ([], [], False)


def test_asking_from_time_to_time_tells_the_same(committed_town: Any, client: Client) -> None:
    town = committed_town
    client.force_login(Account.objects.get(username="town"))
    start = client.get("/live/since/").json()["here"]
    case = town.opened("filed")
    said = client.get(f"/live/since/?after={start}").json()
    told = [(e["case"], e["sequence"]) for e in said["events"]]
    assert told == [(str(case.pk), n) for n in range(1, 5)]
    assert client.get(f"/live/since/?after={said['here']}").json()["events"] == []
    Session.objects.all().delete()


def test_news_of_many_buckets_come_in_one_order_and_whole(
    committed_town: Any, monkeypatch: Any
) -> None:
    """Also where a bucket holds more than one reading takes."""
    monkeypatch.setattr(position, "MOST_IN_A_BUCKET", 2)
    for _ in range(3):
        committed_town.opened("handling")
    at, told = position.Position(3), []
    while True:
        news, reached = position.news_after(at)
        if reached == at:
            break
        told += [(one.case_id, one.sequence) for one in news]
        at = reached
    assert len(told) == len(set(told)) == Feed.objects.count() == 18
    assert told == [
        (row.case_id, row.sequence) for row in Feed.objects.order_by("txid", "case_id", "sequence")
    ]


@pytest.mark.parametrize(
    "said", ["", "-", "1-2-3", "x-" + "0" * 32 + "-1", "9" * 20 + "-" + "0" * 32 + "-1"]
)
def test_a_position_that_is_none_is_none(said: str) -> None:
    assert position.Position.read(said) is None
    whole = position.Position(7, feed.NIL, 3)
    assert position.Position.read(str(whole)) == whole


def test_a_post_that_ended_ends_the_stream_at_the_next_look(committed_town: Any) -> None:
    account = Account.objects.get(username="town")
    shown = viewers.Ticket(session_of(account).partition("=")[2])
    held = Holding.objects.filter(account=account)
    before = list(held.values_list("pk", "ends"))

    async def looked_at() -> tuple[bool, bool]:
        hub = hubs.Hub()
        reader = await hub.enter(shown)
        assert reader is not None
        await hub.recheck()
        still = not reader.ended
        await hub._in_entry(held.update, ends=F("begins"))
        await hub.recheck()
        return still, reader.ended

    try:
        assert run_apart(looked_at()) == (True, True)
    finally:
        for pk, ends in before:
            Holding.objects.filter(pk=pk).update(ends=ends)
        Session.objects.all().delete()


def test_a_session_that_is_ended_elsewhere_ends_its_stream(committed_town: Any) -> None:
    account = Account.objects.get(username="town")
    client = Client()
    client.force_login(account)
    client.get("/desk/")
    shown = viewers.Ticket(client.session.session_key or "")

    async def looked_at() -> tuple[bool, bool]:
        hub = hubs.Hub()
        reader = await hub.enter(shown)
        assert reader is not None
        await hub.recheck()
        still = not reader.ended
        await hub._in_entry(end_sessions, account.pk)
        await hub.recheck()
        return still, reader.ended

    try:
        assert run_apart(looked_at()) == (True, True)
        assert hubs.RECHECK_SECONDS <= 60
    finally:
        Session.objects.all().delete()


def test_a_reader_that_is_too_slow_is_cut_off_with_nothing_left_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(hubs, "MOST_WAITING", 3)

    async def fill() -> list[bytes | None]:
        reader = hubs.Reader(viewers.Ticket(), viewers.Viewer(SYSTEM))
        for number in range(5):
            reader.put(str(number).encode())
        return [reader.waiting.get_nowait() for _ in range(reader.waiting.qsize())]

    # Nothing that was waiting is sent after a gap: the page comes back with its last id.
    assert run_apart(fill()) == [None]
