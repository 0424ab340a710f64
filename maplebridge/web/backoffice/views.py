"""The administration: editions of the city's tables, tried, compared and published; no cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from maplebridge.insight.indicators import FEWEST
from maplebridge.journey import configuration, learn, route
from maplebridge.journey.configuration import TABLES, Trial
from maplebridge.journey.coverage import coverage
from maplebridge.journey.models import Category
from maplebridge.journey.rehearsal import Effect
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.tables import Problem
from maplebridge.organisation import editions
from maplebridge.organisation.editions import Cells, Differences, EditionRefused, Listed, Table
from maplebridge.organisation.models import Account, Area, Edition, Post, Unit
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.backoffice import columns
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.words import unit_name

P = ParamSpec("P")
# What a page shows of a long table; the file has all of it.
MOST_ROWS = 100
MOST_PROBLEMS = 50
LARGEST_FILE = 2 * 1024 * 1024
# A page of the desks; where it is not there, nothing leads to it.
DUTY = "/desk/duty/"


def at_the_administration(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Gives the view its actor, who may configure the city; everybody else is refused."""

    @wraps(view)
    def allowed(
        request: HttpRequest, actor: Actor, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if not editions.may_configure(actor):
            raise PermissionDenied
        return view(request, actor, *args, **kwargs)

    return at_a_desk(allowed)


@require_safe
@at_the_administration
def tables(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """What can be configured, by what it is about: places, matters, words, what is kept."""
    today = local_day(now())
    known: dict[str, list[tuple[int, dt.date]]] = {}
    rows = Edition.objects.order_by("number").values_list("name", "number", "begins")
    for name, number, begins in rows:
        known.setdefault(name, []).append((number, begins))
    groups = [
        {
            "title": _("Places and units"),
            "icon": "building",
            "entries": _places(today),
        },
        {
            "title": _("Matters"),
            "icon": "inbox",
            "entries": [
                *(_entry(name, known, today) for name in TABLES if name not in APART),
                {
                    "label": _("Gaps and overlaps"),
                    "address": reverse("responsibility-gaps"),
                    "said": _("of the responsibility table"),
                },
            ],
        },
        {
            "title": _("Words and keeping"),
            "icon": "chat",
            "entries": [
                {**_entry("messages", known, today), "address": reverse("configuration-texts")},
                _entry("retention", known, today),
                {
                    "label": _("Who changed what"),
                    "address": reverse("configuration-changes"),
                    "said": _("every change with its author"),
                },
            ],
        },
    ]
    return render(request, "backoffice/tables.html", {"here": "tables", "groups": groups})


# Tables that stand in a group of their own on the first page.
APART = frozenset({"messages", "retention"})


def _entry(
    name: str, known: Mapping[str, Sequence[tuple[int, dt.date]]], today: dt.date
) -> dict[str, Any]:
    """A table as one line: the edition in force, and the next one that is planned."""
    wanted, editions_of = TABLES[name], known.get(name, ())
    present = wanted.number()
    planned = next(((n, day) for n, day in editions_of if day > today), None)
    words = ngettext("%(n)d edition", "%(n)d editions", len(editions_of)) % {"n": len(editions_of)}
    in_force = _("Edition %(n)d in force") % {"n": present} if present else _("none yet")
    return {
        "label": wanted.label,
        "address": reverse("configuration-table", args=[name]),
        "said": f"{in_force} · {words}" if editions_of else in_force,
        "planned": _("Edition %(n)d from %(day)s on")
        % {"n": planned[0], "day": planned[1].isoformat()}
        if planned
        else "",
    }


def _places(today: dt.date) -> list[dict[str, Any]]:
    """Areas, units, posts and, where there is one, the roster of duty, each with its count."""
    areas = Area.objects.within(settings.CITY_CODE).count()
    at_work = Unit.objects.filter(Q(ends=None) | Q(ends__gte=today), begins__lte=today).count()
    posts = Post.objects.count()
    found = [
        {
            "label": _("Areas"),
            "address": reverse("configuration-areas"),
            "said": ngettext("%(n)d area", "%(n)d areas", areas) % {"n": areas},
        },
        {
            "label": _("Units"),
            "address": reverse("configuration-units"),
            "said": ngettext("%(n)d at work", "%(n)d at work", at_work) % {"n": at_work},
        },
        {
            "label": _("Posts"),
            "address": reverse("configuration-posts"),
            "said": ngettext("%(n)d post", "%(n)d posts", posts) % {"n": posts},
        },
    ]
    try:
        resolve(DUTY)
    except Resolver404:
        return found
    return [*found, {"label": _("Duty"), "address": DUTY, "said": _("who is on duty, by unit")}]


@require_safe
@at_the_administration
def table(request: HttpRequest, _actor: Actor, name: str) -> HttpResponse:
    """The editions of a table, the newest first, and the form for a new one."""
    return _table_page(request, _named(name))


@require_safe
@at_the_administration
def edition(request: HttpRequest, _actor: Actor, name: str, number: int) -> HttpResponse:
    """One edition: who, when, why, and its first rows."""
    wanted, found = _edition(name, number)
    rows = editions.rows_of(wanted, number)
    reader = columns.Reader(rows[:MOST_ROWS])
    labels = {name: columns.label(name) for name in wanted.columns}
    shown = {
        "here": "tables",
        "table": wanted,
        "edition": found,
        "who": _who([found])[found.number],
        "in_force": wanted.number() == number,
        "rows": [
            [(labels[name], cells[name], reader.words(name, cells[name])) for name in labels]
            for cells in rows[:MOST_ROWS]
        ],
        "columns": labels,
        "total": len(rows),
        "before": number - 1,
    }
    return render(request, "backoffice/edition.html", shown)


@require_safe
@at_the_administration
def file(_request: HttpRequest, _actor: Actor, name: str, number: int) -> HttpResponse:
    """An edition as the file that may be changed and handed in again."""
    wanted, _found = _edition(name, number)
    answer = HttpResponse(
        editions.as_csv(wanted, editions.rows_of(wanted, number)), content_type="text/csv"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


@require_safe
@at_the_administration
def compare(request: HttpRequest, _actor: Actor, name: str) -> HttpResponse:
    """How one edition became another."""
    wanted = _named(name)
    first, second = _number(request, "before"), _number(request, "after")
    found = editions.compare(
        wanted, editions.rows_of(wanted, first), editions.rows_of(wanted, second)
    )
    shown = {
        "here": "tables",
        "table": wanted,
        "before": first,
        "after": second,
        "numbers": _numbers(wanted),
        **_differences(wanted, found),
    }
    return render(request, "backoffice/compare.html", shown)


@require_POST
@at_the_administration
def try_out(request: HttpRequest, _actor: Actor, name: str) -> HttpResponse:
    """What a file would change; nothing is published."""
    wanted = _named(name)
    sent = request.FILES.get("file")
    if sent is None or not sent.size or sent.size > LARGEST_FILE:
        said = _("Please choose a CSV file of at most 2 MB.")
        return _table_page(request, wanted, headline=said, status=422)
    try:
        begins = _day(request.POST.get("begins", ""))
    except ValueError:
        said = _("A date looks like 2026-01-31.")
        return _table_page(request, wanted, headline=said, status=422)
    read = editions.read_bytes(wanted, sent.read())
    if read.problems:
        return _table_page(request, wanted, problems=read.problems, status=422)
    trial = configuration.try_out(wanted, read.rows, begins)
    return _trial_page(request, trial, trial.newest)


@require_POST
@at_the_administration
def publish(request: HttpRequest, actor: Actor, name: str) -> HttpResponse:
    """Publishes what was tried; refused when somebody else published in between."""
    wanted = _named(name)
    read = editions.read_bytes(wanted, request.POST.get("rows", "").encode())
    try:
        begins = _day(request.POST.get("begins", ""))
        expected = int(request.POST.get("expected", ""))
    except ValueError:
        raise Http404 from None
    if read.problems:
        return _table_page(request, wanted, problems=read.problems, status=422)
    try:
        made = configuration.publish(
            wanted,
            read.rows,
            note=request.POST.get("note", ""),
            by=actor,
            begins=begins,
            expected=expected,
        )
    except EditionRefused as refused:
        trial = configuration.try_out(wanted, read.rows, begins)
        return _trial_page(request, trial, expected, str(refused), status=422)
    if made is None:
        messages.info(request, _("It equals the edition in force; nothing was published."))
        return HttpResponseRedirect(reverse("configuration-table", args=[name]))
    messages.success(request, _("Edition %(n)d is published.") % {"n": made.number})
    return HttpResponseRedirect(reverse("configuration-edition", args=[name, made.number]))


@require_safe
@at_the_administration
def gaps(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """Gaps, overlaps and doubtful rows of the responsibility table, on a day."""
    counties = Area.objects.within(settings.CITY_CODE).filter(code__regex=r"^\d{6}$")
    names = dict(counties.order_by("code").values_list("code", "name"))
    county = narrowing(request.GET, "area")
    county = county if county in names else ""
    try:
        day = _day(request.GET.get("on", "")) or local_day(now())
    except ValueError:
        day = local_day(now())
    found = coverage(county, day, route.table(), learn.categories())
    known = {category.code: category.shown_name for category in Category.objects.all()}
    shown = {
        "here": "gaps",
        "counties": names,
        "area": county,
        "day": day,
        "edition": route.RESPONSIBILITIES.number(),
        "coverage": found,
        "counts": found.counts,
        "findings": [
            {
                "what": finding.what,
                "category": f"{finding.category} {known.get(finding.category, '')}",
                "county": names.get(finding.county, finding.county),
                "townships": len(finding.townships),
                "units": [unit_name(code) for code in finding.units],
                "why": finding.why,
            }
            for finding in found.findings[:MOST_ROWS]
        ],
        "more": max(len(found.findings) - MOST_ROWS, 0),
    }
    return render(request, "backoffice/gaps.html", shown)


def _named(name: str) -> Table[Any]:
    if name not in TABLES:
        raise Http404
    return TABLES[name]


def _edition(name: str, number: int) -> tuple[Table[Any], Edition]:
    return _named(name), get_object_or_404(Edition, name=name, number=number)


def _numbers(wanted: Table[Any]) -> list[int]:
    known = Edition.objects.filter(name=wanted.name).order_by("-number")
    return list(known.values_list("number", flat=True))


def _number(request: HttpRequest, name: str) -> int:
    try:
        return int(request.GET.get(name, ""))
    except ValueError:
        raise Http404 from None


def _day(text: str) -> dt.date | None:
    """A day as the browser sends it. Raises ValueError."""
    return dt.date.fromisoformat(text) if text else None


def _who(found: Iterable[Edition | Listed]) -> dict[int, str]:
    """Who published each edition, by its number: name, unit and role."""
    listed = list(found)
    accounts: dict[UUID | None, str] = dict(
        Account.objects.filter(pk__in={e.account_id for e in listed if e.account_id}).values_list(
            "pk", "display_name"
        )
    )
    said = {}
    for each in listed:
        role = str(Role(each.role).label)
        parts = [accounts.get(each.account_id, ""), unit_name(each.unit_code), role]
        said[each.number] = " · ".join(filter(None, parts))
    return said


def _table_page(
    request: HttpRequest,
    wanted: Table[Any],
    *,
    headline: str = "",
    problems: Sequence[Problem] = (),
    status: int = 200,
) -> HttpResponse:
    found = editions.listed(wanted.name)[::-1]
    who = _who(found)
    shown = {
        "here": "tables",
        "table": wanted,
        "present": wanted.number(),
        "today": local_day(now()),
        "editions": [
            {
                "edition": each,
                "who": who[each.number],
                "rows": each.rows,
                "before": each.number - 1,
            }
            for each in found
        ],
        "headline": headline,
        "problems": problems[:MOST_PROBLEMS],
        "more_problems": max(len(problems) - MOST_PROBLEMS, 0),
        "columns": [
            (name, columns.label(name), name in wanted.optional) for name in wanted.columns
        ],
    }
    return render(request, "backoffice/table.html", shown, status=status)


def _trial_page(
    request: HttpRequest, trial: Trial, expected: int, headline: str = "", status: int = 200
) -> HttpResponse:
    shown = {
        "here": "tables",
        "table": trial.table,
        "begins": trial.begins,
        "expected": expected,
        "newest": trial.newest,
        "stale": expected != trial.newest,
        "note": request.POST.get("note", ""),
        "rows_text": editions.as_csv(trial.table, trial.rows).decode("utf-8-sig"),
        "headline": headline,
        "effect": _effect(trial.effect) if trial.effect else None,
        **_differences(trial.table, trial.differences),
    }
    return render(request, "backoffice/trial.html", shown, status=status)


def _effect(effect: Effect) -> dict[str, Any]:
    """Counts only, and rough ones: an administrator sees no case, not even its number.

    A row of fewer than FEWEST cases is not told apart, else a table made for it would ask whether
    one matter of a kind was reported somewhere.
    """
    known = {category.code: category.shown_name for category in Category.objects.all()}
    told = [row for row in effect.rows if row.cases >= FEWEST]
    return {
        "days": effect.days,
        "cases": _roughly(effect.cases),
        "changed": _roughly(effect.changed),
        "unowned": _roughly(effect.unowned),
        "fewest": FEWEST,
        "rows": [
            {
                "category": f"{row.category} {known.get(row.category, '')}",
                "before": unit_name(row.before) or "—",
                "after": unit_name(row.after) or "—",
                "cases": _roughly(row.cases),
            }
            for row in told[:MOST_ROWS]
        ],
    }


def _roughly(count: int) -> int:
    """Down to a multiple of FEWEST."""
    return count - count % FEWEST


def _differences(wanted: Table[Any], found: Differences) -> dict[str, Any]:
    def key_of(cells: Cells) -> str:
        return " ".join(filter(None, (cells[name] for name in wanted.key)))

    def rest_of(cells: Cells) -> str:
        rest = (cells[name] for name in wanted.columns if name not in wanted.key)
        return " · ".join(filter(None, rest))

    changed = [
        {
            "key": key_of(after),
            "cells": [
                (columns.label(name), before[name] or "—", after[name] or "—")
                for name in wanted.columns
                if before[name] != after[name]
            ],
        }
        for before, after in found.changed[:MOST_ROWS]
    ]
    return {
        "differs": bool(found),
        "counts": found.counts,
        "added": [(key_of(cells), rest_of(cells)) for cells in found.added[:MOST_ROWS]],
        "removed": [(key_of(cells), rest_of(cells)) for cells in found.removed[:MOST_ROWS]],
        "changed": changed,
        "cut": max(found.counts.values()) > MOST_ROWS,
    }
