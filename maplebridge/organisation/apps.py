"""The Django application of this room."""

from django.apps import AppConfig


class OrganisationConfig(AppConfig):
    """Registers the room's models."""

    name = "maplebridge.organisation"
    label = "organisation"
    default_auto_field = "django.db.models.BigAutoField"
