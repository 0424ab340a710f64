"""Daily, weekly and monthly reports and the draft of a circular: live figures on a paper.

They count places, kinds of matter and units, never people. What is confidential (C2) is never
listed, and counted for the operator alone; what a reader may not know of is in no figure.
Source: domain guide, section 6.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.cases.grades import Confidentiality, Supervision
from maplebridge.cases.models import Case, CaseQuerySet
from maplebridge.cases.permissions import covers
from maplebridge.insight import indicators
from maplebridge.insight.indicators import Compared, Indicator, percent, share
from maplebridge.insight.paper_words import (
    LEAST,
    area_names,
    change_words,
    day_words,
    issuer_of,
    minutes_words,
    paper_of,
    place_words,
    ratio,
    time_words,
)
from maplebridge.insight.periods import Period, period_before, period_of
from maplebridge.insight.report_counts import (
    BY_CATEGORY,
    BY_PLACE,
    RETURNS,
    STANDING,
    WAITING,
    UnitLine,
    answer,
    unit_lines,
)
from maplebridge.insight.scope import Sight, sight_of
from maplebridge.lib.clock import CHINA
from maplebridge.lib.papers import (
    Block,
    Column,
    Figures,
    Heading,
    Note,
    Paper,
    Paragraph,
    Signature,
    Table,
)
from maplebridge.organisation.areas import LENGTHS, Level
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.units import directory

# Posts that look over a whole area; the others see their own line or their own cases.
READERS = frozenset({Role.CLERK, Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR, Role.STATION})
MOST_LISTED = 200
TOP = 10
URGENT = ("S0", "S1")
# States of the standard kind in which nobody has signed for the work yet.
UNHANDLED = ("reported", "need_info", "accepted", "filed", "dispatched")
# The length of the codes of the places that a report tells apart, by the length of its own.
PLACES = {4: 9, 6: 12, 9: 12, 12: 15, 15: 15}
# Shares of the monthly tables, in their order.
SHOWN_SHARES = ("closed_share", "closed_in_time_share", "rework_share", "satisfied_share")


@dataclass(frozen=True)
class Asked:
    """What a report is asked for. categories: names of the kinds of matter, by code."""

    area_code: str
    period: Period
    at: dt.datetime
    categories: Mapping[str, str]
    actor: Actor

    @property
    def cases(self) -> CaseQuerySet:
        """The cases that may be listed: those the reader may see, none of them confidential."""
        seen = Case.objects.visible_to(self.actor).inside(self.area_code)
        return seen.exclude(confidentiality=Confidentiality.C2)

    def category(self, code: str) -> str:
        """A kind of matter in words; all confidential ones are one."""
        if code == Confidentiality.C2:
            return _("Confidential matters (C2)")
        return self.categories.get(code, code) or _("Not sorted yet")

    def rows(self, sql: str, **more: Any) -> list[tuple[Any, ...]]:
        """The answer of one statement over the area and the period."""
        return answer(sql, self.area_code, self.period, self.at, self.sight, **more)

    def indicators(self, area_code: str) -> list[Indicator]:
        """The table of indicators of an area within that of the report."""
        return indicators.indicators(area_code, self.period, self.at, sight=self.sight)

    @property
    def sight(self) -> Sight:
        """Which cases the figures count for this reader."""
        return sight_of(self.actor)

    @property
    def left_out(self) -> str:
        """What the figures of this reader leave out, as a sentence."""
        if self.sight.all:
            return _("Confidential cases (C2) are counted above and not listed.")
        return _("Confidential cases (C2) are neither counted nor listed.")


def may_read(actor: Actor, area_code: str) -> bool:
    """Whether an actor may have the reports of an area: a post that looks over all of it."""
    return actor.role in READERS and covers(actor.area_code, area_code)


def report(
    name: str,
    area_code: str,
    day: dt.date,
    at: dt.datetime,
    categories: Mapping[str, str],
    actor: Actor,
) -> Paper:
    """The daily, weekly or monthly report, or the circular's draft, that holds a day.

    at: the moment as of which it is counted. categories: names by code. actor: whose sight bounds
    the lists of cases and what is counted.
    Raises KeyError for another name, ValueError for what is no area code.
    """
    kind, write = REPORTS[name]
    asked = Asked(area_code, period_of(kind, day), at, categories, actor)
    return write(asked)


# -- words ----------------------------------------------------------------------------------


def _title(asked: Asked, template: str) -> str:
    names = area_names([asked.area_code])
    return template % {"area": names.get(asked.area_code, asked.area_code)}


def _span(period: Period) -> str:
    if period.days == 1:
        return day_words(period.since)
    return _("%(since)s to %(until)s") % {
        "since": day_words(period.since),
        "until": day_words(period.until),
    }


def _issue(number: int, year: int) -> str:
    return _("%(year)d, issue %(number)d") % {"year": year, "number": number}


def _closing(asked: Asked) -> Signature:
    day = asked.at.astimezone(CHINA).date()
    return Signature(issuer_of(asked.area_code), day_words(day))


def _small() -> str:
    return _("No percentage is given for a denominator below %(least)d.") % {"least": LEAST}


# -- daily ----------------------------------------------------------------------------------


def _daily(asked: Asked) -> Paper:
    length = min((n for n in LENGTHS if n > len(asked.area_code)), default=Level.GRID)
    standing = asked.rows(STANDING, length=int(length))
    sums = [sum(row[place] for row in standing) for place in range(1, 7)]
    new, closed, open_now, overdue, due, supervised = sums
    day = asked.period.since
    names = area_names([asked.area_code, *(row[0] for row in standing)])
    at = time_words(asked.at)
    said = _(
        "On %(day)s %(new)d matters were reported in %(area)s and %(closed)d were closed. At "
        "%(at)s, %(open)d are open: %(overdue)d overdue, %(due)d still due on that day, "
        "%(supervised)d under supervision."
    ) % {
        "day": day_words(day),
        "area": names.get(asked.area_code, asked.area_code),
        "new": new,
        "closed": closed,
        "at": at,
        "open": open_now,
        "overdue": overdue,
        "due": due,
        "supervised": supervised,
    }
    heads = (_("Reported"), _("Closed"), _("Still open"), _("Overdue"), _("Due on the day"))
    rows = [
        (_within(row[0], names, asked), *(str(figure) for figure in row[1:6])) for row in standing
    ]
    if rows:
        rows.append((_("Total"), *(str(figure) for figure in sums[:5])))
    table = Table(
        _("Table 1: by place"),
        (Column(_("Place"), 3), *(Column(head, 1, numeric=True) for head in heads)),
        tuple(rows),
        (
            _(
                "Reported and closed: on the day, by the time of the report and of the last "
                "closing. Open, overdue and due: as of the data time. Overdue: the "
                "running clock is "
                "past due."
            ),
            _("Merged and voided reports count as reported."),
            asked.left_out,
        ),
        _("None on this day."),
        total=True,
    )
    since, until = asked.period.bounds()
    urgent = asked.cases.filter(sla_class__in=URGENT).filter(
        Q(ended=False) | Q(opened_at__gte=since, opened_at__lt=until)
    )
    watched = asked.cases.filter(supervision__gt=0, ended=False)
    blocks: list[Block] = [
        Figures(
            (
                (_("Reported"), str(new)),
                (_("Closed"), str(closed)),
                (_("Still open"), str(open_now)),
                (_("Overdue"), str(overdue)),
                (_("Due on the day"), str(due)),
                (_("Supervised"), str(supervised)),
            )
        ),
        Heading(_("I. At a glance")),
        Paragraph(said),
        table,
        Heading(_("II. Most urgent matters (S0, S1)")),
        _listed(
            asked,
            _("Table 2: open, or reported on the day"),
            urgent.order_by("sla_class", "opened_at", "id"),
            _("Time class"),
            lambda case: case.sla_class,
        ),
        Heading(_("III. Under supervision")),
        _listed(
            asked,
            _("Table 3: open cases under supervision"),
            watched.order_by("-supervision", "due_at", "id"),
            _("Level"),
            lambda case: str(Supervision(case.supervision).label),
        ),
        _closing(asked),
    ]
    return paper_of(
        _title(asked, _("%(area)s: daily report")),
        issuer_of(asked.area_code),
        blocks,
        asked.at,
        number=_issue(day.timetuple().tm_yday, day.year),
        mark=_("Internal"),
    )


def _within(code: str, names: Mapping[str, str], asked: Asked) -> str:
    if code == asked.area_code:
        return _("not placed more closely")
    return names.get(code, code)


def _listed(
    asked: Asked, title: str, cases: CaseQuerySet, grade: str, grade_of: Callable[[Case], str]
) -> Table:
    found = list(cases[: MOST_LISTED + 1])
    names = area_names(case.area_code for case in found)
    units = directory()
    rows = tuple(
        (
            case.number,
            grade_of(case),
            asked.category(case.category),
            place_words(case.area_code, names, asked.area_code),
            units.name_of(case.unit_code),
            str(case.now.label),
            time_words(case.due_at),
        )
        for case in found[:MOST_LISTED]
    )
    notes = [asked.left_out]
    if len(found) > MOST_LISTED:
        notes.append(_("Only the first %(most)d are listed.") % {"most": MOST_LISTED})
    columns = (
        Column(_("Number"), 3.3),
        Column(grade, 1.3),
        Column(_("Category"), 1.6),
        Column(_("Place"), 1.9),
        Column(_("Held by"), 2.1),
        Column(_("State"), 1.2),
        Column(_("Due"), 1.6, numeric=True),
    )
    return Table(title, columns, rows, tuple(notes), _("None."))


# -- weekly ---------------------------------------------------------------------------------


def _weekly(asked: Asked) -> Paper:
    before = period_before(asked.period)
    categories = asked.rows(BY_CATEGORY, before=before.bounds()[0])
    reported = sum(now for _code, now, _before in categories)
    earlier = sum(was for _code, _now, was in categories)
    length = PLACES[len(asked.area_code)]
    places = asked.rows(BY_PLACE, length=length)
    returns = asked.rows(RETURNS)
    waiting = asked.rows(WAITING, states=list(UNHANDLED))
    names = area_names([asked.area_code, *(code for code, _count in places[:TOP])])
    units = directory()
    said = _(
        "From %(span)s %(n)d matters were reported in %(area)s, %(before)d in the week before "
        "(%(change)s). Units gave cases back %(returns)d times. At %(at)s, %(waiting)d "
        "open matters "
        "had no unit that signed for them."
    ) % {
        "span": _span(asked.period),
        "n": reported,
        "area": names.get(asked.area_code, asked.area_code),
        "before": earlier,
        "change": change_words(indicators.change(reported, earlier)),
        "returns": sum(n for _unit, n in returns),
        "at": time_words(asked.at),
        "waiting": sum(row[1] for row in waiting),
    }
    top = [row for row in categories if row[1]][:TOP]
    blocks: list[Block] = [
        Heading(_("I. At a glance")),
        Paragraph(said),
        Heading(_("II. What was reported most")),
        Table(
            _("Table 1: the most frequent categories"),
            (
                Column(_("Category"), 3),
                Column(_("This week"), 1, numeric=True),
                Column(_("Share of all"), 1, numeric=True),
                Column(_("Week before"), 1, numeric=True),
                Column(_("Against it"), 1.2, numeric=True),
            ),
            tuple(
                (
                    asked.category(code),
                    str(now),
                    percent(share(now, reported)),
                    str(was),
                    change_words(indicators.change(now, was)),
                )
                for code, now, was in top
            ),
            (
                _("Share: of all %(n)d matters reported in the week.") % {"n": reported},
                _("Change: against the week before; a dash where nothing was reported then."),
                asked.left_out,
            ),
            _("None in this week."),
        ),
        Heading(_("III. Where most was reported")),
        Table(
            _("Table 2: the places with most reports"),
            (Column(_("Place"), 3), Column(_("Reported"), 1, numeric=True)),
            tuple((place_words(code, names, asked.area_code), str(n)) for code, n in places[:TOP]),
            (_("Reports that are not placed so closely are left out."),),
            _("None in this week."),
        ),
        Heading(_("IV. Cases given back")),
        Table(
            _("Table 3: returns by unit"),
            (Column(_("Unit"), 3), Column(_("Returns"), 1, numeric=True)),
            tuple((units.name_of(code), str(n)) for code, n in returns),
            (_("Every return in the week counts, whenever its case was reported."),),
            _("None in this week."),
        ),
        Heading(_("V. Not taken on yet")),
        Table(
            _("Table 4: open matters that no unit has signed for"),
            (
                Column(_("Held by"), 3),
                Column(_("Waiting"), 1, numeric=True),
                Column(_("Overdue"), 1, numeric=True),
                Column(_("Oldest, in days"), 1.2, numeric=True),
            ),
            tuple(
                (units.name_of(code), str(n), str(late), str((asked.at - oldest).days))
                for code, n, late, oldest in waiting
            ),
            (_("As of the data time, of what was reported until the end of the week."),),
            _("None."),
        ),
        _closing(asked),
    ]
    year, week, _day = asked.period.since.isocalendar()
    return paper_of(
        _title(asked, _("%(area)s: weekly report")),
        issuer_of(asked.area_code),
        blocks,
        asked.at,
        number=_issue(week, year),
        mark=_("Internal"),
    )


# -- monthly --------------------------------------------------------------------------------


def _monthly(asked: Asked) -> Paper:
    rows = indicators.compared(asked.area_code, asked.period, asked.at, sight=asked.sight)
    by_name = {row.indicator.name: row for row in rows}
    blocks: list[Block] = [
        Heading(_("I. At a glance")),
        Paragraph(_overview(asked, by_name)),
        _indicator_table(rows),
        Heading(_("II. By place")),
        _area_table(asked),
        Heading(_("III. By handling unit")),
        _unit_table(unit_lines(asked.area_code, asked.period, asked.at, asked.sight)),
        _closing(asked),
    ]
    return paper_of(
        _title(asked, _("%(area)s: monthly report")),
        issuer_of(asked.area_code),
        blocks,
        asked.at,
        number=_issue(asked.period.since.month, asked.period.since.year),
        mark=_("Internal"),
    )


def _overview(asked: Asked, by_name: Mapping[str, Compared]) -> str:
    reported = by_name["reported"]
    closed = by_name["closed_share"].indicator
    in_time = by_name["closed_in_time_share"].indicator
    solved = by_name["solved_share"].indicator
    names = area_names([asked.area_code])
    return _(
        "From %(span)s %(n)d matters were reported in %(area)s, against a year ago "
        "%(year)s, against "
        "the month before %(before)s. Closed: %(closed)s; closed in time: %(in_time)s; "
        "solved in the "
        "reporters' eyes: %(solved)s."
    ) % {
        "span": _span(asked.period),
        "n": reported.indicator.numerator,
        "area": names.get(asked.area_code, asked.area_code),
        "year": change_words(reported.year_change),
        "before": change_words(reported.before_change),
        "closed": _of(closed),
        "in_time": _of(in_time),
        "solved": _of(solved),
    }


def _of(row: Indicator) -> str:
    counted = f"{row.numerator}/{row.denominator}"
    return counted if row.is_few else f"{counted} = {percent(row.value)}"


def _indicator_table(rows: Sequence[Compared]) -> Table:
    def shown(row: Indicator) -> str:
        if row.is_few:
            return "—"
        if row.unit == "minutes":
            return minutes_words(row.minutes)
        return str(row.numerator) if row.denominator is None else percent(row.value)

    def moved(change: float | None, points: float | None, row: Indicator, base: Indicator) -> str:
        if row.is_few or base.is_few:
            return "—"
        if row.denominator is None:
            return change_words(change)
        return "—" if points is None else _("%(points)s pts") % {"points": f"{points:+.2f}"}

    def part(row: Indicator) -> tuple[str, str]:
        if row.denominator is None:
            return "—", str(row.numerator) if row.unit == "minutes" else "—"
        return str(row.numerator), str(row.denominator)

    excluded = [
        f"{row.indicator.label}: {row.indicator.excluded}" for row in rows if row.indicator.excluded
    ]
    excluded += [
        _("%(indicator)s: %(rule)s (version %(version)d), %(n)d cases")
        % {
            "indicator": row.indicator.label,
            "rule": taken.exclusion.label,
            "version": taken.exclusion.version,
            "n": taken.cases,
        }
        for row in rows
        for taken in row.indicator.taken_out
        if taken.cases
    ]
    return Table(
        _("Table 1: indicators"),
        (
            Column(_("Indicator"), 3.1),
            Column(_("Numerator"), 1, numeric=True),
            Column(_("Denominator"), 1, numeric=True),
            Column(_("Value"), 1.15, numeric=True),
            Column(_("Year ago"), 1.45, numeric=True),
            Column(_("vs year ago"), 1.4, numeric=True),
            Column(_("Month before"), 1.15, numeric=True),
            Column(_("vs month before"), 1.4, numeric=True),
        ),
        tuple(
            (
                str(row.indicator.label),
                *part(row.indicator),
                shown(row.indicator),
                shown(row.year_ago),
                moved(row.year_change, row.year_points, row.indicator, row.year_ago),
                shown(row.before),
                moved(row.before_change, row.before_points, row.indicator, row.before),
            )
            for row in rows
        ),
        (
            _(
                "Of the cases reported in the month, as known at the data time. Counts change by "
                "(now − base) / base, shares by percentage points; a dash where the base is 0 or "
                "missing."
            ),
            _small(),
            _("Times: whole minutes; their denominator is the number of cases measured."),
            _("Excluded: %(what)s.") % {"what": "; ".join(excluded)},
        ),
    )


def _area_table(asked: Asked) -> Table:
    inside = Area.objects.within(asked.area_code)
    length = min((n for n in LENGTHS if n > len(asked.area_code)), default=0)
    below = [area for area in inside.order_by("code") if len(area.code) == length]
    rows = []
    for area in below:
        found = {
            row.name: row
            for row in indicators.indicators(area.code, asked.period, asked.at, sight=asked.sight)
        }
        if found["reported"].numerator:
            rows.append(_area_row(area.name, found))
    if rows:
        whole = asked.indicators(asked.area_code)
        rows.append(_area_row(_("Total"), {row.name: row for row in whole}))
    heads = (
        _("Closed / due"),
        _("In time / due"),
        _("Reworked / checked"),
        _("Satisfied / rated"),
    )
    return Table(
        _("Table 2: by place"),
        (
            Column(_("Place"), 2),
            Column(_("Reported"), 0.9, numeric=True),
            *(Column(head, 1.3, numeric=True) for head in heads),
        ),
        tuple(rows),
        (
            _("Due: closed, or past due without it. Places without a report are left out; reports "
              "that are not placed so closely count in the total only."),
            _small(),
        ),
        _("None in this month."),
        total=True,
    )  # fmt: skip


def _area_row(name: str, found: Mapping[str, Indicator]) -> tuple[str, ...]:
    shares = [found[each] for each in SHOWN_SHARES]
    return (
        name,
        str(found["reported"].numerator),
        *(ratio(row.numerator, row.denominator or 0) for row in shares),
    )


def _unit_table(lines: Sequence[UnitLine]) -> Table:
    units = directory()
    return Table(
        _("Table 3: by handling unit"),
        (
            Column(_("Unit"), 2.6),
            Column(_("Leads"), 0.8, numeric=True),
            Column(_("Closed / due"), 1.3, numeric=True),
            Column(_("In time / due"), 1.3, numeric=True),
            Column(_("Reworked / checked"), 1.3, numeric=True),
            Column(_("Returns"), 0.8, numeric=True),
        ),
        tuple(
            (
                units.name_of(line.unit_code),
                str(line.led),
                ratio(line.closed, line.closing_due),
                ratio(line.in_time, line.closing_due),
                ratio(line.reworked, line.checked),
                str(line.returned),
            )
            for line in lines
        ),
        (
            _("A case counts for the unit that leads in it last; cases without a leading unit are "
              "left out. Returns: how often the unit gave such a case back."),
            _small(),
        ),
        _("None in this month."),
    )  # fmt: skip


# -- circular -------------------------------------------------------------------------------


def _circular(asked: Asked) -> Paper:
    found = {
        row.name: row
        for row in indicators.indicators(asked.area_code, asked.period, asked.at, sight=asked.sight)
    }
    lines = unit_lines(asked.area_code, asked.period, asked.at, asked.sight)
    named = [line for line in lines if line.closing_due >= LEAST]
    kept = [line for line in named if not line.late and not line.returned]
    behind = [line for line in named if line.late or line.returned]
    behind.sort(key=lambda line: (-line.late / line.closing_due, -line.returned, line.unit_code))
    few = [line for line in lines if line.closing_due < LEAST]
    units = directory()
    names = area_names([asked.area_code])
    month = _span(asked.period)
    said = _(
        "From %(span)s %(n)d matters were reported in %(area)s. Closed: %(closed)s; "
        "closed in time: "
        "%(in_time)s; reworked: %(rework)s. Units gave cases back %(returns)d times."
    ) % {
        "span": month,
        "n": found["reported"].numerator,
        "area": names.get(asked.area_code, asked.area_code),
        "closed": _of(found["closed_share"]),
        "in_time": _of(found["closed_in_time_share"]),
        "rework": _of(found["rework_share"]),
        "returns": found["returns"].numerator,
    }
    blocks: list[Block] = [
        Paragraph(_("To all units:"), indented=False),
        Paragraph(said),
        Heading(_("I. All in time, none given back")),
        Paragraph(
            _("%(units)s.") % {"units": _(", ").join(units.name_of(u.unit_code) for u in kept)}
            if kept
            else _("No unit with at least %(least)d cases due.") % {"least": LEAST}
        ),
        Heading(_("II. Late, or given back")),
        Table(
            "",
            (
                Column(_("Unit"), 3),
                Column(_("Cases due"), 1, numeric=True),
                Column(_("Late"), 1, numeric=True),
                Column(_("Share late"), 1.2, numeric=True),
                Column(_("Returns"), 1, numeric=True),
            ),
            tuple(
                (
                    units.name_of(line.unit_code),
                    str(line.closing_due),
                    str(line.late),
                    percent(share(line.late, line.closing_due)),
                    str(line.returned),
                )
                for line in behind
            ),
            (
                _("Due: closed, or past due without it, of the cases reported in the "
                  "month in which "
                  "the unit leads. Late: closed late, or past due and not closed."),
                _("Units with fewer than %(least)d cases due are not named: %(units)d units, "
                  "%(due)d due, %(late)d late, %(returns)d given back.")
                % {
                    "least": LEAST,
                    "units": len(few),
                    "due": sum(line.closing_due for line in few),
                    "late": sum(line.late for line in few),
                    "returns": sum(line.returned for line in few),
                },
            ),
            _("None."),
        ),
        Heading(_("III. What is asked")),
        Paragraph(
            _("Units named in section II look into each late or returned case, say what "
              "delayed it, "
              "and report what they changed. A return needs its ground and the unit whose it is.")
        ),
        Note(
            _("This is a draft made from figures. It becomes a circular only when somebody "
              "responsible has read it, heard the units named, and signed it. It names "
              "units, never "
              "persons.")
        ),
        Signature(
            issuer_of(asked.area_code),
            day_words(asked.at.astimezone(CHINA).date()),
            (_("Checked by"), _("Signed by")),
        ),
    ]  # fmt: skip
    return paper_of(
        _title(asked, _("%(area)s: circular on the handling of matters")),
        issuer_of(asked.area_code),
        blocks,
        asked.at,
        number=_("for %(year)d, month %(month)d")
        % {"year": asked.period.since.year, "month": asked.period.since.month},
        mark=_("Draft, not signed"),
    )


REPORTS: dict[str, tuple[str, Callable[[Asked], Paper]]] = {
    "daily": ("day", _daily),
    "weekly": ("week", _weekly),
    "monthly": ("month", _monthly),
    "circular": ("month", _circular),
}
REPORT_LABELS = {
    "daily": _l("Daily report"),
    "weekly": _l("Weekly report"),
    "monthly": _l("Monthly report"),
    "circular": _l("Circular (draft)"),
}
