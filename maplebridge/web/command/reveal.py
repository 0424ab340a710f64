"""What stays closed on a case's page and is opened with a reason: who reported, a photo's original.

Each opening is noted with its reason in the transaction that shows it, and told to the reporter.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from maplebridge.cases import looks, permissions
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Assignment, Attachment, Case
from maplebridge.cases.reporters import KeyGone, Reporter, Unreadable, reporter_of_case
from maplebridge.connectors.storage import NoOriginal
from maplebridge.journey.originals import original_of
from maplebridge.lib.masking import mask_name, mask_phone
from maplebridge.organisation.people import Actor
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.proof import ask_for_proof

SHORTEST_REASON = 4
OTHER = "other"
# Why somebody mostly asks; the words are kept in the city's language.
REASONS = (
    ("facts", gettext_lazy("To ask the reporter about the matter")),
    ("visit", gettext_lazy("To agree on a visit to the place")),
    ("answer", gettext_lazy("To give the answer in person")),
    ("danger", gettext_lazy("Somebody may be in danger")),
    (OTHER, gettext_lazy("Another reason")),
)
EVIDENCE_REASONS = (
    ("proof", gettext_lazy("To prove when and how the photo was taken")),
    ("doubt", gettext_lazy("The photo is in doubt")),
    ("court", gettext_lazy("A court or an inspection asks for it")),
    (OTHER, gettext_lazy("Another reason")),
)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def reporter(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """Who reported, in one answer; before that the form that asks why."""
    case = _case(actor, case_id)
    try:
        found = reporter_of_case(case.pk)
    except Unreadable as closed:
        gone = 503 if isinstance(closed, KeyGone) else 410
        return _page(request, actor, case, REASONS, status=gone, problem=str(closed), closed=True)
    masked = Reporter(mask_name(found.name), mask_phone(found.phone))
    if request.method != "POST" or not found:
        return _page(request, actor, case, REASONS, masked=masked, closed=not found)
    reason = _reason(request, REASONS)
    if not reason:
        return _page(request, actor, case, REASONS, status=422, problem=_too_short(), masked=masked)
    asked = ask_for_proof(request)
    if asked is not None:
        return asked
    answer = _page(request, actor, case, REASONS, opened=found, reason=reason)
    looks.note(actor, case, Way.REVEAL, reason)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def original(request: HttpRequest, actor: Actor, case_id: UUID, number: int) -> HttpResponse:
    """A photo as it was uploaded, as a file; before that the form that asks why."""
    case = _case(actor, case_id)
    get_object_or_404(Attachment, case_id=case.pk, number=number)
    if request.method != "POST":
        return _page(request, actor, case, EVIDENCE_REASONS, photo=number)
    reason = _reason(request, EVIDENCE_REASONS)
    if not reason:
        return _page(
            request, actor, case, EVIDENCE_REASONS, status=422, problem=_too_short(), photo=number
        )
    asked = ask_for_proof(request)
    if asked is not None:
        return asked
    try:
        raw = original_of(case.pk, number)
    except NoOriginal as none:
        return _page(
            request,
            actor,
            case,
            EVIDENCE_REASONS,
            status=410,
            problem=str(none),
            photo=number,
            closed=True,
        )
    # A download, never a picture: what hides in it must not run in this page's name.
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="{case.number}-{number}.original"'
    answer["Cache-Control"] = "private, no-store"
    looks.note(actor, case, Way.EVIDENCE, reason)
    return answer


def _case(actor: Actor, case_id: UUID) -> Case:
    """A case whose reporter the actor may see."""
    case = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    assignments = list(Assignment.objects.filter(case_id=case.pk))
    if not permissions.may_see_reporter(actor, case, assignments):
        raise PermissionDenied
    return case


def _reason(request: HttpRequest, reasons: tuple[tuple[str, Any], ...]) -> str:
    """The reason given, in the city's language; empty when none was, or too short a one."""
    free = looks.clean_reason(request.POST.get("reason", ""))
    labels = dict(reasons)
    chosen = request.POST.get("choice", "")
    if chosen in labels and chosen != OTHER:
        with translation.override(settings.LANGUAGE_CODE):
            said = str(labels[chosen])
        return f"{said}：{free}" if free else said
    return free if len(free) >= SHORTEST_REASON else ""


def _too_short() -> str:
    return _("Please choose a reason, or write one of at least %(n)s characters.") % {
        "n": SHORTEST_REASON
    }


def _page(
    request: HttpRequest,
    actor: Actor,
    case: Case,
    reasons: tuple[tuple[str, Any], ...],
    *,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    shown = {
        "here": "queue",
        "case": case,
        "reasons": reasons,
        "shortest": SHORTEST_REASON,
        "said": {name: request.POST.get(name, "") for name in ("choice", "reason")},
        **more,
    }
    answer = render(request, "command/reveal.html", shown, status=status)
    answer["Cache-Control"] = "private, no-store"
    if "opened" not in more:
        looks.note(actor, case, Way.PAGE)
    return answer
