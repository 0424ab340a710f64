"""The counts that reports show beside the indicators: standing, kinds, places, returns, units."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import connection

from maplebridge.insight.periods import Period
from maplebridge.insight.scope import COUNTED, EVERYTHING, Sight
from maplebridge.organisation.areas import subtree

STANDING = f"""
SELECT left(area_code, %(length)s) AS place,
    count(*) FILTER (WHERE opened_at >= %(since)s AND opened_at < %(until)s),
    count(*) FILTER (WHERE closed_at >= %(since)s AND closed_at < %(until)s),
    count(*) FILTER (WHERE NOT ended),
    count(*) FILTER (WHERE NOT ended AND due_at < %(at)s),
    count(*) FILTER (WHERE NOT ended AND due_at >= %(at)s
        AND due_at >= %(since)s AND due_at < %(until)s),
    count(*) FILTER (WHERE NOT ended AND supervision > 0)
FROM cases_case
WHERE area_code >= %(lo)s AND area_code < %(hi)s
    AND (NOT ended OR opened_at >= %(since)s OR closed_at >= %(since)s)
    AND {COUNTED.format(c="cases_case")}
GROUP BY 1 ORDER BY 1
"""

# What kind of matter is confidential would say too much where one is reported in a village.
BY_CATEGORY = f"""
SELECT CASE WHEN confidentiality = 'C2' THEN 'C2' ELSE category END,
    count(*) FILTER (WHERE opened_at >= %(since)s) AS now,
    count(*) FILTER (WHERE opened_at < %(since)s) AS before
FROM cases_case
WHERE area_code >= %(lo)s AND area_code < %(hi)s
    AND opened_at >= %(before)s AND opened_at < %(until)s
    AND {COUNTED.format(c="cases_case")}
GROUP BY 1 ORDER BY 2 DESC, 1
"""

BY_PLACE = f"""
SELECT left(area_code, %(length)s) AS place, count(*)
FROM cases_case
WHERE area_code >= %(lo)s AND area_code < %(hi)s AND length(area_code) >= %(length)s
    AND opened_at >= %(since)s AND opened_at < %(until)s
    AND {COUNTED.format(c="cases_case")}
GROUP BY 1 ORDER BY 2 DESC, 1
"""

RETURNS = f"""
SELECT e.unit_code, count(*)
FROM cases_case c JOIN cases_event e ON e.case_id = c.id
WHERE c.area_code >= %(lo)s AND c.area_code < %(hi)s
    AND e.move = 'return_back' AND e.at >= %(since)s AND e.at < %(until)s
    AND {COUNTED.format(c="c")}
GROUP BY 1 ORDER BY 2 DESC, 1
"""

WAITING = f"""
SELECT unit_code, count(*), count(*) FILTER (WHERE due_at < %(at)s), min(opened_at)
FROM cases_case
WHERE area_code >= %(lo)s AND area_code < %(hi)s AND opened_at < %(until)s
    AND NOT ended AND state = ANY(%(states)s)
    AND {COUNTED.format(c="cases_case")}
GROUP BY 1 ORDER BY 2 DESC, 1
"""

BY_UNIT = f"""
WITH chosen AS (
    SELECT id, closed_at, ended, late, due_at, rework_count FROM cases_case
    WHERE area_code >= %(lo)s AND area_code < %(hi)s
        AND opened_at >= %(since)s AND opened_at < %(until)s
        AND {COUNTED.format(c="cases_case")}
), happened AS (
    SELECT e.case_id, bool_or(e.move = 'file_case') AS filed,
        bool_or(e.move IN ('verify_pass', 'verify_fail')) AS checked
    FROM cases_event e JOIN chosen c ON e.case_id = c.id GROUP BY e.case_id
), lead AS (
    SELECT DISTINCT ON (a.case_id) a.case_id, a.unit_code
    FROM cases_assignment a JOIN chosen c ON a.case_id = c.id
    WHERE a.duty = 'lead' AND a.progress NOT IN ('returned', 'withdrawn')
    ORDER BY a.case_id, a.number DESC
), led AS (
    SELECT l.unit_code, count(*) AS led,
        count(*) FILTER (WHERE h.filed AND (c.closed_at IS NOT NULL
            OR (NOT c.ended AND c.due_at < %(at)s))) AS closing_due,
        count(*) FILTER (WHERE h.filed AND c.closed_at IS NOT NULL) AS closed,
        count(*) FILTER (WHERE h.filed AND c.closed_at IS NOT NULL AND NOT c.late) AS in_time,
        count(*) FILTER (WHERE h.checked) AS checked,
        count(*) FILTER (WHERE h.checked AND c.rework_count > 0) AS reworked
    FROM lead l JOIN chosen c ON c.id = l.case_id JOIN happened h ON h.case_id = l.case_id
    GROUP BY l.unit_code
), given_back AS (
    SELECT e.unit_code, count(*) AS returned
    FROM cases_event e JOIN chosen c ON e.case_id = c.id
    WHERE e.move = 'return_back' GROUP BY e.unit_code
)
SELECT COALESCE(led.unit_code, given_back.unit_code), COALESCE(led, 0), COALESCE(closing_due, 0),
    COALESCE(closed, 0), COALESCE(in_time, 0), COALESCE(checked, 0), COALESCE(reworked, 0),
    COALESCE(returned, 0)
FROM led FULL JOIN given_back ON led.unit_code = given_back.unit_code
ORDER BY 1
"""


@dataclass(frozen=True)
class UnitLine:
    """What one unit had of the cases reported in a period: counts.

    led: cases in which it leads. closing_due: of these closed, or past due without it.
    returned: how often it gave a case back.
    """

    unit_code: str
    led: int
    closing_due: int
    closed: int
    in_time: int
    checked: int
    reworked: int
    returned: int

    @property
    def late(self) -> int:
        """Cases closed late, or past due and not closed."""
        return self.closing_due - self.in_time


def answer(
    sql: str,
    area_code: str,
    period: Period,
    at: dt.datetime,
    sight: Sight = EVERYTHING,
    **more: Any,
) -> list[tuple[Any, ...]]:
    """The rows of one of the statements above. more: its blanks besides area, period and moment."""
    lo, hi = subtree(area_code)
    since, until = period.bounds()
    known: dict[str, Any] = {"lo": lo, "hi": hi, "since": since, "until": until, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(sql, {**known, **sight.blanks, **more})
        return list(cursor.fetchall())


def unit_lines(
    area_code: str, period: Period, at: dt.datetime, sight: Sight = EVERYTHING
) -> list[UnitLine]:
    """Each unit's counts of the cases reported in an area and period, by unit code.

    A case counts for the unit that leads in it last; a return, for the unit that made it.
    """
    return [UnitLine(*row) for row in answer(BY_UNIT, area_code, period, at, sight)]
