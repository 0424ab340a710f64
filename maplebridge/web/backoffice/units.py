"""The administration's pages of units: found, made, changed, ended, each with its author."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from maplebridge.cases import wall
from maplebridge.cases.grades import LIVE
from maplebridge.cases.models import Assignment, Case
from maplebridge.insight.indicators import FEWEST
from maplebridge.journey.route import RESPONSIBILITIES
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import editions, unit_changes
from maplebridge.organisation.models import Act, Area, Deed, Post, Unit, UnitKind
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.unit_changes import COLUMNS, UnitRefused
from maplebridge.web.backoffice.changes import told
from maplebridge.web.backoffice.views import at_the_administration
from maplebridge.web.parts.asked import narrowing

PAGE_ROWS = 50
MOST_COUNTED = 500
MOST_CHANGES = 10


@require_safe
@at_the_administration
def units(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """The units by code, narrowed by name, kind, area and whether they work today."""
    today = local_day(now())
    asked, kind, area, state = (
        narrowing(request.GET, name).strip() for name in ("q", "kind", "area", "state")
    )
    found = Unit.objects.order_by("code")
    if asked:
        found = found.filter(
            Q(name__icontains=asked) | Q(name_en__icontains=asked) | Q(code__startswith=asked)
        )
    if kind in UnitKind.values:
        found = found.filter(kind=kind)
    if area:
        found = found.filter(area_code__startswith=area)
    if state == "ended":
        found = found.filter(ends__lt=today)
    elif state != "all":
        found = found.filter(Q(ends=None) | Q(ends__gte=today))
    rows = list(found.filter(code__gt=narrowing(request.GET, "after"))[: PAGE_ROWS + 1])
    kept = request.GET.copy()
    if len(rows) > PAGE_ROWS:
        kept["after"] = rows[PAGE_ROWS - 1].code
    places = Area.objects.filter(pk__in={each.area_code for each in rows})
    names = dict(places.values_list("code", "name"))
    shown = {
        "here": "units",
        "rows": [
            {"unit": each, "state": _state(each, today), "area": names.get(each.area_code, "")}
            for each in rows[:PAGE_ROWS]
        ],
        "more": kept.urlencode() if len(rows) > PAGE_ROWS else "",
        "asked": asked,
        "kind": kind,
        "area": area,
        "state": state,
        "kinds": UnitKind.choices,
    }
    return render(request, "backoffice/units.html", shown)


def _state(unit: Unit, today: dt.date) -> str:
    if unit.ends is not None and unit.ends < today:
        return "ended"
    if unit.begins > today:
        return "planned"
    return "ends" if unit.ends is not None else "works"


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_administration
def unit(request: HttpRequest, actor: Actor, code: str = "") -> HttpResponse:
    """One unit with its form, or the form of a new one; a POST writes it."""
    found = get_object_or_404(Unit, pk=code) if code else None
    if request.method != "POST":
        said = unit_changes.cells_of(found) if found else _proposed(request)
        return _page(request, found, said, unit_changes.mark_of(found))
    said = {name: request.POST.get(name, "") for name in COLUMNS}
    if found is not None:
        said["code"] = found.code
    try:
        saved, changed = unit_changes.save(actor, said, request.POST.get("mark", ""), _may_end)
    except UnitRefused as refused:
        mark = request.POST.get("mark", "")
        if "" in refused.problems:
            mark = unit_changes.mark_of(Unit.objects.filter(pk=code).first())
        return _page(request, found, said, mark, refused.problems)
    if changed:
        messages.success(request, _("Saved; it holds from now on and stands in the changes."))
        _warn(request, saved)
    else:
        messages.info(request, _("Nothing was different; nothing was changed."))
    return HttpResponseRedirect(reverse("configuration-unit", args=[saved.code]))


def _proposed(request: HttpRequest) -> dict[str, str]:
    """A new unit's form, begun in the area somebody came from."""
    begun = {"area_code": narrowing(request.GET, "area"), "begins": local_day(now()).isoformat()}
    return {**dict.fromkeys(COLUMNS, ""), **begun}


def _page(
    request: HttpRequest,
    found: Unit | None,
    said: Mapping[str, str],
    mark: str,
    problems: Mapping[str, str] | None = None,
) -> HttpResponse:
    changes = Act.objects.none()
    if found is not None:
        changes = Act.objects.filter(deed=Deed.UNIT_SET, on=f"unit:{found.code}")
    shown = {
        "here": "units",
        "unit": found,
        "said": said,
        "mark": mark,
        "problems": problems or {},
        "whole": (problems or {}).get("", ""),
        "kinds": UnitKind.choices,
        "area": Area.objects.filter(pk=said["area_code"]).values("code", "name").first(),
        "posts": Post.objects.filter(unit=found).order_by("code") if found else [],
        "changes": told(changes.order_by("-number")[:MOST_CHANGES]),
        "duties": _duties(found.code) if found else 0,
    }
    return render(request, "backoffice/unit.html", shown, status=422 if problems else 200)


def _may_end(code: str) -> str:
    """Why a unit cannot be ended now: what it still holds, as a rough count and no more."""
    count = _holds(code)
    if not count:
        return ""
    if count < FEWEST:
        return _(
            "The unit still has open matters (fewer than %(n)d). They have to be closed or given "
            "to another unit first; or choose a later day."
        ) % {"n": FEWEST}
    return _(
        "The unit still has at least %(n)d open matters. They have to be closed or given to "
        "another unit first; or choose a later day."
    ) % {"n": count - count % FEWEST}


def _holds(code: str) -> int:
    """How many open cases a unit answers for or works on, at most MOST_COUNTED of each.

    Counted as the system: an administrator sees no case.
    """
    with wall.standing(SYSTEM):
        own = Case.objects.filter(unit_code=code, ended=False)[:MOST_COUNTED]
        shares = Assignment.objects.filter(unit_code=code, progress__in=LIVE)
        cases = set(own.values_list("pk", flat=True))
        cases |= set(shares.values_list("case_id", flat=True)[:MOST_COUNTED])
    return len(cases)


def _duties(code: str) -> int:
    """In how many rows of the responsibility table in force the unit stands."""
    number = RESPONSIBILITIES.number()
    rows = editions.rows_of(RESPONSIBILITIES, number) if number else []
    return sum(code in cells.values() for cells in rows)


def _warn(request: HttpRequest, saved: Unit) -> None:
    """Says what a unit that ends leaves behind."""
    if saved.ends is None:
        return
    duties, holds = _duties(saved.code), _may_end(saved.code)
    if holds:
        messages.warning(request, _("Until its last day, %(day)s: %(what)s") % {
            "day": saved.ends.isoformat(), "what": holds,
        })  # fmt: skip
    if duties:
        said = _("The unit stands in %(n)d rows of the responsibility table; publish an edition.")
        messages.warning(request, said % {"n": duties})
