"""`maplebridge accounts`: the first three officers of an installation, and who may sign in."""

from __future__ import annotations

import json

import click

from maplebridge.config.main import running_database, say


@click.group()
def command() -> None:
    """Make the first officers of an installation; list accounts and posts."""


@command.command()
@click.option("--unit", required=True, help="Unit of the three posts, like 3308-center.")
@click.option("--administrator", required=True, help="Login:name of who sets the system up.")
@click.option("--security", required=True, help="Login:name of who gives accounts and posts.")
@click.option("--auditor", required=True, help="Login:name of who reads the logs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def first(unit: str, administrator: str, security: str, auditor: str, as_json: bool) -> None:
    """Make the first administrator, security officer and auditor: three people, once.

    Prints three first passwords, each to be changed at the first sign-in within 72 hours; they are
    kept nowhere. Leaves with 1 when the installation has its officers already.
    """
    said = {"administrator": administrator, "security": security, "auditor": auditor}
    for name, value in said.items():
        if not all(part.strip() for part in value.partition(":")[::2]):
            raise click.UsageError(f"--{name} takes a login and a name, like zhao:赵小满.")
    with running_database():
        from django.utils import translation

        from maplebridge.organisation import staff
        from maplebridge.organisation.models import Unit
        from maplebridge.organisation.people import Role

        where = Unit.objects.filter(pk=unit).first()
        if where is None:
            raise click.ClickException(
                f"There is no unit {unit}; load the units first: maplebridge load units."
            )
        logins = {}
        for name, value in said.items():
            login, _colon, shown = value.partition(":")
            logins[Role(name)] = (login.strip(), shown.strip())
        try:
            with translation.override("en"):
                made = staff.first_officers(where, logins)
        except staff.StaffRefused as refused:
            raise click.ClickException(str(refused)) from None
        if as_json:
            shown_json = {str(role): {"login": a, "password": b} for role, (a, b) in made.items()}
            click.echo(json.dumps(shown_json))
            return
        for role, (login, secret) in made.items():
            click.echo(f"{role}: {login}  {secret}")
        say("Hand them over in person; they are not shown again.")


@command.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def list_accounts(as_json: bool) -> None:
    """List accounts with the posts they hold today; no password, no name of a case."""
    with running_database():
        from maplebridge.lib.clock import local_day, now
        from maplebridge.organisation.models import Account, actors_for

        today = local_day(now())
        rows = [
            {
                "login": account.username,
                "open": account.is_active,
                "first_password": account.secret_until is not None,
                "posts": [f"{a.role}:{a.unit_code}" for a in actors_for(account, today)],
            }
            for account in Account.objects.order_by("username")
        ]
        if as_json:
            click.echo(json.dumps({"accounts": rows}, ensure_ascii=False))
            return
        for row in rows:
            posts = row["posts"]
            shown = " ".join(posts) if isinstance(posts, list) else ""
            click.echo(f"{row['login']}  {'open' if row['open'] else 'closed'}  {shown}".rstrip())


@command.command()
@click.argument("login")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def secret(login: str, as_json: bool) -> None:
    """Give an officer who lost the own password a first one; for who runs the machine.

    A security officer may not: whoever gives it could sign in as that officer. Prints it once.
    """
    with running_database():
        from django.utils import translation

        from maplebridge.organisation import staff
        from maplebridge.organisation.models import Account
        from maplebridge.organisation.people import SYSTEM

        account = Account.objects.filter(username=login.strip().lower()).first()
        if account is None:
            raise click.ClickException(f"There is no account with the login {login}.")
        try:
            with translation.override("en"):
                given = staff.give_secret(SYSTEM, account)
        except staff.StaffRefused as refused:
            raise click.ClickException(str(refused)) from None
        if as_json:
            click.echo(json.dumps({"login": account.username, "password": given}))
            return
        click.echo(f"{account.username}  {given}")
        say("Hand it over in person; it is not shown again.")
