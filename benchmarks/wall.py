"""Measures what the wall of row level security costs on the pages of a queue.

    .venv/bin/python benchmarks/wall.py [--cases 100000] [--rounds 5] [--json]

One embedded database with made-up cases over all villages; in each round the same pages are asked
for with the wall and with its policies switched off by the owner, in turn. Prints medians in
milliseconds of whole requests and their ratio, by post and tab.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PEOPLE = ("city", "county", "leader", "supervisor", "housing", "town", "village", "grid")
TABS = ("waiting", "asked", "open", "overdue", "closed")
# Columns of the made-up cases that differ from the one they are copied from.
MADE = {
    "id": "gen_random_uuid()",
    "area_code": "v.code",
    "number": "'N' || g",
    "query_code": "'Q' || g",
    "unit_code": "left(v.code, 9) || '-room'",
    "ended": "g % 3 = 0",
    "closed_at": "CASE WHEN g % 3 = 0 THEN now() END",
    "due_at": "now() + (g % 1000 - 300) * interval '1 hour'",
    "opened_at": "now() - (g % 400) * interval '1 day'",
    "changed_at": "now() - (g % 400) * interval '1 hour'",
    "confidentiality": "(array['C0', 'C1', 'C1', 'C2'])[1 + g % 4]",
    "state": "(array['archived', 'handling', 'reported'])[1 + g % 3]",
    "line": "(array['HSC', 'ENF', 'UTL'])[1 + g % 3]",
}


def main() -> None:
    """Fills the database, asks for the pages, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5, help="with and without, in turn")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="maplebridge-bench-") as folder:
        Path(folder).chmod(0o711)
        os.environ |= {"MAPLEBRIDGE_STATE": folder, "MAPLEBRIDGE_DEMONSTRATION": "1"}
        os.environ["MAPLEBRIDGE_POOL"] = "0"
        from maplebridge.config.main import running_database

        with running_database(town=True):
            fill(asked.cases)
            figures = measure(asked.rounds)
    for name, value in figures.items():
        print(f"{name:<24} {value}")
    if asked.json:
        print(json.dumps(figures))


def fill(cases: int) -> None:
    """Copies one case many times over all villages, with a share for every third."""
    from django.db import connections

    from maplebridge.cases.models import Case

    columns = [field.column for field in Case._meta.concrete_fields]
    drawn = ", ".join(MADE.get(column, f"t.{column}") for column in columns)
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE village AS SELECT row_number() OVER (ORDER BY code) AS n, code"
            " FROM organisation_area WHERE length(code) = 12"
        )
        cursor.execute("SELECT count(*) FROM village")
        villages = cursor.fetchone()[0]
        cursor.execute(
            f"INSERT INTO cases_case ({', '.join(columns)}) SELECT {drawn}"
            f" FROM generate_series(1, {cases}) AS g JOIN village AS v ON v.n = 1 + g % {villages},"
            " (SELECT * FROM cases_case LIMIT 1) AS t"
        )
        # One in fifty of the shares lies with a unit of another county.
        cursor.execute(
            "INSERT INTO cases_assignment"
            " (case_id, number, area_code, unit_code, duty, progress, since, due_clock, asked_by)"
            " SELECT id, 1, area_code, CASE WHEN right(number, 2) IN ('01', '51')"
            " THEN '330825-hsc' ELSE left(area_code, 6) || '-hsc' END, 'lead', 'handling',"
            " now(), '', '' FROM cases_case WHERE state = 'handling'"
            " AND NOT EXISTS (SELECT FROM cases_assignment AS a WHERE a.case_id = cases_case.id)"
        )
        # Reported without a place, as most are: the words keep the city's code.
        cursor.execute(
            "INSERT INTO cases_payload (case_id, sequence, part, area_code, salt, content)"
            " SELECT id, 1, 'words', '3308', '', jsonb_build_object('text', '路灯不亮' || number)"
            " FROM cases_case ON CONFLICT DO NOTHING"
        )
        cursor.execute("VACUUM ANALYZE")


def measure(rounds: int) -> dict[str, Any]:
    """Medians of requests with and without the wall, and the ratio over all of them."""
    from django.db import connections
    from django.test import Client

    from maplebridge.cases import wall
    from maplebridge.config.grants import walled
    from maplebridge.organisation.models import Account

    clients = {}
    for name in PEOPLE:
        clients[name] = Client()
        clients[name].force_login(Account.objects.get(username=name))

    def switch(word: str) -> None:
        with connections["owner"].cursor() as cursor:
            for table in walled():
                cursor.execute(f"ALTER TABLE {table} {word} ROW LEVEL SECURITY")

    def ask(name: str, tab: str) -> float:
        begun = time.perf_counter()
        with wall.begun_closed():
            answer = clients[name].get("/desk/", {"tab": tab})
        if answer.status_code != 200:
            sys.exit(f"{name} {tab}: {answer.status_code}")
        return (time.perf_counter() - begun) * 1000

    took: dict[tuple[str, str, str], list[float]] = {}
    for number in range(rounds + 1):
        for word in ("DISABLE", "ENABLE") if number % 2 else ("ENABLE", "DISABLE"):
            switch(word)
            for name in PEOPLE:
                for tab in TABS:
                    ask(name, tab)
                    if number:
                        took.setdefault((name, tab, word), []).append(ask(name, tab))
    figures: dict[str, Any] = {}
    ratios = []
    totals = {"ENABLE": 0.0, "DISABLE": 0.0}
    for name in PEOPLE:
        for tab in TABS:
            with_wall, without = (
                statistics.median(took[name, tab, word]) for word in ("ENABLE", "DISABLE")
            )
            totals["ENABLE"] += with_wall
            totals["DISABLE"] += without
            ratios.append(with_wall / without)
            figures[f"{name}_{tab}"] = [round(without, 1), round(with_wall, 1)]
    figures["ratio_of_sums"] = round(totals["ENABLE"] / totals["DISABLE"], 3)
    figures["ratio_median"] = round(statistics.median(ratios), 3)
    figures["ratio_worst"] = round(max(ratios), 3)
    return figures


if __name__ == "__main__":
    main()
