"""Sends short messages to people; without a provider they go to a file that a person can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Message:
    """One message. name: its identity; the same name is sent once. to: a telephone number."""

    name: str
    to: str
    text: str


def send(message: Message) -> bool:
    """Sends a message unless one of that name was sent; says whether it was.

    The dry-run sink: one file a message below the state folder, written so that a second
    call, or a second process, finds it there.
    """
    folder = Path(settings.STATE) / "messages"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / f"{message.name}.json"
    try:
        with place.open("x", encoding="utf-8") as file:
            json.dump(asdict(message), file, ensure_ascii=False)
    except FileExistsError:
        return False
    return True
