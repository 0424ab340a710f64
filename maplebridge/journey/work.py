"""Work that follows from work: twins told of each other, clocks counted again."""

from __future__ import annotations

import logging
from uuid import UUID

from maplebridge.cases import engine
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Event
from maplebridge.organisation.calendar import CALENDAR
from maplebridge.organisation.people import SYSTEM

log = logging.getLogger(__name__)
ANSWER = {"merge": "absorb", "unmerge": "give_back"}


def carry_out(news: News) -> None:
    """The feed's reader: tells the other case that a twin came or went; again changes nothing."""
    if news.move not in ANSWER:
        return
    merged = Event.objects.filter(
        case_id=news.case_id, sequence__lte=news.sequence, move="merge"
    ).order_by("-sequence")[:1]
    for event in merged:
        key = f"twin:{news.case_id}:{news.sequence}"
        told = {"twin": str(news.case_id)}
        other = UUID(event.facts["into"])
        try:
            engine.move(other, ANSWER[news.move], SYSTEM, key=key, facts=told)
        except engine.Refused as refused:
            log.warning("case %s could not be told of its twin: %s", other, refused)
            if news.move == "merge":
                _give_back(news.case_id, key)


def _give_back(case_id: UUID, key: str) -> None:
    """The other case cannot take it (merged, voided or gone meanwhile): it goes on by itself."""
    try:
        engine.move(case_id, "return_twin", SYSTEM, key=key)
    except engine.Refused as refused:
        log.warning("case %s was not given back: %s", case_id, refused)


def recount_provisional() -> int:
    """Counts the clocks again that rested on a year whose holidays are now published.

    Each case once for each published year; again changes nothing. Returns how many cases moved.
    """
    waiting = Case.objects.open().filter(due_provisional=True).values_list("pk", flat=True)
    done = 0
    for case_id in list(waiting):
        key = f"calendar:{CALENDAR.last_year}"
        if not Event.objects.filter(case_id=case_id, key=key).exists():
            facts = {"calendar": CALENDAR.last_year}
            try:
                engine.move(case_id, "recount", SYSTEM, key=key, facts=facts)
            except engine.Refused:
                continue  # it ended meanwhile
            done += 1
    return done
