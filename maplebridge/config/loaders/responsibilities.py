"""`maplebridge load responsibilities FILE`: the responsibility table, CSV, as an edition."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database

DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command("responsibilities")
@file_options
@click.option("--note", default="", help="Why; stored with the edition. FILE's name if not given.")
@click.option("--begins", type=DAY, help="First day on which it holds; today.")
def command(
    file: Path,
    dry_run: bool,
    error_file: Path | None,
    as_json: bool,
    note: str,
    begins: dt.datetime | None,
) -> None:
    """Load the whole table from FILE, a CSV with the columns category, area_code, unit_code.

    Also read: begins, ends, clause. Rows that FILE does not name are in the new edition no more;
    --dry-run says how many, and what would have become of past cases.
    """
    with running_database():
        from maplebridge.journey.responsibility_files import load_responsibilities
        from maplebridge.organisation.people import SYSTEM

        loaded = load_responsibilities(
            file, SYSTEM, note=note, begins=begins.date() if begins else None, dry_run=dry_run
        )
        finish(loaded.figures, loaded.problems, loaded.notes, file, error_file, as_json)
