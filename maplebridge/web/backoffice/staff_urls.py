"""Addresses of accounts and posts."""

from django.urls import path

from maplebridge.web.backoffice import staff

urlpatterns = [
    path("", staff.accounts, name="staff"),
    path("agreements/", staff.agreements, name="staff-agreements"),
    path("<uuid:account_id>/", staff.account, name="staff-account"),
    path("<uuid:account_id>/<slug:what>/", staff.change, name="staff-change"),
]
