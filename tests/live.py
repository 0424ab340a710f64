"""A server of pages and streams on a port of its own, and readers of its streams."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class LiveServer:
    """The platform's web process as `maplebridge up` starts it, over the database of the test."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        kept = {k: v for k, v in os.environ.items() if k != "DATABASE_OWNER_URL"}
        command = [sys.executable, "-m", "granian", "maplebridge.config.asgi:application"]
        command += ["--interface", "asgi", "--port", str(self.port), "--no-ws"]
        command += ["--log-level", "error", "--workers-kill-timeout", "5"]
        process = subprocess.Popen(command, env=kept, start_new_session=True)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.url}/live/", timeout=2)
            except urllib.error.HTTPError as refused:
                assert refused.code == 403
                return process
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        """kill -9 of the server and its worker process."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def again(self) -> None:
        self.process = self._started()

    def stop(self) -> float:
        """Asks it to end; seconds until it did."""
        begun = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            if self.process.poll() is None:
                self.kill()
        return time.monotonic() - begun


@contextmanager
def live_server() -> Iterator[LiveServer]:
    server = LiveServer()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


def session_of(account: Any) -> str:
    """A session cookie of someone signed in."""
    from django.test import Client

    client = Client()
    client.force_login(account)
    return f"sessionid={client.cookies['sessionid'].value}"


class Page:
    """An open page: keeps what its stream tells, and comes back with the last id it was given."""

    def __init__(self, port: int, cookie: str = "", query: str = "") -> None:
        self.port, self.cookie, self.query = port, cookie, query
        self.last_id = ""
        self.events: list[dict[str, Any]] = []
        self.gone: list[str] = []
        self.others: list[str] = []
        self.arrived: list[float] = []
        self.status = 0
        self.ready = threading.Event()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def told(self) -> list[tuple[str, int]]:
        """(case, sequence) in the order told, repeats left out as a page leaves them out."""
        return list(dict.fromkeys((e["case"], e["sequence"]) for e in self.events))

    def open(self, *, wait: bool = True) -> Page:
        self.ready.clear()
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        asked = f"GET /live/?{self.query} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {self.cookie}\r\n"
        if self.last_id:
            asked += f"Last-Event-ID: {self.last_id}\r\n"
        self._socket.sendall(f"{asked}\r\n".encode())
        self._thread = threading.Thread(target=self._read, args=(self._socket,), daemon=True)
        self._thread.start()
        if wait:
            assert self.ready.wait(10)
        return self

    def cut(self) -> None:
        """The network goes away."""
        assert self._socket is not None and self._thread is not None
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _read(self, link: socket.socket) -> None:
        try:
            with link.makefile("rb") as stream:
                self.status = int(stream.readline().split()[1])
                while stream.readline() not in (b"\r\n", b""):
                    pass
                if self.status != 200:
                    self.ready.set()
                    return
                waiting = b""
                while size := int(stream.readline() or b"0", 16):
                    waiting += stream.read(size)
                    stream.readline()
                    *parts, waiting = waiting.split(b"\n\n")
                    for part in parts:
                        self._part(part.decode())
        except (OSError, ValueError):
            return

    def _part(self, said: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in said.split("\n"))
        self.last_id = fields.get("id", self.last_id)
        if "data" not in fields:
            return
        name = fields.get("event", "message")
        if name == "message":
            self.events.append(json.loads(fields["data"]))
            self.arrived.append(time.time())
        elif name == "gone":
            self.gone.append(json.loads(fields["data"])["case"])
        else:
            self.others.append(name)
            if name == "here":
                self.ready.set()


def until(condition: Any, seconds: float = 10.0) -> bool:
    """Whether a condition comes true within a time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())
