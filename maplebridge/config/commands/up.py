"""`maplebridge up`: the database, the demonstration town, web and worker, until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
import threading
import time
import unicodedata
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from maplebridge.config.main import running_database, say, state_folder
from maplebridge.config.supervise import Child, supervise
from maplebridge.connectors import postgres

# Of a WSGI server that is measured beside ours; ours has as many threads for pages.
PORTS_TRIED = 50
FAILURES_BEFORE_GIVING_UP = 3
DATABASE_PAUSE_SECONDS = 5.0


@click.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also take the real files of this folder through the journey.",
)
@click.option("--once", is_flag=True, help="End after loading and print the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, as last line.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8000,
    show_default=True,
    help="Where the pages are served; when it is taken, the next free one.",
)
@click.option("--bind", default="127.0.0.1", show_default=True, help="Address to listen on.")
def command(folder: Path | None, once: bool, as_json: bool, port: int, bind: str) -> None:
    """Start Maplebridge: database, demonstration town, web and worker.

    Prints one address and the accounts to try it with. Ctrl-C stops everything.
    MAPLEBRIDGE_DEMONSTRATION=0 leaves the town and its accounts out.
    """
    began = time.monotonic()
    demonstration = os.environ.setdefault("MAPLEBRIDGE_DEMONSTRATION", "1") == "1"
    os.environ.setdefault("MAPLEBRIDGE_HOSTS", ",".join(_hosts(bind)))
    with running_database(town=demonstration):
        summary: dict[str, Any] = {}
        if folder is not None:
            from maplebridge.config.real_input import NoRealInput, load_folder

            try:
                summary = load_folder(folder, say)
            except (NoRealInput, OSError) as nothing:
                raise click.ClickException(str(nothing)) from nothing
        summary.setdefault("seconds", round(time.monotonic() - began, 3))
        if once or folder is not None:
            _print_summary(summary, as_json=as_json)
        if not once:
            _serve(bind, _free_port(bind, port), demonstration=demonstration)


def _serve(bind: str, port: int, *, demonstration: bool) -> None:
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    environment = {
        key: value
        for key, value in os.environ.items()
        # Neither web nor worker may act as the owner of the tables.
        if key not in ("DATABASE_OWNER_URL", "DATABASE_URL")
    }
    program = "from maplebridge.config.main import main; main()"
    web = Child("web", web_server(bind, port), environment, say)
    worker = Child("worker", [sys.executable, "-c", program, "worker"], environment, say)
    embedded = not os.environ.get("DATABASE_URL")
    database = _Database(state_folder()) if embedded else None
    url = _url(bind, port)
    announced = False

    def each_round() -> None:
        nonlocal announced
        if database is not None:
            database.tend()
        if not announced and _answers(url):
            announced = True
            _announce(url, demonstration=demonstration)
        if not announced and web.failures >= FAILURES_BEFORE_GIVING_UP:
            raise click.ClickException("The web server does not start; its messages are above.")

    supervise([web, worker], stopping, each_round)
    say("Stopped.")


def web_server(bind: str, port: int) -> list[str]:
    """The command that serves pages and live streams at an address."""
    command = [sys.executable, "-m", "granian", "maplebridge.config.asgi:application"]
    command += ["--interface", "asgi", "--host", bind, "--port", str(port), "--workers", "1"]
    return [*command, "--workers-kill-timeout", "10", "--no-ws", "--log-level", "error"]


class _Database:
    """Starts the embedded PostgreSQL again when its postmaster died."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._due = 0.0

    def tend(self) -> None:
        if time.monotonic() < self._due or postgres.running(self._state) is not None:
            return
        say("The database ended; starting it again")
        try:
            postgres.start(self._state)
        except postgres.DatabaseFailed as failure:
            say(str(failure))
            self._due = time.monotonic() + DATABASE_PAUSE_SECONDS


def _free_port(bind: str, wanted: int) -> int:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    for port in range(wanted, min(wanted + PORTS_TRIED, 65536)):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
                probe.listen()
            except OSError as error:
                if isinstance(error, PermissionError):
                    raise click.ClickException(f"Port {port} may not be used here.") from error
                if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                    raise click.ClickException(
                        f"{bind} is not an address of this machine."
                    ) from error
                continue
        if port != wanted:
            say(f"Port {wanted} is taken; using {port}")
        return port
    raise click.ClickException(f"No port from {wanted} to {port} is free.")


def _hosts(bind: str) -> list[str]:
    hosts = ["127.0.0.1", "localhost", "[::1]"]
    if bind not in ("127.0.0.1", "localhost", "::1"):
        hosts += [bind, socket.gethostname()]
        with contextlib.suppress(OSError):
            hosts += sorted(set(socket.gethostbyname_ex(socket.gethostname())[2]))
    return hosts


def _url(bind: str, port: int) -> str:
    # Who listens everywhere is reached here, too.
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    host = everywhere.get(bind, f"[{bind}]" if ":" in bind else bind)
    return f"http://{host}:{port}/"


def _answers(url: str) -> bool:
    # The pages are on this machine; a proxy of the environment has no part in it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _announce(url: str, *, demonstration: bool) -> None:
    lines = ["", f"Maplebridge is at  {url}", ""]
    if demonstration:
        if not url.startswith(("http://127.", "http://localhost", "http://[::1]")):
            lines += ["Whoever reaches this address may act as any of the accounts.", ""]
        from maplebridge.config.demonstration import accounts

        cast = accounts()
        lines += ["Accounts of the demonstration town, all made up:", ""]
        rows = [("login", "name", "post"), *((login, name, post) for login, _, name, post in cast)]
        lines += [f"  {line}" for line in _table(rows)]
        lines += ["", f"Password of each of them:  {cast[0][1]}", ""]
    elif not _has_accounts():
        lines += [
            "Nobody can sign in yet. Make the first three officers in another window:",
            "  maplebridge accounts first --unit CODE --administrator LOGIN:NAME"
            " --security LOGIN:NAME --auditor LOGIN:NAME",
            "",
        ]
    lines += ["Ctrl-C stops everything."]
    click.echo("\n".join(lines))


def _has_accounts() -> bool:
    from maplebridge.organisation.models import Account

    return Account.objects.exists()


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of columns that stand under one another, Chinese characters counted as two wide."""
    widths = [max(_width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _print_summary(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, default=str))
        return
    for key, value in summary.items():
        if isinstance(value, dict):
            click.echo(f"{key}:")
            for name, inner in value.items():
                shown = inner
                if isinstance(inner, dict):
                    shown = ", ".join(f"{part} {number}" for part, number in inner.items())
                click.echo(f"  {name:<16} {shown}")
        else:
            click.echo(f"{key:<16} {value}")
