"""`maplebridge bench`: what this machine carries, measured on a fresh database of its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from maplebridge.config.main import running_database, say
from maplebridge.config.measures import callers, clocks, journey, steps, viewers

Measure = Callable[[int, int], dict[str, float]]
# Name of the measure: the function, how many calls unless said, and what it measures.
MEASURES: dict[str, tuple[Measure, int, str]] = {
    "intake": (journey.intake, 3000, "reports over HTTP, and what the database alone commits"),
    "journey": (journey.journey, 400, "reports until routed by one worker"),
    "move": (journey.move, 800, "moves of the desk from accepted to closed"),
    "timers": (clocks.timers, 10000, "clocks that all ring at once, and the notices of them"),
    "feed": (viewers.feed, 100, "streams of open pages that are cut and come back"),
    "board": (viewers.board, 100, "open boards, from a move until every one shows it"),
    "callers": (callers.callers, 600, "what stands beside a call, among 100,000 cases"),
    "locate": (steps.locate, 4000, "places found from points and words"),
    "classify": (steps.classify, 4000, "categories found from words"),
    "dedupe": (steps.dedupe, 1000, "twins looked for among recent cases"),
}
OWN = ("DATABASE_", "MAPLEBRIDGE_DEMONSTRATION", "MAPLEBRIDGE_STATE")


@click.command()
@click.argument("names", nargs=-1, required=True, type=click.Choice([*MEASURES, "all"]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--n", "many", type=click.IntRange(1), help="Calls to measure; each has its own.")
@click.option(
    "--clients", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls at once."
)
@click.option("--here", is_flag=True, help="Use the database of DATABASE_URL instead of a new one.")
def command(
    names: tuple[str, ...], as_json: bool, many: int | None, clients: int, here: bool
) -> None:
    """Measure parts of the way of a case, one after another.

    Each run has an empty database with the demonstration town of its own, durable as in service,
    and leaves nothing behind. Prints rate a second, times in milliseconds and errors; exits with
    1 when a call failed.
    """
    wanted = list(MEASURES) if "all" in names else list(dict.fromkeys(names))
    with tempfile.TemporaryDirectory(prefix="maplebridge-bench-") as folder:
        Path(folder).chmod(0o711)  # the account that runs PostgreSQL must pass through
        if not here:
            for name in [name for name in os.environ if name.startswith(OWN)]:
                del os.environ[name]
        os.environ["MAPLEBRIDGE_STATE"] = folder
        os.environ["MAPLEBRIDGE_DEMONSTRATION"] = "1"
        found: dict[str, dict[str, float]] = {}
        with running_database(town=True):
            for name in wanted:
                measure, usual, what = MEASURES[name]
                say(f"Measuring {name}: {what}")
                found[name] = measure(many or usual, clients)
                for figure, value in found[name].items():
                    click.echo(f"{name:<10} {figure:<16} {value:g}")
    if as_json:
        click.echo(json.dumps(found[wanted[0]] if len(wanted) == 1 else found))
    if any(figures["errors"] for figures in found.values()):
        sys.exit(1)
