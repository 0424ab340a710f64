"""Work that follows from work: twins told of each other, clocks counted again."""

from __future__ import annotations

import datetime as dt
import logging
from uuid import UUID

from django.db.models import Exists, OuterRef

from maplebridge.cases import deadlines, engine, timers
from maplebridge.cases.feed import News
from maplebridge.cases.models import Case, Event, Timer
from maplebridge.lib.clock import CHINA
from maplebridge.organisation import calendar, editions
from maplebridge.organisation.calendar import EXCEPTIONS, What
from maplebridge.organisation.people import SYSTEM

log = logging.getLogger(__name__)
ANSWER = {"merge": "absorb", "unmerge": "give_back"}
# After these two merged cases may complain about different units, and then they part.
NAMING = frozenset({"name_unit", "clear_unit"})
# Endings in which a twin has no part: only its own reporter could object to its own.
REFUSED = frozenset({"declined", "voided"})


def carry_out(news: News) -> None:
    """The feed's reader: tells the other case that a twin came or went; again changes nothing."""
    key = f"twin:{news.case_id}:{news.sequence}"
    if news.to_state in REFUSED and news.move not in ANSWER:
        for twin in _twins_of(news):
            _give_back(twin, news.case_id, key)
    if news.move in NAMING:
        for twin in _twins_of(news):
            _part(twin, news.case_id, key)
    if news.move not in ANSWER:
        return
    merged = Event.objects.filter(
        case_id=news.case_id, sequence__lte=news.sequence, move="merge"
    ).order_by("-sequence")[:1]
    for event in merged:
        told = {"twin": str(news.case_id)}
        if news.move == "merge":
            told |= _promise_of(news)
        other = UUID(event.facts["into"])
        try:
            engine.move(other, ANSWER[news.move], SYSTEM, key=key, facts=told)
        except engine.Refused as refused:
            log.warning("case %s could not be told of its twin: %s", other, refused)
            if news.move == "merge":
                _give_back(news.case_id, other, key)


def _promise_of(news: News) -> dict[str, str]:
    """Which clock of the twin ran when it was merged, and until when; nothing without one."""
    case = Case.objects.get(pk=news.case_id)
    events = Event.objects.filter(case_id=news.case_id, sequence__lt=news.sequence)
    clock = deadlines.next_due(deadlines.clocks_of(case, events.order_by("sequence")))
    return {"clock": clock.name, "until": deadlines.promise(clock.due_at)} if clock else {}


def _twins_of(news: News) -> list[UUID]:
    """The cases that a case had taken in, and not given back, when the news happened."""
    told = Event.objects.filter(
        case_id=news.case_id, sequence__lte=news.sequence, move__in=("absorb", "give_back")
    ).order_by("sequence")
    twins: dict[UUID, None] = {}
    for event in told:
        twin = UUID(event.facts["twin"])
        if event.move == "absorb":
            twins[twin] = None
        else:
            twins.pop(twin, None)
    return list(twins)


def _part(twin: UUID, other: UUID, key: str) -> None:
    """Takes a merged case out again when it no longer complains about the same unit, or none."""
    rows = Case.objects.filter(pk__in=(twin, other))
    about = dict(rows.values_list("pk", "about_unit"))
    if about.get(twin) != about.get(other):
        _give_back(twin, other, key)
        try:
            engine.move(other, "give_back", SYSTEM, key=f"{key}:{twin}", facts={"twin": str(twin)})
        except engine.Refused as refused:
            log.warning("case %s could not be told that its twin went: %s", other, refused)


def _give_back(case_id: UUID, other: UUID, key: str) -> None:
    """The other case cannot take it (merged, refused or gone meanwhile): it goes on by itself."""
    case = Case.objects.filter(pk=case_id, merged_into=other).first()
    if case is None:
        return  # taken out meanwhile, perhaps to be merged into a third
    try:
        engine.move(case_id, "return_twin", SYSTEM, key=key, expected_sequence=case.sequence)
    except engine.Refused as refused:
        log.warning("case %s was not given back: %s", case_id, refused)


def recount_provisional() -> int:
    """Counts the clocks again that rested on a year whose holidays are now published.

    Each case once for each published year; again changes nothing. Returns how many cases moved.
    """
    known = calendar.in_force().last_year
    provisional = Case.objects.open().filter(due_provisional=True, lent_to="")
    waiting = provisional.values_list("pk", flat=True)
    done = 0
    for case_id in list(waiting):
        key = f"calendar:{known}"
        if not Event.objects.filter(case_id=case_id, key=key).exists():
            done += _recount(case_id, key)
    return done


class _Recounted:
    """Up to which edition of the calendar this process has counted again."""

    edition = 0


def recount_exceptions() -> int:
    """Counts the clocks again of open cases that a new edition of the calendar moves.

    Asked often: without a new edition it costs no statement. Again changes nothing. Returns how
    many cases moved.
    """
    number = EXCEPTIONS.number()
    if number == _Recounted.edition:
        return 0
    days = _differing_days(_Recounted.edition or number - 1, number)
    done = 0
    if days:
        first = dt.datetime.combine(min(days), dt.time(), CHINA)
        last = dt.datetime.combine(max(days), dt.time.max, CHINA)
        later = Timer.objects.filter(case_id=OuterRef("pk"), due_at__gte=first)
        touched = Case.objects.open().filter(Exists(later), opened_at__lte=last)
        for case in touched.iterator():
            if timers.is_behind(case):
                done += _recount(case.pk, f"calendar-edition:{number}")
    _Recounted.edition = number
    return done


def _differing_days(before: int, after: int) -> list[dt.date]:
    """The days of which two editions of the calendar say different things."""
    found = editions.compare(
        EXCEPTIONS, editions.rows_of(EXCEPTIONS, before), editions.rows_of(EXCEPTIONS, after)
    )
    cells = [*found.added, *found.removed]
    return [dt.date.fromisoformat(row["day"]) for row in cells if row["what"] != What.PUBLISHED]


def _recount(case_id: UUID, key: str) -> int:
    facts = {"calendar": calendar.in_force().last_year}
    try:
        engine.move(case_id, "recount", SYSTEM, key=key, facts=facts)
    except engine.Refused:
        return 0  # it ended meanwhile
    return 1
