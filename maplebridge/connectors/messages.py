"""Sends short messages to people; without a provider they go to a file that a person can read."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Message:
    """One message. name: its identity; the same name is sent once.

    to: a telephone number, or `unit:` and a unit's code; the provider knows that unit's duty desk.
    edition: which texts it was written by.
    """

    name: str
    to: str
    text: str
    edition: str = ""


def send(message: Message) -> bool:
    """Sends a message unless one of that name was sent; says whether it was.

    The dry-run sink: one file a message below the state folder, written so that a second
    call, or a second process, finds it there.
    """
    folder = Path(settings.STATE) / "messages"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{message.name}.json"
    if place.exists():
        return False
    # Whole or not at all: a crash or a full disk in between leaves no message that looks sent.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
        draft = Path(file.name)
        try:
            json.dump(asdict(message), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
            os.link(draft, place)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    return True
