"""The hash chain over a case's events: what is hashed, and how a chain is verified."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

START = b"\x00" * 32


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def commitment(salt: bytes, content: Any) -> str:
    """SHA-256 over salt and content, hexadecimal.

    Once salt and content are erased, nothing can be learned from it, and the chain still holds.
    """
    return hashlib.sha256(salt + canonical(content)).hexdigest()


def fresh_salt() -> bytes:
    """Sixteen random bytes."""
    return secrets.token_bytes(16)


def event_hash(
    previous: bytes,
    case_id: UUID,
    sequence: int,
    at: dt.datetime,
    core: Mapping[str, Any],
) -> bytes:
    """SHA-256 over the previous hash and everything the event row says.

    core: move, from, to, role, account, unit, area, key, facts, commitments.
    """
    stamp = at.astimezone(dt.UTC).isoformat(timespec="microseconds")
    said = canonical({**core, "case": str(case_id), "sequence": sequence, "at": stamp})
    return hashlib.sha256(previous + said).digest()


def core_of(event: Any) -> dict[str, Any]:
    """The hashed part of an event row."""
    return {
        "move": event.move,
        "from": event.from_state,
        "to": event.to_state,
        "role": event.role,
        "account": str(event.account_id) if event.account_id else "",
        "unit": event.unit_code,
        "area": event.area_code,
        "key": event.key,
        "facts": event.facts,
        "commitments": event.commitments,
    }


@dataclass(frozen=True)
class Broken:
    """A place where a chain does not hold."""

    case_id: UUID
    sequence: int
    why: str


def verify(events: Iterable[Any]) -> list[Broken]:
    """Checks one case's events, in any order; an empty list means that the chain holds.

    Finds an edited, removed, added or reordered event. Source: domain guide, 5 (audit).
    """
    broken: list[Broken] = []
    previous = START
    for expected, event in enumerate(sorted(events, key=lambda e: e.sequence), start=1):
        if event.sequence != expected:
            broken.append(Broken(event.case_id, expected, "missing"))
            return broken
        if bytes(event.previous_hash) != previous:
            broken.append(Broken(event.case_id, event.sequence, "does not follow the one before"))
        found = event_hash(previous, event.case_id, event.sequence, event.at, core_of(event))
        if bytes(event.hash) != found:
            broken.append(Broken(event.case_id, event.sequence, "was changed"))
        previous = bytes(event.hash)
    return broken
