"""Ties two cases that a person merged: each has its own move, the feed carries the second."""

from __future__ import annotations

import logging

from maplebridge.cases import engine
from maplebridge.cases.feed import News
from maplebridge.cases.models import Event
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
        try:
            engine.move(
                engine.UUID(event.facts["into"]),
                ANSWER[news.move],
                SYSTEM,
                key=f"twin:{news.case_id}:{news.sequence}",
                facts={"twin": str(news.case_id)},
            )
        except engine.Refused as refused:
            # The other case is gone or ended otherwise; this case keeps its own record.
            log.warning("case %s could not be told of its twin: %s", event.facts["into"], refused)
