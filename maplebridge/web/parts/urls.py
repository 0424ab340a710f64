"""Addresses that belong to no single door."""

from django.urls import path
from django.views.i18n import set_language

from maplebridge.web.parts import views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign-in"),
    path("sign-out/", views.SignOut.as_view(next_page="/"), name="sign-out"),
    path("change-post/", views.change_post, name="change-post"),
    path("language/", set_language, name="set_language"),
    path("map/areas.json", views.areas, name="areas"),
]
