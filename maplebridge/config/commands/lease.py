"""`maplebridge lease`: a township works cut off on a node of its own, and comes home."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maplebridge.config.main import running_database, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from maplebridge.cases.leases import Header, Rows

JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object as the last line."
)
NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
PURPOSE = "lease"
ENDINGS = (".jpg", ".original", ".key")
# One sealing takes no more; a township's open cases with photos are far below.
MOST_BYTES = 2**31 - 64


@click.group()
def command() -> None:
    """Lend an area's open cases to a node of its own while it is cut off, and bring them home.

    The node is an instance with an empty database and the city's own MAPLEBRIDGE_SECRET_KEY and
    key ring: report, receipt and reporter are the same on both sides. A file is sealed under that
    key. Taken in twice it changes nothing. Exit codes: 0 done, 1 refused, 2 wrong usage.
    """


@command.command()
@click.argument("area")
@click.argument("file", type=NEW_FILE)
@click.option("--home", default="", help="Area that this node serves; by default the county.")
@click.option(
    "--hours", type=click.FloatRange(1, 24 * 14), default=96, show_default=True,
    help="For how long the node may write: the cut, and a day to come home.",
)  # fmt: skip
@JSON
def lend(area: str, file: Path, home: str, hours: float, as_json: bool) -> None:
    """At home: lend the open cases of AREA and write FILE for its node.

    Home reads them and leaves notes until they come back.
    """
    with running_database(), _refused():
        from maplebridge.cases import leases

        header, rows = leases.lend(area, home or area[:6], hours)
        size = _pack(file, header, rows)
    _print({"lease": header.lease, "cases": len(rows["cases_case"]), "until": header.until,
            "mb": round(size / 1e6, 3)}, as_json)  # fmt: skip


@command.command()
@click.argument("file", type=THERE)
@JSON
def take(file: Path, as_json: bool) -> None:
    """Take FILE in: at the node what was lent or noted, at home what the node brings."""
    with running_database(), _refused():
        from maplebridge.cases import leases

        header, rows = _unpack(file)
        taken = leases.take(header, rows, say)
    _print(asdict(taken), as_json)


@command.command()
@click.argument("file", type=NEW_FILE)
@click.option("--end", is_flag=True, help="The line is back: the right to write goes home.")
@JSON
def bring(file: Path, end: bool, as_json: bool) -> None:
    """At the node: write FILE with what happened here since the lease began."""
    with running_database(), _refused():
        from maplebridge.cases import leases

        header, rows = leases.bring(end=end)
        size = _pack(file, header, rows)
    _print({"lease": header.lease, "cases": len(rows["cases_case"]),
            "events": len(rows["cases_event"]), "ended": header.gives_right,
            "mb": round(size / 1e6, 3)}, as_json)  # fmt: skip


@command.command()
@click.argument("area")
@click.argument("file", type=NEW_FILE)
@JSON
def notes(area: str, file: Path, as_json: bool) -> None:
    """At home: write FILE with the notes left about the cases that AREA's node writes."""
    with running_database(), _refused():
        from maplebridge.cases import leases

        header, rows = leases.notes(area)
        _pack(file, header, rows)
    _print({"lease": header.lease, "notes": len(rows["cases_leftnote"])}, as_json)


@command.command()
@click.argument("area")
@JSON
def recall(area: str, as_json: bool) -> None:
    """At home: take the right to write back when its time is over and nothing came."""
    with running_database(), _refused():
        from maplebridge.cases import leases

        cases = leases.recall(area)
    _print({"cases": cases}, as_json)


@command.command("list")
@JSON
def list_leases(as_json: bool) -> None:
    """List the leases of this node, the newest first."""
    with running_database():
        from maplebridge.cases.models import Lease

        found = [
            {
                "lease": str(one.pk), "giver": one.giver, "taker": one.taker, "given": one.given,
                "cases": one.cases, "begins_at": one.begins_at.isoformat(timespec="seconds"),
                "ends_at": one.ends_at.isoformat(timespec="seconds"),
                "over_at": one.over_at.isoformat(timespec="seconds") if one.over_at else None,
            }
            for one in Lease.objects.order_by("-begins_at")
        ]  # fmt: skip
    if as_json:
        click.echo(json.dumps({"leases": found}))
        return
    for one in found:
        state = f"over {one['over_at']}" if one["over_at"] else f"until {one['ends_at']}"
        click.echo(
            f"{one['lease']}  {one['giver']} -> {one['taker']}  {one['cases']} cases  {state}"
        )


class _refused:  # noqa: N801  reads as a condition
    """Turns what is refused into the sentence of the command line."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, wrong: BaseException | None, _trace: object) -> None:
        from django.db import IntegrityError

        from maplebridge.cases.engine import Refused
        from maplebridge.cases.leases import LeaseRefused

        if isinstance(wrong, LeaseRefused | Refused):
            raise click.ClickException(str(wrong)) from wrong
        if isinstance(wrong, IntegrityError):
            raise click.ClickException(
                f"Something of this file is here under another name; nothing was taken in: {wrong}"
            ) from wrong


def _print(figures: dict[str, Any], as_json: bool) -> None:
    for name, value in figures.items():
        click.echo(f"{name:<10} {value}")
    if as_json:
        click.echo(json.dumps(figures))


def _key() -> bytes:
    from django.conf import settings

    from maplebridge.lib import seal

    return seal.derived_key("aes", settings.SECRET_KEY.encode(), PURPOSE)


def _pack(file: Path, header: Header, rows: Rows) -> int:
    """Writes rows and the photos that they name into one sealed file; returns its bytes."""
    from maplebridge.cases import leases
    from maplebridge.lib import seal

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", leases.as_json(header))
        archive.writestr("rows.json", json.dumps(rows, ensure_ascii=False))
        for path in _photos(rows):
            archive.write(path, f"photos/{path.name}", zipfile.ZIP_STORED)
    if packed.tell() > MOST_BYTES:
        raise click.ClickException("The photos of these cases are too much for one file.")
    sealed = seal.seal(_key(), packed.getvalue(), PURPOSE.encode())
    part = file.with_suffix(file.suffix + ".part")
    part.write_bytes(sealed)
    part.chmod(0o600)
    part.replace(file)
    return len(sealed)


def _photos(rows: Rows) -> Iterable[Path]:
    from maplebridge.connectors import storage

    for sha256 in dict.fromkeys(row["sha256"] for row in rows.get("cases_attachment", [])):
        for ending in ENDINGS:
            path = storage.path_of(sha256).with_suffix(ending)
            if path.exists():
                yield path


def _unpack(file: Path) -> tuple[Header, Rows]:
    """What a file holds; its photos are put into storage first, where they harm nobody."""
    from maplebridge.cases.leases import Header
    from maplebridge.connectors import storage
    from maplebridge.lib import seal

    try:
        packed = seal.opened(_key(), file.read_bytes(), PURPOSE.encode())
    except seal.NotOpened as wrong:
        raise click.ClickException(
            f"{file} does not open: it was changed, or made under another MAPLEBRIDGE_SECRET_KEY."
        ) from wrong
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        header = Header(**json.loads(archive.read("header.json")))
        rows = json.loads(archive.read("rows.json"))
        for name in archive.namelist():
            if name.startswith("photos/"):
                inner = Path(name)
                path = storage.path_of(inner.stem).with_suffix(inner.suffix)
                if inner.suffix in ENDINGS and not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(archive.read(name))
    return header, rows
