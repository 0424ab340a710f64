"""Child processes are started again when they die and none is left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from maplebridge.config import supervise
from maplebridge.config.supervise import Child

# A child with a child of its own, like a web server with its worker.
FAMILY = """
import os, sys, time
if os.fork() == 0:
    open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def test_a_killed_child_is_started_again_and_its_own_children_end(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    said: list[str] = []
    child = Child("web", [sys.executable, "-c", FAMILY, str(note)], os.environ, said.append)
    stopping = threading.Event()
    pids: list[int] = []
    grandchildren: list[int] = []

    def each_round() -> None:
        if child.pid and child.pid not in pids and note.exists() and note.read_text():
            pids.append(child.pid)
            grandchildren.append(int(note.read_text()))
            note.unlink()
            if len(pids) == 2:
                stopping.set()
            else:
                os.kill(child.pid, signal.SIGKILL)

    limit = threading.Timer(20, stopping.set)
    limit.start()
    supervise.supervise([child], stopping, each_round)
    limit.cancel()

    assert len(set(pids)) == 2
    assert said == ["The web ended (signal SIGKILL); starting it again in 0.5 s"]
    assert eventually(lambda: not any(alive(pid) for pid in pids + grandchildren))


def test_a_child_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "GRACE_SECONDS", 0.2)
    deaf = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); "
    deaf += "open(sys.argv[1], 'w'); time.sleep(60)"
    said: list[str] = []
    child = Child("worker", [sys.executable, "-c", deaf, str(tmp_path / "up")], {}, said.append)
    child.start()
    pid = child.pid
    assert pid is not None
    assert eventually((tmp_path / "up").exists)
    child.stop()

    assert not alive(pid)
    assert said == ["The worker did not end within 0.2 s and is killed"]


def test_an_exception_stops_the_children_too() -> None:
    child = Child("worker", ["sleep", "60"], os.environ, print)
    seen: list[int | None] = []

    def each_round() -> None:
        seen.append(child.pid)
        raise RuntimeError("broken")

    try:
        supervise.supervise([child], threading.Event(), each_round)
    except RuntimeError as error:
        assert str(error) == "broken"

    assert seen[0] is not None
    assert not alive(seen[0])
