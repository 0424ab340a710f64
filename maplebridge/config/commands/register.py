"""`maplebridge register`: which columns hold personal data, why, on what basis, and how long."""

from __future__ import annotations

import json

import click

from maplebridge.config.main import running_database


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def command(as_json: bool) -> None:
    """Print the register of personal data, as an impact assessment begins with it."""
    with running_database():
        from maplebridge.config.personal import columns

        found = list(columns())
        rows = [(column.name, column.tag) for column in found if column.tag]
        if as_json:
            said = [
                {
                    "column": name,
                    "whose": tag.whose,
                    "purpose": tag.purpose,
                    "basis": tag.basis,
                    "retention": tag.retention,
                }
                for name, tag in rows
            ]
            click.echo(json.dumps({"columns": len(found), "personal": said}, ensure_ascii=False))
            return
        for name, tag in rows:
            click.echo(f"{name}\n  {tag.whose}: {tag.purpose}\n  {tag.basis}\n  {tag.retention}")
        click.echo(f"{len(rows)} of {len(found)} columns hold personal data.")
