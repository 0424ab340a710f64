"""`maplebridge audit verify`: walks every chain of events and says where one does not hold."""

from __future__ import annotations

import json
import sys
import time
from itertools import groupby

import click

from maplebridge.config.main import running_database, say

SHOWN = 20


@click.group()
def command() -> None:
    """Check the record of what happened."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def verify(as_json: bool) -> None:
    """Recompute the hash of every event; exit with 1 when one was changed, removed or added."""
    with running_database():
        from maplebridge.cases import chain
        from maplebridge.cases.models import Event
        from maplebridge.organisation import acts
        from maplebridge.organisation.models import Act

        begun = told = time.monotonic()
        events = 0
        broken: list[chain.Broken] = []
        rows = Event.objects.order_by("case_id", "sequence").iterator(chunk_size=5000)
        for _case_id, of_case in groupby(rows, key=lambda event: event.case_id):
            chain_of_case = list(of_case)
            events += len(chain_of_case)
            broken += chain.verify(chain_of_case)
            if time.monotonic() - told > 2:
                told = time.monotonic()
                say(f"{events} events verified")
        acts_checked = Act.objects.count()
        wrong_acts = acts.broken(Act.objects.order_by("number").iterator(chunk_size=5000))
        seconds = max(time.monotonic() - begun, 1e-9)
    for place in broken[:SHOWN]:
        say(f"case {place.case_id}, event {place.sequence}: {place.why}")
    for number in wrong_acts[:SHOWN]:
        say(f"act {number}: it was changed, or the one before it is missing")
    figures = {
        "events": events,
        "acts": acts_checked,
        "broken": len(broken) + len(wrong_acts),
        "events_per_minute": round(events / seconds * 60),
    }
    click.echo(
        json.dumps(figures) if as_json else "\n".join(f"{k}: {v}" for k, v in figures.items())
    )
    if broken or wrong_acts:
        sys.exit(1)
