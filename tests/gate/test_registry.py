"""No way out is forgotten: every address, stream, reader and command is listed with its test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import pytest
from django.urls import URLResolver, get_resolver

from maplebridge.config.main import cli
from maplebridge.config.worker import READERS
from maplebridge.web.live import stream
from tests.gate import ways
from tests.test_trust import all_tests


def addresses(found: Any, before: str = "") -> Iterator[str]:
    """Every pattern of the whole map."""
    for each in found.url_patterns:
        pattern = f"{before}{each.pattern}"
        if isinstance(each, URLResolver):
            yield from addresses(each, pattern)
        else:
            yield pattern


def commands(found: click.Command, before: str = "") -> Iterator[str]:
    """Every command that does something, by its words."""
    if not isinstance(found, click.Group):
        yield before
        return
    context = click.Context(found)
    for name in found.list_commands(context):
        inner = found.get_command(context, name)
        assert inner is not None
        yield from commands(inner, f"{before} {name}".strip())


@pytest.mark.parametrize(
    ("listed", "there"),
    [
        (ways.ADDRESSES, set(addresses(get_resolver()))),
        (ways.COMMANDS, set(commands(cli))),
        (ways.STREAMS, {stream.ADDRESS}),
        (ways.READERS, set(READERS)),
    ],
    ids=["addresses", "commands", "streams", "readers"],
)
def test_the_registry_is_whole(listed: dict[str, str], there: set[str]) -> None:
    assert sorted(there - set(listed)) == [], "list it in tests/gate/ways.py, with its test"
    assert sorted(set(listed) - there) == [], "it is not there any more"


@pytest.mark.parametrize("listed", [ways.ADDRESSES, ways.COMMANDS, ways.STREAMS, ways.READERS])
def test_each_way_has_a_test_that_exists_or_says_why_it_shows_no_case(
    listed: dict[str, str],
) -> None:
    known = all_tests()
    for way, proof in listed.items():
        assert proof in known or (proof.startswith("why: ") and len(proof) > 20), way


def test_whatever_asks_for_a_case_by_its_id_or_code_has_a_test() -> None:
    for pattern, proof in ways.ADDRESSES.items():
        if "case_id" in pattern or "code>" in pattern:
            assert proof.startswith("test_"), pattern
