"""The app that carries the templates and the rows of the grid worker's door."""

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The grid worker's phone."""

    name = "maplebridge.web.worker"
