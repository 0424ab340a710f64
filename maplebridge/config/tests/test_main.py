"""The command line: every command explains itself, and the exit codes are 0, 1 and 2."""

from __future__ import annotations

import socket
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from maplebridge.config.commands.up import _free_port, _table, _url
from maplebridge.config.main import cli, state_folder

NAMES = cli.list_commands(click.Context(cli))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(name: str) -> None:
    answer = CliRunner().invoke(cli, [name, "--help"])

    assert answer.exit_code == 0
    assert answer.output.startswith("Usage:")
    assert len(answer.output.splitlines()) > 3


def test_an_unknown_command_is_wrong_usage() -> None:
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


def test_a_missing_folder_is_wrong_usage(tmp_path: Path) -> None:
    answer = CliRunner().invoke(cli, ["up", "--data", str(tmp_path / "missing")])

    assert answer.exit_code == 2
    assert "does not exist" in answer.output


def test_the_state_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPLEBRIDGE_STATE", "/somewhere/else")
    assert state_folder() == Path("/somewhere/else")
    monkeypatch.delenv("MAPLEBRIDGE_STATE")
    assert state_folder().name == "var"


def test_a_taken_port_gives_way_to_the_next() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert _free_port("127.0.0.1", port) > port


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(click.ClickException, match="not an address of this machine"):
        _free_port("192.0.2.1", 8000)


def test_the_url_is_one_a_browser_can_open() -> None:
    assert _url("0.0.0.0", 8000) == "http://127.0.0.1:8000/"  # noqa: S104
    assert _url("::", 80) == "http://[::1]:80/"
    assert _url("127.0.0.1", 8001) == "http://127.0.0.1:8001/"


def test_columns_with_chinese_stand_under_one_another() -> None:
    assert _table([("a", "居民", "x"), ("bb", "b", "y")]) == ["a   居民  x", "bb  b     y"]
