"""Addresses of the administration."""

from django.urls import path

from maplebridge.web.backoffice import views

urlpatterns = [
    path("", views.tables, name="configuration"),
    path("gaps/", views.gaps, name="responsibility-gaps"),
    path("<slug:name>/", views.table, name="configuration-table"),
    path("<slug:name>/compare/", views.compare, name="configuration-compare"),
    path("<slug:name>/try/", views.try_out, name="configuration-try"),
    path("<slug:name>/publish/", views.publish, name="configuration-publish"),
    path("<slug:name>/<int:number>/", views.edition, name="configuration-edition"),
    path("<slug:name>/<int:number>/file/", views.file, name="configuration-file"),
]
