"""Calls a reporter through a relay number, so that who calls never learns the telephone.

A provider lends a number for some minutes and connects whoever calls it. Here stands the dry run,
which lends made-up numbers nobody answers and sets up no call; a city's provider is one more class
with the same function `lend`. What is kept in the state folder names no telephone of a reporter.
Source: domain guide, section 5 (contact channel via relay, not number).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings

from maplebridge.lib.clock import now

LENT_FOR: Final = dt.timedelta(minutes=15)
# No exchange has numbers that begin so.
MADE_UP_PREFIX: Final = "000-0000"


@dataclass(frozen=True)
class RelayNumber:
    """The number to call and until when. is_made_up: the dry run lent it, and nobody answers."""

    number: str
    until: dt.datetime
    is_made_up: bool


class Provider(Protocol):
    """Whoever lends numbers. is_made_up: whether a call is set up at all."""

    is_made_up: bool

    def lend(self, telephone: str, until: dt.datetime) -> str:
        """A number that leads to the telephone until then. Raises OSError when it cannot."""
        ...


class DryRun:
    """Lends made-up numbers, for a demonstration and until a city has named its provider."""

    is_made_up = True

    def lend(self, telephone: str, until: dt.datetime) -> str:
        """A number of the right look; the telephone is forgotten at once."""
        return f"{MADE_UP_PREFIX}-{secrets.randbelow(10_000):04d}"


def provider() -> Provider:
    """The provider in use."""
    return DryRun()


def call(case_id: UUID, account_id: UUID, telephone: str) -> RelayNumber:
    """A number by which this account reaches the reporter of this case; the one still lent, if any.

    telephone: the reporter's, read by the caller of this function and shown to nobody.
    Raises OSError when the provider is away, ValueError without a telephone.
    """
    if not telephone:
        raise ValueError("nobody can be called without a telephone")
    lent = present(case_id, account_id)
    if lent is not None:
        return lent
    by = provider()
    until = now() + LENT_FOR
    fresh = RelayNumber(by.lend(telephone, until), until, by.is_made_up)
    _keep(_place(case_id, account_id), fresh)
    return fresh


def present(case_id: UUID, account_id: UUID) -> RelayNumber | None:
    """The number that is lent to this account for this case now; None when there is none."""
    place = _place(case_id, account_id)
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
        found = RelayNumber(
            str(said["number"]), dt.datetime.fromisoformat(said["until"]), bool(said["made_up"])
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    if found.until <= now():
        place.unlink(missing_ok=True)
        return None
    return found


def give_back(case_id: UUID, account_id: UUID) -> None:
    """Forgets a number when the call is over."""
    _place(case_id, account_id).unlink(missing_ok=True)


def _place(case_id: UUID, account_id: UUID) -> Path:
    return Path(settings.STATE) / "relay" / f"{case_id}.{account_id}.json"


def _keep(place: Path, lent: RelayNumber) -> None:
    """Writes it whole or not at all; clears away what others forgot to give back."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    oldest = (now() - 2 * LENT_FOR).timestamp()
    for old in place.parent.iterdir():
        with contextlib.suppress(OSError):
            if old.stat().st_mtime < oldest:
                old.unlink()
    descriptor, draft = tempfile.mkstemp(dir=place.parent)
    said = {"number": lent.number, "until": lent.until.isoformat(), "made_up": lent.is_made_up}
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file)
    Path(draft).replace(place)
