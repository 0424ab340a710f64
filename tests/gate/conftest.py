"""The world of the gate's tests: made once for all files here, rolled back after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.gate.world import World


@pytest.fixture(scope="package")
def made_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The world inside one transaction that is never committed."""
    from django.db import transaction

    from maplebridge.organisation import units
    from tests.gate.world import World

    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        try:
            yield World()
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)
            units.kept.forget()


@pytest.fixture
def world(made_world: World, django_db_blocker: Any) -> Iterator[World]:
    """The same for one test, whose own writes are undone."""
    from django.db import transaction

    from maplebridge.organisation import units

    units.kept.forget()
    with django_db_blocker.unblock():
        point = transaction.savepoint()
        try:
            yield made_world
        finally:
            transaction.savepoint_rollback(point)
