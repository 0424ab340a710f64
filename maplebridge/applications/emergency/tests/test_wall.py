"""A wall that is open follows an emergency by itself; one that was told how to look stays so."""

from __future__ import annotations

from typing import Any

import pytest

from maplebridge.applications.emergency.tests.test_resources import flood
from maplebridge.web.board import shown

pytestmark = pytest.mark.django_db
COUNTY = "330825"


def test_what_the_stream_draws_turns_to_the_emergency_and_back(town: Any) -> None:
    assert "data-emergency" not in shown.paint(town.county, {"area": COUNTY})
    case = flood(town)
    assert f'data-emergency="{case.pk}"' in shown.paint(town.county, {"area": COUNTY})
    assert "data-emergency" not in shown.paint(town.county, {"area": COUNTY, "layout": "peace"})
    town.move(case.pk, "stand_down", town.leader, {"reason": "险情解除"})
    assert "data-emergency" not in shown.paint(town.county, {"area": COUNTY})
