"""Filters of the queue that somebody saved under a name: kept, opened by one tap, removed."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.command.models import SavedFilter
from maplebridge.web.parts.asked import narrowing
from maplebridge.web.parts.desk import at_a_desk, post_name

MOST = 20
NAME_LENGTH = 30


def query_of(tab: str, filters: rows.Filters) -> str:
    """A list as its address says it, so that equal lists are equal."""
    return urlencode({"tab": tab, **{k: v for k, v in sorted(vars(filters).items()) if v}})


def saved_by(actor: Actor) -> list[SavedFilter]:
    """What this actor saved under this post, by name; one statement."""
    return list(_mine(actor).order_by("name"))


def _mine(actor: Actor) -> QuerySet[SavedFilter]:
    if actor.account_id is None:
        return SavedFilter.objects.none()
    return SavedFilter.objects.filter(account_id=actor.account_id, post=post_name(actor))


@require_POST
@at_a_desk
def save(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Saves the list that the form names, in place of one of the same name."""
    asked = QueryDict(request.POST.get("query", "")[:500])
    tab = asked.get("tab", "")
    query = query_of(tab if tab in rows.TABS else "waiting", rows.Filters.read(asked))
    name = narrowing(request.POST, "name")[:NAME_LENGTH]
    account = actor.account_id
    back = HttpResponseRedirect(f"{reverse('desk')}?{query}")
    if not name or account is None:
        messages.error(request, _("Please give the filter a name of up to 30 characters."))
        return back
    with transaction.atomic():
        others = {one.name for one in saved_by(actor)} - {name}
        if len(others) >= MOST:
            said = _("You have %(n)s saved filters; please remove one first.")
            messages.error(request, said % {"n": MOST})
            return back
        SavedFilter.objects.update_or_create(
            account_id=account,
            post=post_name(actor),
            name=name,
            defaults={"query": query},
        )
    messages.success(request, _("Saved: %(name)s.") % {"name": name})
    return back


@require_POST
@at_a_desk
def remove(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Removes one of the own saved filters; what is gone already is no fault."""
    name = narrowing(request.POST, "name")
    _mine(actor).filter(name=name).delete()
    messages.success(request, _("Removed: %(name)s.") % {"name": name})
    return HttpResponseRedirect(reverse("desk"))
