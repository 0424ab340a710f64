"""Which open cases may tell of the same matter: by place, time and text. It only suggests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from maplebridge.cases.permissions import within
from maplebridge.journey.decision import Decision
from maplebridge.journey.models import Fingerprint
from maplebridge.lib.geometry import distance_metres
from maplebridge.lib.text import fingerprint_similarity

VERSION = "twins-1"
NEAR_METRES = 300.0
WITHIN = dt.timedelta(days=60)
MOST_CANDIDATES = 400
# Shares of equal marks from which two texts are suggested as twins. With 32 marks the standard
# error of the share is about 0.08, so 0.5 lies well above what unrelated texts reach.
SAME_TEXT = 0.5
SAME_TEXT_NEARBY = 0.35
# Finding nothing is weak evidence: many twins are told in quite other words.
NONE_FOUND = 0.5
VILLAGE_DIGITS = 12


@dataclass(frozen=True)
class Print:
    """What is compared of a case: where, when, what kind, and marks of its text."""

    case_id: UUID
    area_code: str
    category: str
    opened_at: dt.datetime
    lon: float | None
    lat: float | None
    marks: Sequence[int]


def find_twins(new: Print, others: Sequence[Print]) -> Decision:
    """The likely twins among others, best first, at most five.

    value: the best twin's case id, or None; confidence: its share of equal marks.
    evidence: {"twins": [[case id, share], ...]}.
    """
    found: list[tuple[float, str]] = []
    for other in others:
        if other.case_id == new.case_id or not new.marks:
            continue
        share = fingerprint_similarity(new.marks, other.marks)
        near = _is_near(new, other)
        if share >= (SAME_TEXT_NEARBY if near else SAME_TEXT):
            found.append((share, str(other.case_id)))
    found.sort(reverse=True)
    if not found:
        said = _("No recent case nearby uses nearly the same words; it may still be there.")
        return Decision(None, NONE_FOUND, said, VERSION)
    best, twin = found[0]
    return Decision(
        twin,
        min(1.0, best),
        _("%(n)d recent case(s) nearby use nearly the same words.") % {"n": len(found)},
        VERSION,
        {"twins": [[case_id, round(share, 3)] for share, case_id in found[:5]]},
    )


def like(new: Print, others: Sequence[Print]) -> list[UUID]:
    """Cases that may tell of a report which is still being written, the likeliest first.

    Half a sentence shares few marks with a whole one, so cases of the same category in the same
    village are named, too; of those with equal shares the newest first. Only a suggestion.
    """
    found: list[tuple[float, dt.datetime, UUID]] = []
    for other in others:
        share = fingerprint_similarity(new.marks, other.marks)
        beside = bool(new.category) and new.category == other.category
        village = new.area_code[:VILLAGE_DIGITS]
        beside = beside and len(village) == VILLAGE_DIGITS and other.area_code.startswith(village)
        if beside or share >= (SAME_TEXT_NEARBY if _is_near(new, other) else SAME_TEXT):
            found.append((share, other.opened_at, other.case_id))
    return [case_id for _share, _at, case_id in sorted(found, reverse=True)]


def _is_near(a: Print, b: Print) -> bool:
    if a.lon is None or a.lat is None or b.lon is None or b.lat is None:
        inside = a.area_code.startswith(b.area_code) or b.area_code.startswith(a.area_code)
        known = min(len(a.area_code), len(b.area_code)) >= VILLAGE_DIGITS
        return bool(a.category) and a.category == b.category and inside and known
    return distance_metres(a.lon, a.lat, b.lon, b.lat) <= NEAR_METRES


def candidates(new: Print, span: dt.timedelta = WITHIN) -> list[Print]:
    """Cases to compare with: same township (or the same wider area), recent, newest first.

    span: how far back and ahead "recent" reaches. One statement over one index range.
    """
    scope = new.area_code[:9]
    rows = Fingerprint.objects.filter(
        within("area_code", scope),
        opened_at__gte=new.opened_at - span,
        opened_at__lte=new.opened_at + span,
    ).order_by("-opened_at")[:MOST_CANDIDATES]
    return [
        Print(r.case_id, r.area_code, r.category, r.opened_at, r.lon, r.lat, r.marks) for r in rows
    ]
