"""The command line `maplebridge`: finds its commands and gives them a running database."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

import maplebridge
from maplebridge.config import commands
from maplebridge.connectors import postgres

# Any number will do, as long as everybody who prepares the database takes the same.
PREPARING_LOCK = 330_802


class Commands(click.Group):
    """Every module of `config/commands` is a command; it is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        found = pkgutil.iter_modules(commands.__path__)
        return sorted(module.name.replace("_", "-") for module in found if not module.ispkg)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = importlib.import_module(f"{commands.__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(maplebridge.__version__, prog_name="maplebridge")
def cli() -> None:
    """Maplebridge: every matter raised in a city finds its place, owner, clock and end.

    Each command starts and stops what it needs, the embedded database included. The state lives
    in the folder MAPLEBRIDGE_STATE (the checkout's var); with DATABASE_URL that PostgreSQL is
    used instead. Exit codes: 0 done, 1 failed, 2 wrong usage.
    """


def main() -> None:
    """Runs the command line and turns a failure of the database into a sentence."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        cli(prog_name="maplebridge")
    except postgres.DatabaseFailed as failure:
        say(f"Error: {failure}")
        sys.exit(1)


def say(line: str) -> None:
    """One line of progress, on stderr; stdout is for results."""
    click.echo(line, err=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Names a step and its seconds on stderr when it takes longer than one second."""
    began = time.monotonic()
    told = threading.Timer(1.0, say, [f"{name} ..."])
    told.daemon = True
    told.start()
    try:
        yield
    finally:
        told.cancel()
    if (seconds := time.monotonic() - began) >= 1.0:
        say(f"{name}: {seconds:.1f} s")


def state_folder() -> Path:
    """Where database, secrets and uploads live; outside of a checkout below the current folder."""
    if given := os.environ.get("MAPLEBRIDGE_STATE"):
        return Path(given).resolve()
    checkout = Path(maplebridge.__file__).resolve().parent.parent
    return (checkout if (checkout / "pyproject.toml").exists() else Path.cwd()) / "var"


@contextlib.contextmanager
def running_database(*, town: bool = False) -> Iterator[None]:
    """A migrated database and a Django that is set up, for the time of the block.

    town: also Quzhou and the demonstration town are there.
    Shares what runs already: a server on the same state folder, the database of a test, or, below
    `maplebridge up`, the one named by DATABASE_APP_URL. Raises postgres.DatabaseFailed.
    """
    import django
    from django.apps import apps

    if apps.ready:
        yield
        return
    state = state_folder()
    if not state.exists():
        # Whoever starts in another folder by mistake sees why everything is empty.
        say(f"A new state folder: {state}")
    (state / "static").mkdir(parents=True, exist_ok=True)
    outside = os.environ.get("DATABASE_URL", "")
    os.environ["MAPLEBRIDGE_STATE"] = str(state)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maplebridge.config.settings")
    os.environ.setdefault("MAPLEBRIDGE_SECRET_KEY", postgres.secret(state, "django"))
    with contextlib.ExitStack() as stack:
        if outside:
            os.environ["DATABASE_OWNER_URL"] = outside
            if not os.environ.get("DATABASE_APP_URL"):
                password = postgres.secret(state, "application")
                os.environ["DATABASE_APP_URL"] = postgres.prepare_roles(outside, password)
        elif not os.environ.get("DATABASE_APP_URL"):
            with step("Starting the database"):
                server = stack.enter_context(postgres.shared(state))
            os.environ["DATABASE_OWNER_URL"] = server.owner_url
            os.environ["DATABASE_APP_URL"] = server.app_url
        django.setup()
        from maplebridge.cases import wall

        wall.open_process()
        stack.callback(_disconnect)
        _check()
        if os.environ.get("DATABASE_OWNER_URL"):
            _prepare(town=town)
        else:
            _check_keys()
        yield


def set_up_without_database() -> None:
    """A Django for commands that only read files: sentences and settings, no rows, nothing kept."""
    import secrets

    import django
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "maplebridge.config.settings")
        os.environ.setdefault("MAPLEBRIDGE_SECRET_KEY", secrets.token_urlsafe(32))
        django.setup()


def _check() -> None:
    """Refuses wrong settings and unsound manifests with their sentences."""
    from django.core import checks

    wrong = [found for found in checks.run_checks() if found.is_serious()]
    if wrong:
        raise click.ClickException(" ".join(found.msg for found in wrong))


def _check_keys() -> None:
    """Refuses keys that cannot be used; draws the first key where nothing was ever sealed."""
    from django.conf import settings
    from django.db import connection

    from maplebridge.cases.models import Seal
    from maplebridge.cases.reporters import problems
    from maplebridge.lib import keyring

    try:
        there = Seal._meta.db_table in connection.introspection.table_names()
        if not settings.SEAL_KEYS.exists():
            if there and Seal.objects.exclude(wrapped=None).exists():
                raise click.ClickException(
                    f"The key file {settings.SEAL_KEYS} is missing, and who reported is sealed "
                    f"under its keys; put it back from its backup, or name it by MAPLEBRIDGE_KEYS."
                )
            keyring.create(settings.SEAL_KEYS, settings.SEAL_CIPHER)
            say(f"A new key file: {settings.SEAL_KEYS}; keep a copy apart from the database.")
        keyring.read(settings.SEAL_KEYS)
        said = problems(keyring.at(settings.SEAL_KEYS)) if there else []
    except keyring.KeyringError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    if said:
        raise click.ClickException(" ".join(said))


def _prepare(*, town: bool) -> None:
    """Migrates and grants as the owner, one process at a time."""
    from django.core.management import call_command
    from django.db import connections, transaction
    from django.db.migrations.executor import MigrationExecutor

    from maplebridge.config.grants import grant

    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING_LOCK])
        executor = MigrationExecutor(owner)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            with step("Making the tables"):
                call_command("migrate", database="owner", verbosity=0, interactive=False)
        # At once, so that a web server at work never finds itself without its rights.
        with transaction.atomic(using="owner"):
            grant(connections["default"].settings_dict["USER"] or postgres.APPLICATION)
        _check_keys()
        if town:
            from maplebridge.config.demonstration import open_town

            with step("Opening Quzhou and the demonstration town"):
                open_town(say)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARING_LOCK])
    owner.close()


def _disconnect() -> None:
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if close_pool := getattr(connection, "close_pool", None):
            close_pool()


def _leave(number: int, _frame: FrameType | None) -> None:
    # An exception, so that every open block closes what it opened.
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
