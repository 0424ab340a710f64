"""The hand-off list of a receiving organ: leads to open once, to confirm, or to give back."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from maplebridge.cases import engine
from maplebridge.cases.models import Attachment, Case, Event
from maplebridge.cases.reporters import Unreadable
from maplebridge.journey import handoff
from maplebridge.journey.models import Category
from maplebridge.organisation.people import Actor
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.proof import ask_for_proof

PAGE_ROWS = 50
MOVES = {"confirm": ("confirm_receipt", "receipt"), "return": ("return_lead", "reason")}


@dataclass(frozen=True)
class Shown:
    """One lead on the list. receipt: the number under which the organ took it, once confirmed."""

    case: Case
    category: str
    is_opened: bool
    key: str = field(default_factory=lambda: form_key({}))
    receipt: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def leads(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The list, and what is done with one of its leads; what is read stands in one answer only."""
    if not handoff.receives(actor):
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, actor)
    case = get_object_or_404(handoff.waiting_for(actor), pk=_case_id(request))
    act = request.POST.get("act", "")
    try:
        if act == "open":
            asked = ask_for_proof(request)
            return asked or _opened(request, actor, case)
        if act not in MOVES:
            raise Http404
        name, said = MOVES[act]
        engine.move(
            case.pk,
            name,
            actor,
            key=move_key(request.POST),
            facts={said: request.POST.get(said, "")},
        )
    except engine.FactsError as wrong:
        said_wrong = " ".join(wrong.problems.values())
        return _page(request, actor, status=422, headline=said_wrong, tried=case.pk)
    except (engine.Refused, Unreadable) as refused:
        return _page(request, actor, status=422, headline=str(refused), tried=case.pk)
    done = _("The receipt stands; the words are destroyed.")
    back = _("It was given back, with its words.")
    messages.success(request, done if act == "confirm" else back)
    return HttpResponseRedirect(reverse("desk-leads"))


def _case_id(request: HttpRequest) -> UUID:
    try:
        return UUID(narrowing(request.POST, "case"))
    except ValueError:
        raise Http404 from None


def _opened(request: HttpRequest, actor: Actor, case: Case) -> HttpResponse:
    reason = request.POST.get("reason", "")
    read = handoff.open_lead(case.pk, actor, reason, key=move_key(request.POST))
    photos = Attachment.objects.filter(case_id=case.pk).order_by("number")
    texts = [str(text) for part in read for text in part.said.values()]
    return _page(request, actor, opened=case, texts=texts, photos=list(photos))


def _page(request: HttpRequest, actor: Actor, *, status: int = 200, **more: object) -> HttpResponse:
    waiting = list(handoff.waiting_for(actor)[:PAGE_ROWS])
    done = list(handoff.receipts_of(actor)[:PAGE_ROWS])
    codes = {case.category for case in (*waiting, *done)}
    names = {c.code: c.shown_name for c in Category.objects.filter(code__in=codes)}
    receipts = {
        event.case_id: str(event.facts.get("receipt", ""))
        for event in Event.objects.filter(
            case_id__in=[case.pk for case in done], move="confirm_receipt"
        ).order_by("sequence")
    }
    opened = handoff.opened_of(waiting)
    shown = {
        "here": "leads",
        "waiting": [Shown(c, names.get(c.category, ""), c.pk in opened) for c in waiting],
        "done": [
            Shown(c, names.get(c.category, ""), is_opened=True, receipt=receipts.get(c.pk, ""))
            for c in done
        ],
        **more,
    }
    return render(request, "command/leads.html", shown, status=status)
