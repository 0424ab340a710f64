"""`maplebridge accounts` and the log of acts as a command sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from maplebridge.config.commands import accounts
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account, Holding, actors_for
from maplebridge.organisation.people import OFFICERS, Role

FIRST = [
    "first", "--unit", "3308-center", "--administrator", "a.one:卢甲", "--security", "s.one:安乙",
    "--auditor", "m.one:明丙",
]  # fmt: skip


def run(*said: str) -> Any:
    return CliRunner().invoke(accounts.command, list(said))


@pytest.mark.django_db
def test_the_first_three_officers_are_made_once() -> None:
    Holding.objects.filter(post__role__in=OFFICERS).delete()
    done = run(*FIRST, "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(done.output.splitlines()[-1])
    assert set(made) == {"administrator", "security", "auditor"}
    for role, given in made.items():
        account = Account.objects.get(username=given["login"])
        assert account.check_password(given["password"])
        assert [a.role for a in actors_for(account, local_day(now()))] == [Role(role)]
    again = run(*FIRST)
    assert again.exit_code == 1
    assert "officers already" in again.output


@pytest.mark.django_db
def test_what_cannot_be_used_is_said() -> None:
    assert run(*FIRST[:-1], "nobody").exit_code == 2
    unknown = run(*[part.replace("3308-center", "9999-center") for part in FIRST])
    assert unknown.exit_code == 1
    assert "load units" in unknown.output


@pytest.mark.django_db
def test_the_list_shows_posts_and_no_secret(town: Any) -> None:
    done = run("list", "--json")
    rows = {row["login"]: row for row in json.loads(done.output.splitlines()[-1])["accounts"]}
    assert rows["housing"]["posts"] == ["officer:330825-hsc"]
    assert rows["security"]["posts"] == ["security:3308-center"]
    assert "argon2" not in done.output
    assert set(rows["housing"]) == {"login", "open", "first_password", "posts"}


@pytest.mark.django_db
def test_who_runs_the_machine_gives_an_officer_another_first_password(town: Any) -> None:
    done = run("secret", "auditor", "--json")
    assert done.exit_code == 0, done.output
    given = json.loads(done.output.splitlines()[-1])
    account = Account.objects.get(username="auditor")
    assert account.check_password(given["password"])
    assert account.secret_until is not None
    unknown = run("secret", "nobody")
    assert unknown.exit_code == 1
