"""Leads that leave the platform: their words closed under one seal, opened once, then destroyed.

What is closed: every free word of the case so far. It is sealed like who reported, with a data key
of its own, as a part of the event that hands it over; the rows it stood in are erased. Commitments
stay, so the chain holds before and after, and again when the organ gives the matter back.
Source: domain guide, sections 3 (04: hand-off only) and 8 (7): handed off, not stored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from maplebridge.cases import reporters
from maplebridge.cases.models import Payload, Seal

PART = "lead"
WORDS = "words"


@dataclass(frozen=True)
class Said:
    """What was said with one event of a lead, in clear. Not to be kept, logged or put in a row."""

    sequence: int
    content: Mapping[str, Any]


def close(
    case_id: UUID, sequence: int, words: Mapping[str, Any], at: dt.datetime
) -> dict[str, Any]:
    """Erases the words of a case and returns them, to be sealed with the event `sequence`.

    words: those of that event itself, which are kept nowhere else. Two statements, inside the
    move's transaction.
    """
    rows = Payload.objects.filter(case_id=case_id, part=WORDS, content__isnull=False)
    said = [
        {"sequence": row.sequence, "salt": bytes(row.salt or b"").hex(), "content": row.content}
        for row in rows.order_by("sequence")
    ]
    rows.update(salt=None, content=None, erased_at=at)
    if words:
        said.append({"sequence": sequence, "salt": "", "content": dict(words)})
    return {"said": said}


def read(case_id: UUID) -> list[Said]:
    """All that is sealed of a lead, oldest first; nothing once it was destroyed.

    Whether somebody may is asked before: the move `open_lead`, a reason and a Look.
    Raises reporters.KeyGone or Tampered, each with a sentence.
    """
    return [Said(row["sequence"], row["content"]) for row in _sealed(case_id)]


def give_back(case_id: UUID, at: dt.datetime) -> dict[str, Any]:
    """Puts the words back where they stood and removes the seal.

    Returns what had no row of its own, as words for the event that gives it back.
    """
    loose: list[str] = []
    for row in _sealed(case_id):
        if not row["salt"]:
            loose += [str(text) for text in row["content"].values()]
            continue
        Payload.objects.filter(case_id=case_id, sequence=row["sequence"], part=WORDS).update(
            salt=bytes.fromhex(row["salt"]), content=row["content"], erased_at=None
        )
    destroy(case_id, at)
    return {"more": "\n".join(loose)} if loose else {}


def destroy(case_id: UUID, at: dt.datetime) -> int:
    """Destroys the keys and the sealed words of a lead, for good; returns how many there were."""
    rows = Payload.objects.filter(case_id=case_id, part=PART, content__isnull=False)
    for sequence in list(rows.values_list("sequence", flat=True)):
        reporters.destroy(case_id, sequence)
    return rows.update(salt=None, content=None, erased_at=at)


def _sealed(case_id: UUID) -> list[dict[str, Any]]:
    rows = Payload.objects.filter(case_id=case_id, part=PART, content__isnull=False)
    seals = {seal.sequence: seal for seal in Seal.objects.filter(case_id=case_id)}
    said: list[dict[str, Any]] = []
    for row in rows.order_by("sequence"):
        opened = reporters.open_part(row, seals.get(row.sequence))
        said += opened["said"]
    return said
