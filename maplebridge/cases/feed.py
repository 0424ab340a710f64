"""Reads the feed: every event once in order within its bucket, never skipping a late commit.

A row may be handed out again after a crash; whoever carries it out must stand that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection

from maplebridge.cases.models import FeedFailure
from maplebridge.lib.clock import now
from maplebridge.lib.ids import BUCKETS

LEASE = dt.timedelta(seconds=20)
BUCKETS_AT_ONCE = 32
ROWS_AT_ONCE = 500
MOST_TRIES = 20
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
CLAIM = """
UPDATE cases_feedcursor AS c SET holder = %(holder)s, held_until = %(until)s
FROM (
    SELECT k.bucket FROM cases_feedcursor k
    WHERE k.reader = %(reader)s AND (k.holder = %(holder)s OR k.held_until < %(at)s) AND EXISTS (
        SELECT 1 FROM cases_feed f
        WHERE f.bucket = k.bucket
          AND (f.txid, f.case_id, f.sequence) > (k.txid, k.case_id, k.sequence)
          AND f.txid < pg_snapshot_xmin(pg_current_snapshot())
    )
    ORDER BY k.bucket LIMIT %(buckets)s FOR UPDATE SKIP LOCKED
) AS free
WHERE c.reader = %(reader)s AND c.bucket = free.bucket
RETURNING c.bucket, c.txid::text, c.case_id, c.sequence
"""

READ = """
SELECT p.bucket, n.case_id, n.sequence, n.area_code, n.kind, n.move, n.to_state, n.at, n.txid::text
FROM unnest(%(buckets)s::smallint[], %(txids)s::text[], %(cases)s::uuid[], %(sequences)s::int[])
    AS p(bucket, txid, case_id, sequence)
CROSS JOIN LATERAL (
    SELECT f.case_id, f.sequence, f.area_code, f.kind, f.move, f.to_state, f.at, f.txid
    FROM cases_feed f
    WHERE f.bucket = p.bucket
      AND (f.txid, f.case_id, f.sequence) > (p.txid::xid8, p.case_id, p.sequence)
      AND f.txid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY f.txid, f.case_id, f.sequence
    LIMIT %(limit)s
) AS n
ORDER BY n.txid, n.case_id, n.sequence
"""

ADVANCE = """
UPDATE cases_feedcursor AS c
SET txid = p.txid::xid8, case_id = p.case_id, sequence = p.sequence, held_until = %(until)s
FROM unnest(%(buckets)s::smallint[], %(txids)s::text[], %(cases)s::uuid[], %(sequences)s::int[])
    AS p(bucket, txid, case_id, sequence)
WHERE c.reader = %(reader)s AND c.holder = %(holder)s AND c.bucket = p.bucket
"""

ENROL = """
INSERT INTO cases_feedcursor (reader, bucket, txid, case_id, sequence, holder, held_until)
SELECT %s, b, '0'::xid8, %s, 0, '', %s FROM generate_series(0, %s) AS b
ON CONFLICT (reader, bucket) DO NOTHING
"""

Place = tuple[str, UUID, int]


def enrol(reader: str) -> None:
    """Gives a reader a cursor in every bucket, at the beginning; again changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(ENROL, [reader, NIL, now(), BUCKETS - 1])


def carry_out(reader: str, holder: str, work: Callable[[News], None], limit: int = 50) -> int:
    """Hands a reader's next news to `work` in order within each bucket, and moves the cursors on.

    reader: which consequence. holder: this worker's own name; a bucket held by another is left
    alone until its lease ends. work: called outside any transaction; it makes its own, and must
    do nothing the second time. limit: rows of one bucket in one call.
    When it raises for a row, the bucket waits there while the others go on, and the first such
    error is raised at the end; after MOST_TRIES the row is left behind, with its error kept in
    FeedFailure for the operator. Returns how many rows were carried out.
    """
    return _carry_out(reader, holder, lambda batch: work(batch[0]), limit, at_once=1)


def carry_out_together(
    reader: str, holder: str, work: Callable[[Sequence[News]], None], limit: int = 50
) -> int:
    """As `carry_out`, for a reader that works on many rows at once.

    work: takes up to ROWS_AT_ONCE rows in the order of the feed, all or none of them. When it
    raises, it is given the same rows again, one at a time, so that one bad row holds up only
    its own bucket.
    """
    return _carry_out(reader, holder, work, limit, at_once=ROWS_AT_ONCE)


def _carry_out(
    reader: str,
    holder: str,
    work: Callable[[Sequence[News]], None],
    limit: int,
    at_once: int,
) -> int:
    at = now()
    places = _claim(reader, holder, at)
    if not places:
        return 0
    done = 0
    failures: dict[int, Exception] = {}
    try:
        for batch in _batches(read(places, limit), at_once):
            for bucket, news in _handed_over(reader, batch, work, failures):
                done += 1
                places[bucket] = (news.txid, news.case_id, news.sequence)
            if now() > at + LEASE / 2:
                at = now()
                _advance(reader, holder, places, at + LEASE)
    finally:
        if not connection.needs_rollback:
            _advance(reader, holder, places, now())
    if failures:
        raise next(iter(failures.values()))
    return done


def _batches(
    rows: Sequence[tuple[int, News]], at_once: int
) -> Iterator[Sequence[tuple[int, News]]]:
    for begin in range(0, len(rows), at_once):
        yield rows[begin : begin + at_once]


def _handed_over(
    reader: str,
    rows: Sequence[tuple[int, News]],
    work: Callable[[Sequence[News]], None],
    failures: dict[int, Exception],
) -> Iterator[tuple[int, News]]:
    """Gives rows to `work`; yields those that are done with. Notes a bucket that has to wait."""
    waiting = [row for row in rows if row[0] not in failures]
    if not waiting:
        return
    try:
        work([news for _bucket, news in waiting])
    except Exception as failure:
        if is_away(failure):
            raise
        if len(waiting) > 1:
            for row in waiting:
                yield from _handed_over(reader, [row], work, failures)
            return
        ((bucket, news),) = waiting
        if not _give_up(reader, news, failure):
            failures[bucket] = failure
            return
    yield from waiting


def is_away(failure: BaseException) -> bool:
    """Whether an error says that the database cannot be reached now, whatever is asked of it."""
    if isinstance(failure, InterfaceError):
        return True
    if not isinstance(failure, OperationalError):
        return False
    state = getattr(failure.__cause__, "sqlstate", None)
    return state is None or state.startswith(("08", "57P", "53"))


def _give_up(reader: str, news: News, failure: Exception) -> bool:
    """Counts a failed try of a row; whether it has failed too often and is left behind."""
    found, _made = FeedFailure.objects.get_or_create(
        case_id=news.case_id,
        sequence=news.sequence,
        reader=reader,
        defaults={"area_code": news.area_code, "at": now()},
    )
    found.tries += 1
    found.said = f"{type(failure).__name__}: {failure}"[:400]
    found.at = now()
    found.save()
    return found.tries >= MOST_TRIES


def _claim(reader: str, holder: str, at: dt.datetime) -> dict[int, Place]:
    """Takes buckets with news for this worker; returns where each was left. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {
                "holder": holder,
                "until": at + LEASE,
                "reader": reader,
                "at": at,
                "buckets": BUCKETS_AT_ONCE,
            },
        )
        return {bucket: (txid, case, sequence) for bucket, txid, case, sequence in cursor}


def _advance(reader: str, holder: str, places: Mapping[int, Place], until: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            ADVANCE, {**_columns(places), "until": until, "reader": reader, "holder": holder}
        )


def read(places: Mapping[int, Place], limit: int = 200) -> list[tuple[int, News]]:
    """News of buckets after the given places; never past a transaction that is still running.

    places: bucket to (txid, case id, sequence) of the last row known.
    Returns pairs of bucket and news, in the order of the writing transactions.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, {**_columns(places), "limit": limit})
        return [(row[0], News(*row[1:])) for row in cursor]


def _columns(places: Mapping[int, Place]) -> dict[str, list[Any]]:
    return {
        "buckets": list(places),
        "txids": [place[0] for place in places.values()],
        "cases": [place[1] for place in places.values()],
        "sequences": [place[2] for place in places.values()],
    }


def notify(news: News) -> None:
    """Tells listeners that a case moved: its id, the event's sequence, the case's area."""
    with connection.cursor() as cursor:
        told = f"{news.case_id} {news.sequence} {news.area_code}"
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, told])
