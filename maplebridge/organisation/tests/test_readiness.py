"""Response levels: who declares them, and what holds where."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.organisation.models import Act
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.readiness import (
    PEACETIME,
    Cause,
    NotYours,
    ResponseLevel,
    declare,
    in_force,
)

pytestmark = pytest.mark.django_db
COUNTY = Actor(Role.DISPATCHER, unit_code="330825-center", area_code="330825")
TOWN = Actor(Role.LEADER, unit_code="330825209-room", area_code="330825209")


def test_a_level_holds_below_and_the_worse_one_counts() -> None:
    assert in_force("330825209") == PEACETIME
    declare(COUNTY, "330825", ResponseLevel.III, Cause.FLOOD)
    declare(TOWN, "330825209", ResponseLevel.II, Cause.FLOOD)
    held = {code: in_force(code).level for code in ("3308", "330825", "330825209201", "330802")}
    assert held == {"3308": 0, "330825": 3, "330825209201": 2, "330802": 0}
    declare(TOWN, "330825209", ResponseLevel.PEACE, Cause.FLOOD)
    assert in_force("330825209201").area_code == "330825"


def test_the_same_again_adds_no_act() -> None:
    before = Act.objects.count()
    for _again in range(2):
        declare(COUNTY, "330825", ResponseLevel.IV, Cause.SNOW)
    assert Act.objects.count() == before + 1


@pytest.mark.parametrize(
    ("role", "area"),
    [(Role.CLERK, "330825209"), (Role.DISPATCHER, "330802"), (Role.SUPERVISOR, "330825209")],
)
def test_nobody_else_declares(role: Role, area: str) -> None:
    stranger: Any = Actor(role, unit_code="x", area_code=area)
    with pytest.raises(NotYours):
        declare(stranger, "330825209", ResponseLevel.I, Cause.FIRE)
    assert in_force("330825209") == PEACETIME
