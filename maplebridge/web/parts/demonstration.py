"""The one-click change of role; its addresses exist only in demonstration mode."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods

from maplebridge.organisation.models import Account, Holding
from maplebridge.organisation.people import Role, Tier
from maplebridge.web.parts import phone, sessions
from maplebridge.web.parts.desk import CHOSEN
from maplebridge.web.parts.words import unit_name

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@require_http_methods(["GET", "HEAD", "POST"])
def roles(request: HttpRequest) -> HttpResponse:
    """Lists the made-up accounts by tier; a tap signs in as one of them, without a password."""
    if not settings.DEMONSTRATION:
        raise Http404
    if request.method == "POST":
        account = _chosen(request.POST.get("account", ""))
        login(request, account, backend=BACKEND)
        request.session.pop(CHOSEN, None)
        sessions.begin_anew(request)
        return HttpResponseRedirect(reverse("desk"))
    return render(request, "parts/demonstration.html", {"tiers": _by_tier()})


def _chosen(account_id: str) -> Account:
    """A made-up account; any other answers 404."""
    try:
        wanted = UUID(account_id)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Account, pk=wanted, synthetic=True, is_active=True)


def _by_tier() -> list[tuple[str, list[dict[str, Any]]]]:
    held = (
        Holding.objects.filter(account__synthetic=True, account__is_active=True, ends__isnull=True)
        .select_related("account", "post__unit")
        .order_by("post__unit__area_code", "post__unit__kind", "post_id")
    )
    tiers: dict[Tier, list[dict[str, Any]]] = {}
    for holding in held:
        unit = holding.post.unit
        tiers.setdefault(unit.tier, []).append(
            {
                "account": holding.account,
                "role": Role(holding.post.role).label,
                "unit": unit_name(unit.code),
            }
        )
    return [(str(tier.label), tiers[tier]) for tier in sorted(tiers, reverse=True)]


urlpatterns = [
    path("", roles, name="demonstration"),
    path("phone/", phone.phone, name="phone"),
]
