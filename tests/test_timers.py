"""Timer workers as real processes: exactly once and in time, killed fifty times and in a storm."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count, Sum

from maplebridge.cases import engine, timers
from maplebridge.cases.grades import Rung
from maplebridge.cases.models import Alarm, Case, Digest, Timer
from maplebridge.lib import ids
from maplebridge.lib.clock import now

ROOM, COUNTY, HOUSING = "330825209-room", "330825-center", "330825-hsc"
MOST_SECONDS_LATE = 5.0
SECOND = dt.timedelta(seconds=1)

# A parent that has loaded everything and is connected to nothing forks the workers, so that a
# killed one is back in a few milliseconds; each goes by the clock as `maplebridge worker` does.
WORKERS = """
import os, sys, threading
import django
django.setup()
from maplebridge.cases import timers
from maplebridge.cases import wall
from maplebridge.config import worker

wall.open_process()
import datetime as dt
timers.GUARD = dt.timedelta(seconds=float(sys.argv[2]))

def start():
    pid = os.fork()
    if pid == 0:
        threads = [
            threading.Thread(target=worker._by_the_clock, args=(name, act, lambda: False))
            for name, act in worker.BY_THE_CLOCK.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(pid, flush=True)

for _ in range(int(sys.argv[1])):
    start()
while True:
    os.wait()
    start()
"""


class Workers:
    """Forked workers; `kill` ends the oldest by force, and another takes its place."""

    def __init__(self, number: int, guard_seconds: float = 60) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKERS, str(number), str(guard_seconds)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pids = [self._next_pid() for _n in range(number)]

    def _next_pid(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def kill(self) -> None:
        os.kill(self.pids.pop(0), signal.SIGKILL)
        self.pids.append(self._next_pid())

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def workers() -> Iterator[Callable[..., Workers]]:
    running: list[Workers] = []

    def start(*args: Any) -> Workers:
        running.append(Workers(*args))
        return running[-1]

    yield start
    for each in running:
        each.stop()


def eventually(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


def plan(number: int, start: dt.datetime, seconds: float, **fields: Any) -> None:
    """Timers spread evenly over some seconds from `start`; each warns, and is due 3 s later."""
    units = itertools.cycle((ROOM, COUNTY, HOUSING))
    rows = []
    for n in range(number):
        case_id = ids.new_id()
        warn = start + dt.timedelta(seconds=seconds * n / number)
        values = {
            "case_id": case_id, "clock": "accept", "share": 0, "area_code": "330825209",
            "bucket": ids.bucket_of(case_id), "unit_code": next(units), "warn_at": warn,
            "due_at": warn + 3 * SECOND, "working": False, "hurried": True, "at": warn,
        }  # fmt: skip
        rows.append(Timer(**values, **fields))
    Timer.objects.bulk_create(rows, batch_size=2000)


def report_emergencies(number: int, start: dt.datetime, seconds: float) -> None:
    """Real cases whose first clock, of five minutes, warns within some seconds from `start`."""
    engine.load(
        engine.Opening(
            kind="matter", channel="file", account="f", key=f"emergency {n}",
            area_code="330825209", unit_code=ROOM, words={"text": "着火"},
            facts={"sla_class": "S0"},
            at=start - 240 * SECOND + dt.timedelta(seconds=seconds * n / number),
        )
        for n in range(number)
    )  # fmt: skip


def told_of(rung: int) -> dict[str, int]:
    found = Alarm.objects.filter(rung=rung).values_list("told_unit")
    return dict(found.annotate(Count("pk")))


@pytest.mark.alone
@pytest.mark.long
def test_fifty_kills_of_timer_workers_lose_no_rung_double_none_and_make_none_late(
    committed_town, workers
):
    began = now()
    start, seconds = began + 4 * SECOND, 20.0
    plan(3000, start, seconds)
    report_emergencies(1000, start, seconds)
    two = workers(2)
    for _time in range(50):
        time.sleep(0.45)
        two.kill()
    end = start + dt.timedelta(seconds=seconds + 3)
    assert eventually(lambda: now() > end + SECOND, 30)
    assert eventually(lambda: not Timer.objects.filter(at__lte=now()).exists(), 10)
    # Nothing was lost and nothing doubled: due is told to the unit, and to the room of a bureau.
    assert told_of(Rung.WARN) == {ROOM: 2000, COUNTY: 1000, HOUSING: 1000}
    assert told_of(Rung.DUE) == {ROOM: 1000, COUNTY: 2000, HOUSING: 1000}
    assert Timer.objects.filter(rung=Rung.DUE).count() == 3000
    count, worst = timers.lateness(began)
    assert count == 8000
    assert worst <= MOST_SECONDS_LATE


@pytest.mark.alone
@pytest.mark.long
def test_ten_thousand_breaches_at_once_become_digests_and_none_is_lost(committed_town, workers):
    moment = now() + 4 * SECOND
    plan(10_000, moment - 3 * SECOND, 0, rung=int(Rung.WARN))
    Timer.objects.update(at=moment)
    two = workers(2, 2.0)
    assert eventually(Alarm.objects.exists, 15)
    two.kill()
    two.kill()
    assert eventually(lambda: not Timer.objects.filter(at__lte=now()).exists(), 20)
    assert told_of(Rung.DUE) == {ROOM: 3334, COUNTY: 3333 + 3333, HOUSING: 3333}
    two.kill()
    assert eventually(
        lambda: (
            not Alarm.objects.filter(digest_id=None).exists()
            and not Digest.objects.filter(sent_at=None).exists()
        ),
        20,
    )
    _count, worst = timers.lateness(moment)
    assert worst <= MOST_SECONDS_LATE
    assert Digest.objects.aggregate(Sum("count"))["count__sum"] == 13_333
    made = dict(Digest.objects.values_list("unit_code").annotate(Count("pk")))
    assert set(made) == {ROOM, COUNTY, HOUSING}
    assert max(made.values()) <= 8
    folder = Path(os.environ["MAPLEBRIDGE_STATE"]) / "messages"
    sent = {notice.pk: folder / f"alarm-{notice.pk}.json" for notice in Digest.objects.all()}
    told = {pk: json.loads(file.read_text())["to"] for pk, file in sent.items()}
    assert told == {notice.pk: f"unit:{notice.unit_code}" for notice in Digest.objects.all()}


@pytest.mark.alone
@pytest.mark.long
def test_a_lone_worker_is_in_time_while_the_feed_has_a_backlog(committed_town):
    """The real command; the backlog of the feed keeps its other thread busy all the while."""
    for n in range(300):
        committed_town.report(f"{n} 号路灯不亮")
    worker = subprocess.Popen(
        [sys.executable, "-m", "maplebridge.config.main", "worker"], start_new_session=True
    )
    try:
        assert eventually(lambda: Case.objects.filter(sequence__gt=1).exists(), 30)
        start = now() + SECOND
        plan(500, start, 2)
        assert Case.objects.filter(sequence=1).exists()
        assert eventually(
            lambda: (
                Timer.objects.filter(rung=Rung.DUE, clock="accept", hurried=True).count() == 500
            ),
            15,
        )
        count, worst = timers.lateness(start)
        assert count >= 1000
        assert worst <= MOST_SECONDS_LATE
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
