"""Pages of the programming interface."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
