"""`maplebridge paper`: reports of an area and slips of a case as PDF or DOCX, from live figures."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maplebridge.config.main import running_database

if TYPE_CHECKING:
    from maplebridge.lib.papers import Paper

DAY = click.DateTime(formats=["%Y-%m-%d"])
FORMATS = click.Choice(["pdf", "docx"])
REPORTS = ("daily", "weekly", "monthly", "circular")
SLIPS = ("dispatch-slip", "supervision-slip", "hand-over-note")


@click.group()
def command() -> None:
    """Write a report of an area, or a slip of a case, as the city's offices send them out."""


def _report(name: str) -> click.Command:
    @click.command(name, help=f"Write the {name} paper of an area, on the period that holds a day.")
    @click.option("--area", default="", help="Area code; the whole city when left out.")
    @click.option("--day", type=DAY, help="A day of the period; today.")
    @click.option("--format", "form", type=FORMATS, default="pdf", help="pdf or docx.")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
    def write(area: str, day: dt.datetime | None, form: str, out: Path, as_json: bool) -> None:
        if area and not (area.isascii() and area.isdigit() and len(area) in (4, 6, 9, 12, 15)):
            raise click.UsageError("--area takes a code of 4, 6, 9, 12 or 15 digits.")
        with running_database():
            from django.conf import settings
            from django.utils import translation

            from maplebridge.insight import reports
            from maplebridge.journey.models import Category
            from maplebridge.lib.clock import local_day, now
            from maplebridge.organisation.people import SYSTEM

            at = now()
            if day and day.date() > local_day(at):
                raise click.UsageError("--day takes a day until today.")
            with translation.override(settings.LANGUAGE_CODE):
                names = {each.code: each.shown_name for each in Category.objects.all()}
                on = day.date() if day else local_day(at)
                paper = reports.report(name, area or settings.CITY_CODE, on, at, names, SYSTEM)
            _keep(paper, name, form, out, as_json)

    return write


def _slip(name: str) -> click.Command:
    @click.command(name, help=f"Write the {name} of the case with this number.")
    @click.argument("number")
    @click.option("--format", "form", type=FORMATS, default="pdf", help="pdf or docx.")
    @click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
    def write(number: str, form: str, out: Path, as_json: bool) -> None:
        with running_database():
            from django.conf import settings
            from django.utils import translation

            from maplebridge.cases.models import Case
            from maplebridge.insight import slips
            from maplebridge.journey.models import Category
            from maplebridge.lib.clock import now

            case = Case.objects.filter(number=number).first()
            if case is None:
                raise click.ClickException(f"No case has the number {number}.")
            with translation.override(settings.LANGUAGE_CODE):
                names = {each.code: each.shown_name for each in Category.objects.all()}
                try:
                    paper = slips.slip(name, case, now(), names)
                except slips.NoSlip as none:
                    raise click.ClickException(str(none)) from none
            _keep(paper, name, form, out, as_json)

    return write


def _keep(paper: Paper, name: str, form: str, out: Path, as_json: bool) -> None:
    from maplebridge.lib.papers import render

    made = render(paper, form)
    try:
        out.write_bytes(made)
    except OSError as wrong:
        raise click.ClickException(f"{out} cannot be written: {wrong.strerror}.") from wrong
    said = {"paper": name, "format": form, "file": str(out), "bytes": len(made)}
    click.echo(json.dumps(said, ensure_ascii=False) if as_json else f"{out}: {len(made)} bytes")


for _name in REPORTS:
    command.add_command(_report(_name))
for _name in SLIPS:
    command.add_command(_slip(_name))
