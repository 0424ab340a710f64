"""Words of a move that are kept under a seal: in no list, search, count or timeline.

A move declares such a field with `Type.SEALED`. It becomes a part of the event of its own, with a
data key of its own, as who reported; erasing the case destroys the key. An event has one seal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from maplebridge.cases import reporters
from maplebridge.cases.kinds import Move, Type
from maplebridge.cases.models import Payload, Seal

PART = "sealed"


@dataclass(frozen=True)
class Page:
    """What was sealed with one event, in clear. Not to be kept, logged or put in a row."""

    sequence: int
    content: Mapping[str, str]


def parted(move: Move, words: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The free words of a move without, and those of, its sealed fields."""
    names = {need.name for need in move.needs if need.type is Type.SEALED}
    apart = {name: words[name] for name in words if name in names}
    return {name: words[name] for name in words if name not in names}, apart


def pages(case_id: UUID) -> list[Page]:
    """All that is sealed in a case, oldest first; nothing of what was erased. Two statements.

    Whether somebody may read them is asked before: the case is seen, read in full, and the look
    noted. Raises reporters.KeyGone or Tampered, each with a sentence.
    """
    rows = Payload.objects.filter(case_id=case_id, part=PART, content__isnull=False)
    seals = {seal.sequence: seal for seal in Seal.objects.filter(case_id=case_id)}
    return [
        Page(row.sequence, dict(reporters.open_part(row, seals.get(row.sequence))))
        for row in rows.order_by("sequence")
    ]
