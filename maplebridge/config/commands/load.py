"""`maplebridge load KIND FILE`: data from files, with one figure line and one error file."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maplebridge.config import loaders

if TYPE_CHECKING:
    from maplebridge.lib.tables import Problem

# More lines than this on a screen are no help; the error file has them all.
SHOWN_PROBLEMS = 20


class Loaders(click.Group):
    """Every module of `config/loaders` is a kind; it is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = pkgutil.iter_modules(loaders.__path__)
        return sorted(module.name.replace("_", "-") for module in found if not module.ispkg)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{loaders.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command


@click.group(cls=Loaders, name="load")
def command() -> None:
    """Load a file of one kind: all of it, or nothing and a list of what is wrong.

    Exit codes: 0 loaded, 1 refused or failed, 2 wrong usage.
    """


def file_options(function: Callable[..., None]) -> Callable[..., None]:
    """The argument and options that every kind takes: FILE, --dry-run, --error-file, --json."""
    file = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
    for decorate in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end."),
        click.option(
            "--error-file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Where to write what is wrong; FILE's name with -errors.csv in this folder.",
        ),
        click.option("--dry-run", is_flag=True, help="Check everything, change nothing."),
        click.argument("file", type=file),
    ):
        function = decorate(function)
    return function


def finish(
    figures: dict[str, Any],
    problems: Sequence[Problem],
    notes: Sequence[str],
    file: Path,
    error_file: Path | None,
    as_json: bool,
) -> None:
    """Say what became of the file, write the error file, and exit with 1 when it was refused.

    figures: at least rows, loaded, refused, seconds, rate; error_file is added here.
    """
    written = _write(problems, file, error_file) if problems else None
    figures = {**figures, "error_file": None if written is None else str(written)}
    for note in notes:
        click.echo(note, err=True)
    for problem in problems[:SHOWN_PROBLEMS]:
        place = f"{file.name}:{problem.line}" if problem.line else file.name
        click.echo(f"{place}: {problem.code} {problem.wrong} {problem.mend}", err=True)
    if len(problems) > SHOWN_PROBLEMS:
        click.echo(f"... {len(problems)} in all: {written}", err=True)
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    else:
        for name, value in figures.items():
            click.echo(f"{name}: {'-' if value is None else value}")
    if problems:
        sys.exit(1)


def _write(problems: Sequence[Problem], file: Path, error_file: Path | None) -> Path | None:
    from maplebridge.lib.tables import write_problems

    name = f"{file.stem}-errors.csv"
    for place in (error_file or Path.cwd() / name, Path(tempfile.gettempdir()) / name):
        try:
            write_problems(problems, place)
        except OSError as failure:
            click.echo(f"{place}: {failure.strerror}", err=True)
        else:
            return place
    return None
