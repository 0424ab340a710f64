"""The auditor's desk: who read which case, and who did what; nothing of what stands in a case."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from maplebridge.cases import permissions
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Case, Look
from maplebridge.lib import clock
from maplebridge.lib.tables import harmless
from maplebridge.organisation import acts
from maplebridge.organisation.models import Account, Act, Deed
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.units import directory
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.words import unit_name

PAGE_ROWS = 50
MOST_EXPORTED = 10_000
MOST_DAYS_COUNTED = 31
USUAL_DAYS_COUNTED = 7
TABS = (
    ("looks", gettext_lazy("Readings"), "eye"),
    ("counts", gettext_lazy("By unit and day"), "list"),
    ("acts", gettext_lazy("Acts"), "note"),
)
FILTERS = ("since", "until", "unit", "role", "way", "number", "account", "deed")


@dataclass(frozen=True)
class Row:
    """One reading, ready to be shown."""

    look: Look
    number: str
    name: str
    role: str


@dataclass(frozen=True)
class ShownAct:
    """One act, ready to be shown. on: what it was done to. facts: codes and numbers."""

    act: Act
    name: str
    post: str
    on: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Counted:
    """How often a unit read cases on a day; a unit, never a person."""

    day: dt.date
    unit_code: str
    readings: int
    cases: int


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def looks(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Readings, their counts, and acts in the auditor's area; a POST takes the list out."""
    if not permissions.may_audit(actor):
        raise PermissionDenied
    asked = {name: narrowing(request.GET, name).strip() for name in FILTERS}
    tab = request.GET.get("tab", "looks")
    tab = tab if tab in {name for name, _label, _icon in TABS} else "looks"
    if request.method == "POST":
        return _export(actor, tab, asked)
    shown = {
        "here": "looks",
        "tab": tab,
        "tabs": TABS,
        "asked": asked,
        "is_set": any(asked.values()),
        "query": urlencode({"tab": tab, **{k: v for k, v in asked.items() if v}}),
        "ways": Way.choices,
        "roles": [(str(r), r.label) for r in Role if r not in (Role.RESIDENT, Role.SYSTEM)],
        "deeds": Deed.choices,
        "units": _units(actor),
        **PAGES[tab](request, actor, asked),
    }
    return render(request, "command/looks.html", shown)


# -- readings ---------------------------------------------------------------------------------


def _looks_page(request: HttpRequest, actor: Actor, asked: dict[str, str]) -> dict[str, Any]:
    """The newest readings, a page at a time."""
    found = _behind(_asked(actor, asked), request.GET.get("after", ""))
    rows = list(found.order_by("-at", "-look_id")[: PAGE_ROWS + 1])
    after = ""
    if len(rows) > PAGE_ROWS:
        last = rows[PAGE_ROWS - 1]
        after = f"{last.at.isoformat()},{last.look_id}"
    return {"rows": _rows(rows[:PAGE_ROWS]), "more": _more("looks", asked, after)}


def _asked(actor: Actor, asked: dict[str, str]) -> QuerySet[Look]:
    found = Look.objects.filter(permissions.looks_seen_by(actor), _within_days("at", asked))
    if asked["number"]:
        cases = Case.objects.filter(number=asked["number"].upper())
        found = found.filter(case_id__in=cases.values("pk"))
    if asked["account"]:
        found = found.filter(account_id__in=_accounts_named(asked["account"]))
    given = {"unit_code": asked["unit"], "role": asked["role"], "way": asked["way"]}
    return found.filter(**{column: value for column, value in given.items() if value})


def _accounts_named(name: str) -> list[UUID]:
    """By login name, or by the name shown, exactly."""
    named = Account.objects.filter(Q(username=name) | Q(display_name=name))
    return list(named.values_list("pk", flat=True))


def _within_days(column: str, asked: dict[str, str]) -> Q:
    """From the first day until the end of the last, in the city's time; no day narrows nothing."""
    since, until = _day(asked["since"]), _day(asked["until"])
    found = Q()
    if since:
        found &= Q(**{f"{column}__gte": _begins(since)})
    if until:
        found &= Q(**{f"{column}__lt": _begins(until + dt.timedelta(days=1))})
    return found


def _day(said: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(said)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


def _begins(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), clock.CHINA)


def _behind(found: QuerySet[Look], after: str) -> QuerySet[Look]:
    """What follows the last row seen; anything that is no cursor starts at the beginning."""
    instant, _comma, last = after.partition(",")
    try:
        at, look_id = dt.datetime.fromisoformat(instant).astimezone(dt.UTC), UUID(last)
    except (ValueError, OverflowError):
        return found
    return found.filter(Q(at__lt=at) | Q(at=at, look_id__lt=look_id))


def _rows(found: list[Look]) -> list[Row]:
    """Two statements, whatever their number."""
    cases = {look.case_id for look in found}
    numbers = dict(Case.objects.filter(pk__in=cases).values_list("pk", "number"))
    names = _names({look.account_id for look in found})
    return [
        Row(
            look,
            numbers.get(look.case_id, ""),
            names.get(look.account_id, ""),
            str(Role(look.role).label),
        )
        for look in found
    ]


def _names(accounts: set[UUID | None]) -> dict[UUID | None, str]:
    found = Account.objects.filter(pk__in={each for each in accounts if each})
    return dict(found.values_list("pk", "display_name"))


def _more(tab: str, asked: dict[str, str], after: str) -> str:
    kept = {name: value for name, value in asked.items() if value}
    return urlencode({"tab": tab, **kept, "after": after}) if after else ""


def _units(actor: Actor) -> list[tuple[str, str]]:
    inside = [u for u in directory().all() if u.area_code.startswith(actor.area_code)]
    # Villages and grids would make the list endless; they are asked for by township.
    return [(u.code, unit_name(u.code)) for u in inside if len(u.area_code) <= 9]


# -- counts -----------------------------------------------------------------------------------


def _counts_page(_request: HttpRequest, actor: Actor, asked: dict[str, str]) -> dict[str, Any]:
    """How many readings and of how many cases, by unit and day; at most 31 days."""
    until = _day(asked["until"]) or clock.local_day(clock.now())
    usual = until - dt.timedelta(days=USUAL_DAYS_COUNTED - 1)
    since = max(_day(asked["since"]) or usual, until - dt.timedelta(days=MOST_DAYS_COUNTED - 1))
    days = {"since": since.isoformat(), "until": until.isoformat()}
    return {"counts": _counts(actor, {**asked, **days}), "asked": {**asked, **days}}


def _counts(actor: Actor, asked: dict[str, str]) -> list[Counted]:
    found = (
        _asked(actor, asked)
        .annotate(day=TruncDate("at", tzinfo=clock.CHINA))
        .values_list("day", "unit_code")
        .annotate(readings=Count("*"), cases=Count("case_id", distinct=True))
        .order_by("-day", "unit_code")
    )
    return [Counted(*row) for row in found]


# -- acts -------------------------------------------------------------------------------------


def _acts_page(request: HttpRequest, actor: Actor, asked: dict[str, str]) -> dict[str, Any]:
    """The newest acts of administration, a page at a time."""
    found = _acts(actor, asked)
    after = request.GET.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 18:
        found = found.filter(number__lt=int(after))
    rows = list(found.order_by("-number")[: PAGE_ROWS + 1])
    further = str(rows[PAGE_ROWS - 1].number) if len(rows) > PAGE_ROWS else ""
    return {"acts": _shown_acts(rows[:PAGE_ROWS]), "more": _more("acts", asked, further)}


def _acts(actor: Actor, asked: dict[str, str]) -> QuerySet[Act]:
    found = Act.objects.filter(acts.seen_by(actor), _within_days("at", asked))
    if asked["account"]:
        found = found.filter(account_id__in=_accounts_named(asked["account"]))
    given = {"unit_code": asked["unit"], "role": asked["role"], "deed": asked["deed"]}
    return found.filter(**{column: value for column, value in given.items() if value})


def _shown_acts(rows: list[Act]) -> list[ShownAct]:
    targets = {act.number: _target(act.on) for act in rows}
    names = _names({act.account_id for act in rows} | set(targets.values()))
    cases = {str(act.facts["case"]) for act in rows if act.facts.get("case")}
    found = Case.objects.filter(pk__in=cases).values_list("pk", "number") if cases else ()
    numbers = {str(case_id): number for case_id, number in found}
    return [
        ShownAct(
            act=act,
            name=names.get(act.account_id, ""),
            post=" · ".join(
                part
                for part in (
                    unit_name(act.unit_code) if act.unit_code else "",
                    str(Role(act.role).label) if act.unit_code else "",
                )
                if part
            ),
            on=_on(act, names.get(targets[act.number], ""), numbers),
            facts=[(str(k), str(v)) for k, v in act.facts.items() if k != "case"],
        )
        for act in rows
    ]


def _on(act: Act, name: str, numbers: dict[str, str]) -> str:
    """What an act was done to: an account by its name, a case by its number, else as noted."""
    return name or numbers.get(str(act.facts.get("case", "")), "") or act.on


def _target(on: str) -> UUID | None:
    """The account that an act was done to, if it was done to one."""
    kind, _colon, code = on.partition(":")
    try:
        return UUID(code) if kind == "account" else None
    except ValueError:
        return None


# -- taking out ---------------------------------------------------------------------------------


def _export(actor: Actor, tab: str, asked: dict[str, str]) -> HttpResponse:
    """What the filters show, as a table for a spreadsheet, the newest rows; noted as an act."""
    head, lines = SHEETS[tab](actor, asked)
    facts = {name: value for name, value in asked.items() if value and name != "account"}
    acts.note(actor, Deed.EXPORTED, f"list:{tab}", {**facts, "rows": len(lines)})
    text = io.StringIO()
    sheet = csv.writer(text)
    rows: list[list[object]] = [list(head), *lines]
    sheet.writerows([[harmless(str(each)) for each in line] for line in rows])
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    answer = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    day = clock.local_day(clock.now()).isoformat()
    answer["Content-Disposition"] = f'attachment; filename="maplebridge-{tab}-{day}.csv"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def _local(at: dt.datetime) -> str:
    return at.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")


Sheet = tuple[list[str], list[list[object]]]


def _looks_sheet(actor: Actor, asked: dict[str, str]) -> Sheet:
    found = _asked(actor, asked).order_by("-at", "-look_id")[:MOST_EXPORTED]
    head = [_("When"), _("Who"), _("Unit"), _("Post"), _("Case number"), _("Class"), _("What"),
            _("Reason")]  # fmt: skip
    return head, [
        [
            _local(row.look.at),
            row.name,
            unit_name(row.look.unit_code),
            row.role,
            row.number,
            row.look.confidentiality,
            Way(row.look.way).label,
            row.look.reason,
        ]
        for row in _rows(list(found))
    ]


def _counts_sheet(actor: Actor, asked: dict[str, str]) -> Sheet:
    page = _counts_page(HttpRequest(), actor, asked)
    head = [_("Day"), _("Unit"), _("Readings"), _("Cases")]
    return head, [
        [each.day, unit_name(each.unit_code), each.readings, each.cases] for each in page["counts"]
    ]


def _acts_sheet(actor: Actor, asked: dict[str, str]) -> Sheet:
    found = list(_acts(actor, asked).order_by("-number")[:MOST_EXPORTED])
    head = [
        _("Number"),
        _("When"),
        _("Who"),
        _("Post"),
        _("Act"),
        _("Done to"),
        _("Done"),
        _("Facts"),
    ]
    return head, [
        [
            each.act.number,
            _local(each.act.at),
            each.name,
            each.post,
            Deed(each.act.deed).label,
            each.on,
            _("Yes") if each.act.done else _("No"),
            " ".join(f"{key}={value}" for key, value in each.facts),
        ]
        for each in _shown_acts(found)
    ]


PAGES: dict[str, Callable[[HttpRequest, Actor, dict[str, str]], dict[str, Any]]] = {
    "looks": _looks_page,
    "counts": _counts_page,
    "acts": _acts_page,
}
SHEETS: dict[str, Callable[[Actor, dict[str, str]], Sheet]] = {
    "looks": _looks_sheet,
    "counts": _counts_sheet,
    "acts": _acts_sheet,
}
