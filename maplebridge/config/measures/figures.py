"""From many times to the few figures that are printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass
class Times:
    """How long each of many calls took, in seconds, and how many failed."""

    spent: list[float] = field(default_factory=list)
    errors: int = 0
    wall: float = 0.0

    @property
    def rate(self) -> float:
        """Calls a second over the whole run."""
        return len(self.spent) / self.wall if self.wall else 0.0

    def figures(self) -> dict[str, float]:
        """rate, p50_ms, p95_ms, p99_ms, errors and n."""
        return {
            "rate": round(self.rate, 1),
            "p50_ms": cut_ms(self.spent, 50),
            "p95_ms": cut_ms(self.spent, 95),
            "p99_ms": cut_ms(self.spent, 99),
            "errors": self.errors,
            "n": len(self.spent),
        }


def cut_ms(seconds: list[float], percent: int) -> float:
    """A percentile of times in seconds, in milliseconds; 0 without any."""
    if not seconds:
        return 0.0
    if len(seconds) == 1:
        return round(seconds[0] * 1000, 3)
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return round(cuts[percent - 1] * 1000, 3)


def timed(act: Callable[[T], object], items: Iterable[T], clients: int = 1) -> Times:
    """Calls act for each item, `clients` at once, and takes the time of each call.

    An exception counts as an error; the call's time is left out.
    """
    found = Times()

    def one(item: T) -> float | None:
        begun = time.perf_counter()
        try:
            act(item)
        except Exception:  # every failure is a figure here
            return None
        return time.perf_counter() - begun

    begun = time.perf_counter()
    if clients == 1:
        results = [one(item) for item in items]
    else:
        with ThreadPoolExecutor(clients) as pool:
            results = list(pool.map(one, items))
    found.wall = time.perf_counter() - begun
    found.spent = [spent for spent in results if spent is not None]
    found.errors = len(results) - len(found.spent)
    return found
