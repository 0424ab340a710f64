"""Destruction lists and legal holds: listed by one person, agreed to by another, held by a room."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from maplebridge.cases import erasure, looks, permissions, wall
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Case, Destruction, Doomed
from maplebridge.journey import retention
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.web.parts import proof
from maplebridge.web.parts.desk import at_a_desk

MOST_LISTS = 50
MOST_ROWS = 200


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def destruction(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The lists of the area; a POST draws up a new one."""
    makes = permissions.may_list_for_destruction(actor)
    if not (makes or permissions.may_agree_to_destruction(actor)):
        raise PermissionDenied
    problem = ""
    if request.method == "POST":
        asked = proof.ask_for_proof(request)
        if asked is not None:
            return asked
        try:
            made = retention.draw_up(actor)
        except retention.RetentionRefused as refused:
            problem = str(refused)
        else:
            if made is None:
                messages.info(request, _("Nothing is due today."))
                return HttpResponseRedirect(reverse("destruction"))
            return HttpResponseRedirect(reverse("destruction-list", args=[made.pk]))
    lists = Destruction.objects.filter(retention.lists_seen_by(actor)).order_by("-made_at")
    shown = {
        "here": "destruction",
        "lists": lists[:MOST_LISTS],
        "makes": makes,
        "problem": problem,
    }
    return render(request, "command/destruction.html", shown, status=422 if problem else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def destruction_list(request: HttpRequest, actor: Actor, list_id: UUID) -> HttpResponse:
    """One list: numbers, kinds and ends, no words; a POST rules on it."""
    found = get_object_or_404(Destruction, retention.lists_seen_by(actor), pk=list_id)
    problem = ""
    if request.method == "POST":
        asked = proof.ask_for_proof(request)
        if asked is not None:
            return asked
        said = request.POST
        try:
            retention.rule(
                actor, found.pk, agrees=said.get("ruling") == "agree", note=said.get("note", "")
            )
        except retention.RetentionRefused as refused:
            problem = str(refused)
        else:
            messages.success(request, _("Ruled; it stands in the log of acts."))
            return HttpResponseRedirect(reverse("destruction-list", args=[found.pk]))
    with wall.standing(SYSTEM):
        rows = list(Doomed.objects.filter(list_id=found.pk).order_by("number")[:MOST_ROWS])
    _cover(actor, rows)
    rules = permissions.may_agree_to_destruction(actor) and found.made_by != actor.account_id
    shown = {
        "here": "destruction",
        "list": found,
        "rows": rows,
        "more": max(found.count - len(rows), 0),
        "rules": rules and not (found.agreed_at or found.refused_at),
        "problem": problem,
        "said": request.POST,
    }
    return render(request, "command/destruction_list.html", shown, status=422 if problem else 200)


def _cover(actor: Actor, rows: list[Doomed]) -> None:
    """Takes the kind from cases that the reader does not see: of these the number has to do."""
    named = Case.objects.visible_to(actor).filter(pk__in=[row.case_id for row in rows])
    seen = set(named.values_list("pk", flat=True))
    for row in rows:
        if row.case_id not in seen:
            row.category = row.basis = ""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def hold(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """The legal holds of a case; a POST sets one or lifts it."""
    case = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    if not permissions.may_hold(actor, case):
        raise PermissionDenied
    problem = ""
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            if request.POST.get("what") == "lift":
                erasure.lift_hold(actor, case, reason)
                messages.success(request, _("The hold is lifted."))
            else:
                erasure.set_hold(actor, case, reason)
                messages.success(request, _("Held: nothing of this case is erased."))
        except erasure.HoldRefused as refused:
            problem = str(refused)
        else:
            return HttpResponseRedirect(reverse("hold", args=[case.pk]))
    shown = {
        "here": "queue",
        "case": case,
        "holds": erasure.holds_on(case),
        "held": erasure.is_held(case.pk),
        "problem": problem,
        "said": request.POST,
    }
    answer = render(request, "command/hold.html", shown, status=422 if problem else 200)
    looks.note(actor, case, Way.PAGE)
    return answer
