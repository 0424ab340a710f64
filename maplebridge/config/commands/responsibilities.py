"""`maplebridge responsibilities gaps`: where the responsibility table says nobody, or too many."""

from __future__ import annotations

import datetime as dt
import json

import click

from maplebridge.config.main import running_database

DAY = click.DateTime(formats=["%Y-%m-%d"])
SHOWN = 40


@click.group()
def command() -> None:
    """Look at the responsibility table as a whole."""


@command.command()
@click.option("--area", default="", help="Area code; the whole city when left out.")
@click.option("--on", "on", type=DAY, help="The day it is asked for; today.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def gaps(area: str, on: dt.datetime | None, as_json: bool) -> None:
    """List gaps, overlaps and doubtful rows for each township and category.

    Leaves with 0 also when it finds some: a finding is no failure of the command.
    """
    if area and not (area.isascii() and area.isdigit() and len(area) in (4, 6, 9, 12, 15)):
        raise click.UsageError("--area takes a code of 4, 6, 9, 12 or 15 digits.")
    with running_database():
        from django.conf import settings
        from django.utils import translation

        from maplebridge.journey import learn, route
        from maplebridge.journey.coverage import coverage
        from maplebridge.lib.clock import local_day, now

        day = on.date() if on else local_day(now())
        with translation.override(settings.LANGUAGE_CODE):
            found = coverage(area, day, route.table(), learn.categories())
            if as_json:
                said = {
                    "area": area or settings.CITY_CODE,
                    "on": day.isoformat(),
                    "edition": route.RESPONSIBILITIES.number(),
                    "townships": found.townships,
                    "categories": found.categories,
                    **found.counts,
                    "findings": [finding.as_json() for finding in found.findings],
                }
                click.echo(json.dumps(said, ensure_ascii=False))
                return
            for finding in found.findings[:SHOWN]:
                click.echo(
                    f"{finding.what.label}  {finding.county}  {finding.category}  "
                    f"{len(finding.townships)}  {' '.join(finding.units)}  {finding.why}"
                )
            if len(found.findings) > SHOWN:
                click.echo(f"... {len(found.findings)}")
            click.echo(
                "  ".join(f"{name}: {number}" for name, number in found.counts.items())
                + f"  townships: {found.townships}  categories: {found.categories}"
            )
