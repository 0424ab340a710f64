"""How many reports a second are taken in, routed and moved, and how soon."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from maplebridge.config.measures.figures import Times, cut_ms, timed
from maplebridge.config.measures.made_up import place_names, texts

ROUNDS = 3
# How much of what a worker can carry out in a burst it is then given steadily.
STEADY_SHARE = 0.7
ROUTED_WITHIN_SECONDS = 180


@contextlib.contextmanager
def served() -> Iterator[int]:
    """The web server as `maplebridge up` runs it, on a free port of loopback; yields the port."""
    from maplebridge.config.commands.up import web_server

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
    process = subprocess.Popen(  # noqa: S603
        web_server("127.0.0.1", port), env=environment, stdin=subprocess.DEVNULL
    )
    try:
        for _try in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def intake(n: int, clients: int) -> dict[str, float]:
    """Reports over HTTP, and what the same database commits of the same rows, in turns."""
    said = list(texts(n, place_names()))
    http, alone = Times(), Times()
    with served() as port:
        _post(port, said[:20], clients)
        for number in range(ROUNDS):
            chunk = said[number::ROUNDS]
            for found, act in ((http, _post), (alone, _commit)):
                times = act(port, chunk, clients)
                found.spent += times.spent
                found.errors += times.errors
                found.wall += times.wall
    return {
        **http.figures(),
        "clients": clients,
        "limit": round(alone.rate, 1),
        "share_of_limit": round(http.rate / alone.rate, 3) if alone.rate else 0.0,
    }


def _post(port: int, said: list[str], clients: int) -> Times:
    """Each text as a report over one kept connection a client."""
    kept = threading.local()

    def one(text: str) -> None:
        if not hasattr(kept, "connection"):
            kept.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = json.dumps({"text": text, "key": f"bench-{uuid.uuid4()}"})
        try:
            kept.connection.request(
                "POST", "/api/v1/reports", body, {"Content-Type": "application/json"}
            )
            answer = kept.connection.getresponse()
            answer.read()
        except OSError:
            kept.connection.close()
            raise
        if answer.status != http.client.CREATED:
            raise RuntimeError(f"answered {answer.status}")

    return timed(one, said, clients)


def _commit(_port: int, said: list[str], clients: int) -> Times:
    """The opening statement alone, its rows made beforehand, a commit each."""
    import psycopg

    from maplebridge.cases import engine
    from maplebridge.cases.statements import OPEN_CASES
    from maplebridge.journey.intake import Report, read_report

    rows = [
        json.dumps(engine.rows_of([read_report(Report("bench", "limit", str(uuid.uuid4()), text))]))
        for text in said
    ]
    free: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
    for _client in range(clients):
        free.put(psycopg.connect(os.environ["DATABASE_APP_URL"], autocommit=True))

    def one(row: str) -> None:
        connection = free.get()
        try:
            connection.execute(OPEN_CASES, [row])
        finally:
            free.put(connection)

    try:
        return timed(one, rows, clients)
    finally:
        for _client in range(clients):
            free.get().close()


def journey(n: int, clients: int) -> dict[str, float]:
    """Reports until routed by one worker: first a burst, then steadily at a share of its rate."""
    program = "from maplebridge.config.main import main; main()"
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
    said = list(texts(n, place_names()))
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", program, "worker"], env=environment, stdin=subprocess.DEVNULL
    )
    try:
        _routed(_taken_in(said[:10], 1))  # until the worker is up and warm
        begun = time.perf_counter()
        cases = _taken_in(said, clients)
        burst, lost = _routed(cases)
        burst_rate = len(burst) / (time.perf_counter() - begun)
        pace = STEADY_SHARE * burst_rate
        begun = time.perf_counter()
        cases = _taken_in(said, 1, pause=1 / pace)
        rate = len(cases) / (time.perf_counter() - begun)
        steady, missed = _routed(cases)
    finally:
        process.terminate()
        process.wait(30)
    return {
        "rate": round(rate, 1),
        "routed_p50_s": round(cut_ms(steady, 50) / 1000, 3),
        "routed_p95_s": round(cut_ms(steady, 95) / 1000, 3),
        "errors": lost + missed,
        "n": len(burst) + len(steady),
        "burst_rate": round(burst_rate, 1),
        "clients": clients,
    }


def _taken_in(said: list[str], clients: int, pause: float = 0.0) -> list[UUID]:
    """Takes reports in; with a pause one is begun every so many seconds, however long it takes."""
    from django.db import connection

    from maplebridge.journey.intake import Report, take_in

    cases: list[UUID] = []
    begun = time.perf_counter()

    def one(asked: tuple[int, str]) -> None:
        number, text = asked
        time.sleep(max(0.0, begun + number * pause - time.perf_counter()) if pause else 0.0)
        cases.append(take_in(Report("bench", "bench", f"{uuid.uuid4()}", text)).case_id)
        connection.close()  # back into the pool, as at the end of a request

    timed(one, list(enumerate(said)), clients)
    return cases


def _routed(cases: list[UUID]) -> tuple[list[float], int]:
    """Seconds from each report to its routing, by the events; and how many never were."""
    from maplebridge.cases.models import Event

    deadline = time.monotonic() + ROUTED_WITHIN_SECONDS
    events = Event.objects.filter(case_id__in=cases)
    while events.filter(move="triage").count() < len(cases) and time.monotonic() < deadline:
        time.sleep(0.05)
    times: dict[UUID, dict[str, dt.datetime]] = {}
    for case_id, move, at in events.values_list("case_id", "move", "at"):
        times.setdefault(case_id, {})[move] = at
    spent = [(t["triage"] - t["report"]).total_seconds() for t in times.values() if "triage" in t]
    return spent, len(cases) - len(spent)


def move(n: int, clients: int) -> dict[str, float]:
    """Moves of the desk on the straight way from accepted to closed, each timed."""
    from django.db import connection

    from maplebridge.cases import engine
    from maplebridge.config.demonstration import COUNTY, VILLAGE
    from maplebridge.journey.advance import advance
    from maplebridge.organisation.models import Account, actors_for

    def actor(login: str) -> Any:
        return actors_for(Account.objects.get(username=login), dt.date.today())[0]  # noqa: DTZ011

    town, housing, village = actor("town"), actor("housing"), actor("village")
    way: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("overrule", town, {"area_code": VILLAGE, "category": "1004", "step": "locate"}),
        ("accept", town, {}),
        ("file_case", town, {}),
        ("dispatch", town, {"unit": f"{COUNTY}-hsc"}),
        ("sign_for", housing, {}),
        ("feedback", housing, {"result": "已疏通管道"}),
        ("verify_pass", village, {}),
        ("close", town, {"reply": "已疏通，请您查看"}),
    )
    rounds = max(1, n // len(way))
    cases = []
    for text in texts(rounds, ["龙游县社阳乡社阳村"]):
        found = _taken_in([text], 1)
        advance(found[0])
        cases.append(found[0])
    spent = Times()
    lock = threading.Lock()

    def walk(case_id: UUID) -> None:
        for name, who, facts in way:
            begun = time.perf_counter()
            try:
                engine.move(case_id, name, who, key=f"bench-{name}", facts=facts)
            except (engine.Refused, engine.FactsError):
                with lock:
                    spent.errors += 1
                continue
            with lock:
                spent.spent.append(time.perf_counter() - begun)
        connection.close()

    spent.wall = timed(walk, cases, clients).wall
    return {**spent.figures(), "clients": clients}
