"""`maplebridge report`: the indicators of an area and period, with numerator and denominator."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import click

from maplebridge.config.main import running_database

if TYPE_CHECKING:
    from maplebridge.insight.indicators import Compared, Indicator
    from maplebridge.insight.periods import Period

DAY = click.DateTime(formats=["%Y-%m-%d"])
KINDS = ("day", "week", "month", "quarter", "year")


@click.command()
@click.option("--area", default="", help="Area code; the whole city when left out.")
@click.option("--unit", default="", help="Only cases that this unit had to lead.")
@click.option("--from", "since", type=DAY, help="First day; the first report's.")
@click.option("--to", "until", type=DAY, help="Last day; today.")
@click.option("--period", "kind", type=click.Choice(KINDS), help="In place of --from and --to.")
@click.option("--on", type=DAY, help="A day of that period; today.")
@click.option("--compare", is_flag=True, help="Beside a year ago and the period before.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def command(
    area: str,
    unit: str,
    since: dt.datetime | None,
    until: dt.datetime | None,
    kind: str | None,
    on: dt.datetime | None,
    compare: bool,
    as_json: bool,
) -> None:
    """Print the table of indicators. They compare areas and units, never people."""
    if area and not (area.isascii() and area.isdigit() and len(area) in (4, 6, 9, 12, 15)):
        raise click.UsageError("--area takes a code of 4, 6, 9, 12 or 15 digits.")
    if kind and (since or until):
        raise click.UsageError("--period stands in place of --from and --to.")
    if on and not kind:
        raise click.UsageError("--on needs --period.")
    with running_database():
        from django.conf import settings

        from maplebridge.insight.indicators import compared, first_day, indicators
        from maplebridge.insight.periods import Period, period_of
        from maplebridge.lib.clock import local_day, now
        from maplebridge.organisation.models import Area
        from maplebridge.organisation.units import directory

        at = now()
        today = local_day(at)
        code = area or settings.CITY_CODE
        if area and not Area.objects.filter(code=area).exists():
            raise click.UsageError(f"--area: there is no area {area}.")
        if unit and unit not in directory():
            raise click.UsageError(f"--unit: there is no unit {unit}.")
        if kind:
            period = period_of(kind, on.date() if on else today)
        else:
            period = Period(
                since.date() if since else first_day(code) or today,
                until.date() if until else today,
            )
        if period.until < period.since:
            raise click.UsageError("--to lies before --from.")
        beside = compared(code, period, at, unit_code=unit) if compare else None
        rows = (
            [line.indicator for line in beside]
            if beside is not None
            else indicators(code, period, at, unit_code=unit)
        )
        of_applications = {} if unit else _of_applications(code, period, today)
        if as_json:
            figures = _json(code, unit, period, at, rows, beside)
            figures["applications"] = {
                name: [row.as_json() for row in lines] for name, lines in of_applications.items()
            }
            click.echo(json.dumps(figures, ensure_ascii=False))
            return
        for n, row in enumerate(rows):
            click.echo(_line(row, beside[n] if beside is not None else None))
            for taken in row.taken_out:
                rule = taken.exclusion
                click.echo(
                    f"    - {taken.cases}: {rule.label} (v{rule.version}, {rule.begins:%Y-%m-%d})"
                )
        for lines in of_applications.values():
            for row in lines:
                click.echo(_line(row, None))


def _of_applications(code: str, period: Period, today: dt.date) -> dict[str, list[Indicator]]:
    """The indicators that applications bring along, of those with anything counted."""
    from maplebridge.config import applications
    from maplebridge.insight.scope import EVERYTHING

    found = {
        module.NAME: module.lines_of(code, period, EVERYTHING, today)
        for module in applications.figures()
    }
    return {name: lines for name, lines in found.items() if any(row.numerator for row in lines)}


def _json(
    code: str,
    unit: str,
    period: Period,
    at: dt.datetime,
    rows: list[Indicator],
    beside: list[Compared] | None,
) -> dict[str, Any]:
    from maplebridge.insight.periods import period_before, period_year_ago

    figures: dict[str, Any] = {
        "area": code,
        **({"unit": unit} if unit else {}),
        **_days(period),
        "at": at.isoformat(timespec="seconds"),
        "indicators": [row.as_json() for row in rows],
    }
    if beside is not None:
        figures["compared_with"] = {
            "year_ago": _days(period_year_ago(period)),
            "before": _days(period_before(period)),
        }
        for row, line in zip(figures["indicators"], beside, strict=True):
            row.update(line.as_json())
    return figures


def _days(period: Period) -> dict[str, str]:
    return {"from": period.since.isoformat(), "to": period.until.isoformat()}


def _line(row: Indicator, beside: Compared | None) -> str:
    from maplebridge.insight.indicators import percent

    if row.unit == "minutes":
        took = "—" if row.minutes is None else f"{row.minutes:.0f} min"
        said = f"{row.label}: {took} ({row.numerator})"
    else:
        of = "" if row.denominator is None else f" / {row.denominator} = {percent(row.value)}"
        said = f"{row.label}: {row.numerator}{of}"
    if beside is not None:
        year, before = percent(beside.year_change, 1), percent(beside.before_change, 1)
        said += f"  同比 {year} 环比 {before}"
    return f"{said}  {row.excluded}".rstrip()
