"""`maplebridge load units FILE`: the operator's own units, CSV."""

from __future__ import annotations

from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database


@click.command("units")
@file_options
def command(file: Path, dry_run: bool, error_file: Path | None, as_json: bool) -> None:
    """Load units from FILE, a CSV with the columns code, name, kind, area_code.

    Also read: name_en, line, hours, begins, ends. Units that FILE does not name stay as they are.
    """
    with running_database():
        from maplebridge.organisation.unit_files import load_units

        loaded = load_units(file, dry_run)
        finish(loaded.figures, loaded.problems, [], file, error_file, as_json)
