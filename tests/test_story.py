"""Stories: told step by step at a speed, to the end, and by whatever folder has one."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from click.testing import CliRunner

from maplebridge.cases.models import Case
from maplebridge.config.applications import stories
from maplebridge.config.commands import story
from maplebridge.config.main import cli

NAMES = sorted(module.NAME for module in stories())
BEGIN = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)


def test_there_are_stories_and_no_two_have_one_name() -> None:
    assert "dispute" in NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_story_is_told_to_its_end_and_again(name: str, committed_town: Any) -> None:
    figures = []
    for _time in range(2):
        done = CliRunner().invoke(cli, ["story", name, "--json"])
        assert done.exit_code == 0, done.output
        *told, last = done.output.strip().splitlines()
        figures.append(json.loads(last))
        assert figures[-1]["steps"] == len(told)
        assert figures[-1]["ended"] is True
    assert figures[0]["steps"] == figures[1]["steps"] >= 10
    assert not Case.objects.filter(synthetic=False).exists()


@pytest.mark.parametrize(
    ("speed", "minutes", "waited"),
    [(0, 30, []), (60, 30, [30.0]), (60, 600, [60.0]), (1800, 30, [1.0]), (60, -5, [0.0])],
)
def test_it_waits_as_its_speed_says_and_never_long(
    monkeypatch: pytest.MonkeyPatch, speed: float, minutes: int, waited: list[float]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(story.time, "sleep", slept.append)
    teller = story.Teller(speed)
    teller("开始", BEGIN)
    teller("然后", BEGIN + dt.timedelta(minutes=minutes))
    assert slept == waited
    assert teller.steps == 2


def test_a_name_nobody_tells_is_a_wrong_usage(committed_town: Any) -> None:
    done = CliRunner().invoke(cli, ["story", "no-such-story"])
    assert done.exit_code == 2
    assert "dispute" in done.output
