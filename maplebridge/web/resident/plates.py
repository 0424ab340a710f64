"""Door plates (门牌): a QR code opens the report with the place filled in."""

from __future__ import annotations

import re

from django.conf import settings

from maplebridge.journey.gazetteer import gazetteer
from maplebridge.organisation.areas import Level

KEPT_SECONDS = 30.0
DEEPEST = (Level.VILLAGE, Level.GRID)
# 社阳村村民委员会 is said 社阳村, 东门社区居民委员会 is said 东门社区.
COMMITTEE = re.compile(r"(村?)(村民|居民)委员会")


def area_of(code: str) -> str:
    """The code itself where it names a village or grid of this city, else nothing."""
    if not (code.isdigit() and code.startswith(settings.CITY_CODE) and len(code) in DEEPEST):
        return ""
    return code if code in gazetteer(KEPT_SECONDS).names else ""


def shown(code: str) -> str:
    """The names of a plate's area from the county down, or nothing."""
    area = area_of(code)
    return COMMITTEE.sub(_said, gazetteer(KEPT_SECONDS).path(area)) if area else ""


def said_by(code: str, door: str) -> dict[str, str]:
    """What a plate fills in; an unknown one fills in its words alone and says that it is unknown.

    door: what else stands on the plate, a road and a number.
    """
    names = shown(code)
    if not names:
        return {"at": "", "place": door, "unknown_plate": "yes"}
    return {"at": code, "place": f"{names} {door}".strip()}


def _said(found: re.Match[str]) -> str:
    return "村" if found[1] or found[2] == "村民" else ""
