"""`maplebridge story`: plays what happened once, step by step, as the pages would."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from maplebridge.config.main import running_database, say, state_folder
from maplebridge.connectors import postgres

# However slowly a story is told, nobody waits longer for its next step.
LONGEST_PAUSE_SECONDS = 60.0
OWN = ("DATABASE_", "MAPLEBRIDGE_STATE")


class Teller:
    """Says each step, and waits as long as the time between two takes at a speed; 0 never waits."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.steps = 0
        self._before: dt.datetime | None = None

    def __call__(self, sentence: str, at: dt.datetime) -> None:
        if self.speed and self._before is not None:
            passed = max((at - self._before).total_seconds(), 0.0)
            time.sleep(min(passed / self.speed, LONGEST_PAUSE_SECONDS))
        self._before = at
        self.steps += 1
        click.echo(f"{at:%Y-%m-%d %H:%M}  {sentence}")


@contextlib.contextmanager
def _town() -> Iterator[None]:
    """The town that runs; else one of its own, gone afterwards."""
    from django.apps import apps

    runs = apps.ready or os.environ.get("DATABASE_URL") or postgres.running(state_folder())
    if runs:
        with running_database():
            yield
        return
    with tempfile.TemporaryDirectory(prefix="maplebridge-story-") as folder:
        Path(folder).chmod(0o711)  # the account that runs PostgreSQL must pass through
        for name in [name for name in os.environ if name.startswith(OWN)]:
            del os.environ[name]
        os.environ["MAPLEBRIDGE_STATE"] = folder
        os.environ["MAPLEBRIDGE_DEMONSTRATION"] = "1"
        say("No town runs here; the story is told in one of its own.")
        with running_database(town=True):
            yield


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--speed", type=click.FloatRange(0), default=0.0, show_default=True,
    help="How many times faster than it happened; 0 does not wait at all.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def command(name: str, speed: float, as_json: bool) -> None:
    """Play a story: dispute, and whatever else the applications tell.

    On the town that runs, or else on one of its own that is gone afterwards. Every telling is a
    new one, all its people are made up, and what goes beyond the record is marked as simulation.
    Exits with 1 when the story cannot be told to its end.
    """
    began = time.monotonic()
    with _town():
        from django.conf import settings
        from django.utils import translation

        from maplebridge.config.applications import stories
        from maplebridge.organisation.models import Account

        told = {module.NAME: module for module in stories()}
        if name not in told:
            known = ", ".join(sorted(told)) or "none"
            raise click.UsageError(f"There is no story {name}. There are: {known}.")
        if not Account.objects.filter(synthetic=True).exists():
            say("A story needs the demonstration town; start it with ./run.")
            sys.exit(1)
        teller = Teller(speed)
        with translation.override(settings.LANGUAGE_CODE):
            ended = told[name].tell(teller)
    found = {
        **ended,
        "steps": teller.steps,
        "ended": True,
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(f"{teller.steps} steps")
