"""How many rungs of clocks ring a second, and how many notices tell of them."""

from __future__ import annotations

import datetime as dt
import time
import uuid

from maplebridge.config.measures.made_up import place_names, texts

LATE = dt.timedelta(days=30)


def timers(n: int, _clients: int) -> dict[str, float]:
    """Reports a month old, whose clocks all ring at once: rung and gathered by one worker."""
    from maplebridge.cases import timers as clocks
    from maplebridge.cases.models import Alarm, Digest
    from maplebridge.journey.intake import Report, take_in_many
    from maplebridge.lib.clock import now

    at = now() - LATE
    take_in_many(
        Report("bench", "bench", f"{uuid.uuid4()}", text, at=at) for text in texts(n, place_names())
    )
    before = Alarm.objects.count()
    begun = time.perf_counter()
    while clocks.ring():
        pass
    rung_s = time.perf_counter() - begun
    rung = Alarm.objects.count() - before
    begun = time.perf_counter()
    while clocks.gather():
        pass
    gathered_s = time.perf_counter() - begun
    untold = Alarm.objects.filter(digest_id=None).count()
    return {
        "rate": round(rung / rung_s, 1),
        "errors": untold,
        "n": rung,
        "gathered_s": round(gathered_s, 3),
        "notices": Digest.objects.count(),
    }
