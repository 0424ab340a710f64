"""Signing in by password, code, passkey or provider; the own account and its sessions."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.base.internal.flows import delete_and_cleanup, post_authentication
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.internal import auth as passkeys
from allauth.mfa.webauthn.views import AddWebAuthnView, LoginWebAuthnView
from allauth.socialaccount.providers.openid_connect import views as provider
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from requests import RequestException

from maplebridge.organisation.models import Account
from maplebridge.web.account.forms import NewPassword
from maplebridge.web.parts import limits, proof, sessions
from maplebridge.web.parts.desk import actor_of

log = logging.getLogger("maplebridge.account")


# -- signing in and out -------------------------------------------------------------------------


class SignIn(LoginView):  # type: ignore[misc]
    """Asks for login name and password; offers a passkey and the city's provider."""

    template_name = "account_room/sign_in.html"

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again; 429 with the time to wait when too much was tried."""
        answer: HttpResponse = super().form_invalid(form)
        seconds = getattr(self.request, "wait_seconds", 0)
        if seconds:
            answer.status_code = 429
            answer["Retry-After"] = str(seconds)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What the page offers."""
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        shown["by_provider"] = bool(settings.OIDC_ISSUER)
        shown["provider_name"] = settings.OIDC_NAME
        shown["next"] = get_next_redirect_url(self.request) or ""
        return shown


class SecondFactor(AuthenticateView):  # type: ignore[misc]
    """Asks for the second factor after the password."""

    template_name = "account_room/second.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Which kinds this account has."""
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        kinds = proof.factors_of(self.stage.login.user)
        shown["by_code"] = bool(kinds & {"totp", "recovery_codes"})
        shown["by_passkey"] = "webauthn" in kinds
        shown["passkey_options"] = (
            json.dumps(shown["js_data"]["request_options"]) if shown["by_passkey"] else ""
        )
        return shown

    def form_invalid(self, form: Any) -> HttpResponse:
        """429 with the time to wait when too many codes were tried."""
        answer: HttpResponse = super().form_invalid(form)
        if seconds := getattr(self.request, "wait_seconds", 0):
            answer.status_code = 429
            answer["Retry-After"] = str(seconds)
        return answer


class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """Signs in by a passkey alone: it is a second factor by itself."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Counts tries by network only: there is nothing to be guessed of an account."""
        if request.method == "POST":
            try:
                limits.spend(limits.PASSKEY_NETWORK, limits.network_of(request))
            except limits.TooMany as full:
                return too_many(request, full)
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        """Back to the first page, which says so."""
        messages.error(self.request, _("The passkey was not taken. Please try again."))
        return HttpResponseRedirect(reverse("sign-in"))


def too_many(request: HttpRequest, full: limits.TooMany) -> HttpResponse:
    """429 with the time to wait."""
    shown = {"wait": limits.wait_words(full.seconds)}
    answer = render(request, "account_room/wait.html", shown, status=429)
    answer["Retry-After"] = str(full.seconds)
    return answer


class SignOut(LogoutView):
    """Signs out, and asks the browser to forget the pages it kept."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The first page again."""
        answer = super().dispatch(request, *args, **kwargs)
        answer["Clear-Site-Data"] = '"cache"'
        return answer


@require_http_methods(["GET", "HEAD"])
def to_city(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """To the city's identity provider, with a state and a challenge of this session."""
    return _with_city(request, provider.login, provider_id)


@require_http_methods(["GET", "HEAD"])
def from_city(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """Back from the provider; whoever it names comes in when an account here is linked."""
    return _with_city(request, provider.callback, provider_id)


def _with_city(
    request: HttpRequest, view: Callable[..., HttpResponseBase], provider_id: str
) -> HttpResponseBase:
    try:
        return view(request, provider_id)
    except (RequestException, ValueError, KeyError) as broken:
        log.warning("the city's identity provider does not answer as agreed: %s", broken)
        return render(request, "account_room/city.html", {"broken": True}, status=502)


@require_safe
def closed(request: HttpRequest) -> HttpResponse:
    """For an account that was closed."""
    return render(request, "account_room/closed.html", status=403)


@require_safe
def cancelled(request: HttpRequest) -> HttpResponse:
    """Whoever turned back at the provider."""
    return HttpResponseRedirect(reverse("sign-in"))


# -- the own account ----------------------------------------------------------------------------


@never_cache
@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """Second factor, passkeys, password, and where the account is signed in."""
    account = _account(request)
    factors = list(Authenticator.objects.filter(user=account).order_by("created_at"))
    kinds = {factor.type for factor in factors}
    actor = actor_of(request)
    codes = next((one for one in factors if one.type == "recovery_codes"), None)
    shown = {
        "here": "account",
        "needed": actor is not None and proof.lacks_second_factor(request, actor),
        "next": _next(request),
        "codes": next((one for one in factors if one.type == "totp"), None),
        "passkeys": [one for one in factors if one.type == "webauthn"],
        "recovery_left": len(codes.wrap().get_unused_codes()) if codes else 0,
        "has_factor": bool(kinds),
        "has_password": account.has_usable_password(),
        "sessions": [
            {"row": one, "now": one.session_key == request.session.session_key, "name": short(one)}
            for one in sessions.open_sessions(account.pk)
        ],
        "demonstration": settings.DEMONSTRATION,
    }
    return render(request, "account_room/mine.html", shown)


def short(session: Any) -> str:
    """What names a session in a page without being its key."""
    import hashlib

    return hashlib.sha256(session.session_key.encode()).hexdigest()[:16]


@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """Signs out one other session, or all others."""
    account = _account(request)
    wanted = request.POST.get("session", "")
    here = request.session.session_key
    if wanted == "others":
        ended = sessions.end_sessions(account.pk, but=here)
    else:
        found = [one for one in sessions.open_sessions(account.pk) if short(one) == wanted]
        ended = sum(
            sessions.end_sessions(account.pk, but=here, only=one.session_key) for one in found
        )
    if ended:
        messages.success(request, _("Signed out there. Open pages close within a minute."))
    return HttpResponseRedirect(reverse("account"))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Asks who is there, then leads back to where that was needed."""
    if request.method == "POST":
        problem = proof.take_proof(request)
        if problem:
            return proof.prove_page(request, problem, next=_next(request), kept=None)
    elif not proof.recently_proved(request):
        answer = proof.prove_page(request, "", next=_next(request), kept=None)
        answer.status_code = 200
        return answer
    return HttpResponseRedirect(_next(request) or reverse("account"))


class EnrolCodes(ActivateTOTPView):  # type: ignore[misc]
    """Sets up a telephone that shows codes."""

    template_name = "account_room/codes.html"

    def form_valid(self, form: Any) -> HttpResponse:
        """The code just typed counts as a proof; its step is not good a second time."""
        answer: HttpResponse = super().form_valid(form)
        return _enrolled(self.request, "totp", answer)

    def get_success_url(self) -> str:
        """The recovery codes when they are new, else the account."""
        return reverse("recovery" if self.did_generate_recovery_codes else "account")


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """Keeps a passkey of this device or of a key."""

    template_name = "account_room/passkey.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """A passkey that may also sign in alone: the device keeps it and asks who holds it."""
        shown: dict[str, Any] = super().get_context_data(**kwargs)
        options = passkeys.begin_registration(self.request.user, True)
        shown["passkey_options"] = json.dumps(options)
        return shown

    def form_valid(self, form: Any) -> HttpResponse:
        """The passkey just used counts as a proof."""
        answer: HttpResponse = super().form_valid(form)
        return _enrolled(self.request, "webauthn", answer)

    def get_success_url(self) -> str:
        """The recovery codes when they are new, else the account."""
        return reverse("recovery" if self.did_generate_recovery_codes else "account")


def _enrolled(request: HttpRequest, kind: str, answer: HttpResponse) -> HttpResponse:
    found = Authenticator.objects.filter(user=_account(request), type=kind).latest("created_at")
    post_authentication(request, found, reauthenticated=True)
    proof.note_proof(request)
    messages.success(request, _("The second factor is set up."))
    return answer


@login_required
@require_POST
def remove_factor(request: HttpRequest, number: int) -> HttpResponse:
    """Takes away a passkey or the codes of a telephone, after a fresh proof."""
    asked = proof.ask_for_proof(request)
    if asked is not None:
        return asked
    found = get_object_or_404(
        Authenticator, pk=number, user=_account(request), type__in=("totp", "webauthn")
    )
    with transaction.atomic():
        delete_and_cleanup(request, found)
    messages.success(request, _("Removed. It is no longer asked for."))
    return HttpResponseRedirect(reverse("account"))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def recovery(request: HttpRequest) -> HttpResponse:
    """The codes for the day on which the telephone is lost; POST makes new ones."""
    asked = proof.ask_for_proof(request)
    if asked is not None:
        return asked
    account = _account(request)
    kept = Authenticator.objects.filter(user=account, type="recovery_codes")
    if request.method == "POST" and proof.factors_of(account) - {"recovery_codes"}:
        with transaction.atomic():
            kept.delete()
            RecoveryCodes.activate(account)
        return HttpResponseRedirect(reverse("recovery"))
    found = kept.first()
    shown = {"codes": found.wrap().get_unused_codes() if found else []}
    return render(request, "account_room/recovery.html", shown)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """A new password, after a fresh proof; every other session ends."""
    asked = proof.ask_for_proof(request)
    if asked is not None:
        return asked
    account = _account(request)
    form = NewPassword(request.POST if "password1" in request.POST else None, account=account)
    if not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "account_room/password.html", {"form": form}, status=status)
    with transaction.atomic():
        account.set_password(form.cleaned_data["password1"])
        account.secret_until = None
        account.save(update_fields=["password", "secret_until"])
        update_session_auth_hash(request, account)
        request.session.save()
        sessions.end_sessions(account.pk, but=request.session.session_key)
    messages.success(request, _("The new password holds. All other sessions were signed out."))
    return HttpResponseRedirect(reverse("account"))


def _account(request: HttpRequest) -> Account:
    account = request.user
    assert isinstance(account, Account)  # noqa: S101  login_required has seen to it
    return account


def _next(request: HttpRequest) -> str:
    return get_next_redirect_url(request) or ""
