"""The security officer's pages of accounts and posts; the auditor agrees to officers' posts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import acts, staff
from maplebridge.organisation.models import Account, Deed, Holding, Unit
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.staff import NO_POST, StaffRefused
from maplebridge.web.parts import proof, sessions
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk

P = ParamSpec("P")
PAGE_ROWS = 50
# An account that nobody used for so long should be closed. Source: GB/T 22239-2019, 8.1.4.2 c.
UNUSED_DAYS = 90
ENDS_SOON_DAYS = 30


def only(
    allowed: Callable[[Actor], bool],
) -> Callable[
    [Callable[Concatenate[HttpRequest, Actor, P], HttpResponse]],
    Callable[Concatenate[HttpRequest, P], HttpResponse],
]:
    """Gives the view its actor, if the post may come here; everybody else is refused.

    What changes something also asks for a fresh proof.
    """

    def guarded(
        view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def at_door(
            request: HttpRequest, actor: Actor, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            if not allowed(actor):
                raise PermissionDenied
            if request.method == "POST":
                asked = proof.ask_for_proof(request)
                if asked is not None:
                    return asked
            return view(request, actor, *args, **kwargs)

        return never_cache(at_a_desk(at_door))

    return guarded


@require_http_methods(["GET", "HEAD", "POST"])
@only(staff.may_manage)
def accounts(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The accounts of the area, by login name; a POST makes a new one."""
    if request.method == "POST":
        return _make(request, actor)
    return _list(request, actor)


def _list(
    request: HttpRequest,
    actor: Actor,
    problem: str = "",
    made: Account | None = None,
    secret: str = "",
) -> HttpResponse:
    asked, after = narrowing(request.GET, "q"), narrowing(request.GET, "after")
    found = Account.objects.filter(staff.accounts_of(actor)).distinct().order_by("username")
    if asked:
        found = found.filter(Q(username__icontains=asked) | Q(display_name__icontains=asked))
    rows = list(found.filter(username__gt=after)[: PAGE_ROWS + 1])
    shown = {
        "here": "staff",
        "rows": _rows(rows[:PAGE_ROWS]),
        "asked": asked,
        "more": rows[PAGE_ROWS - 1].username if len(rows) > PAGE_ROWS else "",
        "problem": problem,
        "said": request.POST,
        "made": made,
        "secret": secret,
        "hours": staff.SECRET_HOURS,
    }
    return render(request, "backoffice/staff.html", shown, status=422 if problem else 200)


def _rows(found: Sequence[Account]) -> list[dict[str, Any]]:
    """Accounts with their posts of today and whether somebody should look at them."""
    today = local_day(now())
    held: dict[UUID, list[Holding]] = {}
    for holding in (
        Holding.objects.filter(account__in=found)
        .filter(Q(ends=None) | Q(ends__gte=today))
        .select_related("post__unit")
        .order_by("post_id")
    ):
        held.setdefault(holding.account_id, []).append(holding)
    used = acts.last_sign_ins(account.pk for account in found)
    unused = today - dt.timedelta(days=UNUSED_DAYS)
    soon = today + dt.timedelta(days=ENDS_SOON_DAYS)
    return [
        {
            "account": account,
            "posts": held.get(account.pk, []),
            "unused": account.is_active
            and used.get(account.pk, local_day(account.made_at)) < unused,
            "ends_soon": any(h.ends and h.ends <= soon for h in held.get(account.pk, [])),
        }
        for account in found
    ]


def _make(request: HttpRequest, actor: Actor) -> HttpResponse:
    said = request.POST
    try:
        account, secret = staff.make_account(
            actor, said.get("username", ""), said.get("display_name", "")
        )
    except StaffRefused as refused:
        return _list(request, actor, problem=str(refused))
    return _list(request, actor, made=account, secret=secret)


@require_safe
@only(staff.may_manage)
def account(request: HttpRequest, actor: Actor, account_id: UUID) -> HttpResponse:
    """One account: its posts, and what can be done to it."""
    return _page(request, actor, _named(actor, account_id))


def _page(
    request: HttpRequest, actor: Actor, found: Account, problem: str = "", secret: str = ""
) -> HttpResponse:
    today = local_day(now())
    holdings = Holding.objects.filter(account=found).select_related("post__unit")
    units = Unit.objects.filter(
        Q(ends=None) | Q(ends__gte=today), area_code__startswith=actor.area_code
    )
    shown = {
        "here": "staff",
        "account": found,
        "holdings": holdings.order_by("-begins", "post_id"),
        "units": units.order_by("area_code", "code") if len(actor.area_code) > 4 else [],
        "wide": len(actor.area_code) <= 4,
        "roles": [(role.value, role.label) for role in Role if role not in NO_POST],
        "factors": sorted(proof.factors_of(found)),
        "today": today,
        "used": acts.last_sign_ins([found.pk]).get(found.pk),
        "problem": problem,
        "said": request.POST,
        "secret": secret,
        "hours": staff.SECRET_HOURS,
    }
    return render(request, "backoffice/account.html", shown, status=422 if problem else 200)


@require_POST
@only(staff.may_manage)
def change(request: HttpRequest, actor: Actor, account_id: UUID, what: str) -> HttpResponse:
    """Does one thing to an account; each is in the log of acts."""
    found = _named(actor, account_id)
    if what not in CHANGES:
        raise Http404
    try:
        said = CHANGES[what](request, actor, found)
    except StaffRefused as refused:
        return _page(request, actor, found, problem=str(refused))
    if what == "secret":
        return _page(request, actor, found, secret=said)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("staff-account", args=[found.pk]))


def _secret(request: HttpRequest, actor: Actor, found: Account) -> str:
    secret = staff.give_secret(actor, found)
    sessions.end_sessions(found.pk)
    return secret


def _close(request: HttpRequest, actor: Actor, found: Account) -> str:
    staff.set_open(actor, found, is_open=False)
    sessions.end_sessions(found.pk)
    return _("The account is closed; its sessions have ended.")


def _open(request: HttpRequest, actor: Actor, found: Account) -> str:
    staff.set_open(actor, found, is_open=True)
    return _("The account is open again.")


def _factor(request: HttpRequest, actor: Actor, found: Account) -> str:
    staff.note_change(actor, found, Deed.FACTOR_RESET)
    proof.reset_second_factor(found)
    return _("The second factor is gone; the next sign-in sets up a new one.")


def _sign_out(request: HttpRequest, actor: Actor, found: Account) -> str:
    staff.note_change(actor, found, Deed.SESSIONS_ENDED)
    sessions.end_sessions(found.pk)
    return _("Signed out everywhere.")


def _give(request: HttpRequest, actor: Actor, found: Account) -> str:
    said = request.POST
    role = said.get("role", "")
    unit = Unit.objects.filter(pk=said.get("unit", "").strip()).first()
    if unit is None or role not in Role.values:
        raise StaffRefused(_("Please choose a unit and a role."))
    begins, ends = _day(said.get("begins", "")), _day(said.get("ends", ""))
    holding = staff.give_post(actor, found, unit, Role(role), said.get("title", ""), begins, ends)
    if not holding.agreed:
        return _("The post is given; it holds once an auditor agrees.")
    return _("The post is given.")


def _end(request: HttpRequest, actor: Actor, found: Account) -> str:
    number = request.POST.get("holding", "")
    held = Holding.objects.filter(account=found, pk=int(number) if number.isdecimal() else 0)
    holding = held.select_related("post__unit", "account").first()
    if holding is None:
        raise StaffRefused(_("This account has no such post."))
    staff.end_post(actor, holding, _day(request.POST.get("day", "")))
    if holding.ending is not None:
        return _("The end is asked for; it holds once an auditor agrees.")
    return _("The post ends.")


CHANGES: dict[str, Callable[[HttpRequest, Actor, Account], str]] = {
    "secret": _secret,
    "close": _close,
    "open": _open,
    "factor": _factor,
    "sign-out": _sign_out,
    "give": _give,
    "end": _end,
}


@require_http_methods(["GET", "HEAD", "POST"])
@only(staff.may_agree)
def agreements(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Officers' posts that wait for a second pair of eyes; a POST agrees to one."""
    problem = ""
    if request.method == "POST":
        number = request.POST.get("holding", "")
        waits = {str(h.pk): h for h in staff.waiting_for_agreement(actor)}
        try:
            if number not in waits:
                raise StaffRefused(_("There is nothing to agree to any more."))
            staff.agree(actor, waits[number])
        except StaffRefused as refused:
            problem = str(refused)
        else:
            messages.success(request, _("Agreed; it stands in the log of acts."))
            return HttpResponseRedirect(reverse("staff-agreements"))
    shown = {
        "here": "agreements",
        "waiting": staff.waiting_for_agreement(actor),
        "problem": problem,
    }
    return render(request, "backoffice/agreements.html", shown, status=422 if problem else 200)


def _named(actor: Actor, account_id: UUID) -> Account:
    found = Account.objects.filter(staff.accounts_of(actor)).distinct()
    return get_object_or_404(found, pk=account_id)


def _day(said: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(said) if said.strip() else None
    except ValueError:
        raise StaffRefused(_("A date looks like 2026-01-31.")) from None
