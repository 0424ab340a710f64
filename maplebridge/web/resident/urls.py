"""Addresses of the resident's door."""

from django.urls import path

from maplebridge.web.resident import mine, views

urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("ease/", views.ease, name="ease"),
    path("report/", views.report, name="report"),
    path("follow/", views.follow, name="follow"),
    path("r/<str:code>/", views.receipt, name="receipt"),
    path("r/<str:code>/mine/", mine.mine, name="mine"),
    path("r/<str:code>/photo/<int:number>/", views.photo, name="receipt-photo"),
    path("r/<str:code>/move/<slug:name>/", views.move, name="receipt-move"),
]
