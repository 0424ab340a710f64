"""What goes by the clock goes on whatever fails, and ends when told to."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from maplebridge.config import worker


@pytest.mark.parametrize("failure", [OperationalError("closed"), ValueError("a slip")])
def test_a_failure_is_tried_again(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(worker.time, "sleep", pauses.append)
    monkeypatch.setattr(worker.connections, "close_all", lambda: None)
    monkeypatch.setattr(worker, "close_old_connections", lambda: None)
    answers: list[int | Exception] = [failure, 5, 0]

    def act() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    worker._by_the_clock("test", act, lambda: not answers)
    # After a failure the longer pause, after work none, after nothing to do the short one.
    assert pauses == [worker.PAUSE_AFTER_FAILURE_SECONDS, worker.CLOCK_PAUSE_SECONDS]
