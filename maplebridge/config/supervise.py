"""Keeps child processes running until it is told to stop, and then leaves none behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

ROUND_SECONDS = 0.2
GRACE_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Who ran this long was well; its next end counts as the first again.
WELL_AFTER_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """One process of ours, started again with growing pauses whenever it ends by itself."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.name = name
        self.failures = 0
        self._command = list(command)
        self._environment = dict(environment)
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._due = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        # A session of its own: Ctrl-C reaches only us, and what a killed child leaves behind
        # can be found by its group.
        self._process = subprocess.Popen(  # noqa: S603
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            start_new_session=True,
            # One system call without a lock: safe although other threads run.
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
        self._began = time.monotonic()

    def tend(self) -> None:
        """Notices an end and starts again once the pause is over."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            return
        self._end_group()
        self._process = None
        self.failures = 1 if now - self._began > WELL_AFTER_SECONDS else self.failures + 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        self._due = now + pause
        self._say(f"The {self.name} ended ({_cause(status)}); starting it again in {pause:g} s")

    def stop(self) -> None:
        """Asks it to end, waits, and ends by force what is left of its group."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._say(f"The {self.name} did not end within {GRACE_SECONDS:g} s and is killed")
        self._end_group()
        self._process.wait()
        self._process = None

    def _end_group(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def supervise(
    children: Sequence[Child], stopping: threading.Event, each_round: Callable[[], None]
) -> None:
    """Runs the children until stopping is set; each_round is called a few times a second.

    At the end, also by an exception, the children are stopped in the order given.
    """
    try:
        for child in children:
            child.start()
        while not stopping.wait(ROUND_SECONDS):
            for child in children:
                child.tend()
            each_round()
    finally:
        for child in children:
            child.stop()


def _end_with_parent() -> None:
    # When we are killed nobody tends the children: the kernel asks them to end.
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _cause(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
