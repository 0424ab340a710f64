"""`maplebridge load grids FILE`: the operator's grids, CSV or GeoJSON."""

from __future__ import annotations

from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database


@click.command("grids")
@file_options
@click.option("--datum", default="WGS84", show_default=True, help="Of rows that name none.")
def command(file: Path, dry_run: bool, error_file: Path | None, as_json: bool, datum: str) -> None:
    """Load grids from FILE: CSV with code, name, lon, lat and perhaps datum, or GeoJSON polygons.

    A grid's code is its village's 12 digits and 3 more.
    """
    from maplebridge.lib.geometry import datum_named

    try:
        datum = datum_named(datum)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--datum") from problem
    with running_database():
        from maplebridge.organisation.grids import load_grids

        loaded = load_grids(file, dry_run, datum=datum)
        finish(loaded.figures, loaded.problems, loaded.notes, file, error_file, as_json)
