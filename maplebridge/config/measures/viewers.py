"""How late open pages hear of a move and show it, whether they lose one, and what that costs.

A web process as in service, one worker, and pages that are sockets of their own: they read the
stream, are cut off at random and come back with Last-Event-ID; a board is sent drawn.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maplebridge.config.measures.figures import cut_ms

PROGRAM = "from maplebridge.config.main import main; main()"
PACE = 5.0
CUTS = 3
SETTLE_SECONDS = 4.0
# All of them see every matter of the county.
WATCHING = ("county", "leader", "city")
STEPS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("accept", "town", {}),
    ("file_case", "town", {}),
    ("dispatch", "town", {"unit": "330825-hsc"}),
    ("sign_for", "housing", {}),
)
Key = tuple[str, int]


@dataclass
class Page:
    """One open page: what it heard when, and when it showed it."""

    cookie: str
    port: int
    draws: bool
    heard: Counter[Key] = field(default_factory=Counter)
    heard_at: dict[Key, float] = field(default_factory=dict)
    shown_at: dict[Key, float] = field(default_factory=dict)
    last_id: str = ""
    reloads: int = 0
    failures: int = 0
    _told_at: dict[Key, str] = field(default_factory=dict)
    _writer: asyncio.StreamWriter | None = None

    async def watch(self, ready: asyncio.Semaphore) -> None:
        """Reads the stream for ever; comes back when it is cut."""
        is_ready = False
        while True:
            try:
                async for name, data in self._events():
                    if name == "here" and not is_ready:
                        is_ready = True
                        ready.release()
                    elif name == "reload":
                        self.reloads += 1
                    elif name == "message":
                        self._hear(json.loads(data))
                    elif name == "paint":
                        self._show(json.loads(data))
            except OSError:
                self.failures += 1
            await asyncio.sleep(random.uniform(0.05, 0.3))  # noqa: S311

    def cut(self) -> None:
        """Cuts the stream, as a lift or a tunnel does."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _events(self) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writer = writer
        back = f"Last-Event-ID: {self.last_id}\r\n" if self.last_id else ""
        draws = "?draws=board&area=330825&layout=peace" if self.draws else ""
        asked = (
            f"GET /live/{draws} HTTP/1.1\r\nHost: 127.0.0.1\r\n{back}Cookie: {self.cookie}\r\n\r\n"
        )
        writer.write(asked.encode())
        name, data, last_id = "message", "", ""
        while raw := await reader.readline():
            line = raw.decode().rstrip("\r\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif line.startswith("id: "):
                last_id = line[4:]
            elif not line and data:
                # As browsers do: an id counts once its event is whole.
                self.last_id = last_id or self.last_id
                yield name, data
                name, data, last_id = "message", "", ""

    def _hear(self, said: dict[str, Any]) -> None:
        key = (said["case"], said["sequence"])
        self.heard[key] += 1
        self.heard_at.setdefault(key, time.monotonic())
        self._told_at[key] = self.last_id

    def _show(self, said: dict[str, Any]) -> None:
        """What was told up to the position of a drawn part stands in it."""
        from maplebridge.web.parts.position import Position

        place = Position.read(said["at"])
        if place is None or "board-grid" not in said["html"]:
            self.failures += 1
            return
        for key in list(self._told_at):
            at = Position.read(self._told_at[key])
            if at is not None and at <= place:
                del self._told_at[key]
                self.shown_at.setdefault(key, time.monotonic())


def feed(n: int, clients: int) -> dict[str, float]:
    """Open streams that are cut and come back: lost, doubled, how late, and the server's share.

    n: moves. clients: ten times as many pages.
    """
    return _measured(n, max(20, clients * 25), draws=False, cuts=CUTS)


def board(n: int, clients: int) -> dict[str, float]:
    """Open boards: from the commit of a move until its board has come, on every page."""
    return _measured(n, max(20, clients * 25), draws=True, cuts=0)


def _measured(moves: int, viewers: int, *, draws: bool, cuts: int) -> dict[str, float]:
    with _platform() as (port, server):
        pages = [Page(cookie, port, draws) for cookie in _cookies(viewers)]
        committed: dict[Key, float] = {}
        spent, burnt = asyncio.run(_watched(pages, server, moves, cuts, committed))
    wanted = set(committed)
    lost = sum(len(wanted - set(page.heard)) for page in pages)
    doubled = sum(times - 1 for page in pages for times in page.heard.values() if times > 1)
    times = [
        at[key] - committed[key]
        for page in pages
        for at in [page.shown_at if draws else page.heard_at]
        for key in wanted & set(at)
    ]
    unseen = sum(len(wanted - set(page.shown_at)) for page in pages) if draws else 0
    return {
        "rate": round(len(times) / spent, 1),
        "p50_ms": cut_ms(times, 50),
        "p95_ms": cut_ms(times, 95),
        "p99_ms": cut_ms(times, 99),
        "errors": lost + doubled + unseen,
        "n": len(times),
        "viewers": viewers,
        "moves": len(wanted),
        "lost": lost,
        "doubled": doubled,
        "unseen": unseen,
        "reconnects": cuts * viewers,
        "cpu_share": round(burnt / spent, 3),
    }


@contextmanager
def _platform() -> Iterator[tuple[int, int]]:
    """A web process on a free port and a worker, over the database at hand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
    granian = [sys.executable, "-m", "granian", "maplebridge.config.asgi:application"]
    granian += ["--interface", "asgi", "--port", str(port), "--no-ws", "--log-level", "error"]
    web = subprocess.Popen(granian, env=environment)  # noqa: S603
    worker = subprocess.Popen([sys.executable, "-c", PROGRAM, "worker"], env=environment)  # noqa: S603
    try:
        for _try in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        else:
            raise TimeoutError("the server does not answer")
        yield port, web.pid
    finally:
        worker.terminate()
        web.terminate()
        worker.wait()
        web.wait()


def _cookies(viewers: int) -> list[str]:
    """Sessions of those who command the county, taking turns."""
    from django.test import Client

    from maplebridge.organisation.models import Account

    accounts = [Account.objects.get(username=name) for name in WATCHING]
    cookies = []
    for number in range(viewers):
        client = Client()
        client.force_login(accounts[number % len(accounts)])
        cookies.append(f"sessionid={client.cookies['sessionid'].value}")
    return cookies


async def _watched(
    pages: list[Page], server: int, moves: int, cuts: int, committed: dict[Key, float]
) -> tuple[float, float]:
    ready = asyncio.Semaphore(0)
    watching = [asyncio.create_task(page.watch(ready)) for page in pages]
    for _page in pages:
        await ready.acquire()
    begun, before = time.monotonic(), _burnt(server)
    moving = threading.Thread(target=_move, args=(moves, committed))
    moving.start()
    seconds = moves / PACE
    cutting = [asyncio.create_task(_cut(page, cuts, seconds)) for page in pages]
    while moving.is_alive():
        await asyncio.sleep(0.1)
    await asyncio.gather(*cutting)
    spent, burnt = time.monotonic() - begun, _burnt(server) - before
    await asyncio.sleep(SETTLE_SECONDS)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return spent, burnt


async def _cut(page: Page, cuts: int, seconds: float) -> None:
    for at in sorted(random.uniform(0, seconds) for _cut in range(cuts)):  # noqa: S311
        await asyncio.sleep(at / max(cuts, 1))
        page.cut()


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


def _move(moves: int, committed: dict[Key, float]) -> None:
    """Made-up matters on their straight way, PACE moves a second."""
    from django.db import connections

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
    begun, made, mark = time.monotonic(), 0, f"{time.time_ns()}"

    def note(case: str, sequence: int) -> bool:
        nonlocal made
        committed[case, sequence] = time.monotonic()
        made += 1
        time.sleep(max(0.0, begun + made / PACE - time.monotonic()))
        return made < moves

    try:
        for number in range(moves):
            opened = engine.open(
                engine.Opening(
                    kind="matter", channel="web", account="bench", key=f"bench {mark} {number}",
                    area_code=TOWN, unit_code=f"{TOWN}-room", words={"text": "村口下水道堵了"},
                )
            )  # fmt: skip
            case = str(opened.case_id)
            if not note(case, 1):
                return
            way = [("triage", SYSTEM, sorted_as)]
            way += [(name, cast[who], facts) for name, who, facts in STEPS]
            for name, actor, facts in way:
                event = engine.move(opened.case_id, name, actor, key=f"bench {name}", facts=facts)
                if not note(case, event.sequence):
                    return
    finally:
        connections.close_all()
