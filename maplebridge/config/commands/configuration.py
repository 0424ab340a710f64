"""`maplebridge configuration`: editions of the city's tables as files, compared and published."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maplebridge.config.main import running_database

if TYPE_CHECKING:
    from maplebridge.journey.configuration import Trial
    from maplebridge.lib.tables import Problem
    from maplebridge.organisation.editions import Cells, Differences, Table

DAY = click.DateTime(formats=["%Y-%m-%d"])
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end.")
FOLDER = click.Path(file_okay=False, path_type=Path)
PLACE = click.Path(exists=True, readable=True, path_type=Path)
# More lines than this on a screen are no help; --json has them all.
SHOWN = 20
PRESENT = "present"


@click.group()
def command() -> None:
    """Categories, time limits, calendar, responsibilities and message texts, each in editions.

    Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
    """


@command.command("list")
@click.argument("table", default="")
@JSON
def list_editions(table: str, as_json: bool) -> None:
    """List every edition, or those of one TABLE; a star marks the one in force."""
    with running_database():
        from maplebridge.journey.configuration import TABLES
        from maplebridge.organisation.editions import listed

        if table and table not in TABLES:
            raise click.UsageError(f"TABLE is one of: {', '.join(TABLES)}.")
        found = []
        for each in (TABLES[table],) if table else TABLES.values():
            number = each.number()
            for edition in listed(each.name):
                found.append(
                    {
                        "table": each.name,
                        "number": edition.number,
                        "begins": edition.begins.isoformat(),
                        "in_force": edition.number == number,
                        "rows": edition.rows,
                        "sha256": edition.sha256,
                        "note": edition.note,
                        "at": edition.at.isoformat(timespec="seconds"),
                    }
                )
        if as_json:
            click.echo(json.dumps({"editions": found}, ensure_ascii=False))
            return
        for row in found:
            star = "*" if row["in_force"] else " "
            click.echo(
                f"{star} {row['table']}:{row['number']}  {row['begins']}  {row['rows']} rows  "
                f"{str(row['sha256'])[:12]}  {row['note']}"
            )


@command.command()
@click.argument("edition")
@JSON
def show(edition: str, as_json: bool) -> None:
    """Print an edition, TABLE or TABLE:NUMBER; without a number the one in force."""
    with running_database():
        from maplebridge.organisation.editions import as_csv

        table, rows = _edition(edition)
        if as_json:
            click.echo(json.dumps({"table": table.name, "rows": rows}, ensure_ascii=False))
        else:
            click.echo(as_csv(table, rows).decode("utf-8-sig"), nl=False)


@command.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@JSON
def export(folder: Path, as_json: bool) -> None:
    """Write every edition in force into DIR as CSV; the same editions are the same bytes."""
    with running_database():
        from maplebridge.journey.configuration import TABLES
        from maplebridge.organisation.editions import as_csv, rows_of

        written = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for table in TABLES.values():
                file = folder / f"{table.name}.csv"
                file.write_bytes(as_csv(table, rows_of(table, table.number())))
                written[table.name] = str(file)
        except OSError as failure:
            raise click.ClickException(f"{failure.filename}: {failure.strerror}") from failure
        if as_json:
            click.echo(json.dumps({"files": written}, ensure_ascii=False))
        else:
            click.echo("\n".join(written.values()))


@command.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@JSON
def diff(before: str, after: str, as_json: bool) -> None:
    """Compare A with B: each TABLE:NUMBER, TABLE, a FILE, a DIR, or "present" for all in force."""
    with running_database():
        from maplebridge.journey.configuration import TABLES
        from maplebridge.organisation.editions import compare

        old, new = _tables_of(before), _tables_of(after)
        if len(old) == len(new) == 1 and old.keys() != new.keys():
            raise click.UsageError("A and B are of different tables.")
        found = {
            name: compare(TABLES[name], old[name], new[name])
            for name in TABLES
            if name in old and name in new
        }
        if not found:
            raise click.UsageError("A and B have no table in common.")
        if as_json:
            said = {name: _as_json(differences) for name, differences in found.items()}
            click.echo(json.dumps({"tables": said}, ensure_ascii=False))
            return
        for name, differences in found.items():
            _print_differences(TABLES[name], differences, most=sys.maxsize)


@command.command("import")
@click.argument("place", metavar="DIR|FILE", type=PLACE)
@click.option("--dry-run", is_flag=True, help="Say what would change, publish nothing.")
@click.option("--note", default="", help="Why; stored with the edition. Needed to publish.")
@click.option("--begins", type=DAY, help="First day on which it holds; today.")
@JSON
def import_(
    place: Path, dry_run: bool, note: str, begins: dt.datetime | None, as_json: bool
) -> None:
    """Publish the tables of a folder, or of one file named after its table: all or none.

    A table that equals the edition in force gets no new one.
    """
    if not dry_run and not note.strip():
        raise click.UsageError("Say why with --note, or try it with --dry-run.")
    with running_database():
        from django.conf import settings
        from django.utils import translation

        with translation.override(settings.LANGUAGE_CODE):
            _import(place, dry_run, note, begins.date() if begins else None, as_json)


def _import(place: Path, dry_run: bool, note: str, begins: dt.date | None, as_json: bool) -> None:
    from django.db import transaction

    from maplebridge.journey.configuration import TABLES, publish, tables_in, try_out
    from maplebridge.organisation.editions import EditionRefused, read_file
    from maplebridge.organisation.people import SYSTEM

    files, problems = tables_in(place)
    said: list[tuple[str, Problem]] = [(problem.code, problem) for problem in problems]
    trials: list[Trial] = []
    published: dict[str, int] = {}
    try:
        # One transaction: a table may name what another one of the same folder brings.
        with transaction.atomic():
            for name, file in files.items():
                read = read_file(TABLES[name], file)
                said += [(file.name, problem) for problem in read.problems]
                if said:
                    continue
                trials.append(try_out(TABLES[name], read.rows, begins))
                made = publish(TABLES[name], read.rows, note=note or "-", by=SYSTEM, begins=begins)
                if made is not None:
                    published[name] = made.number
            if dry_run or said:
                transaction.set_rollback(True)
    except EditionRefused as refused:
        raise click.ClickException(str(refused)) from refused
    finally:
        _forget()
    for name, problem in said:
        where = f"{name}:{problem.line}" if problem.line else name
        click.echo(f"{where}: {problem.code} {problem.wrong} {problem.mend}", err=True)
    figures = {
        "dry_run": dry_run,
        "refused": len(said),
        "published": {} if dry_run or said else published,
        "tables": {} if said else {trial.table.name: _trial_json(trial) for trial in trials},
        "problems": [{"file": name, **vars(problem)} for name, problem in said],
    }
    if as_json:
        click.echo(json.dumps(figures, ensure_ascii=False))
    elif not said:
        for trial in trials:
            _print_trial(trial)
        for name, number in published.items() if not dry_run else ():
            click.echo(f"{name}:{number}")
    if said:
        sys.exit(1)


def _forget() -> None:
    from maplebridge.organisation import editions

    editions.kept.forget()


def _edition(named: str) -> tuple[Table[Any], list[Cells]]:
    """The table and rows that TABLE or TABLE:NUMBER names."""
    from maplebridge.journey.configuration import TABLES
    from maplebridge.organisation.editions import rows_of
    from maplebridge.organisation.models import Edition

    name, _colon, number = named.partition(":")
    if name not in TABLES or not (number.isdecimal() or not number):
        raise click.UsageError(
            f"{named}: write TABLE or TABLE:NUMBER; tables: {', '.join(TABLES)}."
        )
    table = TABLES[name]
    if number and not Edition.objects.filter(name=name, number=int(number)).exists():
        raise click.ClickException(f"There is no edition {named}.")
    return table, rows_of(table, int(number) if number else table.number())


def _tables_of(named: str) -> dict[str, list[Cells]]:
    """The rows by table of whatever `diff` can be given."""
    from maplebridge.journey.configuration import TABLES, tables_in
    from maplebridge.organisation.editions import read_file, rows_of

    if named == PRESENT:
        return {name: rows_of(table, table.number()) for name, table in TABLES.items()}
    path = Path(named)
    if named.partition(":")[0] in TABLES and not path.exists():
        table, rows = _edition(named)
        return {table.name: rows}
    if not path.exists():
        raise click.UsageError(f"{named} is neither a table, a file nor a folder.")
    files, problems = tables_in(path)
    found = {}
    for name, file in files.items():
        read = read_file(TABLES[name], file)
        problems += read.problems
        found[name] = read.rows
    if problems:
        raise click.ClickException(
            "\n".join(f"{named}:{p.line}: {p.code} {p.wrong} {p.mend}" for p in problems[:SHOWN])
        )
    return found


def _as_json(differences: Differences) -> dict[str, Any]:
    return {
        **differences.counts,
        "rows_added": differences.added,
        "rows_removed": differences.removed,
        "rows_changed": [
            {"before": before, "after": after} for before, after in differences.changed
        ],
    }


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        **_as_json(trial.differences),
        "begins": trial.begins.isoformat(),
        "effect": trial.effect.as_json() if trial.effect else None,
    }


def _print_differences(table: Table[Any], differences: Differences, most: int = SHOWN) -> None:
    counts = "  ".join(f"{name}: {number}" for name, number in differences.counts.items())
    click.echo(f"{table.name}  {counts}")
    _print_rows("-", differences.removed, most)
    _print_rows("+", differences.added, most)
    for before, after in differences.changed[:most]:
        key = " ".join(filter(None, (after[name] for name in table.key)))
        changes = (
            f"{name}: {before[name] or '-'} → {after[name] or '-'}"
            for name in table.columns
            if before[name] != after[name]
        )
        click.echo(f"~ {key}  {'; '.join(changes)}")
    if len(differences.changed) > most:
        click.echo(f"~ ... {len(differences.changed)}")


def _print_rows(sign: str, rows: Sequence[Cells], most: int) -> None:
    for cells in rows[:most]:
        click.echo(f"{sign} {','.join(cells.values())}")
    if len(rows) > most:
        click.echo(f"{sign} ... {len(rows)}")


def _print_trial(trial: Trial) -> None:
    _print_differences(trial.table, trial.differences)
    effect = trial.effect
    if effect is None:
        return
    click.echo(
        f"  past {effect.days} days: {effect.cases} cases, {effect.changed} changed, "
        f"{effect.unowned} newly without an owner"
    )
    for row in effect.rows[:SHOWN]:
        click.echo(
            f"  {row.category}  {row.before or '-'} → {row.after or '-'}  {row.cases}  "
            f"{' '.join(row.numbers)}"
        )
