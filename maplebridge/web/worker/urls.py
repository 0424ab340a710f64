"""Addresses of the grid worker's door."""

from django.urls import URLPattern, URLResolver, include, path

from maplebridge.web.worker import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="worker"),
    path("report/", views.report, name="worker-report"),
    path("task/<uuid:case_id>/", views.task, name="worker-task"),
    path("task/<uuid:case_id>/photo/<int:number>/", views.photo, name="worker-photo"),
    path("task/<uuid:case_id>/move/<slug:name>/", views.move, name="worker-move"),
    path("box/", views.box, name="worker-box"),
    path("phone/", views.phone, name="worker-phone"),
    path("positions/", views.positions, name="worker-positions"),
    path("caseload.json", views.caseload, name="worker-caseload"),
    path("shell/", views.shell, name="worker-shell"),
    path("manifest.webmanifest", views.manifest, name="worker-manifest"),
    path("offline.js", views.offline, name="worker-offline"),
    # What the outbox of a phone sends.
    path("", include("maplebridge.web.worker.receiving_urls")),
]
