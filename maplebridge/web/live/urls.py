"""Addresses of the live door; `/live/` itself is a stream and answered by `stream`."""

from django.urls import path

from maplebridge.web.live import views

urlpatterns = [path("since/", views.since, name="live-since")]
