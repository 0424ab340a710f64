"""How surely we know who is there: the second factor, and a fresh proof before a sensitive act."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal import auth as passkeys
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from maplebridge.organisation.models import Account
from maplebridge.web.parts import limits
from maplebridge.web.parts.kept_forms import kept_of

if TYPE_CHECKING:
    from maplebridge.organisation.people import Actor

ADDRESS = "/account/prove/"
MINUTES = 10
# Fields of the page that asks for a proof; a form of ours has none of these names.
CODE, PASSWORD, PASSKEY = "proof_code", "proof_password", "proof_passkey"
FIELDS = (CODE, PASSWORD, PASSKEY)
MOST_RECORDS = 12


# -- the second factor --------------------------------------------------------------------------


def lacks_second_factor(request: HttpRequest, actor: Actor) -> bool:
    """Whether this post needs a second factor and the session was opened without one.

    The roles are a setting. In the demonstration nobody needs one. Costs no statement.
    """
    return (
        not settings.DEMONSTRATION
        and actor.role in settings.SECOND_FACTOR
        and not _records(request, second=True)
    )


def factors_of(account: Account) -> set[str]:
    """The kinds of second factor an account has: `totp`, `webauthn`, `recovery_codes`."""
    kinds = Authenticator.objects.filter(user=account).values_list("type", flat=True)
    return set(kinds)


def note_strong_provider(request: HttpRequest, account: Account) -> None:
    """The city's identity provider said that it asked for a second factor."""
    record_authentication(request, account, "mfa", type="provider")


def reset_second_factor(account: Account) -> None:
    """Takes away every second factor of an account and ends its sessions everywhere.

    For the security officer, when a telephone is lost; the next sign-in sets up a new one.
    """
    from maplebridge.web.parts.sessions import end_sessions

    with transaction.atomic():
        Authenticator.objects.filter(user=account).delete()
        end_sessions(account.pk)


def link_to_provider(account: Account, subject: str) -> None:
    """From now on whoever the city's identity provider calls `subject` comes in as this account.

    For the security officer. An earlier link of the account ends, and its sessions with it.
    Raises IntegrityError when the subject is linked to another account.
    """
    from allauth.socialaccount.models import SocialAccount

    from maplebridge.web.parts.sessions import end_sessions

    with transaction.atomic():
        SocialAccount.objects.filter(user=account, provider="city").exclude(uid=subject).delete()
        SocialAccount.objects.get_or_create(user=account, provider="city", uid=subject)
        end_sessions(account.pk)


# -- a fresh proof ------------------------------------------------------------------------------


def recently_proved(request: HttpRequest, minutes: int = MINUTES) -> bool:
    """Whether the person at this session proved within so many minutes who it is.

    By the second factor where the account has one, else by password or provider; signing in
    counts. In the demonstration it always holds, so that roles stay one tap away.
    """
    if settings.DEMONSTRATION:
        return True
    account = request.user
    if not isinstance(account, Account):
        return False
    second = bool(factors_of(account))
    since = time.time() - minutes * 60
    return any(record["at"] >= since for record in _records(request, second=second))


def ask_for_proof(request: HttpRequest, minutes: int = MINUTES) -> HttpResponse | None:
    """None for whoever proved it lately; else the page that asks, with the form kept in it.

    Call it first in a view that shows something sensitive: a POST comes back to the same address
    with every field it had and the proof beside them, so nothing has to be typed again.
    """
    if recently_proved(request, minutes):
        return None
    if request.method != "POST":
        asked = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{ADDRESS}?{asked}")
    problem = ""
    if any(request.POST.get(name) for name in FIELDS):
        problem = take_proof(request)
        if not problem:
            return None
    return prove_page(request, problem)


def prove_page(request: HttpRequest, problem: str, **more: Any) -> HttpResponse:
    """The page that asks for the second factor, or the password where there is none."""
    account = request.user
    assert isinstance(account, Account)  # noqa: S101  at a desk somebody is signed in
    factors = factors_of(account)
    options = ""
    if "webauthn" in factors:
        options = json.dumps(passkeys.begin_authentication(account))
    shown = {
        "problem": problem,
        "by_code": bool(factors & {"totp", "recovery_codes"}),
        "by_passkey": "webauthn" in factors,
        "passkey_options": options,
        "by_password": not factors and account.has_usable_password(),
        "by_provider": bool(settings.OIDC_ISSUER) and not account.has_usable_password(),
        "kept": kept_of(request, FIELDS),
        **more,
    }
    wait = getattr(request, "wait_seconds", 0)
    answer = render(request, "parts/prove.html", shown, status=429 if wait else 403)
    if wait:
        answer["Retry-After"] = str(wait)
    return answer


def take_proof(request: HttpRequest) -> str:
    """Looks at what was sent as a proof; an empty answer when it is right, else a sentence."""
    account = request.user
    assert isinstance(account, Account)  # noqa: S101  at a desk somebody is signed in
    has_factor = bool(factors_of(account))
    try:
        if has_factor and request.POST.get(PASSKEY):
            _by_passkey(account, request.POST[PASSKEY])
        elif has_factor:
            found = authenticator_for(request, account, request.POST.get(CODE, ""))
            post_authentication(request, found, reauthenticated=True)
        elif account.has_usable_password() and get_adapter(request).reauthenticate(
            account, request.POST.get(PASSWORD, "")
        ):
            reauthenticate_by_password(request)
        else:
            return _("This password is not right.")
    except ValidationError as wrong:
        return " ".join(wrong.messages)
    note_proof(request)
    return ""


def note_proof(request: HttpRequest) -> None:
    """A proof was given: the session goes on under a new key."""
    from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY as KEPT

    request.session[KEPT] = request.session.get(KEPT, [])[-MOST_RECORDS:]
    request.session.cycle_key()


def authenticator_for(request: HttpRequest, account: Account, code: str) -> Authenticator:
    """The second factor that a typed code belongs to. Raises ValidationError.

    Takes a try from the budget of codes first. A code of a telephone is good once: its step is
    kept in the row, so another web process refuses it, too.
    """
    try:
        taken = limits.spend_sign_in(
            request, account.username, limits.CODE_KNOWN, limits.CODE_UNKNOWN
        )
    except limits.TooMany as full:
        request.wait_seconds = full.seconds  # type: ignore[attr-defined]
        said = _("Too many wrong codes. Please try again in %(wait)s.")
        raise ValidationError(said % {"wait": limits.wait_words(full.seconds)}) from full
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES]
    with transaction.atomic():
        for found in Authenticator.objects.select_for_update().filter(user=account, type__in=kinds):
            if _fits(found, code):
                for budget, who in taken:
                    limits.give_back(budget, who)
                return found
    raise ValidationError(_("This code is not right, or was used before."))


def _fits(found: Authenticator, code: str) -> bool:
    from allauth.mfa.totp.internal import auth as codes
    from allauth.mfa.utils import decrypt

    typed = "".join(code.split())
    if found.type != Authenticator.Type.TOTP:
        return bool(typed) and bool(found.wrap().validate_code(typed))
    secret = decrypt(found.data["secret"])
    last = found.data.get("last_step", -1)
    for step in codes.yield_hotp_counters_from_time():
        fits = secret and codes.format_hotp_value(codes.hotp_value(secret, step)) == typed
        if fits and step > last:
            found.data["last_step"] = step
            found.save(update_fields=["data"])
            return True
    return False


def _by_passkey(account: Account, said: str) -> None:
    form = ReauthenticateWebAuthnForm(data={"credential": said}, user=account)
    if not form.is_valid():
        raise ValidationError(_("The passkey was not taken. Please try again."))
    form.save()


def _records(request: HttpRequest, *, second: bool) -> list[dict[str, Any]]:
    """How this session's account proved itself; second: only by a second factor or passkey."""
    account = request.user
    if not isinstance(account, Account):
        return []
    records = get_authentication_records(request, account)
    return [record for record in records if not second or record.get("method") == "mfa"]
