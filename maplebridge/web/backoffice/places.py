"""The administration's pages of areas and posts: looked at here, changed by command or officer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Substr
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import areas as codes
from maplebridge.organisation.models import Area, Holding, Post, Unit
from maplebridge.organisation.people import TIER_OF_LENGTH, Actor, Role
from maplebridge.organisation.staff import NO_POST
from maplebridge.web.backoffice.views import at_the_administration
from maplebridge.web.parts.asked import narrowing

PAGE_ROWS = 50


@require_safe
@at_the_administration
def areas(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """One area with what lies right below it, or the areas whose name or code was asked for."""
    asked = narrowing(request.GET, "q").strip()
    at = narrowing(request.GET, "at") or settings.CITY_CODE
    shown: dict[str, Any] = {"here": "areas", "asked": asked}
    if asked:
        every = _rows(Q(name__icontains=asked) | Q(code__startswith=asked), PAGE_ROWS + 1)
        shown |= {"rows": every[:PAGE_ROWS], "cut": len(every) > PAGE_ROWS}
        return render(request, "backoffice/areas.html", shown)
    area = _area(at)
    length = len(area["code"])
    deeper = next((n for n in codes.LENGTHS if n > length), None)
    above = Area.objects.filter(pk__in=codes.ancestors(area["code"])).order_by("code")
    shown |= {
        "area": area,
        "tier": TIER_OF_LENGTH[length].label,
        "below_tier": TIER_OF_LENGTH[deeper].label if deeper else "",
        "above": list(above.values("code", "name")),
        "rows": _below(area["code"], deeper) if deeper else [],
        "units": Unit.objects.filter(_in_force(), area_code=area["code"]).order_by("code"),
    }
    return render(request, "backoffice/areas.html", shown)


FIELDS = ("code", "name", "source", "datum", "synthetic", "inner_lon", "inner_lat")


def _area(code: str) -> dict[str, Any]:
    found = Area.objects.filter(pk=code).annotate(drawn=Q(outline__isnull=False))
    area = found.values(*FIELDS, "drawn").first()
    if area is None:
        raise Http404
    return dict(area)


def _rows(wanted: Q, most: int) -> list[dict[str, Any]]:
    """Areas without their outlines, which are large."""
    found = Area.objects.within(settings.CITY_CODE).filter(wanted)
    found = found.annotate(drawn=Q(outline__isnull=False)).order_by("code")
    return [
        {**row, "tier": TIER_OF_LENGTH[len(row["code"])].label}
        for row in found.values(*FIELDS, "drawn")[:most]
    ]


def _below(code: str, length: int) -> list[dict[str, Any]]:
    """The areas one tier below, each with how many areas and units lie in it; three statements."""
    found = Area.objects.within(code).annotate(
        drawn=Q(outline__isnull=False), part=Substr("code", 1, length)
    )
    inside = found.exclude(code__regex=rf"^\d{{1,{length}}}$")
    counted = dict(inside.order_by().values_list("part").annotate(Count("code")))
    low, high = codes.subtree(code)
    at_work = Unit.objects.filter(_in_force(), area_code__gte=low, area_code__lt=high)
    held = dict(
        at_work.annotate(part=Substr("area_code", 1, length))
        .order_by()
        .values_list("part")
        .annotate(Count("code"))
    )
    rows = found.filter(code__regex=rf"^\d{{{length}}}$").order_by("code")
    return [
        {**row, "areas": counted.get(row["code"], 0), "units": held.get(row["code"], 0)}
        for row in rows.values(*FIELDS, "drawn")
    ]


def _in_force() -> Q:
    today = local_day(now())
    return Q(begins__lte=today) & (Q(ends=None) | Q(ends__gte=today))


@require_safe
@at_the_administration
def posts(request: HttpRequest, _actor: Actor) -> HttpResponse:
    """The posts of units, and whether somebody holds them; by whom is the security officer's."""
    today = local_day(now())
    role, asked = narrowing(request.GET, "role"), narrowing(request.GET, "q").strip()
    after = narrowing(request.GET, "after")
    held = Holding.objects.filter(post=OuterRef("pk"), agreed=True, begins__lte=today)
    held = held.filter(Q(ends=None) | Q(ends__gte=today))
    found = Post.objects.select_related("unit").annotate(held=Exists(held)).order_by("code")
    if role in Role.values:
        found = found.filter(role=role)
    if asked:
        found = found.filter(
            Q(title__icontains=asked) | Q(unit__name__icontains=asked) | Q(code__startswith=asked)
        )
    if narrowing(request.GET, "held") == "no":
        found = found.filter(~Exists(held))
    rows = list(found.filter(code__gt=after)[: PAGE_ROWS + 1])
    shown = {
        "here": "posts",
        "rows": rows[:PAGE_ROWS],
        "more": rows[PAGE_ROWS - 1].code if len(rows) > PAGE_ROWS else "",
        "role": role,
        "asked": asked,
        "vacant": narrowing(request.GET, "held") == "no",
        "roles": [(each.value, each.label) for each in Role if each not in NO_POST],
    }
    return render(request, "backoffice/posts.html", shown)
