"""Addresses at which the outbox of a phone is received."""

from django.urls import URLPattern, path

from maplebridge.web.worker import receiving

urlpatterns: list[URLPattern] = [
    path("outbox/", receiving.outbox, name="worker-outbox"),
    path("parts/<str:sha256>/", receiving.part, name="worker-part"),
    path("standing/", receiving.standing, name="worker-standing"),
]
