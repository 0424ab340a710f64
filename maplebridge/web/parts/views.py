"""What every door shares: the change of post, the outlines for maps."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from maplebridge.connectors.maps import base_map
from maplebridge.organisation.models import Area
from maplebridge.web.parts.desk import CHOSEN, post_name, posts_of

OUTLINES = "areas.json"
OUTLINES_KEPT_SECONDS = 300
# Four decimals are about 11 m: enough for a boundary on a screen, half the bytes.
DECIMALS = 4
RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
MOST_RANGE_BYTES = 4 * 1024 * 1024


@require_POST
@login_required
def change_post(request: HttpRequest) -> HttpResponse:
    """Goes on under another post of the same account; an unknown one changes nothing."""
    wanted = request.POST.get("post", "")
    if wanted in {post_name(post) for post in posts_of(request)}:
        request.session[CHOSEN] = wanted
    return HttpResponseRedirect(reverse("desk"))


@require_safe
def areas(request: HttpRequest) -> HttpResponse:
    """GeoJSON (WGS-84) of the areas with an outline: code, name, level, an inner point.

    `?deepest=15` also gives the grids; without it villages are the smallest. Nothing here is
    secret, so it may be packed although the connection is encrypted.
    """
    deepest = 15 if request.GET.get("deepest") == "15" else 12
    packed = cache.get(f"{OUTLINES}{deepest}")
    if packed is None:
        text = json.dumps(_outlines(deepest), ensure_ascii=False, separators=(",", ":"))
        packed = gzip.compress(text.encode(), compresslevel=6)
        cache.set(f"{OUTLINES}{deepest}", packed, OUTLINES_KEPT_SECONDS)
    takes_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    body = packed if takes_packed else gzip.decompress(packed)
    answer = HttpResponse(body, content_type="application/geo+json")
    if takes_packed:
        answer["Content-Encoding"] = "gzip"
    answer["Cache-Control"] = f"public, max-age={OUTLINES_KEPT_SECONDS}"
    answer["Vary"] = "Accept-Encoding"
    return answer


@require_safe
def base_tiles(request: HttpRequest) -> HttpResponse:
    """A part of the base map's file, as its readers ask for it: one range of bytes a request."""
    base = base_map()
    if base is None or base.file is None:
        raise Http404
    size = base.file.stat().st_size
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first = int(asked[1])
    last = min(int(asked[2]) if asked[2] else size - 1, first + MOST_RANGE_BYTES - 1, size - 1)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    with base.file.open("rb") as file:
        file.seek(first)
        body = file.read(last - first + 1)
    answer = HttpResponse(body, status=206, content_type="application/octet-stream")
    answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    answer["Cache-Control"] = f"public, max-age={OUTLINES_KEPT_SECONDS}"
    answer["ETag"] = f'"{size}-{int(base.file.stat().st_mtime)}"'
    return answer


def _outlines(deepest: int) -> dict[str, Any]:
    rows = (
        Area.objects.exclude(outline=None)
        .annotate(length=Length("code"))
        .filter(length__lte=deepest)
        .order_by("code")
        .values_list("code", "name", "outline", "inner_lon", "inner_lat", "synthetic")
    )
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {
                    "code": code,
                    "name": name,
                    "level": len(code),
                    "lon": lon,
                    "lat": lat,
                    "synthetic": synthetic,
                },
                "geometry": {
                    "type": outline["type"],
                    "coordinates": _rounded(outline["coordinates"]),
                },
            }
            for code, name, outline, lon, lat, synthetic in rows.iterator()
            if outline is not None
        ],
    }


def _rounded(part: Any) -> Any:
    """Coordinates, at any depth, with fewer decimals."""
    if isinstance(part, float | int):
        return round(part, DECIMALS)
    return [_rounded(inner) for inner in part]
