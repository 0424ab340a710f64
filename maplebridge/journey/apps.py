"""The Django application of this room."""

from django.apps import AppConfig


class JourneyConfig(AppConfig):
    """Registers the room's models."""

    name = "maplebridge.journey"
    label = "journey"
    default_auto_field = "django.db.models.BigAutoField"
