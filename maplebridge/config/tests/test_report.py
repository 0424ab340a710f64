"""`maplebridge report`: periods, comparisons and exclusions as printed."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from click.testing import CliRunner

from maplebridge.config.commands.report import command
from maplebridge.lib.clock import CHINA

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=CHINA)


def asked(*words):
    answer = CliRunner().invoke(command, list(words))
    assert answer.exit_code == 0, answer.output
    return answer.stdout.splitlines()


@pytest.fixture
def reported(town):
    for days, times in ((0, 4), (31, 2), (365, 1)):
        for _ in range(times):
            town.report(at=NOON - dt.timedelta(days=days))


def test_a_month_beside_the_year_before_and_the_month_before(reported):
    words = ("--area", "330825", "--period", "month", "--on", "2026-11-20", "--compare", "--json")
    found = json.loads(asked(*words)[-1])
    assert (found["area"], found["from"], found["to"]) == ("330825", "2026-11-01", "2026-11-30")
    assert found["compared_with"] == {
        "year_ago": {"from": "2025-11-01", "to": "2025-11-30"},
        "before": {"from": "2026-10-01", "to": "2026-10-31"},
    }
    rows = {row["name"]: row for row in found["indicators"]}
    first = rows["reported"]
    assert (first["numerator"], first["denominator"], first["value"]) == (4, None, 4.0)
    assert (first["year"]["numerator"], first["before"]["numerator"]) == (1, 2)
    assert (first["year_change"], first["before_change"]) == (3.0, 1.0)
    assert first["year_points"] is None
    assert rows["accepted_share"]["before_points"] == 0.0
    assert rows["filed_share"]["before_change"] is None
    assert rows["satisfied_share"]["exclusions"][0]["rule"] == "no_matter"
    assert {"name", "label", "numerator", "denominator", "value", "excluded"} <= set(first)


def test_the_lines_say_what_was_taken_out_and_a_dash_without_a_base(reported):
    lines = asked("--area", "330825", "--period", "day", "--on", "2026-11-20", "--compare")
    assert "4  同比 300.0% 环比 —" in next(line for line in lines if "4" in line)
    assert any(line.startswith("    - 0: ") and "(v1, 2018-01-01)" in line for line in lines)


@pytest.mark.parametrize(
    "words",
    [
        ("--period", "month", "--from", "2026-11-01"),
        ("--on", "2026-11-01"),
        ("--unit", "no-such-unit"),
        ("--area", "999999"),
        ("--area", "33o8"),
        ("--from", "2026-11-02", "--to", "2026-11-01"),
    ],
)
def test_what_makes_no_sense_is_refused(town, words):
    assert CliRunner().invoke(command, list(words)).exit_code == 2


def test_a_unit_has_its_own_table(town):
    town.opened("handling")
    found = json.loads(asked("--unit", "330825-hsc", "--json")[-1])
    assert found["unit"] == "330825-hsc"
    assert found["indicators"][0]["numerator"] == 1
