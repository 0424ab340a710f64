"""Addresses that belong to no single door."""

from django.urls import path
from django.views.i18n import set_language

from maplebridge.web.parts import design, push, views

urlpatterns = [
    path("change-post/", views.change_post, name="change-post"),
    path("language/", set_language, name="set_language"),
    path("design/", design.design, name="design"),
    path("push.js", push.script, name="push-script"),
    path("push/<str:code>/", push.ask, name="push"),
    path("map/base.pmtiles", views.base_tiles, name="base-map"),
    path("map/areas.json", views.areas, name="areas"),
]
