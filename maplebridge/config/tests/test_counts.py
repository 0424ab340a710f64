"""The roll-up under a running worker, and the commands that check and mend it."""

from __future__ import annotations

import json
import threading
import time

from click.testing import CliRunner
from django.db import connections

from maplebridge.config import worker
from maplebridge.config.commands.counts import command
from maplebridge.insight import counts
from maplebridge.insight.models import Rollup


def test_a_move_shows_in_the_roll_up_within_a_second_of_a_running_worker(committed_town):
    town = committed_town
    case = town.opened("accepted")
    stop = threading.Event()

    def work() -> None:
        try:
            worker.run("test", stop.is_set)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        states_shown("accepted", 10)
        moved = time.monotonic()
        town.move(case.pk, "file_case", town.town)
        states_shown("filed", 10)
        assert time.monotonic() - moved < 1
    finally:
        stop.set()
        thread.join(20)


def states_shown(state: str, most_seconds: float) -> None:
    until = time.monotonic() + most_seconds
    while time.monotonic() < until:
        if [cell[3] for cell in counts.rollup()] == [state]:
            return
        time.sleep(0.02)
    raise AssertionError(counts.rollup())


def asked(*words: str) -> tuple[int, dict[str, float]]:
    answer = CliRunner().invoke(command, [*words, "--json"])
    return answer.exit_code, json.loads(answer.stdout.splitlines()[-1])


def test_the_command_finds_a_wrong_cell_and_mends_it(committed_town):
    committed_town.opened("filed")
    code, figures = asked("verify")
    assert code == 0
    assert (figures["cells"], figures["wrong"], figures["waiting"]) == (0, 0, 1)
    worker.carry_out_all("test")
    Rollup.objects.update(count=5)
    code, figures = asked("verify")
    assert (code, figures["cells"], figures["wrong"]) == (1, 1, 1)
    code, figures = asked("rebuild")
    assert (code, figures["cells"], figures["wrong"]) == (0, 1, 1)
    assert figures["seconds"] < 10
    code, figures = asked("verify")
    assert (code, figures["cells"], figures["wrong"], figures["waiting"]) == (0, 1, 0, 0)
    assert counts.rollup() == counts.recount()
