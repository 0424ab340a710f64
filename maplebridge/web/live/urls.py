"""Addresses of the live door; the stream at its root is answered by `stream`, not by Django."""

from django.urls import path

from maplebridge.web.live import views

urlpatterns = [
    path("", views.no_stream, name="live"),
    path("since/", views.since, name="live-since"),
]
