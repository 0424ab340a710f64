"""Finds the applications: one loop over the folders of `applications`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

import maplebridge.applications


def application_names() -> list[str]:
    """Names of the application folders, in alphabetical order."""
    found = pkgutil.iter_modules(maplebridge.applications.__path__)
    return sorted(module.name for module in found if module.ispkg)


def application_apps() -> list[str]:
    """What goes into INSTALLED_APPS."""
    return [f"maplebridge.applications.{name}" for name in application_names()]


def application_urls() -> list[tuple[str, str]]:
    """Pairs of URL prefix and module for applications that have pages."""
    pairs = []
    for name in application_names():
        module = f"maplebridge.applications.{name}.pages"
        if importlib.util.find_spec(module) is not None:
            pairs.append((f"{name.replace('_', '-')}/", module))
    return pairs


def manifests() -> dict[str, ModuleType]:
    """Every application's manifest module, by application name."""
    return {
        name: importlib.import_module(f"maplebridge.applications.{name}.manifest")
        for name in application_names()
    }
