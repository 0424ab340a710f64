"""`maplebridge report`: the indicators of an area and period, with numerator and denominator."""

from __future__ import annotations

import datetime as dt
import json

import click

from maplebridge.config.main import running_database

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--area", default="", help="Area code; the whole city when left out.")
@click.option("--from", "since", type=DAY, help="First day; the first report's.")
@click.option("--to", "until", type=DAY, help="Last day; today.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def command(area: str, since: dt.datetime | None, until: dt.datetime | None, as_json: bool) -> None:
    """Print the table of indicators. They compare areas and units, never people."""
    if area and not (area.isascii() and area.isdigit() and len(area) in (4, 6, 9, 12, 15)):
        raise click.UsageError("--area takes a code of 4, 6, 9, 12 or 15 digits.")
    with running_database():
        from django.conf import settings

        from maplebridge.insight.indicators import Period, first_day, indicators, percent
        from maplebridge.lib.clock import local_day, now

        at = now()
        today = local_day(at)
        period = Period(
            since.date() if since else first_day(area or settings.CITY_CODE) or today,
            until.date() if until else today,
        )
        if period.until < period.since:
            raise click.UsageError("--to lies before --from.")
        rows = indicators(area or settings.CITY_CODE, period, at)
        if as_json:
            click.echo(
                json.dumps(
                    {
                        "area": area or settings.CITY_CODE,
                        "from": period.since.isoformat(),
                        "to": period.until.isoformat(),
                        "indicators": [row.as_json() for row in rows],
                    },
                    ensure_ascii=False,
                )
            )
            return
        for row in rows:
            of = "" if row.denominator is None else f" / {row.denominator} = {percent(row.value)}"
            click.echo(f"{row.label}: {row.numerator}{of}  {row.excluded}".rstrip())
