"""Providers on this machine: one that takes mail, one that takes what is posted to it."""

from __future__ import annotations

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Provider:
    """What came. status: what it answers; only of the one over HTTP."""

    address: str = ""
    port: int = 0
    status: int = 200
    came: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    body: bytes = b"{}"
    taken: threading.Event = field(default_factory=threading.Event)


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs."""

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self) -> None:
        self.say("220 here")
        envelope: list[str] = []
        while line := self.rfile.readline().decode().strip():
            word = line.upper()[:4]
            if word == "DATA":
                self.say("354 go on")
                raw = b""
                while not raw.endswith(b"\r\n.\r\n"):
                    raw += self.rfile.readline()
                letter = email.message_from_bytes(raw[:-5], policy=email.policy.default)
                self.server.provider.came.append((envelope, letter))  # type: ignore[attr-defined]
                self.server.provider.taken.set()  # type: ignore[attr-defined]
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                envelope.append(line)
                self.say("250 yes")


class _Posted(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider: Provider = self.server.provider  # type: ignore[attr-defined]
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        is_json = "json" in self.headers.get("Content-Type", "")
        provider.came.append((self.path, json.loads(raw) if is_json else raw))
        provider.headers.append({name.title(): said for name, said in self.headers.items()})
        provider.taken.set()
        self.send_response(provider.status)
        self.send_header("Content-Length", str(len(provider.body)))
        self.end_headers()
        self.wfile.write(provider.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[Provider]:
    provider = Provider(port=server.server_address[1])
    provider.address = f"127.0.0.1:{provider.port}"
    server.provider = provider  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail() -> Iterator[Provider]:
    """A mail server on a free port."""
    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail)) as provider:
        yield provider


@contextmanager
def posted() -> Iterator[Provider]:
    """A server over HTTP on a free port."""
    with _served(ThreadingHTTPServer(("127.0.0.1", 0), _Posted)) as provider:
        yield provider
