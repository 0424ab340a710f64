"""How many cases stand where: kept up from the feed, asked by boards, checked by a recount.

A board asks the roll-up and reads no case. Its figures follow a move within a second.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from django.db import connection, transaction

from maplebridge.cases.feed import News
from maplebridge.cases.kinds import registry
from maplebridge.insight.periods import Period
from maplebridge.organisation.areas import Level, level, subtree

READER = "counts"
Cell = tuple[dt.date, str, str, str]

# Boards are read by many: what is confidential, or complains about a unit, is in cells of its own
# that no board asks for, whatever its category.
APART = "C2"
# A case as it stands now, and the cell it belongs to; day of the opening in China.
CELL_OF_CASE = f"""
    (opened_at AT TIME ZONE 'Asia/Shanghai')::date AS day, left(area_code, 9) AS township,
    CASE WHEN confidentiality = 'C2' OR about_unit <> '' THEN '{APART}' ELSE category END
        AS category,
    state
"""

CASES = f"SELECT id, sequence, {CELL_OF_CASE} FROM cases_case WHERE id = ANY(%(cases)s)"

# Workers take cases in one order, then cells in one order, so that no two wait for each other.
MAKE_ROOM = """
INSERT INTO insight_counted (case_id, sequence, township, category, state)
SELECT c, 0, '', '', '' FROM unnest(%(cases)s::uuid[]) AS c
WHERE NOT EXISTS (SELECT 1 FROM insight_counted k WHERE k.case_id = c)
ORDER BY c
ON CONFLICT (case_id) DO NOTHING
"""

TAKE = """
SELECT case_id, sequence, day, township, category, state FROM insight_counted
WHERE case_id = ANY(%(cases)s) ORDER BY case_id FOR UPDATE
"""

MOVE_CASES = """
UPDATE insight_counted AS k
SET sequence = n.sequence, day = n.day, township = n.township, category = n.category,
    state = n.state
FROM unnest(%(cases)s::uuid[], %(sequences)s::int[], %(days)s::date[], %(townships)s::text[],
    %(categories)s::text[], %(states)s::text[])
    AS n(case_id, sequence, day, township, category, state)
WHERE k.case_id = n.case_id
"""

MOVE_CELLS = """
INSERT INTO insight_rollup AS r (day, township, category, state, count)
SELECT * FROM unnest(%(days)s::date[], %(townships)s::text[], %(categories)s::text[],
    %(states)s::text[], %(counts)s::int[]) AS n(day, township, category, state, count)
ORDER BY n.day, n.township COLLATE "C", n.category COLLATE "C", n.state COLLATE "C"
ON CONFLICT (day, township, category, state) DO UPDATE SET count = r.count + excluded.count
RETURNING r.day, r.township, r.category, r.state, r.count
"""

SWEEP = """
DELETE FROM insight_rollup AS r
USING unnest(%(days)s::date[], %(townships)s::text[], %(categories)s::text[], %(states)s::text[])
    AS n(day, township, category, state)
WHERE (r.day, r.township, r.category, r.state) = (n.day, n.township, n.category, n.state)
  AND r.count = 0
"""

# The roll-up as a recount of the cases would have it.
RECOUNT = f"""
SELECT day, township, category, state, count(*) FROM (SELECT {CELL_OF_CASE} FROM cases_case) AS c
GROUP BY day, township, category, state
"""

# Cases whose last event the reader has not come to yet are left out on both sides; all of one
# moment, because it is one statement.
VERIFY = f"""
WITH stands AS (
    SELECT c.id, c.sequence, {CELL_OF_CASE}, ids.waiting
    FROM cases_case c
    LEFT JOIN LATERAL (
        SELECT true AS waiting FROM cases_feed f JOIN cases_feedcursor k ON k.bucket = f.bucket
        WHERE f.case_id = c.id AND f.sequence = c.sequence AND k.reader = %(reader)s
          AND (f.txid, f.case_id, f.sequence) > (k.txid, k.case_id, k.sequence)
    ) AS ids ON true
), sure AS (
    SELECT s.id, s.day, s.township, s.category, s.state
    FROM stands s LEFT JOIN insight_counted k ON k.case_id = s.id
    WHERE s.waiting IS NULL OR k.sequence = s.sequence
), should AS (
    SELECT day, township, category, state, count(*) AS n FROM (
        SELECT day, township, category, state FROM sure
        UNION ALL
        SELECT k.day, k.township, k.category, k.state FROM insight_counted k
        WHERE k.sequence > 0 AND NOT EXISTS (SELECT 1 FROM sure WHERE sure.id = k.case_id)
          AND EXISTS (SELECT 1 FROM stands WHERE stands.id = k.case_id)
    ) AS u GROUP BY day, township, category, state
)
SELECT
    (SELECT count(*) FROM should),
    (SELECT count(*) FROM stands) - (SELECT count(*) FROM sure),
    (SELECT count(*) FROM should s FULL JOIN insight_rollup r USING (day, township, category, state)
     WHERE s.n IS DISTINCT FROM r.count)
"""

FILL_CASES = f"""
INSERT INTO insight_counted (case_id, sequence, day, township, category, state)
SELECT id, sequence, {CELL_OF_CASE} FROM cases_case
"""

FILL_CELLS = """
INSERT INTO insight_rollup (day, township, category, state, count)
SELECT day, township, category, state, count(*) FROM insight_counted
GROUP BY day, township, category, state
"""

ASK = """
SELECT {column}, state, sum(count) FROM insight_rollup
WHERE day >= %(since)s AND day <= %(until)s AND township >= %(lo)s AND township < %(hi)s
    AND category <> %(apart)s
GROUP BY 1, 2
"""


def carry_out(batch: Sequence[News]) -> None:
    """Moves the cases of some news to the cells they belong to now; again changes nothing.

    A case is read as it stands, so news that come late, twice or in another order lead to the
    same; its sequence keeps what was read earlier from overwriting what was read later.
    """
    with connection.cursor() as cursor:
        cursor.execute(CASES, {"cases": list({news.case_id for news in batch})})
        stands = {row[0]: (row[1], row[2:]) for row in cursor}
    if stands:
        _move(stands)


def _move(stands: Mapping[UUID, tuple[int, Cell]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cases = {"cases": list(stands)}
        cursor.execute(MAKE_ROOM, cases)
        cursor.execute(TAKE, cases)
        moved: list[UUID] = []
        change: Counter[Cell] = Counter()
        for case_id, sequence, *old in cursor:
            fresh, cell = stands[case_id]
            if fresh <= sequence:
                continue
            moved.append(case_id)
            change[cell] += 1
            if sequence:
                day, township, category, state = old
                change[day, township, category, state] -= 1
        if not moved:
            return
        columns = _columns(stands[case_id][1] for case_id in moved)
        sequences = [stands[case_id][0] for case_id in moved]
        cursor.execute(MOVE_CASES, {"cases": moved, "sequences": sequences, **columns})
        changed = {cell: count for cell, count in change.items() if count}
        if not changed:
            return
        cursor.execute(MOVE_CELLS, {**_columns(changed), "counts": list(changed.values())})
        empty = [row[:4] for row in cursor if row[4] == 0]
        if empty:
            cursor.execute(SWEEP, _columns(empty))


def _columns(cells: Iterable[Cell]) -> dict[str, list[object]]:
    named: dict[str, list[object]] = {"days": [], "townships": [], "categories": [], "states": []}
    for cell in cells:
        for column, value in zip(named.values(), cell, strict=True):
            column.append(value)
    return named


def rollup() -> dict[Cell, int]:
    """Every cell with its count."""
    return _cells("SELECT day, township, category, state, count FROM insight_rollup")


def recount() -> dict[Cell, int]:
    """What the roll-up should be, from the cases themselves."""
    return _cells(RECOUNT)


def _cells(sql: str) -> dict[Cell, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {(day, town, category, state): n for day, town, category, state, n in cursor}


@dataclass(frozen=True)
class Verdict:
    """cells: that should be there. wrong: with another count. waiting: cases with news unread."""

    cells: int
    wrong: int
    waiting: int


def verify() -> Verdict:
    """Compares every cell with a recount, at one moment; work may go on meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(VERIFY, {"reader": READER})
        cells, waiting, wrong = cursor.fetchone()
    return Verdict(cells, wrong, waiting)


def rebuild() -> int:
    """Throws the roll-up away and counts again; readers see the old until the new is there.

    Workers wait meanwhile, and take up where they were. Returns the number of cells.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE insight_counted, insight_rollup IN EXCLUSIVE MODE")
        cursor.execute("DELETE FROM insight_rollup")
        cursor.execute("DELETE FROM insight_counted")
        cursor.execute(FILL_CASES)
        cursor.execute(FILL_CELLS)
        return int(cursor.rowcount)


@dataclass(frozen=True)
class Standing:
    """The cases of one township, category or day of opening: by state, and in sum."""

    name: str
    states: Mapping[str, int]

    @property
    def opened(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def open(self) -> int:
        """Those in which somebody owes work."""
        return sum(count for state, count in self.states.items() if state in _open_states())


@cache
def _open_states() -> frozenset[str]:
    return frozenset(s.name for kind in registry.all() for s in kind.states if not s.ended)


def by_township(area_code: str, period: Period) -> list[Standing]:
    """The cases opened in a period, by township; one under a shorter code is placed in none yet.

    Most first. area_code: city, county or township; raises ValueError for an area below, of which
    the roll-up knows nothing. One statement on the roll-up.
    """
    return _most_first(_ask("township", area_code, period))


def by_category(area_code: str, period: Period) -> list[Standing]:
    """The same by category; empty for those that are not sorted yet. Most first."""
    return _most_first(_ask("category", area_code, period))


def by_day(area_code: str, until: dt.date, days: int) -> list[Standing]:
    """The same for each of the last days up to `until`, the oldest first; also days of none."""
    period = Period(until - dt.timedelta(days=days - 1), until)
    found = {standing.name: standing for standing in _ask("day", area_code, period)}
    each = [(period.since + dt.timedelta(days=n)).isoformat() for n in range(days)]
    return [found.get(day) or Standing(day, {}) for day in each]


def _most_first(standings: Iterable[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda standing: (-standing.opened, standing.name))


def _ask(column: str, area_code: str, period: Period) -> list[Standing]:
    if level(area_code) > Level.TOWNSHIP:
        raise ValueError(f"The roll-up knows townships and above, not {area_code}.")
    lo, hi = subtree(area_code)
    with connection.cursor() as cursor:
        cursor.execute(
            ASK.format(column=column),
            {"since": period.since, "until": period.until, "lo": lo, "hi": hi, "apart": APART},
        )
        found: dict[str, dict[str, int]] = {}
        for name, state, count in cursor:
            shown = name.isoformat() if isinstance(name, dt.date) else name
            found.setdefault(shown, {})[state] = count
    return [Standing(name, states) for name, states in found.items()]
