"""`maplebridge load outlines FILE`: the operator's outlines of city and counties, GeoJSON."""

from __future__ import annotations

from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database


@click.command("outlines")
@file_options
@click.option("--datum", default="", help="Of features that name none; they are refused without.")
def command(file: Path, dry_run: bool, error_file: Path | None, as_json: bool, datum: str) -> None:
    """Load outlines of city and counties from FILE, GeoJSON polygons with code and datum."""
    with running_database():
        from maplebridge.organisation.outlines import load_outlines

        loaded = load_outlines(file, dry_run, datum)
        finish(loaded.figures, loaded.problems, loaded.notes, file, error_file, as_json)
