"""The Django application of this room; reads the manifests when it starts."""

import importlib

from django.apps import AppConfig, apps


class CasesConfig(AppConfig):
    """Registers the models, the checks, and every kind that a manifest declares."""

    name = "maplebridge.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Loads the manifest of each installed application."""
        from maplebridge.cases import checks  # noqa: F401
        from maplebridge.cases.kinds import registry

        for config in apps.get_app_configs():
            if config.name.startswith("maplebridge.applications."):
                manifest = importlib.import_module(f"{config.name}.manifest")
                registry.register(manifest.KINDS)
