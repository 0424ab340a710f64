"""Work of emergencies from the feed and by the clock: calls to those on duty."""

from __future__ import annotations

import datetime as dt

from maplebridge.applications.emergency import acts, callout
from maplebridge.cases import wall
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Event
from maplebridge.connectors import messages
from maplebridge.lib.clock import now
from maplebridge.organisation.people import SYSTEM

# What is told later than this, as a story or a record loaded, calls nobody.
FRESH = dt.timedelta(minutes=10)
FORGETS = frozenset({"erase_reporter", "destroy"})


def carry_out(news: News) -> None:
    """A gauge that proposes an emergency calls the room of its place; again, no second time."""
    if news.kind != acts.KIND:
        return
    if news.move in FORGETS:
        messages.forget(callout.name_of(news.case_id))
        return
    if news.move != "propose":
        return
    with wall.standing(SYSTEM):
        case = Case.objects.filter(pk=news.case_id, channel="sensor", state="proposed").first()
        event = Event.objects.filter(case_id=news.case_id, sequence=news.sequence).first()
        if case is not None and event is not None and now() - event.at < FRESH:
            callout.begin(case.pk, SYSTEM, case.unit_code, f"called:{news.sequence}")


def ring() -> int:
    """Rings the rungs that are due."""
    return callout.ring()
