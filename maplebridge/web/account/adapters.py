"""How the sign-in library fits this house: our accounts, our budgets, no sign-up, no mail."""

from __future__ import annotations

import base64
import hashlib
import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maplebridge.lib.clock import now
from maplebridge.organisation import acts
from maplebridge.organisation.models import Account
from maplebridge.web.parts import limits, proof, sessions

log = logging.getLogger("maplebridge.account")
WAIT = gettext_lazy(
    "Too many wrong tries for this account from devices it does not know. "
    "Please try again in %(wait)s; a passkey or a device you used before works at once."
)


SECRET_OVER = gettext_lazy(
    "This first password was valid for a few days only. "
    "Please ask the security officer for another."
)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Signs in members of staff by login name; says nothing by mail."""

    error_messages = {  # noqa: RUF012  the library's own shape
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": gettext_lazy(
            "Name and password do not match. Please check both; "
            "capital letters count in the password."
        ),
        "incorrect_code": gettext_lazy("This code is not right, or was used before."),
        "incorrect_password": gettext_lazy("This password is not right."),
        "enter_current_password": gettext_lazy("This password is not right."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for oneself."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """No mail connector is there; nothing is sent."""

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """The pages say what happened in our own words."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Account | None:
        """Compares a password after taking a try from the budget; raises when there is none."""
        login = str(credentials.get("username", ""))
        try:
            taken = limits.spend_sign_in(
                request, login, limits.PASSWORD_KNOWN, limits.PASSWORD_UNKNOWN
            )
        except limits.TooMany as full:
            request.wait_seconds = full.seconds  # type: ignore[attr-defined]
            acts.note_lock_out(login, by="password")
            said = {"wait": limits.wait_words(full.seconds)}
            raise ValidationError(WAIT % said, code="too_many") from full
        found: Account | None = super().authenticate(request, **credentials)
        if found is not None and found.secret_until and found.secret_until < now():
            raise ValidationError(SECRET_OVER, code="secret_over")
        if found is None:
            # Of a login that nobody has the log keeps nothing, least of all what was typed.
            meant = Account.objects.filter(username=login).first()
            log.warning("a password was refused; account: %s", meant.pk if meant else "none")
            acts.note_sign_in(meant, done=False, by="password")
        else:
            for budget, who in taken:
                limits.give_back(budget, who)
        return found

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counted in `authenticate`."""

    def login(self, request: HttpRequest, user: Account) -> None:
        """Signs in under a new session key, whose age counts from now."""
        super().login(request, user)
        sessions.begin_anew(request)

    def post_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse:
        """Remembers the device: from now on its tries are its own."""
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        if getattr(request, "provider_asked_twice", False):
            proof.note_strong_provider(request, user)
        limits.remember_device(request, answer, user.username)
        log.info("account %s signed in", user.pk)
        used = get_authentication_records(request, user)
        acts.note_sign_in(user, done=True, by="+".join(str(way.get("method", "")) for way in used))
        return answer

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        """Only whoever knows the password learns that the account was closed."""
        return render(request, "account_room/closed.html", status=403)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Asked before the second factor is changed; a proof of the last minutes is enough."""
        return not proof.recently_proved(self.request)

    def get_reauthentication_methods(self, user: Account) -> list[dict[str, str]]:
        """One page asks for whatever the account has."""
        return [{"id": "prove", "description": "", "url": proof.ADDRESS}]


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seals the secrets of code generators; names the platform in the telephone."""

    error_messages = {  # noqa: RUF012  the library's own shape
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This code is not right, or was used before."),
    }

    def get_totp_issuer(self) -> str:
        """What the telephone shows above the code."""
        return _("Maplebridge")

    def _get_site_name(self) -> str:
        return _("Maplebridge")

    def encrypt(self, text: str) -> str:
        """Seals a secret with a key derived from MAPLEBRIDGE_SECRET_KEY."""
        return _seal(settings.SECRET_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Opens a sealed secret; also one sealed under an earlier key. Empty when none fits."""
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                return _seal(key).decrypt(encrypted_text.encode()).decode()
            except InvalidToken:
                continue
        log.error("a second factor was sealed under a key that is gone; it has to be set up anew")
        return ""

    def generate_authenticator_name(self, user: Account, type: Authenticator.Type) -> str:  # noqa: A002
        """A first name for a passkey: the device it is made on, as far as that is known."""
        from allauth.core import context

        said = context.request.headers.get("User-Agent", "") if context.request else ""
        return sessions.device_words(said) or _("Passkey")


class CityAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Whoever the city's identity provider names, as an account that is here already."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """The provider names people; it makes no account and gives no post."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Finds the account: by an earlier link, or by the agreed claim. Raises when there is none.

        Keeps nothing of what the provider said but the subject.
        """
        said = sociallogin.account.extra_data or {}
        sociallogin.account.extra_data = {}
        if sociallogin.state.get("process") != "login":
            # Linking is the security officer's, never one's own.
            raise ImmediateHttpResponse(_not_here(request))
        if sociallogin.account.pk:
            sociallogin.account.save(update_fields=["extra_data"])
        else:
            account = _account_named(said)
            if account is None:
                raise ImmediateHttpResponse(_not_here(request))
            sociallogin.user = account
            sociallogin.account.user = account
            sociallogin.account.save()
        if not sociallogin.user.is_active:
            raise ImmediateHttpResponse(_not_here(request))
        acr = (said.get("id_token") or {}).get("acr", "")
        # Noted in the session after the sign-in, which begins a new one.
        request.provider_asked_twice = bool(acr) and acr == settings.OIDC_SECOND_FACTOR  # type: ignore[attr-defined]

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail connector is there; nothing is sent."""

    def on_authentication_error(self, request: HttpRequest, provider: Any, **said: Any) -> None:
        """Says that the provider did not answer as agreed; who turned back is led back."""
        if said.get("error") == AuthError.CANCELLED:
            return
        log.warning(
            "signing in by the city's identity provider failed: %s %s",
            said.get("error"),
            said.get("exception"),
        )
        raise ImmediateHttpResponse(
            render(request, "account_room/city.html", {"broken": True}, status=502)
        )


def _account_named(said: dict[str, Any]) -> Account | None:
    """The active account that the agreed claim names and that no other subject is linked to."""
    if not settings.OIDC_LOGIN_CLAIM:
        return None
    claims = {**(said.get("id_token") or {}), **(said.get("userinfo") or {})}
    login = claims.get(settings.OIDC_LOGIN_CLAIM)
    if not isinstance(login, str) or not login:
        return None
    account = Account.objects.filter(username=login, is_active=True).first()
    if account is None or SocialAccount.objects.filter(user=account, provider="city").exists():
        return None
    return account


def _not_here(request: HttpRequest) -> HttpResponse:
    return render(request, "account_room/city.html", {"broken": False}, status=403)


def _seal(key: str) -> Fernet:
    derived = hashlib.blake2b(key.encode(), digest_size=32, person=b"second-factor").digest()
    return Fernet(base64.urlsafe_b64encode(derived))
