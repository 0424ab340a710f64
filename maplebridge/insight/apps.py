"""The Django application of this room."""

from django.apps import AppConfig


class InsightConfig(AppConfig):
    """Registers the room's models."""

    name = "maplebridge.insight"
    label = "insight"
    default_auto_field = "django.db.models.BigAutoField"
