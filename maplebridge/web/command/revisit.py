"""The revisit desk (回访): whom to call next, through a relay, and what the reporter said.

Who rated badly and left a telephone is called, all of them; who has not rated yet as well; of
those who left no way to be asked a sample of files is checked. Nobody is taken as content because
nobody answered: three tries on three days, then it is "not reached", which counts as no answer.
Source: domain guide, sections 5 and 6; 国办发〔2020〕53号.
"""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Right
from django.db.models.lookups import In
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from maplebridge.cases import engine, looks, permissions, reading, reporters
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Assignment, Case, CaseQuerySet, Event, Seal
from maplebridge.connectors import relay
from maplebridge.lib import clock
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.parts import moves
from maplebridge.web.parts.asked import form_key, move_key
from maplebridge.web.parts.desk import at_a_desk

log = logging.getLogger(__name__)
# So many tries, each on a day of its own, before it may be said that somebody was not reached.
TRIES = 3
LOOKED_BACK = dt.timedelta(days=60)
BAD = 2
RATED_BADLY = Q(rating__lte=BAD) | Q(solved=False)
# By the last digit of an id, which is drawn at random: two of sixteen files.
SAMPLED = ("3", "c")
SHOWN = 12
OUTCOMES = ("solved", "not_solved", "not_reached")
FOUND = ("convincing", "not_convincing")


def _ended(actor: Actor) -> CaseQuerySet:
    """Lately closed matters of the actor's area that others handled, as the move's rule says."""
    return (
        Case.objects.visible_to(actor)
        .filter(
            permissions.within("area_code", actor.area_code),
            closed_at__gt=clock.now() - LOOKED_BACK,
            state__in=("closed", "archived"),
        )
        .exclude(handler_unit=actor.unit_code)
        .exclude(handler_id=actor.account_id)
    )


def _since_closing(**what: Any) -> Exists:
    """Whether such an event came after the case was closed."""
    since = Event.objects.filter(case_id=OuterRef("pk"), at__gte=OuterRef("closed_at"))
    return Exists(since.filter(**what))


def _left_telephone() -> Exists:
    sealed = Seal.objects.filter(case_id=OuterRef("pk"), destroyed_at=None)
    return Exists(sealed.exclude(blind=""))


def to_call(actor: Actor) -> CaseQuerySet:
    """Whom to call, bad ratings first, then who waits longest; nobody twice on one day."""
    today = dt.datetime.combine(clock.local_day(clock.now()), dt.time(), clock.CHINA)
    asked = _ended(actor).filter(
        _left_telephone(),
        ~_since_closing(move="revisit"),
        ~_since_closing(move="try_reach", at__gte=today),
        RATED_BADLY | Q(state="closed", rating=None),
    )
    bad_first = models.Case(models.When(RATED_BADLY, then=Value(0)), default=Value(1))
    return asked.order_by(bad_first, "closed_at", "id")


def to_check(actor: Actor) -> CaseQuerySet:
    """The sample of files whose reporters left no telephone, oldest first."""
    drawn = In(Right(Cast("id", models.CharField()), 1), SAMPLED)
    asked = _ended(actor).filter(
        ~_left_telephone(), ~_since_closing(move="check_sample"), drawn, merged_into=None
    )
    return asked.order_by("closed_at", "id")


def to_reopen(actor: Actor) -> CaseQuerySet:
    """Where the reporter said, or the file showed, that it is not solved; still ended."""
    told = _since_closing(move="revisit", facts__outcome="not_solved")
    shown = _since_closing(move="check_sample", facts__found="not_convincing")
    return _ended(actor).filter(Q(told) | Q(shown)).order_by("closed_at", "id")


def _may(actor: Actor) -> None:
    if not permissions.may_revisit(actor):
        raise PermissionDenied


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def revisit(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The next one to call, the sample and what is to be reopened; and the acts on them."""
    _may(actor)
    if request.method != "POST":
        return _page(request, actor, _named(request.GET))
    case_id = _named(request.POST)
    case = Case.objects.visible_to(actor).filter(pk=case_id).first() if case_id else None
    if case is None:
        raise Http404
    try:
        return _do(request, actor, case)
    except engine.FactsError as wrong:
        said = " ".join(wrong.problems.values())
        return _page(request, actor, case.pk, said, 422)
    except engine.Refused as refused:
        return _page(request, actor, case.pk, str(refused), 422)


def _named(said: Mapping[str, str]) -> UUID | None:
    try:
        return UUID(said.get("case", ""))
    except ValueError:
        return None


def _do(request: HttpRequest, actor: Actor, case: Case) -> HttpResponse:
    """One act on one case. Raises what the engine raises."""
    said, key = request.POST, move_key(request.POST)
    note = {"note": said.get("note", "")}
    match said.get("act", ""):
        case "call":
            return _call(request, actor, case)
        case "record" if said.get("outcome") in OUTCOMES:
            outcome = said["outcome"]
            if outcome == "not_reached" and _days_tried(case, key) + 1 < TRIES:
                engine.move(case.pk, "try_reach", actor, key=key, facts=note)
                messages.success(request, _("Noted. It will come up again on another day."))
            else:
                facts = {"outcome": outcome, **note}
                engine.move(case.pk, "revisit", actor, key=key, facts=facts)
                messages.success(request, _("Recorded, in the reporter's own sense."))
            if actor.account_id:
                relay.give_back(case.pk, actor.account_id)
        case "check" if said.get("found") in FOUND:
            facts = {"found": said["found"], **note}
            engine.move(case.pk, "check_sample", actor, key=key, facts=facts)
            messages.success(request, _("Recorded."))
        case "reopen":
            facts = {"reason": said.get("reason", "")}
            engine.move(case.pk, "order_reopen", actor, key=key, facts=facts)
            messages.success(request, _("Reopened; the unit has it again."))
        case _:
            problem = _("Please choose what the reporter said.")
            return _page(request, actor, case.pk, problem, 422)
    return HttpResponseRedirect(reverse("revisit"))


def _days_tried(case: Case, key: str = "") -> int:
    """On how many days before today somebody tried since the closing.

    key: of the try that is being noted, which does not count as one before.
    """
    tries = Event.objects.filter(case_id=case.pk, move="try_reach", at__gte=case.closed_at)
    days = {clock.local_day(at) for at in tries.exclude(key=key).values_list("at", flat=True)}
    return len(days - {clock.local_day(clock.now())})


def _call(request: HttpRequest, actor: Actor, case: Case) -> HttpResponse:
    """Asks the relay for a number that leads to the reporter; the telephone itself goes nowhere."""
    declared = case.pinned_kind.move("revisit")
    shares = list(Assignment.objects.filter(case_id=case.pk))
    if declared is None or not permissions.may(actor, declared, case, shares):
        raise engine.NotAllowed(_("Somebody other than who handled it calls back."))
    if actor.account_id is None:
        raise PermissionDenied
    try:
        reporter = reporters.reporter_of_case(case.pk)
        relay.call(case.pk, actor.account_id, reporter.phone)
    except reporters.Unreadable as closed:
        return _page(request, actor, case.pk, str(closed), 410)
    except ValueError:
        return _page(request, actor, case.pk, _("The reporter left no telephone."), 410)
    except OSError as away:
        log.warning("the relay is away: %s", away)
        said = _("The relay cannot be reached just now. Please try again in a moment.")
        return _page(request, actor, case.pk, said, 503)
    return HttpResponseRedirect(f"{reverse('revisit')}?case={case.pk}")


@dataclass(frozen=True)
class Asked:
    """One case as the clerk needs it on the telephone, in words as this reader may read them."""

    row: rows.Row
    text: str
    reply: str
    result: str
    is_bad: bool
    said: str
    tries: int
    lent: relay.RelayNumber | None
    to_record: bool
    last_try: bool = False


def _is_bad(case: Case) -> bool:
    """What RATED_BADLY says, of a case at hand."""
    return (case.rating is not None and case.rating <= BAD) or case.solved is False


def _asked(actor: Actor, case: Case) -> Asked:
    file = rows.file_of(case)
    read = reading.readings(actor, [case])[case.pk]
    [row] = rows.rows_of(actor, [case])
    declared = case.pinned_kind.move("revisit")
    latest = {event.move: file.contents.get((event.sequence, "words"), {}) for event in file.events}
    tries = _days_tried(case)
    hidden = rows.is_secret(case)
    return Asked(
        row=row,
        text="" if hidden else read.words(str(file.words.get("text", ""))),
        reply="" if hidden else read.words(str(latest.get("close", {}).get("reply", ""))),
        result="" if hidden else read.words(str(latest.get("feedback", {}).get("result", ""))),
        is_bad=_is_bad(case),
        said="" if hidden else read.words(str(latest.get("rate", {}).get("comment", ""))),
        tries=tries,
        lent=relay.present(case.pk, actor.account_id) if actor.account_id else None,
        to_record=declared is not None and permissions.may(actor, declared, case, file.assignments),
        last_try=tries + 1 >= TRIES,
    )


def _page(
    request: HttpRequest,
    actor: Actor,
    case_id: UUID | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    calls = list(to_call(actor)[: SHOWN + 1])
    chosen = next((case for case in calls if case.pk == case_id), None)
    if chosen is None and case_id is not None:
        chosen = _ended(actor).filter(_left_telephone(), pk=case_id).first()
    if chosen is None and calls:
        chosen = calls[0]
    samples = list(to_check(actor)[:SHOWN])
    again = list(to_reopen(actor)[:SHOWN])
    waiting = [case for case in calls if chosen is None or case.pk != chosen.pk][:SHOWN]
    listed = [*waiting, *samples, *again]
    shown_rows = rows.rows_of(actor, listed)
    first, last = len(waiting), len(waiting) + len(samples)
    shown: dict[str, Any] = {
        "here": "revisit",
        "asked": _asked(actor, chosen) if chosen is not None else None,
        "waiting": [(row, _is_bad(row.case)) for row in shown_rows[:first]],
        "more": len(calls) > SHOWN,
        "samples": [(row, str(uuid.uuid4())) for row in shown_rows[first:last]],
        "again": [
            (row, str(uuid.uuid4()), _may_reopen(actor, row.case)) for row in shown_rows[last:]
        ],
        "tries": TRIES,
        "problem": problem,
        "said": {name: request.POST.get(name, "") for name in ("outcome", "note", "reason")},
        "key": form_key(request.POST) if problem else str(uuid.uuid4()),
    }
    answer = render(request, "command/revisit.html", shown, status=status)
    answer["Cache-Control"] = "private, no-store"
    looks.note_list(actor, listed)
    if chosen is not None:
        looks.note(actor, chosen, Way.PAGE)
    return answer


def _may_reopen(actor: Actor, case: Case) -> bool:
    shares = list(Assignment.objects.filter(case_id=case.pk))
    return any(move.name == "order_reopen" for move in moves.offered(actor, case, shares))
