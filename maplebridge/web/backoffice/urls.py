"""Addresses of the administration."""

from django.urls import path

from maplebridge.web.backoffice import changes, places, texts, units, views

urlpatterns = [
    path("", views.tables, name="configuration"),
    path("areas/", places.areas, name="configuration-areas"),
    path("posts/", places.posts, name="configuration-posts"),
    path("units/", units.units, name="configuration-units"),
    path("units/new/", units.unit, name="configuration-new-unit"),
    path("units/<str:code>/", units.unit, name="configuration-unit"),
    path("texts/", texts.texts, name="configuration-texts"),
    path("texts/edit/", texts.edit, name="configuration-text"),
    path("changes/", changes.changes, name="configuration-changes"),
    path("gaps/", views.gaps, name="responsibility-gaps"),
    path("<slug:name>/", views.table, name="configuration-table"),
    path("<slug:name>/compare/", views.compare, name="configuration-compare"),
    path("<slug:name>/try/", views.try_out, name="configuration-try"),
    path("<slug:name>/publish/", views.publish, name="configuration-publish"),
    path("<slug:name>/<int:number>/", views.edition, name="configuration-edition"),
    path("<slug:name>/<int:number>/file/", views.file, name="configuration-file"),
]
