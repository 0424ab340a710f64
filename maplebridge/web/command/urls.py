"""Addresses of the desks."""

from django.urls import path

from maplebridge.web.command import alarms, figures, looks, papers, views

urlpatterns = [
    path("", views.queue, name="desk"),
    path("alarms/", alarms.alarms, name="desk-alarms"),
    path("figures/", figures.figures, name="desk-figures"),
    path("looks/", looks.looks, name="desk-looks"),
    path("map/", views.case_map, name="desk-map"),
    path("map/cases.json", views.case_points, name="desk-map-cases"),
    path("papers/", papers.choose, name="desk-papers"),
    path("case/<uuid:case_id>/", views.case, name="case"),
    path("case/<uuid:case_id>/<slug:name>.<slug:form>", papers.slip, name="slip"),
    path("case/<uuid:case_id>/photo/<int:number>/", views.photo, name="case-photo"),
    path("case/<uuid:case_id>/overrule/<slug:step>/", views.overrule, name="overrule"),
    path("case/<uuid:case_id>/move/<slug:name>/", views.move, name="move"),
]
