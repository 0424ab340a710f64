"""Drills: the running platform is hurt on purpose while people report, and then counted."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

# What is struck, by a word of its command line.
PARTS = {"web": "granian", "worker": " worker", "database": "postgres"}
START_SECONDS = 120
# A device gives up a report only when nothing has answered for this long.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.2
ROUTED_WITHIN_SECONDS = 120


class DrillFailed(Exception):
    """The drill could not be carried out; its text says why."""


@dataclass
class Sent:
    """What the reporters were told: key to query code, and how often anything was refused."""

    receipts: dict[str, str] = field(default_factory=dict)
    retries: int = 0
    given_up: int = 0


class Platform:
    """`maplebridge up` as a process of its own, on a state folder of its own."""

    def __init__(self, state: Path, say: Callable[[str], None]) -> None:
        own = ("DATABASE_", "MAPLEBRIDGE_", "DJANGO_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        environment["MAPLEBRIDGE_STATE"] = str(state)
        self.state = state
        self._said = state.parent / "platform.txt"
        program = "from maplebridge.config.main import main; main()"
        with self._said.open("w") as output:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", program, "up"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        say("Starting the platform to be struck")
        self.port = self._announced()

    def _announced(self) -> int:
        for _try in range(START_SECONDS * 10):
            found = re.search(r"Maplebridge is at\s+http://[^:]+:(\d+)/", self._said.read_text())
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.stop()
        raise DrillFailed(f"The platform did not start: {self._said.read_text()[-2000:]}")

    def processes(self) -> dict[int, str]:
        """The platform's own processes with their command lines."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                if (
                    str(self.state) in line
                    or str(self.state).encode() in (folder / "environ").read_bytes()
                ):
                    found[int(folder.name)] = line
        found.pop(self.process.pid, None)
        return found

    def strike(self, part: str) -> int:
        """kill -9 of every process of a part; returns how many."""
        struck = [pid for pid, line in self.processes().items() if PARTS[part] in line]
        for pid in struck:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(struck)

    def stop(self) -> None:
        """Ctrl-C, and the end waited for."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(60)


@contextlib.contextmanager
def platform(state: Path, say: Callable[[str], None]) -> Iterator[Platform]:
    """A running platform, stopped at the end."""
    running = Platform(state, say)
    try:
        yield running
    finally:
        running.stop()


def kill(
    state: Path, strikes: int, clients: int, pause_seconds: float, say: Callable[[str], None]
) -> dict[str, float]:
    """kill -9 of web, worker and database in turn while reports come in.

    Each of the clients sends one report after another, each until it is acknowledged and always
    with the same key, as a device does; every third acknowledged one is sent again.
    Returns acknowledged, lost (acknowledged and not there), doubled (there more than once),
    wrong_clocks (open cases whose due time a fresh count does not give), unrouted, retries,
    strikes and seconds. Raises DrillFailed.
    """
    begun = time.monotonic()
    sent = Sent()
    with platform(state, say) as running:
        stopping = threading.Event()
        with ThreadPoolExecutor(clients) as pool:
            futures = [
                pool.submit(_report, running.port, number, sent, stopping)
                for number in range(clients)
            ]
            try:
                for number in range(strikes):
                    part = list(PARTS)[number % len(PARTS)]
                    time.sleep(pause_seconds)
                    struck = running.strike(part)
                    say(f"Strike {number + 1} of {strikes}: {part}, {struck} processes")
                time.sleep(pause_seconds)
            finally:
                stopping.set()
            for future in futures:
                future.result()
        say(f"{len(sent.receipts)} reports acknowledged; counting")
    found = _counted(state, sent)
    return {
        "acknowledged": len(sent.receipts),
        **found,
        "retries": sent.retries,
        "given_up": sent.given_up,
        "strikes": strikes,
        "seconds": round(time.monotonic() - begun, 1),
    }


def _report(port: int, client: int, sent: Sent, stopping: threading.Event) -> None:
    """One device: reports until told to stop."""
    number = 0
    while not stopping.is_set():
        number += 1
        key = f"drill-{client}-{uuid.uuid4()}"
        text = f"龙游县社阳乡社阳村村口下水道堵了，第{client}处第{number}次。"
        code = _acknowledged(port, key, text, sent)
        if code is None:
            sent.given_up += 1
            continue
        sent.receipts[key] = code
        if number % 3 == 0 and _acknowledged(port, key, text, sent) not in (code, None):
            raise DrillFailed(f"the key {key} was given two receipts")


def _acknowledged(port: int, key: str, text: str, sent: Sent) -> str | None:
    """Sends a report until it is acknowledged; None when nothing answered for a minute."""
    body = json.dumps({"text": text, "key": key})
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(
                "POST", "/api/v1/reports", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            if answer.status in (200, 201):
                return str(json.loads(said)["query_code"])
            if answer.status < 500:
                raise DrillFailed(f"a report was answered {answer.status}: {said[:300]!r}")
        except (OSError, http.client.HTTPException, ValueError):
            pass
        sent.retries += 1
        time.sleep(PAUSE_SECONDS)
    return None


def _counted(state: Path, sent: Sent) -> dict[str, float]:
    """What is there after the drill, counted by a process of its own on the same state."""
    receipts = state.parent / "receipts.json"
    receipts.write_text(json.dumps(sorted(sent.receipts.values())))
    program = (
        "import json,sys; from maplebridge.config.drills import count_here; "
        "print(json.dumps(count_here(sys.argv[1])))"
    )
    own = ("DATABASE_", "MAPLEBRIDGE_", "DJANGO_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    environment |= {"MAPLEBRIDGE_STATE": str(state), "MAPLEBRIDGE_DEMONSTRATION": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, str(receipts)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise DrillFailed("What is left could not be counted; its messages are above.")
    found: dict[str, float] = json.loads(done.stdout.decode().splitlines()[-1])
    return found


def count_here(file: str) -> dict[str, int]:
    """Counts lost and doubled reports and wrong clocks in the database of this state folder.

    file: JSON list of the query codes that were given as receipts.
    """
    from maplebridge.config.main import running_database

    with running_database():
        from django.db.models import Count

        from maplebridge.cases import deadlines
        from maplebridge.cases.models import Case, Event
        from maplebridge.config.worker import carry_out_all

        codes = set(json.loads(Path(file).read_text()))
        deadline = time.monotonic() + ROUTED_WITHIN_SECONDS
        reported = Case.objects.filter(channel="api")
        # A killed worker's buckets are free only when its lease has ended.
        while time.monotonic() < deadline:
            carry_out_all("drill")
            if not reported.filter(sequence=1).exists():
                break
            time.sleep(PAUSE_SECONDS)
        by_code = dict(
            reported.values_list("query_code")
            .annotate(n=Count("id"))
            .values_list("query_code", "n")
        )
        wrong = unrouted = 0
        for case in reported.iterator():
            events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
            clock = deadlines.next_due(deadlines.clocks_of(case, events))
            wrong += case.due_at != (clock.due_at if clock and not case.ended else None)
            unrouted += all(event.move != "triage" for event in events)
        words = [case.pk for case in reported]
        texts = _texts_of(words)
        return {
            "lost": len(codes - set(by_code)),
            # One matter told once must be one case, also by its words.
            "doubled": sum(n - 1 for n in by_code.values()) + len(texts) - len(set(texts)),
            "wrong_clocks": wrong,
            "unrouted": unrouted,
        }


def _texts_of(cases: list[UUID]) -> list[str]:
    from maplebridge.cases.models import Payload

    rows = Payload.objects.filter(case_id__in=cases, sequence=1, part="words")
    return [
        str((content or {}).get("text", "")) for content in rows.values_list("content", flat=True)
    ]
