"""`maplebridge load reports FILE`: reports of matters, CSV."""

from __future__ import annotations

from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database


@click.command("reports")
@file_options
@click.option(
    "--channel", default="file", show_default=True, help="Where they come from: hotline, partner."
)
def command(
    file: Path, dry_run: bool, error_file: Path | None, as_json: bool, channel: str
) -> None:
    """Open a case for each row of FILE, a CSV with the columns key and text.

    Also read: title, place, lon, lat, datum, accuracy_metres, name, phone, anonymous, time.
    Good rows are taken, bad rows are written to the error file; the mended file may be loaded
    again whole, for a key opens one case only. The journey goes on when a worker runs.
    """
    with running_database():
        from maplebridge.journey.files import load_reports

        loaded = load_reports(file, channel[:24], dry_run)
        finish(loaded.figures, loaded.problems, [], file, error_file, as_json)
