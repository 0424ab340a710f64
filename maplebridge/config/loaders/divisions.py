"""`maplebridge load divisions FILE`: administrative divisions, CSV."""

from __future__ import annotations

from pathlib import Path

import click

from maplebridge.config.commands.load import file_options, finish
from maplebridge.config.main import running_database


@click.command("divisions")
@file_options
@click.option("--source", default="", help="Where the codes come from; FILE's name if not given.")
def command(file: Path, dry_run: bool, error_file: Path | None, as_json: bool, source: str) -> None:
    """Load divisions from FILE, a CSV with the columns code, name, level, parent_code.

    Codes are national, 12 digits. Encodings: UTF-8, GB18030.
    """
    with running_database():
        from maplebridge.organisation.divisions import load_divisions

        loaded = load_divisions(file, dry_run, source)
        finish(loaded.figures, loaded.problems, loaded.notes, file, error_file, as_json)
