"""Finds the applications: one loop over the folders of `applications`."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
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


def tasks() -> list[ModuleType]:
    """What applications do from the feed: each module has `carry_out(news)`."""
    return _parts("tasks")


def rung_by_the_clock() -> int:
    """Lets every application act by the clock whose `tasks` has `ring()`; how much was done."""
    return sum(task.ring() for task in tasks() if hasattr(task, "ring"))


def demonstrations() -> list[ModuleType]:
    """What applications put into the demonstration town: each has `open_demonstration()`."""
    return _parts("demonstration")


def stories() -> list[ModuleType]:
    """What applications tell: each module has a `NAME` and `tell(watch)`, which calls `watch` with
    each step and its moment, and returns the figures of the story."""
    return _parts("story")


def figures() -> list[ModuleType]:
    """Indicators that applications bring along: each module has a `NAME` and `lines_of(area_code,
    period, sight, today)`, which returns them in the form of `insight.indicators`."""
    return _parts("figures")


@cache
def _parts(part: str) -> list[ModuleType]:
    """A module of that name from every application that has one, in their order."""
    names = [f"maplebridge.applications.{name}.{part}" for name in application_names()]
    return [importlib.import_module(name) for name in names if importlib.util.find_spec(name)]


def manifests() -> dict[str, ModuleType]:
    """Every application's manifest module, by application name."""
    return {
        name: importlib.import_module(f"maplebridge.applications.{name}.manifest")
        for name in application_names()
    }
