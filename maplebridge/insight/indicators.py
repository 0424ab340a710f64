"""The indicators of the field, each with its numerator and denominator; they compare units.

Source: domain guide, section 6. A denominator of 0 gives no value, never 0 or 100 %.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Min
from django.utils.translation import gettext_lazy as _

from maplebridge.cases.models import Case
from maplebridge.insight.periods import Period, period_before, period_year_ago
from maplebridge.lib.clock import local_day


@dataclass(frozen=True)
class Indicator:
    """One line of the table. value: share from 0 to 1, a count, or None without a denominator."""

    name: str
    label: str
    numerator: int
    denominator: int | None
    excluded: str = ""

    @property
    def value(self) -> float | None:
        """numerator / denominator; the numerator itself for a count."""
        if self.denominator is None:
            return float(self.numerator)
        return share(self.numerator, self.denominator)

    def as_json(self) -> dict[str, Any]:
        """As `maplebridge report --json` prints it."""
        value = self.value
        return {
            "name": self.name,
            "label": str(self.label),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "value": None if value is None else round(value, 6),
            "excluded": str(self.excluded),
        }


def share(numerator: int, denominator: int) -> float | None:
    """numerator / denominator, None when the denominator is 0.

    Raises ValueError for negative numbers or a part larger than the whole.
    """
    if numerator < 0 or denominator < 0:
        raise ValueError("counts are not negative")
    if denominator == 0:
        return None
    if numerator > denominator:
        raise ValueError(f"{numerator} of {denominator} is no share")
    return numerator / denominator


def percent(value: float | None, digits: int = 2) -> str:
    """A share as the field writes it: 93.72%; a dash without a value. Half goes up."""
    if value is None:
        return "—"
    import decimal

    shown = decimal.Decimal(repr(value)) * 100
    step = decimal.Decimal(1).scaleb(-digits)
    return f"{shown.quantize(step, decimal.ROUND_HALF_UP)}%"


def change(now: float, base: float) -> float | None:
    """同比 or 环比: (now - base) / base; None when the base is 0."""
    return None if base == 0 else (now - base) / base


COUNTS = """
WITH chosen AS (
    SELECT * FROM cases_case
    WHERE area_code >= %(lo)s AND area_code < %(hi)s
      AND opened_at >= %(since)s AND opened_at < %(until)s
), happened AS (
    SELECT e.case_id,
        bool_or(e.move = 'file_case') AS filed,
        bool_or(e.move = 'accept') AS accepted,
        bool_or(e.move IN ('dispatch', 'adjudicate')) AS dispatched,
        bool_or(e.move IN ('reopen', 'order_reopen')) AS reopened,
        count(*) FILTER (WHERE e.move IN ('dispatch', 'adjudicate')) AS dispatches,
        count(*) FILTER (WHERE e.move = 'return_back') AS returns,
        bool_or(e.move = 'feedback') AS fed_back,
        bool_or(e.move IN ('verify_pass', 'verify_fail')) AS checked,
        bool_or(e.facts->>'extension' = 'granted') AS extended,
        min(e.at) FILTER (WHERE e.move = 'accept') AS accepted_at,
        min(e.at) FILTER (WHERE e.move = 'file_case') AS filed_at,
        max(e.at) FILTER (WHERE e.move = 'close') AS closed_at,
        max(e.facts->>'outcome') FILTER (WHERE e.move = 'revisit') AS outcome
    FROM cases_event e JOIN chosen c ON c.id = e.case_id
    GROUP BY e.case_id
)
SELECT
    count(*) AS reported,
    count(*) FILTER (WHERE h.accepted) AS accepted,
    count(*) FILTER (WHERE h.accepted AND h.filed) AS filed,
    -- Due for closing: closed now, or past its running clock without being closed.
    count(*) FILTER (WHERE h.filed AND (c.closed_at IS NOT NULL OR
        (NOT c.ended AND c.due_at < %(at)s))) AS closing_due,
    count(*) FILTER (WHERE h.filed AND c.closed_at IS NOT NULL) AS closed,
    count(*) FILTER (WHERE h.filed AND c.closed_at IS NOT NULL AND NOT c.late) AS closed_in_time,
    count(*) FILTER (WHERE c.closed_at IS NOT NULL
        OR c.state IN ('archived', 'merged', 'voided')) AS settled,
    COALESCE(sum(h.dispatches), 0) AS dispatches,
    COALESCE(sum(LEAST(h.returns, h.dispatches)), 0) AS returns,
    count(*) FILTER (WHERE h.checked) AS checked,
    count(*) FILTER (WHERE h.checked AND c.rework_count > 0) AS reworked,
    count(*) FILTER (WHERE h.dispatched AND h.extended) AS extended,
    count(*) FILTER (WHERE h.dispatched) AS dispatched,
    count(*) FILTER (WHERE c.state = 'suspended') AS suspended,
    count(*) FILTER (WHERE h.closed_at IS NOT NULL) AS ever_closed,
    count(*) FILTER (WHERE h.closed_at IS NOT NULL AND c.rating IS NOT NULL) AS rated,
    count(*) FILTER (WHERE h.closed_at IS NOT NULL AND c.rating >= 3) AS satisfied,
    count(*) FILTER (WHERE c.solved IS NOT NULL OR h.outcome IN ('solved', 'not_solved'))
        AS answered,
    count(*) FILTER (WHERE c.solved OR (c.solved IS NULL AND h.outcome = 'solved')) AS solved,
    count(*) FILTER (WHERE h.closed_at IS NOT NULL AND h.reopened) AS reopened,
    count(*) FILTER (WHERE c.category LIKE '01%%') AS disputes,
    count(*) FILTER (WHERE c.category LIKE '01%%' AND c.closed_at IS NOT NULL) AS disputes_settled,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM h.accepted_at - c.opened_at))
        AS accept_median_s,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM h.accepted_at - c.opened_at))
        AS accept_p90_s
FROM chosen c LEFT JOIN happened h ON h.case_id = c.id
"""


def table_from(counts: Mapping[str, int]) -> list[Indicator]:
    """The table of indicators from plain counts; where the formulas stand. Pure."""
    n = counts.__getitem__
    rows: list[tuple[str, Any, int, int | None, Any]] = [
        ("reported", _("Reported"), n("reported"), None, ""),
        ("accepted_share", _("Share accepted"), n("accepted"), n("reported"), ""),
        ("filed_share", _("Share filed (立案率)"), n("filed"), n("accepted"), ""),
        ("closed_share", _("Share closed (结案率)"), n("closed"), n("closing_due"),
         _("only cases due in the period")),
        ("closed_in_time_share", _("Closed in time (按期结案率)"), n("closed_in_time"),
         n("closing_due"), _("only cases due in the period")),
        ("settled_share", _("Share settled (办结率)"), n("settled"), n("reported"), ""),
        ("disputes_settled_share", _("Disputes settled (化解率)"), n("disputes_settled"),
         n("disputes"), ""),
        ("rework_share", _("Share reworked (返工率)"), n("reworked"), n("checked"), ""),
        ("extended_share", _("Share extended (延期率)"), n("extended"), n("dispatched"), ""),
        ("suspended", _("Suspended (挂账数)"), n("suspended"), None, ""),
        ("returns", _("Returns (退回数)"), n("returns"), None, ""),
        ("right_dispatch_share", _("Right dispatch (准确派遣率)"),
         n("dispatches") - n("returns"), n("dispatches"), ""),
        ("satisfied_share", _("Satisfied (满意率)"), n("satisfied"), n("rated"),
         _("only cases that were rated")),
        ("rated_share", _("Response rate of ratings"), n("rated"), n("ever_closed"), ""),
        ("solved_share", _("Solved in the reporter's eyes (解决率)"), n("solved"), n("answered"),
         _("not reached never counts as solved")),
        ("reopened_share", _("Reopened (重复投诉率)"), n("reopened"), n("ever_closed"), ""),
    ]  # fmt: skip
    return [Indicator(name, label, up, down, excluded) for name, label, up, down, excluded in rows]


def count(area_code: str, period: Period, at: dt.datetime) -> dict[str, Any]:
    """The plain counts of the cases reported in an area and period; one statement.

    at: the moment for which "due" is meant. Counts only; no person appears in them.
    """
    since, until = period.bounds()
    upper = area_code[:-1] + chr(ord(area_code[-1]) + 1)
    with connection.cursor() as cursor:
        cursor.execute(
            COUNTS, {"lo": area_code, "hi": upper, "since": since, "until": until, "at": at}
        )
        names = [column.name for column in cursor.description]
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True))


def first_day(area_code: str) -> dt.date | None:
    """The day of the first report in an area; None without any."""
    oldest = Case.objects.inside(area_code).aggregate(at=Min("opened_at"))["at"]
    return local_day(oldest) if oldest else None


def indicators(area_code: str, period: Period, at: dt.datetime) -> list[Indicator]:
    """The table for an area and period."""
    counts = count(area_code, period, at)
    return table_from({name: int(value or 0) for name, value in counts.items()})


@dataclass(frozen=True)
class Compared:
    """An indicator beside the same one a year ago (同比) and in the period before (环比)."""

    indicator: Indicator
    year_ago: Indicator
    before: Indicator

    @property
    def year_change(self) -> float | None:
        """(now - base) / base against a year ago; None where either has no value or base is 0."""
        return _change(self.indicator, self.year_ago)

    @property
    def before_change(self) -> float | None:
        """The same against the period just before."""
        return _change(self.indicator, self.before)

    @property
    def year_points(self) -> float | None:
        """For a share: its difference from a year ago, in percentage points; None for a count."""
        return _points(self.indicator, self.year_ago)

    @property
    def before_points(self) -> float | None:
        """The same against the period just before."""
        return _points(self.indicator, self.before)


def _change(row: Indicator, base: Indicator) -> float | None:
    if row.value is None or base.value is None:
        return None
    return change(row.value, base.value)


def _points(row: Indicator, base: Indicator) -> float | None:
    if row.denominator is None or row.value is None or base.value is None:
        return None
    return (row.value - base.value) * 100


def compared(area_code: str, period: Period, at: dt.datetime) -> list[Compared]:
    """The table for an area and period, each line beside its two bases.

    All three are what is known at `at`. A case reported a year ago has had a year to be closed;
    who compares a period that is not over yet, compares unlike things.
    """
    now, year_ago, before = (
        indicators(area_code, days, at)
        for days in (period, period_year_ago(period), period_before(period))
    )
    return [Compared(*three) for three in zip(now, year_ago, before, strict=True)]
