"""Messages: each once, whole or not at all."""

from __future__ import annotations

import json

import pytest

from maplebridge.connectors import messages
from maplebridge.connectors.messages import Message, send


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STATE = tmp_path
    return tmp_path / "messages"


def test_a_message_is_sent_once(folder):
    assert send(Message("case-1", "13900000000", "您好"))
    assert not send(Message("case-1", "13900000000", "又一次"))
    assert [file.name for file in folder.iterdir()] == ["case-1.json"]
    assert json.loads((folder / "case-1.json").read_text())["text"] == "您好"


def test_a_message_that_could_not_be_written_is_not_taken_for_sent(folder, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(messages.json, "dump", full)
        with pytest.raises(OSError, match="No space"):
            send(Message("case-1", "13900000000", "您好"))
    assert list(folder.iterdir()) == []
    assert send(Message("case-1", "13900000000", "您好"))
