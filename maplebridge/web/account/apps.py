"""The Django application of this door; its label differs from the sign-in library's own."""

from django.apps import AppConfig


class AccountConfig(AppConfig):
    """Names the door apart from `allauth.account`."""

    name = "maplebridge.web.account"
    label = "account_door"
