"""Pages of the programming interface."""

from django.urls import path

from maplebridge.web.api.endpoints import api

urlpatterns = [path("", api.urls)]
