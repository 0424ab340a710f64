"""What a request asks with, made harmless: keys of forms, and words that narrow a list."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping

from maplebridge.lib.text import normalise

KEY = re.compile(r"[!-~]{1,100}")


def form_key(said: Mapping[str, str]) -> str:
    """The key a form was drawn with; a fresh one for a key that no form of ours has."""
    key = str(said.get("key", ""))
    return key if KEY.fullmatch(key) else str(uuid.uuid4())


def move_key(said: Mapping[str, str]) -> str:
    """The idempotency key of a move made through a form; never one of the platform's own."""
    return f"form:{form_key(said)}"


def narrowing(said: Mapping[str, str], name: str) -> str:
    """A word that narrows a list: one line, no unseen characters, at most 60 characters."""
    return normalise(str(said.get(name, ""))[:200])[:60]
