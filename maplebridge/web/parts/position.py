"""How far a page has read the feed: what it was drawn from, and where its news go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from django.db import connection

from maplebridge.cases import feed
from maplebridge.cases.feed import NIL, News
from maplebridge.lib.ids import BUCKETS

MOST_IN_A_BUCKET = 100


@dataclass(frozen=True, order=True)
class Position:
    """A place in the feed's one order: transaction, case, sequence. All before it was told."""

    txid: int
    case_id: UUID = NIL
    sequence: int = 0

    def __str__(self) -> str:
        return f"{self.txid}-{self.case_id.hex}-{self.sequence}"

    @classmethod
    def read(cls, said: str) -> Self | None:
        """The position a page sends back; None for anything that is none."""
        txid, _, rest = said.partition("-")
        case_id, _, sequence = rest.partition("-")
        if not (txid.isascii() and txid.isdigit() and sequence.isascii() and sequence.isdigit()):
            return None
        if len(txid) > 19 or len(sequence) > 9:
            return None
        try:
            return cls(int(txid), UUID(case_id), int(sequence))
        except ValueError:
            return None


def of(news: News) -> Position:
    """Where one event stands."""
    return Position(int(news.txid), news.case_id, news.sequence)


def here() -> Position:
    """Where the feed stands now: whatever a statement before this one did not see comes after it.

    Take it before reading what is shown. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        return Position(int(cursor.fetchone()[0]))


def news_after(start: Position) -> tuple[Sequence[News], Position]:
    """The next news of all buckets in the feed's order, and how far they reach.

    Nothing between the two is left out; the start itself comes back when there is no more.
    """
    place = (str(start.txid), start.case_id, start.sequence)
    found = feed.read(dict.fromkeys(range(BUCKETS), place), MOST_IN_A_BUCKET)
    counted: dict[int, int] = {}
    cut: Position | None = None
    for bucket, news in found:
        counted[bucket] = counted.get(bucket, 0) + 1
        if counted[bucket] == MOST_IN_A_BUCKET:
            # This bucket may hold more: what others tell after its last row has to wait for it.
            cut = of(news)
            break
    told = [news for _bucket, news in found if cut is None or of(news) <= cut]
    return told, of(told[-1]) if told else start
