"""Measures live pages: how late 200 open pages are told of a move, and what the server burns.

    .venv/bin/python benchmarks/live_viewers.py [--viewers 200] [--seconds 30] [--pace 5] [--json]

A fresh database, a server as `maplebridge up` starts it, one worker, and desks of every scope, each
with a session and a socket of its own. Cases are moved at a steady pace. Lateness is from the
commit of a move until its message has arrived; the pages' fetching of what changed is not in it.
The share of a core is that of the server's process alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PORT = 8477
PROGRAM = "from maplebridge.config.main import main; main()"
STEPS = (
    ("accept", "town", {}),
    ("file_case", "town", {}),
    ("dispatch", "town", {"unit": "330825-hsc"}),
    ("sign_for", "housing", {}),
)


def main() -> None:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=200, help="open pages")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long cases are moved")
    parser.add_argument("--pace", type=float, default=5.0, help="moves per second")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maplebridge-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["MAPLEBRIDGE_STATE"] = folder
        os.environ["MAPLEBRIDGE_DEMONSTRATION"] = "1"
        from maplebridge.config.main import running_database

        with running_database(town=True):
            figures = _measure(asked.viewers, asked.seconds, asked.pace)
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    if asked.json:
        print(json.dumps(figures))


def _measure(viewers: int, seconds: float, pace: float) -> dict[str, Any]:
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
    granian = [sys.executable, "-m", "granian", "maplebridge.config.asgi:application"]
    granian += ["--interface", "asgi", "--port", str(PORT), "--no-ws", "--log-level", "error"]
    web = subprocess.Popen(granian, env=environment)  # noqa: S603
    worker = subprocess.Popen([sys.executable, "-c", PROGRAM, "worker"], env=environment)  # noqa: S603
    try:
        _answers()
        return asyncio.run(_watched(web.pid, _cookies(viewers), seconds, pace))
    finally:
        worker.terminate()
        web.terminate()
        worker.wait()
        web.wait()


def _answers() -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/live/", timeout=2)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server does not answer")


def _cookies(viewers: int) -> list[str]:
    """Sessions of the cast, taking turns."""
    from django.test import Client

    from maplebridge.organisation.models import Account

    accounts = list(Account.objects.filter(synthetic=True).order_by("username"))
    cookies = []
    for number in range(viewers):
        client = Client()
        client.force_login(accounts[number % len(accounts)])
        cookies.append(f"sessionid={client.cookies['sessionid'].value}")
    return cookies


async def _watched(server: int, cookies: list[str], seconds: float, pace: float) -> dict[str, Any]:
    arrived: list[tuple[str, int, float]] = []
    ready = asyncio.Semaphore(0)
    watching = [asyncio.create_task(_watch(cookie, arrived, ready)) for cookie in cookies]
    begun = time.monotonic()
    for _ in cookies:
        await ready.acquire()
    entered = time.monotonic() - begun
    committed: dict[tuple[str, int], float] = {}
    # First nothing happens: what open pages alone cost.
    idle_from, idle_begun = _burnt(server), time.monotonic()
    await asyncio.sleep(5)
    idle = (_burnt(server) - idle_from) / (time.monotonic() - idle_begun)
    before, begun = _burnt(server), time.monotonic()
    moving = threading.Thread(target=_move, args=(seconds, pace, committed))
    moving.start()
    while moving.is_alive():
        await asyncio.sleep(0.1)
    spent = time.monotonic() - begun
    burnt = _burnt(server) - before
    await asyncio.sleep(3)
    for task in watching:
        task.cancel()
    late = sorted(
        at - committed[case, sequence]
        for case, sequence, at in arrived
        if (case, sequence) in committed
    )
    told = [(case, sequence) for case, sequence, _at in arrived]
    return {
        "viewers": len(cookies),
        "seconds_until_all_were_in": round(entered, 2),
        "moves": len(committed),
        "moves_per_second": round(len(committed) / spent, 1),
        "messages": len(late),
        "messages_per_second": round(len(late) / spent),
        "moves_seen_by_somebody": len(set(told) & set(committed)),
        "late_p50_ms": round(late[len(late) // 2] * 1000, 1),
        "late_p95_ms": round(late[int(len(late) * 0.95)] * 1000, 1),
        "late_p99_ms": round(late[int(len(late) * 0.99)] * 1000, 1),
        "late_most_ms": round(late[-1] * 1000, 1),
        "core_share_idle": round(idle, 3),
        "core_share_moving": round(burnt / spent, 3),
    }


def _burnt(server: int) -> float:
    """Processor seconds of the server and the process that it started."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(folder.name) == server or int(fields[1]) == server:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def _watch(cookie: str, arrived: list[tuple[str, int, float]], ready: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode())
    assert b" 200 " in await reader.readline()
    is_ready = False
    while line := await reader.readline():
        if line.startswith(b'data: {"case"') and b"sequence" in line:
            said = json.loads(line[6:])
            arrived.append((said["case"], said["sequence"], time.monotonic()))
        elif line.startswith(b"event: here") and not is_ready:
            is_ready = True
            ready.release()


def _move(seconds: float, pace: float, committed: dict[tuple[str, int], float]) -> None:
    from maplebridge.cases import engine
    from maplebridge.config.demonstration import COUNTY, TOWN, VILLAGE
    from maplebridge.lib import clock
    from maplebridge.organisation.models import Account, actors_for
    from maplebridge.organisation.people import SYSTEM

    day = clock.local_day(clock.now())
    cast = {a.username: actors_for(a, day)[0] for a in Account.objects.filter(synthetic=True)}
    sorted_as = {
        "area_code": VILLAGE, "category": "1004", "line": "HSC", "sla_class": "S4",
        "confidentiality": "C0", "suggested_unit": f"{COUNTY}-hsc",
    }  # fmt: skip
    begun = time.monotonic()
    moves = 0

    def in_time() -> bool:
        nonlocal moves
        moves += 1
        time.sleep(max(0.0, begun + moves / pace - time.monotonic()))
        return time.monotonic() < begun + seconds

    for number in range(100_000):
        opened = engine.open(
            engine.Opening(
                kind="matter", channel="web", account="bench", key=f"bench {number}",
                area_code=TOWN, unit_code=f"{TOWN}-room", words={"text": "村口下水道堵了"},
            )
        )  # fmt: skip
        case = str(opened.case_id)
        committed[case, 1] = time.monotonic()
        if not in_time():
            return
        event = engine.move(opened.case_id, "triage", SYSTEM, key="bench triage", facts=sorted_as)
        committed[case, event.sequence] = time.monotonic()
        for name, who, facts in STEPS:
            if not in_time():
                return
            event = engine.move(opened.case_id, name, cast[who], key=f"bench {name}", facts=facts)
            committed[case, event.sequence] = time.monotonic()


if __name__ == "__main__":
    main()
