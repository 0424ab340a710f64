"""Measures both orders: the automatic steps before the receipt, or from the feed after it.

    .venv/bin/python benchmarks/steps_in_or_after.py [--reports 300] [--clients 8] [--json]

Each order runs on a fresh, durable database of its own, interleaved in rounds so that a noisy
machine disturbs both alike. Prints milliseconds to the receipt, receipts per second, and, for the
feed, milliseconds from the receipt until the case is routed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

TEXT = "龙游县社阳乡社阳村村口下水道堵了，污水漫到路上，请尽快来看看。第{}次说。"
ROUNDS = 3


def main() -> None:
    """Runs both orders and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=300, help="reports in each round")
    parser.add_argument("--clients", type=int, default=8, help="reports under way at once")
    parser.add_argument("--pace", type=float, default=20.0, help="steady reports per second")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maplebridge-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ["MAPLEBRIDGE_STATE"] = folder
        os.environ["MAPLEBRIDGE_DEMONSTRATION"] = "1"
        from maplebridge.config.main import running_database

        with running_database(town=True):
            figures = _measure(asked.reports, asked.clients, asked.pace)
    for name, value in figures.items():
        print(f"{name:<28} {value}")
    if asked.json:
        print(json.dumps(figures))


def _measure(reports: int, clients: int, pace: float) -> dict[str, float]:
    from maplebridge.config import worker

    stopping = threading.Event()
    carrying = threading.Thread(target=worker.run, args=("bench", stopping.is_set))
    inside: list[float] = []
    after: list[float] = []
    rates: dict[str, list[float]] = {"inside": [], "after": []}
    routed: list[float] = []
    _run("warm", 20, clients, inside=True)
    for number in range(ROUNDS):
        spent, rate, _cases = _run(f"inside-{number}", reports, clients, inside=True)
        inside += spent
        rates["inside"].append(rate)
    carrying.start()
    try:
        for number in range(ROUNDS):
            spent, rate, cases = _run(f"after-{number}", reports, clients, inside=False)
            after += spent
            rates["after"].append(rate)
            routed += _delays(cases)
        _spent, _rate, cases = _run("steady", reports, 1, inside=False, pause=1 / pace)
        steady = _delays(cases)
    finally:
        stopping.set()
        carrying.join()
    return {
        "reports": reports * ROUNDS,
        "clients": clients,
        "inside_p50_ms": _cut(inside, 50),
        "inside_p95_ms": _cut(inside, 95),
        "inside_rate": round(statistics.median(rates["inside"]), 1),
        "after_p50_ms": _cut(after, 50),
        "after_p95_ms": _cut(after, 95),
        "after_rate": round(statistics.median(rates["after"]), 1),
        "routed_after_p50_ms": _cut(routed, 50),
        "routed_after_p95_ms": _cut(routed, 95),
        "steady_rate": pace,
        "steady_routed_p50_ms": _cut(steady, 50),
        "steady_routed_p95_ms": _cut(steady, 95),
    }


def _run(
    name: str, reports: int, clients: int, *, inside: bool, pause: float = 0.0
) -> tuple[list[float], float, list[UUID]]:
    """Milliseconds to each receipt, receipts per second, and the cases."""
    from django.db import connection

    from maplebridge.journey.advance import advance
    from maplebridge.journey.intake import Report, take_in

    cases: list[UUID] = []

    def one(number: int) -> float:
        begun = time.perf_counter()
        said = Report("bench", "bench", f"{name}-{number}", TEXT.format(number))
        receipt = take_in(said)
        if inside:
            advance(receipt.case_id)
        spent = (time.perf_counter() - begun) * 1000
        cases.append(receipt.case_id)
        time.sleep(pause)
        connection.close()  # back into the pool, as at the end of a request
        return spent

    begun = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        spent = list(pool.map(one, range(reports)))
    return spent, reports / (time.perf_counter() - begun), cases


def _delays(cases: list[UUID]) -> list[float]:
    """Milliseconds from the receipt until routed, by the times of the events."""
    from maplebridge.cases.models import Event

    deadline = time.monotonic() + 120
    while Event.objects.filter(case_id__in=cases, move="triage").count() < len(cases):
        if time.monotonic() > deadline:
            sys.exit("the worker did not route every case within two minutes")
        time.sleep(0.05)
    times: dict[UUID, dict[str, float]] = {}
    for case_id, move, at in Event.objects.filter(case_id__in=cases).values_list(
        "case_id", "move", "at"
    ):
        times.setdefault(case_id, {})[move] = at.timestamp()
    return [(t["triage"] - t["report"]) * 1000 for t in times.values()]


def _cut(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 2)


if __name__ == "__main__":
    main()
