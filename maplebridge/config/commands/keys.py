"""`maplebridge keys`: the keys under which who reported, and originals of photos, are sealed."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from maplebridge.config.main import running_database, say, step

if TYPE_CHECKING:
    from maplebridge.lib.keyring import KeyFile

TOLD_SECONDS = 2.0
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object as the last line."
)


@click.group()
def command() -> None:
    """Show, draw, change and drop the keys that seal who reported."""


@command.command()
@JSON
def show(as_json: bool) -> None:
    """The keys, which of them is the current one, and how much is sealed under each."""
    with running_database():
        keys = _file().keys(afresh=True)
        seals, originals = _needed()
        rows = [
            {
                "id": key.id,
                "current": key.id == keys.current,
                "cipher": key.cipher,
                "made": key.made.isoformat(timespec="seconds"),
                "seals": seals.get(key.id, 0),
                "originals": originals.get(key.id, 0),
            }
            for key in keys.by_id.values()
        ]
    if as_json:
        click.echo(json.dumps({"keys": rows}))
        return
    for row in rows:
        mark = "*" if row["current"] else " "
        click.echo(
            f"{mark} {row['id']:<24} {row['cipher']}  {row['made']}  "
            f"{row['seals']} seals, {row['originals']} originals"
        )


@command.command()
@JSON
def new(as_json: bool) -> None:
    """Draw a key and make it the current one; what runs takes it up within seconds."""
    with running_database():
        from django.conf import settings

        key = _changed(lambda: _file().add(settings.SEAL_CIPHER))
    _say({"id": key.id, "cipher": key.cipher}, as_json=as_json)
    say("Copy the key file apart from the database now; `maplebridge keys rotate` comes next.")


@command.command()
@JSON
def rotate(as_json: bool) -> None:
    """Wrap every data key under the current key; may be stopped and begun again at any time."""
    begun = time.monotonic()
    with running_database():
        from maplebridge.cases.reporters import rewrap, seals_by_key
        from maplebridge.connectors.storage import rewrap_originals

        current = _file().keys(afresh=True).current
        _settle()
        seals, originals = _needed()
        turned = {"seals": 0, "originals": 0, "failed": 0}
        several = sum(n for key, n in seals.items() if key != current)
        told = begun
        for batch in rewrap():
            turned["seals"] += batch.done
            turned["failed"] += len(batch.failed)
            for case_id in batch.failed:
                say(f"case {case_id}: its seal does not open and was left as it is")
            if time.monotonic() - told > TOLD_SECONDS:
                told = time.monotonic()
                say(f"{turned['seals']} of {several} seals")
        several = sum(n for key, n in originals.items() if key != current)
        for done in rewrap_originals():
            turned["originals" if done else "failed"] += 1
            if time.monotonic() - told > TOLD_SECONDS:
                told = time.monotonic()
                say(f"{turned['originals']} of {several} originals")
        left = sum(n for key, n in seals_by_key().items() if key != current)
    seconds = round(time.monotonic() - begun, 1)
    _say({"key": current, **turned, "left": left, "seconds": seconds}, as_json=as_json)
    if turned["failed"]:
        sys.exit(1)


@command.command()
@click.argument("key_id")
@JSON
def drop(key_id: str, as_json: bool) -> None:
    """Remove the key KEY_ID for good; refused while anything is sealed under it.

    Copies of the database from before the rotation cannot be read afterwards.
    """
    with running_database():
        seals, originals = _needed()
        if needed := seals.get(key_id, 0) + originals.get(key_id, 0):
            raise click.ClickException(
                f"{needed} seals need the key {key_id}; run `maplebridge keys rotate` first."
            )
        _changed(lambda: _file().drop(key_id))
    _say({"dropped": key_id}, as_json=as_json)


def _file() -> KeyFile:
    from django.conf import settings

    from maplebridge.lib import keyring

    return keyring.at(settings.SEAL_KEYS)


def _needed() -> tuple[dict[str, int], dict[str, int]]:
    """How many seals, and how many originals, need each key."""
    from maplebridge.cases.reporters import seals_by_key
    from maplebridge.connectors.storage import originals_by_key

    return seals_by_key(), originals_by_key()


def _changed(change: Any) -> Any:
    from maplebridge.lib.keyring import KeyringError

    try:
        return change()
    except KeyringError as refused:
        raise click.ClickException(str(refused)) from refused


def _settle() -> None:
    """Waits until whatever runs has seen which key is the current one."""
    from maplebridge.lib.clock import now
    from maplebridge.lib.keyring import READ_AGAIN_SECONDS

    keys = _file().keys()
    age = (now() - keys.by_id[keys.current].made).total_seconds()
    if len(keys.by_id) > 1 and 0 <= age < 2 * READ_AGAIN_SECONDS:
        with step("Waiting until what runs has seen the new key"):
            time.sleep(2 * READ_AGAIN_SECONDS - age)


def _say(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in figures.items()))
