"""The figures of `bench` and `drill`: their arithmetic, their keys, and that they can be bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from maplebridge.cases.models import Case
from maplebridge.config import drills
from maplebridge.config.measures.figures import Times, cut_ms, timed
from maplebridge.journey.intake import Report, take_in

PROGRAM = [sys.executable, "-c", "from maplebridge.config.main import main; main()"]
CALLS = {"rate", "p50_ms", "p95_ms", "p99_ms", "errors", "n"}


def run(*arguments):
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("DATABASE_", "MAPLEBRIDGE_"))
    }
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_percentiles_are_in_milliseconds():
    assert cut_ms([0.001] * 50 + [0.002] * 50, 50) == 1.5
    assert cut_ms([0.004], 99) == 4.0
    assert cut_ms([], 99) == 0.0


def test_a_failed_call_is_an_error_and_no_time():
    def act(number):
        if number == 3:
            raise ValueError("three")

    times = timed(act, range(10), clients=2)
    assert (len(times.spent), times.errors) == (9, 1)
    figures = times.figures()
    assert set(figures) == CALLS
    assert (figures["n"], figures["errors"]) == (9, 1)
    assert Times(spent=[0.1] * 10, wall=2.0).figures()["rate"] == 5.0


@pytest.mark.long
@pytest.mark.alone
def test_bench_prints_its_figures_and_leaves_nothing_behind():
    done = run(
        "bench", "intake", "journey", "move", "timers", "locate", "classify", "dedupe",
        "--n", "24", "--clients", "2", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("move", "locate", "classify", "dedupe"):
        assert set(found[name]) >= CALLS
        assert (found[name]["n"], found[name]["errors"]) == (24, 0)
    assert set(found["intake"]) >= {*CALLS, "clients", "limit"}
    assert found["intake"]["limit"] > 0
    assert found["intake"]["rate"] > 0
    assert (found["timers"]["errors"], found["timers"]["n"] >= 24) == (0, True)
    assert set(found["journey"]) >= {"rate", "routed_p95_s", "errors"}
    assert found["journey"]["n"] == 48  # a burst and a steady part
    assert 0 < found["journey"]["routed_p95_s"] < 60


@pytest.mark.long
@pytest.mark.alone
def test_twenty_open_boards_show_every_move_and_lose_none_when_they_are_cut_off():
    done = run("bench", "board", "feed", "--n", "20", "--clients", "1", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name, cut in (("board", 0), ("feed", 3)):
        figures = found[name]
        assert (figures["viewers"], figures["moves"], figures["reconnects"]) == (25, 20, 25 * cut)
        assert (figures["lost"], figures["doubled"], figures["n"]) == (0, 0, 25 * 20)
        assert figures["p95_ms"] < 2000


def test_bench_refuses_what_it_does_not_know():
    done = run("bench", "nothing")
    assert done.returncode == 2
    assert "nothing" in done.stderr


@pytest.mark.long
@pytest.mark.alone
def test_nothing_is_lost_or_doubled_when_web_worker_and_database_are_killed():
    done = run("drill", "kill", "--strikes", "3", "--pause", "1", "--clients", "3", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) >= {"acknowledged", "lost", "doubled", "wrong_clocks", "seconds"}
    assert (found["lost"], found["doubled"], found["wrong_clocks"], found["unrouted"]) == (0,) * 4
    assert found["acknowledged"] >= 10
    assert found["retries"] > 0  # otherwise nothing was hurt


@pytest.mark.long
def test_a_township_cut_off_and_home_come_together_without_loss():
    done = run("drill", "cut-off", "--cases", "6", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    counted = {name: value for name, value in found.items() if name != "seconds"}
    assert counted == {
        "acknowledged": 32, "lost": 0, "doubled": 0, "chain_broken": 0, "refused": 6, "away": 0,
    }  # fmt: skip


def test_the_drill_counts_what_is_lost_doubled_and_wrong(committed_town, tmp_path):
    receipts = [
        take_in(Report("api", "somebody", f"key-{n}", f"村口第{n}处积水")) for n in range(4)
    ]
    told = tmp_path / "receipts.json"
    told.write_text(json.dumps([receipt.query_code for receipt in receipts]))
    right = {"lost": 0, "doubled": 0, "wrong_clocks": 0, "unrouted": 0}
    assert drills.count_here(str(told)) == right
    told.write_text(json.dumps([*(r.query_code for r in receipts), "NEVERTHERE"]))
    assert drills.count_here(str(told)) == {**right, "lost": 1}
    take_in(Report("api", "somebody", "another-key", "村口第1处积水"))
    assert drills.count_here(str(told)) == {**right, "lost": 1, "doubled": 1}
    Case.objects.filter(pk=receipts[0].case_id).update(due_at="2020-01-01T00:00:00Z")
    assert drills.count_here(str(told))["wrong_clocks"] == 1
