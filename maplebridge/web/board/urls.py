"""Addresses of the live board."""

from django.urls import path

from maplebridge.web.board import views

urlpatterns = [
    path("", views.live_board, name="board"),
    path("screen/", views.screen, name="board-screen"),
    path("screen/keep/", views.keep_screen, name="board-screen-keep"),
    path("response/", views.declare, name="board-response"),
]
