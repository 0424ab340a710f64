"""`maplebridge drill`: hurt a platform of its own on purpose, and count what was lost."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from maplebridge.config import cutoff, drills
from maplebridge.config.main import say
from maplebridge.connectors import postgres


@click.group()
def command() -> None:
    """Hurt a running platform on purpose and count what was lost.

    A drill starts a platform of its own with an empty database and leaves nothing behind; what
    runs already on this machine is not touched.
    """


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option(
    "--strikes", type=click.IntRange(1, 200), default=9, show_default=True,
    help="How often something is killed: web, worker, database in turn.",
)  # fmt: skip
@click.option(
    "--clients", type=click.IntRange(1, 32), default=4, show_default=True,
    help="Devices that report meanwhile.",
)  # fmt: skip
@click.option(
    "--pause", type=click.FloatRange(0.2, 60), default=2.0, show_default=True,
    help="Seconds between two strikes.",
)  # fmt: skip
def kill(as_json: bool, strikes: int, clients: int, pause: float) -> None:
    """kill -9 of web, worker and database while reports come in.

    Exits with 1 when an acknowledged report is lost or doubled, or a clock is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="maplebridge-drill-") as folder:
        Path(folder).chmod(0o711)
        state = Path(folder) / "state"
        try:
            figures = drills.kill(state, strikes, clients, pause, say)
        except drills.DrillFailed as failure:
            raise click.ClickException(str(failure)) from failure
        finally:
            postgres.erase(state)
    for name, value in figures.items():
        click.echo(f"{name:<14} {value:g}")
    if as_json:
        click.echo(json.dumps(figures))
    if any(figures[name] for name in ("lost", "doubled", "wrong_clocks", "unrouted", "given_up")):
        sys.exit(1)


@command.command("cut-off")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option(
    "--cases", type=click.IntRange(1, 2000), default=12, show_default=True,
    help="Open matters that are lent.",
)  # fmt: skip
def cut_off(as_json: bool, cases: int) -> None:
    """A township works on a node of its own, home leaves notes, and both come together.

    Exits with 1 when anything is lost, doubled or left away, or a chain does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="maplebridge-drill-") as folder:
        Path(folder).chmod(0o711)
        try:
            figures = cutoff.run(Path(folder), cases, say)
        except drills.DrillFailed as failure:
            raise click.ClickException(str(failure)) from failure
        finally:
            for name in ("home", "node"):
                postgres.erase(Path(folder) / name)
    for name, value in figures.items():
        click.echo(f"{name:<14} {value:g}")
    if as_json:
        click.echo(json.dumps(figures))
    if any(figures[name] for name in ("lost", "doubled", "chain_broken", "away")):
        sys.exit(1)
