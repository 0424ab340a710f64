"""Root of the page map."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from maplebridge.config.applications import application_urls

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("maplebridge.web.parts.urls")),
    path("", include("maplebridge.web.account.urls")),
    path("", include("maplebridge.web.resident.urls")),
    path("desk/", include("maplebridge.web.command.urls")),
    path("configuration/", include("maplebridge.web.backoffice.urls")),
    path("staff/", include("maplebridge.web.backoffice.staff_urls")),
    path("worker/", include("maplebridge.web.worker.urls")),
    path("board/", include("maplebridge.web.board.urls")),
    path("live/", include("maplebridge.web.live.urls")),
    path("api/", include("maplebridge.web.api.urls")),
    *(path(prefix, include(module)) for prefix, module in application_urls()),
]

if settings.DEMONSTRATION:
    urlpatterns.append(path("demonstration/", include("maplebridge.web.parts.demonstration")))
