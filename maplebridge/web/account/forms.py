"""The sign-in library's forms where our budgets, and codes that are good once, stand in them."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal import auth as codes
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from maplebridge.web.parts import proof


class SecondFactorForm(AuthenticateForm):  # type: ignore[misc]
    """A code of a telephone or a recovery code, after the password."""

    def clean_code(self) -> str:
        """Takes a try from the budget of codes, then compares."""
        code: str = self.cleaned_data["code"]
        self.authenticator = proof.authenticator_for(context.request, self.user, code)
        self.authenticator.user = self.user
        return code


class EnrolCodesForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a telephone that was set up just now; its secret is in the session."""

    def clean_code(self) -> str:
        """Compares it with the secret; nobody else's account can be reached with it."""
        code = "".join(str(self.cleaned_data["code"]).split())
        if not codes.validate_totp_code(self.secret, code):
            raise ValidationError(
                _("This code does not fit. Please wait for the next one and type it again.")
            )
        return code


class NewPassword(forms.Form):
    """A new password, typed twice."""

    password1 = forms.CharField(label=gettext_lazy("New password"), strip=False)
    password2 = forms.CharField(label=gettext_lazy("New password once more"), strip=False)

    def __init__(self, *args: Any, account: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account

    def clean(self) -> dict[str, Any]:
        """Both alike, long enough, not a common one, and not the present one."""
        from django.contrib.auth.password_validation import validate_password

        said = super().clean() or {}
        first, second = said.get("password1", ""), said.get("password2", "")
        if first and second and first != second:
            self.add_error("password2", _("The two are not alike."))
        elif first and self.account.check_password(first):
            self.add_error("password1", _("This is the password you have now."))
        elif first:
            try:
                validate_password(first, self.account)
            except ValidationError as wrong:
                self.add_error("password1", wrong)
        return said
