"""Keeps something that is read often and changes seldom, and reads it again when it is old."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")
KEPT_SECONDS = 30.0


class Kept(Generic[Value]):
    """A value read by a function, at most once in `seconds`; safe under threads.

    read: makes the value; what it raises is raised to whoever asks, and nothing is kept.
    """

    def __init__(self, read: Callable[[], Value], seconds: float = KEPT_SECONDS) -> None:
        self._read = read
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: tuple[float, Value] | None = None

    def get(self) -> Value:
        """The value, not older than `seconds`."""
        held = self._held
        if held is not None and time.monotonic() - held[0] < self._seconds:
            return held[1]
        with self._lock:
            value = self._read()
            self._held = (time.monotonic(), value)
            return value

    def put(self, value: Value) -> None:
        """Keeps a value that was read elsewhere."""
        self._held = (time.monotonic(), value)

    def forget(self) -> None:
        """Drops the value; the next `get` reads it again."""
        self._held = None
