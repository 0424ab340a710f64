"""Refuses to start with settings that cannot be meant; says how to mend each."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

SHORTEST_KEY = 12
CITY = re.compile(r"\d{4}")


def problems() -> list[str]:
    """What is wrong with the environment, a sentence each."""
    said = []
    if len(settings.SECRET_KEY) < SHORTEST_KEY:
        said.append(
            "MAPLEBRIDGE_SECRET_KEY is missing or shorter than 12 characters; ./run draws one."
        )
    if not CITY.fullmatch(settings.CITY_CODE):
        said.append("MAPLEBRIDGE_CITY is a city's code of 4 digits, like 3308.")
    for name in ("MAPLEBRIDGE_DEMONSTRATION", "MAPLEBRIDGE_POOL"):
        if os.environ.get(name, "0") not in ("0", "1"):
            said.append(f"{name} is 0 or 1, not {os.environ[name]!r}.")
    if not any(settings.ALLOWED_HOSTS):
        said.append("MAPLEBRIDGE_HOSTS names no host; give the names the pages are asked for by.")
    return said


@checks.register()
def check_settings(app_configs: Sequence[Any] | None, **options: Any) -> list[checks.CheckMessage]:
    """Every problem as an error that stops the start."""
    return [checks.Error(said, id="config.E001") for said in problems()]
