"""The automatic steps alone, on one core: places, kinds and twins of made-up reports."""

from __future__ import annotations

import datetime as dt
import random

from maplebridge.config.measures.figures import Times, timed
from maplebridge.config.measures.made_up import place_names, texts

POINT = (119.172, 29.028)
POINT_SPREAD = 0.25
KNOWN_PRINTS = 5000


def locate(n: int, _clients: int) -> dict[str, float]:
    """Half by a point with its accuracy, half by words alone."""
    from maplebridge.journey.gazetteer import gazetteer
    from maplebridge.journey.locate import locate as locate_one

    places = gazetteer()
    draw = random.Random(7)  # noqa: S311
    asked: list[tuple[tuple[float, float] | None, str]] = []
    for number, text in enumerate(texts(n, place_names())):
        point = (
            POINT[0] + draw.uniform(-POINT_SPREAD, POINT_SPREAD),
            POINT[1] + draw.uniform(-POINT_SPREAD, POINT_SPREAD),
        )
        asked.append((point, "") if number % 2 else (None, text))
    locate_one(None, None, "WGS84", asked[0][1], None, places=places)
    times = timed(
        lambda one: locate_one(
            one[0], 20.0 if one[0] else None, "WGS84", one[1], None, places=places
        ),
        asked,
    )
    return times.figures()


def classify(n: int, _clients: int) -> dict[str, float]:
    """By our own words, without any learned ones."""
    from maplebridge.journey.classify import classify_text

    classify_text("先读一遍词表")
    return timed(classify_text, list(texts(n, place_names()))).figures()


def dedupe(n: int, _clients: int) -> dict[str, float]:
    """Against the recent cases of the same township, read from the database each time."""
    from django.utils import timezone

    from maplebridge.journey import dedupe as twins
    from maplebridge.journey.models import Fingerprint
    from maplebridge.lib.ids import new_id
    from maplebridge.lib.text import fingerprint

    at = timezone.now()
    known = [
        Fingerprint(
            case_id=new_id(),
            area_code=f"330825{200 + number % 12:03d}",
            category="1004",
            opened_at=at - dt.timedelta(minutes=number),
            lon=None,
            lat=None,
            marks=fingerprint(text),
        )
        for number, text in enumerate(texts(KNOWN_PRINTS, place_names(), seed=2))
    ]
    Fingerprint.objects.bulk_create(known, batch_size=1000)

    def one(asked: tuple[int, str]) -> None:
        number, text = asked
        area = f"330825{200 + number % 12:03d}"
        new = twins.Print(new_id(), area, "1004", at, None, None, fingerprint(text))
        twins.find_twins(new, twins.candidates(new))

    asked = list(enumerate(texts(n, place_names(), seed=3)))
    one(asked[0])
    times: Times = timed(one, asked)
    return times.figures()
