"""Reads the feed: every event once in order within its bucket, never skipping a late commit.

A row may be handed out again after a crash; whoever carries it out must stand that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from maplebridge.lib.clock import now
from maplebridge.lib.ids import BUCKETS

LEASE = dt.timedelta(seconds=20)
NIL = UUID(int=0)
CHANNEL = "maplebridge_feed"


@dataclass(frozen=True)
class News:
    """One event as the feed tells it."""

    case_id: UUID
    sequence: int
    area_code: str
    kind: str
    move: str
    to_state: str
    at: dt.datetime
    txid: str


# Rows of transactions that are still running, or began after the oldest running one, wait.
READ = """
SELECT case_id, sequence, area_code, kind, move, to_state, at, txid::text
FROM cases_feed
WHERE bucket = %s
  AND (txid, case_id, sequence) > (%s::text::xid8, %s::uuid, %s)
  AND txid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY txid, case_id, sequence
LIMIT %s
"""

WITH_NEWS = """
SELECT c.bucket FROM cases_feedcursor c
WHERE c.reader = %s AND (c.holder = %s OR c.held_until < %s) AND EXISTS (
    SELECT 1 FROM cases_feed f
    WHERE f.bucket = c.bucket
      AND (f.txid, f.case_id, f.sequence) > (c.txid, c.case_id, c.sequence)
      AND f.txid < pg_snapshot_xmin(pg_current_snapshot())
)
ORDER BY c.bucket
"""

CLAIM = """
UPDATE cases_feedcursor SET holder = %s, held_until = %s
WHERE reader = %s AND bucket = %s AND (holder = %s OR held_until < %s)
RETURNING txid::text, case_id, sequence
"""

ADVANCE = """
UPDATE cases_feedcursor SET txid = %s::text::xid8, case_id = %s, sequence = %s, held_until = %s
WHERE reader = %s AND bucket = %s AND holder = %s
"""

ENROL = """
INSERT INTO cases_feedcursor (reader, bucket, txid, case_id, sequence, holder, held_until)
SELECT %s, b, '0'::xid8, %s, 0, '', %s FROM generate_series(0, %s) AS b
ON CONFLICT (reader, bucket) DO NOTHING
"""


def enrol(reader: str) -> None:
    """Gives a reader a cursor in every bucket, at the beginning; again changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(ENROL, [reader, NIL, now(), BUCKETS - 1])


def carry_out(reader: str, holder: str, work: Callable[[News], None], limit: int = 200) -> int:
    """Hands a reader's next news to `work`, bucket by bucket, and moves the cursors on.

    reader: which consequence. holder: this worker's own name; a bucket held by another is left
    alone until its lease ends. work: called outside any transaction; it makes its own, and must
    do nothing the second time. When it raises, the cursor stands before that row.
    Returns how many rows were carried out.
    """
    done = 0
    with connection.cursor() as cursor:
        cursor.execute(WITH_NEWS, [reader, holder, now()])
        buckets = [row[0] for row in cursor.fetchall()]
    for bucket in buckets:
        done += _carry_out_bucket(reader, holder, bucket, work, limit)
    return done


def _carry_out_bucket(
    reader: str, holder: str, bucket: int, work: Callable[[News], None], limit: int
) -> int:
    at = now()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [holder, at + LEASE, reader, bucket, holder, at])
        claimed = cursor.fetchone()
    if claimed is None:
        return 0
    done = 0
    place = claimed
    try:
        txid, case_id, sequence = claimed
        for news in read(bucket, txid, case_id, sequence, limit):
            work(news)
            done += 1
            place = (news.txid, news.case_id, news.sequence)
            if now() > at + LEASE / 2:
                at = now()
                _advance(reader, holder, bucket, place, at + LEASE)
    finally:
        if not connection.needs_rollback:
            _advance(reader, holder, bucket, place, now())
    return done


def _advance(
    reader: str, holder: str, bucket: int, place: tuple[str, UUID, int], until: dt.datetime
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ADVANCE, [*place, until, reader, bucket, holder])


def read(bucket: int, txid: str, case_id: UUID, sequence: int, limit: int = 200) -> list[News]:
    """News of one bucket after a place, oldest first; never past a transaction still running."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(READ, [bucket, txid, case_id, sequence, limit])
        return [News(*row) for row in cursor.fetchall()]


def notify(news: News) -> None:
    """Tells listeners that a case moved; the payload is the bucket and the case's area."""
    with connection.cursor() as cursor:
        told = f"{news.case_id} {news.sequence} {news.area_code}"
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, told])
