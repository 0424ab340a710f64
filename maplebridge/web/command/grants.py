"""Leave to read a case for a time: the page on which it is asked for, ruled on and revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from maplebridge.cases import leave, permissions
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.leave import Standing
from maplebridge.journey.models import Category
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.parts import kept_forms
from maplebridge.web.parts.asked import form_key, narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.words import Sign, when

FIELDS = ("number", "reason", "hours", "ruling", "case", "grant")
USUAL_HOURS = "24"
SIGNS = {
    Standing.REFUSED: (gettext_lazy("Refused"), "crimson", "stop"),
    Standing.OPEN: (gettext_lazy("Open now"), "jade", "eye"),
    Standing.ENDED: (gettext_lazy("Ended"), "stone", "history"),
    Standing.REVOKED: (gettext_lazy("Revoked"), "stone", "cross"),
}


@dataclass(frozen=True)
class Shown:
    """An asking, ready to be shown. said: what was typed into its form and refused."""

    leave: leave.Leave
    group: str
    grade: str
    role: str
    sign: Sign | None
    said: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def grants(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The page of who asks, or of who rules; each act comes back to it."""
    asks, rules = permissions.may_ask_leave(actor), permissions.may_rule_on_leave(actor)
    if not asks and not rules:
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, actor)
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise Http404
    try:
        done = ACTS[act](request, actor)
    except leave.Incomplete as wrong:
        return _page(request, actor, 422, problems=wrong.problems)
    except leave.AlreadyRuled as before:
        return _page(request, actor, 409, headline=str(before))
    except leave.NotAllowed as refused:
        return _page(request, actor, 403, headline=str(refused))
    messages.success(request, done)
    return HttpResponseRedirect(reverse("desk-grants"))


def _ask(request: HttpRequest, actor: Actor) -> str:
    said = request.POST
    leave.ask(
        actor,
        said.get("number", ""),
        said.get("reason", ""),
        said.get("hours", ""),
        key=form_key(said),
    )
    return _("Your asking was taken. If it is ruled on, the ruling stands here.")


def _rule(request: HttpRequest, actor: Actor) -> str:
    given = request.POST.get("given") == "yes"
    case_id, grant_id = _named(request)
    leave.rule(actor, case_id, grant_id, given=given, ruling=request.POST.get("ruling", ""))
    return _("Granted; it ends by itself.") if given else _("Refused.")


def _revoke(request: HttpRequest, actor: Actor) -> str:
    leave.revoke(actor, *_named(request))
    return _("Revoked; it opens nothing any more.")


ACTS = {"ask": _ask, "rule": _rule, "revoke": _revoke}


def _named(request: HttpRequest) -> tuple[UUID, UUID]:
    try:
        return UUID(request.POST.get("case", "")), UUID(request.POST.get("grant", ""))
    except ValueError:
        raise Http404 from None


def _page(
    request: HttpRequest,
    actor: Actor,
    status: int = 200,
    headline: str = "",
    problems: dict[str, str] | None = None,
) -> HttpResponse:
    rules = permissions.may_rule_on_leave(actor)
    waiting, running = leave.to_rule_on(actor) if rules else ([], [])
    mine = [] if rules else leave.own(actor)
    said: dict[str, str] = {name: request.POST.get(name, "") for name in FIELDS}
    if request.method != "POST":
        said |= {"number": narrowing(request.GET, "number"), "hours": USUAL_HOURS}
    groups = (
        {c.code[:2]: c.shown_group for c in Category.objects.all()} if waiting or running else {}
    )
    shown = {
        "here": "grants",
        "rules": rules,
        "waiting": [_shown(each, groups, said) for each in waiting],
        "running": [_shown(each, groups, said) for each in running],
        "mine": [_shown(each, {}, said) for each in mine],
        "said": said,
        "key": form_key(request.POST),
        "problems": problems or {},
        "headline": headline
        or (_("Not sent yet. Everything you typed is still here.") if problems else ""),
        "fewest": leave.FEWEST_HOURS,
        "most": leave.MOST_HOURS,
        "longest": leave.LONGEST,
    }
    return render(request, "command/grants.html", shown, status=status)


def _shown(each: leave.Leave, groups: dict[str, str], said: dict[str, str]) -> Shown:
    sign = SIGNS.get(each.standing)
    tried = said["grant"] == str(each.grant.grant_id)
    return Shown(
        leave=each,
        group=groups.get(each.category[:2], "") or _("Not sorted yet"),
        grade=str(Confidentiality(each.confidentiality).label) if each.confidentiality else "",
        role=str(Role(each.grant.role).label),
        sign=Sign(str(sign[0]), sign[1], sign[2]) if sign else None,
        said=said["ruling"] if tried else "",
    )


def not_open(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """404 for a case that this post does not see, or that is not there: the same for both.

    Who had leave to read it is told that it ended; what a form held is shown to be copied.
    """
    ended = leave.ended_for(actor, case_id)
    if ended is None and request.method != "POST":
        raise Http404
    said: dict[str, Any] = {
        "title": _("Not open to this post"),
        "said": _("There is no such case, or it is not open to this post (any more). Nothing was "
                  "sent; what you typed is still here to be copied."),
    }  # fmt: skip
    if ended is not None:
        said = {
            "title": _("Your leave has ended"),
            "said": _("Your leave to read this case ended: %(at)s. You can ask for it again under "
                      "“Leave to read”.") % {"at": when(ended)},
        }  # fmt: skip
    shown = {"kept": kept_forms.kept_of(request), "closed": True, **said}
    return render(request, "parts/kept.html", shown, status=404)
