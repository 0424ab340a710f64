"""The Django application of this room; registers the checks of the settings."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Makes the start refuse settings that cannot be meant."""

    name = "maplebridge.config"
    label = "config"

    def ready(self) -> None:
        """Registers the checks."""
        from maplebridge.config import checks  # noqa: F401
