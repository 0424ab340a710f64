"""No column holds personal data without saying why, on what basis, and how long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from django.apps import apps

from maplebridge.config import personal
from maplebridge.config.commands import register


def every_column() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
    }


def test_every_column_is_tagged() -> None:
    named = {column.name for column in personal.columns()}
    assert every_column() <= named


def test_an_untagged_column_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(personal.PERSONAL, "cases.Seal.blind")
    with pytest.raises(KeyError, match=r"cases\.Seal\.blind"):
        list(personal.columns())
    monkeypatch.undo()
    monkeypatch.setattr(personal, "PLAIN_COLUMNS", personal.PLAIN_COLUMNS - {"deed"})
    with pytest.raises(KeyError, match="deed"):
        list(personal.columns())


def test_no_tag_names_what_is_not_there_and_none_is_empty() -> None:
    there = every_column()
    for name, tag in personal.PERSONAL.items():
        assert name.split(":")[0] in there, name
        assert all([tag.whose, tag.purpose, tag.basis, tag.retention]), name
    tables = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert tables >= personal.PLAIN_TABLES
    used = {name.rsplit(".", 1)[-1] for name in there}
    assert personal.PLAIN_COLUMNS - used == set()
    assert there >= personal.OTHERWISE_PLAIN
    # What is tagged in one table is not waved through by its name in another.
    tagged = {name.rsplit(".", 1)[-1] for name in personal.PERSONAL if ":" not in name}
    assert tagged & personal.PLAIN_COLUMNS == {"sha256"}


@pytest.mark.django_db
def test_the_register_is_printed(town: Any) -> None:
    done = CliRunner().invoke(register.command, ["--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output.splitlines()[-1])
    assert len(said["personal"]) == len(personal.PERSONAL)
    by_name = {row["column"]: row for row in said["personal"]}
    assert by_name["cases.Payload.content:reporter"]["whose"] == "reporter"
