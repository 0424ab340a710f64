"""The whole platform as a person starts it: one command, killed in every part, stopped cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest

from maplebridge.connectors import postgres

pytestmark = [pytest.mark.alone, pytest.mark.long]

PROGRAM = [sys.executable, "-c", "from maplebridge.config.main import main; main()"]
SECOND_START_SECONDS = 5.0
OURS = ("DATABASE_", "MAPLEBRIDGE_", "DJANGO_")


class Running:
    """`maplebridge up` on a state folder of its own; more: what its environment has besides."""

    def __init__(self, state: Path, more: dict[str, str] | None = None) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        environment |= {"MAPLEBRIDGE_STATE": str(state), **(more or {})}
        self.state = state
        self.begun = time.monotonic()
        self.output = (state.parent / "output.txt").open("w+")
        self.process = subprocess.Popen(
            [*PROGRAM, "up", "--port", "8400"],
            env=environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.url = self._announced()
        self.seconds = time.monotonic() - self.begun

    def said(self) -> str:
        return Path(self.output.name).read_text()

    def _announced(self) -> str:
        for _ in range(600):
            found = re.search(r"Maplebridge is at\s+(http://\S+/)", self.said())
            if found:
                return found[1]
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)
        raise AssertionError(self.said())

    def report(self, text: str, key: str) -> dict[str, str]:
        """Sends a report until it is acknowledged, always with the same key, as a device would."""
        body = json.dumps({"text": text, "key": key}).encode()
        request = urllib.request.Request(
            f"{self.url}api/v1/reports", body, {"Content-Type": "application/json"}
        )
        return self._asked(request)

    def follow(self, code: str) -> dict[str, str]:
        return self._asked(f"{self.url}api/v1/reports/{code}")

    def _asked(self, request) -> dict[str, str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        last: Exception | None = None
        for _ in range(150):
            try:
                with opener.open(request, timeout=10) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                assert error.code == 503, error.read()
                last = error
            except OSError as error:
                last = error
            time.sleep(0.2)
        raise AssertionError(f"{last}\n{self.said()}")

    def processes(self) -> dict[int, str]:
        """The platform's own processes, by what they are."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if str(self.state).encode() in environment or str(self.state) in line:
                found[int(folder.name)] = line
        return found

    def kill(self, sign: str) -> None:
        """kill -9 of the processes whose command line holds the sign."""
        struck = [pid for pid, line in self.processes().items() if sign in line]
        assert struck, f"nothing runs {sign}"
        for pid in struck:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("up") / "state"
    yield folder
    postgres.erase(folder)


def test_an_acknowledged_report_outlives_the_killing_of_every_part(state):
    running = Running(state)
    try:
        text = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上"
        receipts = []
        for number, sign in enumerate(("granian", " worker", "postgres")):
            receipts.append(running.report(text, f"{uuid.uuid4()}"))
            running.kill(sign)
            key = f"after-the-kill-{number}-{uuid.uuid4()}"
            first, again = running.report(text, key), running.report(text, key)
            assert again["query_code"] == first["query_code"]
            receipts.append(first)
        for receipt in receipts:
            assert running.follow(receipt["query_code"])["number"] == receipt["number"]
        last = receipts[-1]["query_code"]
        for _ in range(150):
            if "社阳乡" in running.follow(last)["unit"]:
                break
            time.sleep(0.2)
        assert running.follow(last)["unit"] == "社阳乡综合信息指挥室"
    finally:
        code = running.stop()
    assert code == 0
    assert running.processes() == {}


def test_the_second_start_is_quick_and_still_knows_the_first_report(state):
    running = Running(state)
    try:
        assert running.seconds < SECOND_START_SECONDS
        key = f"second-start-{uuid.uuid4()}"
        assert running.follow(running.report("路灯不亮", key)["query_code"])["state"] == "reported"
    finally:
        assert running.stop() == 0
    assert running.processes() == {}
