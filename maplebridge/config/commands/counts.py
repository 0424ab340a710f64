"""`maplebridge counts`: compares the roll-up of cases with a recount, and counts it again."""

from __future__ import annotations

import json
import sys
import time

import click

from maplebridge.config.main import running_database, say


@click.group()
def command() -> None:
    """Check the figures that boards show, or count them again from the cases."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def verify(as_json: bool) -> None:
    """Compare every cell with a recount; exit with 1 when one differs."""
    with running_database():
        from maplebridge.insight import counts

        begun = time.monotonic()
        verdict = counts.verify()
        seconds = time.monotonic() - begun
    if verdict.waiting:
        say(f"{verdict.waiting} cases have news that the worker has not counted yet.")
    if verdict.wrong:
        say("Some cells are wrong; `maplebridge counts rebuild` counts them again.")
    _print(verdict.cells, verdict.wrong, seconds, as_json, waiting=verdict.waiting)
    if verdict.wrong:
        sys.exit(1)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def rebuild(as_json: bool) -> None:
    """Throw the roll-up away and count again; the rest of the platform goes on meanwhile."""
    with running_database():
        from maplebridge.insight import counts

        begun = time.monotonic()
        wrong = counts.verify().wrong
        cells = counts.rebuild()
        seconds = time.monotonic() - begun
    _print(cells, wrong, seconds, as_json)


def _print(cells: int, wrong: int, seconds: float, as_json: bool, **more: int) -> None:
    figures = {"cells": cells, "wrong": wrong, **more, "seconds": round(seconds, 3)}
    click.echo(
        json.dumps(figures) if as_json else "\n".join(f"{k}: {v}" for k, v in figures.items())
    )
