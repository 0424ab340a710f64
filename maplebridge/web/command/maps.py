"""The map of open cases and the same cases as a list, under one filter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Avg, Count, F, Max, Min, Q, TextField
from django.db.models.functions import Cast, Floor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from maplebridge.cases import looks
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Case, CaseQuerySet
from maplebridge.journey.models import Category
from maplebridge.lib import clock
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.parts import words
from maplebridge.web.parts.desk import at_a_desk

# One by one, where no zoom is asked for: a page that draws them all.
MOST_POINTS = 5000
# A group stands for what lies in a square of this many pixels.
SQUARE_PIXELS = 56
# A map of zoom 0 is this wide.
WORLD_PIXELS = 512
MOST_ZOOM = 20
# Without a frame the whole city is grouped, and never finer than this.
MOST_ZOOM_UNFRAMED = 11
TABS = ("open", "overdue")


@dataclass(frozen=True)
class Frame:
    """A rectangle of the earth in WGS-84 degrees, its edges included."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def read(cls, said: str) -> Frame | None:
        """From "west,south,east,north"; None for anything else."""
        try:
            edges = [float(part) for part in said.split(",")]
        except ValueError:
            return None
        if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
            return None
        return cls(*edges)

    def holds(self) -> Q:
        """The condition that a case's point lies in it."""
        return Q(lon__gte=self.west, lon__lte=self.east, lat__gte=self.south, lat__lte=self.north)


@dataclass(frozen=True)
class Asked:
    """What a reader of the map asked for; the map and the list obey it alike."""

    tab: str
    filters: rows.Filters
    frame: Frame | None

    @classmethod
    def read(cls, said: Mapping[str, str]) -> Asked:
        """From the query of an address; what cannot be read narrows nothing."""
        tab = said.get("tab", "")
        filters = rows.Filters.read(said)
        return cls(tab if tab in TABS else TABS[0], filters, Frame.read(said.get("frame", "")))

    def cases(self, actor: Actor) -> CaseQuerySet:
        """The cases an actor may see on a map: never a confidential one, without a frame."""
        found = rows.queue(actor, self.tab, self.filters)
        return found.exclude(confidentiality=Confidentiality.C2)

    def framed(self, actor: Actor) -> CaseQuerySet:
        """The same within the frame, when there is one."""
        found = self.cases(actor)
        return found.filter(self.frame.holds()) if self.frame else found

    def query(self) -> dict[str, str]:
        """The same as parts of an address, without the frame."""
        kept = {name: value for name, value in vars(self.filters).items() if value}
        return {"tab": self.tab, **kept}


@require_safe
@at_a_desk
def case_map(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The map of open cases and the same as a list, page by page."""
    asked = Asked.read(request.GET)
    counts = asked.framed(actor).aggregate(
        placed=Count("id", filter=Q(lon__isnull=False)),
        unplaced=Count("id", filter=Q(lon__isnull=True)),
    )
    listed, next_page = rows.page_of(asked.framed(actor), asked.tab, request.GET.get("after", ""))
    framed = {"frame": request.GET["frame"]} if asked.frame else {}
    shown = {
        "here": "map",
        **counts,
        "asked": asked,
        "tabs": [("open", _("Open")), ("overdue", _("Overdue"))],
        "groups": rows.category_groups(),
        "kinds": rows.kind_names(),
        "kind_words": dict(rows.kind_names()).get(asked.filters.kind, ""),
        "rows": rows.rows_of(actor, listed),
        "more": urlencode({**asked.query(), **framed, "after": next_page}) if next_page else "",
        "whole": urlencode(asked.query()),
        "cases_address": f"{reverse('desk-map-cases')}?{urlencode(asked.query())}",
        "list_address": f"{reverse('desk-map')}?{urlencode(asked.query())}",
        "framed": asked.frame,
        "frame": request.GET.get("frame", ""),
    }
    answer = render(request, "command/map.html", shown)
    looks.note_list(actor, listed)
    return answer


@require_safe
@at_a_desk
def case_points(request: HttpRequest, actor: Actor) -> HttpResponse:
    """GeoJSON (WGS-84) of the same cases: number, kind, clock; no words.

    zoom: of the map, 0 to 20; cases of one square are then one feature with their `count`, and the
    counts of all features add up to the cases in the frame. Without it every case is a feature.
    frame: "west,south,east,north".
    """
    asked = Asked.read(request.GET)
    placed = asked.framed(actor).filter(lon__isnull=False)
    zoom = request.GET.get("zoom", "")
    if not zoom.isdecimal():
        found = {case.pk: case for case in placed[:MOST_POINTS]}
        features = _alone(list(found), found)
    else:
        most = MOST_ZOOM if asked.frame else MOST_ZOOM_UNFRAMED
        features = _grouped(placed, min(int(zoom[:3]), most))
    return JsonResponse({"type": "FeatureCollection", "features": features})


def _grouped(placed: CaseQuerySet, zoom: int) -> list[dict[str, Any]]:
    """One feature a square of the map; two statements."""
    squares_a_degree = WORLD_PIXELS * 2**zoom / 360 / SQUARE_PIXELS
    squares = (
        placed.order_by()
        .annotate(
            column=Floor(F("lon") * squares_a_degree),
            row=Floor(F("lat") * squares_a_degree),
        )
        .values("column", "row")
        .annotate(
            n=Count("id"),
            one=Min(Cast("id", TextField())),
            middle_lon=Avg("lon"),
            middle_lat=Avg("lat"),
            west=Min("lon"),
            south=Min("lat"),
            east=Max("lon"),
            north=Max("lat"),
        )
    )
    alone: list[UUID] = []
    features = []
    for square in squares:
        if square["n"] == 1:
            alone.append(UUID(square["one"]))
            continue
        edges = [square[edge] for edge in ("west", "south", "east", "north")]
        features.append(
            _feature(
                square["middle_lon"], square["middle_lat"], {"count": square["n"], "frame": edges}
            )
        )
    return features + _alone(alone, Case.objects.in_bulk(alone))


def _alone(ids: list[UUID], found: Mapping[UUID, Case]) -> list[dict[str, Any]]:
    categories = {c.code: c.shown_name for c in Category.objects.all()}
    now = clock.now()
    features = []
    for case in (found[case_id] for case_id in ids if case_id in found):
        sign = words.clock_sign(case, now)
        said = {
            "count": 1,
            "title": case.number,
            "address": reverse("case", args=[case.pk]),
            "category": categories.get(case.category, ""),
            "status": words.standing(case, now),
            "clock": sign.words if sign else "",
        }
        features.append(_feature(case.lon, case.lat, said))
    return features


def _feature(lon: float | None, lat: float | None, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": said,
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
    }
