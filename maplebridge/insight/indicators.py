"""The indicators of the field, each with its numerator and denominator; they compare units.

Source: domain guide, section 6. A denominator of 0 gives no value, never 0 or 100 %.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Min
from django.utils.translation import gettext_lazy as _

from maplebridge.cases.kinds import registry
from maplebridge.cases.models import Case
from maplebridge.insight.exclusions import Exclusion, TakenOut, seeded
from maplebridge.insight.periods import Period, period_before, period_year_ago
from maplebridge.insight.scope import COUNTED as SEEN
from maplebridge.insight.scope import EVERYTHING, Sight
from maplebridge.lib.clock import local_day
from maplebridge.organisation.areas import subtree

# Of fewer cases a share or a time says more about the few than about the area.
FEWEST = 5


@dataclass(frozen=True)
class Indicator:
    """One line of the table. value: share from 0 to 1, a count, minutes, or None without a base.

    numerator, denominator: a count has no denominator; of a time, the numerator says how many
    cases were measured, and minutes how long it took.
    excluded: what the formula leaves out, in words; taken_out: what dated rules took out of it.
    """

    name: str
    label: Any
    numerator: int
    denominator: int | None
    excluded: str = ""
    unit: str = "share"
    minutes: float | None = None
    taken_out: tuple[TakenOut, ...] = ()

    @property
    def value(self) -> float | None:
        """numerator / denominator; the numerator itself for a count; minutes for a time."""
        if self.unit == "minutes":
            return self.minutes
        if self.denominator is None:
            return float(self.numerator)
        return share(self.numerator, self.denominator)

    @property
    def is_few(self) -> bool:
        """Whether a share, or a time, rests on too few cases to be shown."""
        of = self.numerator if self.unit == "minutes" else self.denominator
        return of is not None and of < FEWEST

    def as_json(self) -> dict[str, Any]:
        """As `maplebridge report --json` prints it."""
        value = self.value
        return {
            "name": self.name,
            "label": str(self.label),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "value": None if value is None else round(value, 6),
            "unit": "count" if self.unit == "share" and self.denominator is None else self.unit,
            "excluded": str(self.excluded),
            "exclusions": [taken.as_json() for taken in self.taken_out],
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


# A report of the same category at the same place within so many days of a closing is a repeat;
# the same place is the same area, and within so many metres, or in the same grid without points.
REPEAT_DAYS = 90
SAME_PLACE_METRES = 100.0

# One row a case, one column a count; each column is a whole number and never null.
CASES = f"""
WITH chosen AS (
    SELECT *, (opened_at AT TIME ZONE 'Asia/Shanghai')::date AS day FROM cases_case c
    WHERE kind = ANY(%(kinds)s::text[]) AND area_code >= %(lo)s AND area_code < %(hi)s
      AND opened_at >= %(since)s AND opened_at < %(until)s
      AND {SEEN.format(c="c")}
      AND (%(unit)s = '' OR EXISTS (SELECT 1 FROM cases_assignment a
           WHERE a.case_id = c.id AND a.unit_code = %(unit)s AND a.duty = 'lead'))
), happened AS (
    SELECT e.case_id,
        bool_or(e.move = 'file_case') AS filed,
        bool_or(e.move = 'accept') AS accepted,
        bool_or(e.move = 'adjudicate') AS ruled,
        bool_or(e.move = 'decline' AND e.facts->>'ground' = 'no_matter') AS no_matter,
        bool_or(e.move IN ('reopen', 'order_reopen')) AS reopened,
        bool_or(e.sequence = 1 AND e.role = 'grid_worker') AS patrolled,
        count(*) FILTER (WHERE e.move IN ('dispatch', 'adjudicate')) AS dispatches,
        count(*) FILTER (WHERE e.move = 'return_back') AS returns,
        count(*) FILTER (WHERE e.move = 'verify_fail') AS reworks,
        bool_or(e.move IN ('verify_pass', 'verify_fail')) AS checked,
        bool_or(e.facts->>'extension' = 'granted') AS extended,
        min(e.at) FILTER (WHERE e.move = 'accept') AS accepted_at,
        min(e.at) FILTER (WHERE e.move = 'sign_for') AS signed_at,
        min(e.at) FILTER (WHERE e.move = 'contact') AS contacted_at,
        min(e.at) FILTER (WHERE e.move = 'close') AS first_closed_at,
        min(e.at) FILTER (WHERE e.move IN ('reopen', 'order_reopen')) AS reopened_at,
        (array_agg(e.facts->>'outcome' ORDER BY e.sequence DESC)
            FILTER (WHERE e.move = 'revisit'))[1] AS outcome
    FROM cases_event e JOIN chosen c ON c.id = e.case_id
    GROUP BY e.case_id
), judged AS (
    SELECT h.*, c.day, c.opened_at, c.state, c.late, c.rework_count, c.rating,
        c.solved AS said_solved,
        c.closed_at IS NOT NULL AS closed, h.first_closed_at IS NOT NULL AS ever_closed,
        -- Due for closing: closed now, or past its running clock without being closed.
        h.filed AND (c.closed_at IS NOT NULL OR (NOT c.ended AND c.due_at < %(at)s)) AS due,
        c.category LIKE '01%%' AS dispute,
        c.state NOT IN ('declined', 'voided') AS valid,
        COALESCE(h.reopened_at <= h.first_closed_at + interval '{REPEAT_DAYS} days', false)
        OR (c.category <> '' AND length(c.area_code) >= 12 AND EXISTS (
            SELECT 1 FROM cases_case n
            WHERE n.area_code = c.area_code AND n.category = c.category AND n.id <> c.id
              AND n.opened_at > h.first_closed_at
              AND n.opened_at <= h.first_closed_at + interval '{REPEAT_DAYS} days'
              AND n.state <> 'voided' AND n.kind = ANY(%(kinds)s::text[])
              AND {SEEN.format(c="n")}
              AND CASE WHEN n.lon IS NOT NULL AND c.lon IS NOT NULL
                THEN sqrt(power((n.lon - c.lon) * cos(radians(c.lat)), 2) + power(n.lat - c.lat, 2))
                     * 111320 <= {SAME_PLACE_METRES}
                ELSE length(c.area_code) = 15 END
        )) AS repeated
    FROM chosen c JOIN happened h ON h.case_id = c.id
), counted AS (
    SELECT day, accepted_at - opened_at AS to_accept, signed_at - accepted_at AS to_sign,
        contacted_at - signed_at AS to_contact,
        no_matter AND state = 'declined' AS is_no_matter,
        state = 'suspended' AS is_suspended,
        ruled AS is_ruled,
        said_solved IS NULL AND COALESCE(outcome = 'not_reached', false) AS is_not_reached,
        1 AS reported,
        accepted::int AS accepted,
        (accepted AND filed)::int AS filed,
        COALESCE(due, false)::int AS closing_due,
        (filed AND closed)::int AS closed,
        (filed AND closed AND NOT late)::int AS closed_in_time,
        (closed OR state IN ('archived', 'merged', 'voided'))::int AS settled,
        dispatches, returns,
        GREATEST(dispatches - returns, 0) AS kept_dispatches,
        checked::int AS checked,
        (checked AND rework_count > 0)::int AS reworked,
        reworks,
        filed::int AS ever_filed,
        (filed AND COALESCE(extended, false))::int AS extended,
        (state = 'suspended')::int AS suspended,
        ever_closed::int AS ever_closed,
        (ever_closed AND rating IS NOT NULL)::int AS rated,
        (ever_closed AND COALESCE(rating >= 3, false))::int AS satisfied,
        (said_solved IS NOT NULL OR outcome IS NOT NULL)::int AS revisited,
        COALESCE(said_solved, outcome = 'solved', false)::int AS solved,
        (ever_closed AND reopened)::int AS reopened,
        (ever_closed AND repeated)::int AS repeated,
        dispute::int AS disputes,
        (dispute AND closed)::int AS disputes_settled,
        valid::int AS valid,
        (valid AND NOT patrolled AND state <> 'merged')::int AS missed,
        patrolled::int AS patrolled
    FROM judged
)
"""
LEGS = ("accept", "sign", "contact")
COUNTED = (
    "reported", "accepted", "filed", "closing_due", "closed", "closed_in_time", "settled",
    "dispatches", "returns", "kept_dispatches", "checked", "reworked", "reworks", "ever_filed",
    "extended", "suspended", "ever_closed", "rated", "satisfied", "revisited", "solved",
    "reopened", "repeated", "disputes", "disputes_settled", "valid", "missed", "patrolled",
)  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """How an indicator is made of the counts: part of a whole, or the part alone."""

    name: str
    label: Any
    part: str
    whole: str | None = None
    excluded: Any = ""
    only_with: str = ""


DUE_ONLY = _("only cases due in the period")
FORMULAS = (
    Formula("reported", _("Reported"), "reported"),
    Formula("accepted", _("Accepted (受理数)"), "accepted"),
    Formula("accepted_share", _("Share accepted"), "accepted", "reported"),
    Formula("filed_share", _("Share filed (立案率)"), "filed", "accepted"),
    Formula("closed_share", _("Share closed (结案率)"), "closed", "closing_due", DUE_ONLY),
    Formula(
        "closed_in_time_share", _("Closed in time (按期结案率)"), "closed_in_time", "closing_due",
        DUE_ONLY,
    ),
    Formula(
        "closed_in_time_jinhua_share", _("Closed in time, without those put off (金华口径)"),
        "closed_in_time", "closing_due", DUE_ONLY,
    ),
    Formula("settled_share", _("Share settled (办结率)"), "settled", "reported"),
    Formula(
        "disputes_settled_share", _("Disputes settled (化解率)"), "disputes_settled", "disputes"
    ),
    Formula("rework_share", _("Share reworked (返工率)"), "reworked", "checked"),
    Formula("reworks", _("Reworks (返工次数)"), "reworks"),
    Formula("extended_share", _("Share extended (延期率)"), "extended", "ever_filed"),
    Formula("suspended", _("Suspended (挂账数)"), "suspended"),
    Formula("returns", _("Returns (退回数)"), "returns"),
    Formula(
        "missed_share", _("Missed by patrols (漏报率)"), "missed", "valid",
        _("reports merged into a known case do not count as missed; without any report of a patrol"
          " there is no value"),
        only_with="patrolled",
    ),
    Formula(
        "right_dispatch_share", _("Right dispatch (准确派遣率)"), "kept_dispatches", "dispatches"
    ),
    Formula(
        "satisfied_share", _("Satisfied (满意率)"), "satisfied", "rated",
        _("only cases that were rated"),
    ),
    Formula("rated_share", _("Response rate of ratings"), "rated", "ever_closed"),
    Formula(
        "solved_share", _("Solved in the reporter's eyes (解决率)"), "solved", "revisited",
        _("not reached never counts as solved"),
    ),
    Formula("reopened_share", _("Reopened"), "reopened", "ever_closed"),
    Formula(
        "repeated_share", _("Reopened or reported again (重复投诉率)"), "repeated", "ever_closed",
        _("same kind of matter at the same place within 90 days of the closing"),
    ),
)  # fmt: skip
TIMES = (
    ("accept_median_minutes", _("From report to acceptance, median"), "accept", "median"),
    ("accept_p90_minutes", _("From report to acceptance, 9 of 10 within"), "accept", "p90"),
    ("sign_median_minutes", _("From acceptance to signing, median"), "sign", "median"),
    ("sign_p90_minutes", _("From acceptance to signing, 9 of 10 within"), "sign", "p90"),
    ("contact_median_minutes", _("From signing to contact, median"), "contact", "median"),
    ("contact_p90_minutes", _("From signing to contact, 9 of 10 within"), "contact", "p90"),
)


def table_from(counts: Mapping[str, Any], exclusions: Sequence[Exclusion] = ()) -> list[Indicator]:
    """The table of indicators from plain counts; where the formulas stand. Pure.

    counts: by the names in COUNTED; what is missing is 0. For each leg "accept_cases",
    "accept_median" and "accept_p90" in minutes. For an indicator with exclusions, what they take
    out of both sides together, "NAME:part" and "NAME:whole", and the cases each takes out, under
    the exclusion's key.
    """

    def n(name: str) -> int:
        return int(counts.get(name) or 0)

    rows = []
    for formula in FORMULAS:
        name, whole = formula.name, None
        if formula.whole is not None:
            whole = n(formula.whole) - n(f"{name}:whole")
        part = n(formula.part) - n(f"{name}:part")
        if formula.only_with and not n(formula.only_with):
            part, whole = 0, 0
        taken = tuple(TakenOut(e, n(e.key)) for e in exclusions if e.indicator == name)
        rows.append(
            Indicator(
                name,
                formula.label,
                part,
                whole,
                formula.excluded,
                "share" if formula.whole else "count",
                taken_out=taken,
            )
        )
    for name, label, leg, what in TIMES:
        took = counts.get(f"{leg}_{what}")
        minutes = None if took is None else float(took)
        rows.append(Indicator(name, label, n(f"{leg}_cases"), None, "", "minutes", minutes=minutes))
    return rows


def filed_kinds() -> list[str]:
    """The kinds that the indicators are of: those with the steps that the formulas count."""
    return sorted({kind.name for kind in registry.all() if kind.move("file_case") is not None})


def count(
    area_code: str,
    period: Period,
    at: dt.datetime,
    exclusions: Sequence[Exclusion] = (),
    unit_code: str = "",
    sight: Sight = EVERYTHING,
) -> dict[str, Any]:
    """The plain counts of the matters reported in an area and period; one statement.

    A kind of case that is never filed, such as a letter, is in none of them.

    at: the moment for which "due" is meant. unit_code: only cases of which that unit has or had
    the lead. sight: which cases count for whoever reads it. Counts only; no person appears in
    them. Keys as `table_from` reads them.
    """
    since, until = period.bounds()
    lo, hi = subtree(area_code)
    params: dict[str, str | dt.date | bool | list[str]] = {
        "lo": lo,
        "hi": hi,
        "since": since,
        "until": until,
        "at": at,
        "unit": unit_code,
        "kinds": filed_kinds(),
        **sight.blanks,
    }
    columns = [f'COALESCE(sum({name}), 0) AS "{name}"' for name in COUNTED]
    for leg in LEGS:
        minutes = f"extract(epoch FROM to_{leg}) / 60"
        columns.append(f'count(to_{leg}) AS "{leg}_cases"')
        for what, rank in (("median", 0.5), ("p90", 0.9)):
            ranked = f"percentile_disc({rank}) WITHIN GROUP (ORDER BY {minutes})"
            columns.append(f'{ranked} AS "{leg}_{what}"')
    for formula in FORMULAS:
        taking = []
        for n, one in enumerate(exclusions):
            if one.indicator != formula.name:
                continue
            params |= {f"begins{n}": one.begins, f"ends{n}": one.ends or dt.date.max}
            rule = f"(is_{one.rule} AND day >= %(begins{n})s AND day < %(ends{n})s)"
            base = formula.whole or formula.part
            columns.append(f'count(*) FILTER (WHERE {base} > 0 AND {rule}) AS "{one.key}"')
            taking.append(rule)
        if taking:
            rules = " OR ".join(taking)
            for side in ("part", "whole"):
                if column := getattr(formula, side):
                    summed = f"COALESCE(sum({column}) FILTER (WHERE {rules}), 0)"
                    columns.append(f'{summed} AS "{formula.name}:{side}"')
    with connection.cursor() as cursor:
        cursor.execute(f"{CASES} SELECT {', '.join(columns)} FROM counted", params)
        names = [column.name for column in cursor.description]
        row = cursor.fetchone()
    return dict(zip(names, row, strict=True))


def first_day(area_code: str) -> dt.date | None:
    """The day of the first report in an area; None without any."""
    oldest = Case.objects.inside(area_code).aggregate(at=Min("opened_at"))["at"]
    return local_day(oldest) if oldest else None


def indicators(
    area_code: str,
    period: Period,
    at: dt.datetime,
    *,
    unit_code: str = "",
    exclusions: Sequence[Exclusion] | None = None,
    sight: Sight = EVERYTHING,
) -> list[Indicator]:
    """The table for an area and period, or for what one unit had to lead there.

    sight: which cases count for whoever reads it. exclusions: in place of those that come with
    the platform.
    """
    known = seeded() if exclusions is None else exclusions
    in_force = [one for one in known if one.concerns(period)]
    return table_from(count(area_code, period, at, in_force, unit_code, sight), in_force)


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

    def as_json(self) -> dict[str, Any]:
        """What `maplebridge report --compare --json` adds to an indicator."""
        return {
            **_base("year", self.year_ago, self.year_change, self.year_points),
            **_base("before", self.before, self.before_change, self.before_points),
        }


def _base(
    name: str, base: Indicator, changed: float | None, points: float | None
) -> dict[str, Any]:
    value = base.value
    return {
        name: {
            "numerator": base.numerator,
            "denominator": base.denominator,
            "value": None if value is None else round(value, 6),
        },
        f"{name}_change": None if changed is None else round(changed, 6),
        f"{name}_points": None if points is None else round(points, 4),
    }


def _change(row: Indicator, base: Indicator) -> float | None:
    if row.value is None or base.value is None:
        return None
    return change(row.value, base.value)


def _points(row: Indicator, base: Indicator) -> float | None:
    if row.denominator is None or row.value is None or base.value is None:
        return None
    return (row.value - base.value) * 100


# Indicators that somebody brings along: of an area, a period, a reader's sight, as of a day.
Brought = Callable[[str, Period, Sight, dt.date], list[Indicator]]


def compared_of(
    brought: Brought, area_code: str, period: Period, sight: Sight, today: dt.date
) -> list[Compared]:
    """Indicators that were brought along, each beside its two bases."""
    now, year_ago, before = (
        brought(area_code, days, sight, today)
        for days in (period, period_year_ago(period), period_before(period))
    )
    return [Compared(*three) for three in zip(now, year_ago, before, strict=True)]


def compared(
    area_code: str,
    period: Period,
    at: dt.datetime,
    *,
    unit_code: str = "",
    sight: Sight = EVERYTHING,
) -> list[Compared]:
    """The table for an area and period, each line beside its two bases.

    All three are what is known at `at`. A case reported a year ago has had a year to be closed;
    who compares a period that is not over yet, compares unlike things.
    """
    now, year_ago, before = (
        indicators(area_code, days, at, unit_code=unit_code, sight=sight)
        for days in (period, period_year_ago(period), period_before(period))
    )
    return [Compared(*three) for three in zip(now, year_ago, before, strict=True)]
