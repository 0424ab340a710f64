"""`maplebridge worker`: carries out the consequences of moves until it is stopped."""

from __future__ import annotations

import signal
import socket
import threading

import click

from maplebridge.config.main import running_database


@click.command()
@click.option(
    "--name", default="1", show_default=True, help="Its own name among this machine's workers."
)
def command(name: str) -> None:
    """Carry out the consequences of moves: the journey's steps, notices, live pages; ring clocks.

    It may be killed at any moment; what it had not finished is done again.
    """
    stopping = threading.Event()
    with running_database():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        from maplebridge.config import worker

        worker.run(f"{socket.gethostname()}-{name}"[:60], stopping.is_set)
