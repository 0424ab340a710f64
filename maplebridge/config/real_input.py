"""Takes the real files of a folder through the journey, and lets an automatic desk work some."""

from __future__ import annotations

import csv
import datetime as dt
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from maplebridge.cases.engine import Opened
from maplebridge.cases.models import Case, Event
from maplebridge.config.anonymous_places import SEED, Places
from maplebridge.config.automatic_desk import work_through
from maplebridge.journey.advance import advance
from maplebridge.journey.intake import Report, ReportRefused, read_report, take_in_many
from maplebridge.journey.models import DecisionRecord, Step
from maplebridge.lib.clock import CHINA, now
from maplebridge.organisation.models import Area

MESSAGES = "petitions_messages.csv"
BATCH = 200
WORKED = 200
Progress = Callable[[str], None]


class NoRealInput(Exception):
    """The folder holds nothing that can be loaded; the text says what was looked for."""


def load_folder(folder: Path, say: Progress) -> dict[str, Any]:
    """Every petition message of the folder from intake to its owner; then 200 to the end.

    Loading the same folder again opens nothing twice and prints the same counts.
    Returns the figures of `./run --data DIR --once --json`. Raises NoRealInput.
    """
    file = folder / MESSAGES
    if not file.exists():
        raise NoRealInput(f"{folder} has no {MESSAGES}.")
    begun = time.monotonic()
    rows = _read(file)
    say(f"{len(rows)} messages; their anonymous places are put onto Quzhou by the rule of {SEED}")
    places = _places(rows)
    refused: list[tuple[int, str]] = []
    receipts: list[Opened] = []
    intake_ms: list[float] = []
    for batch in _batches(rows):
        reports = list(_reports(batch, places, refused))
        started = time.perf_counter()
        receipts += take_in_many(reports)
        if reports:
            intake_ms += [(time.perf_counter() - started) * 1000 / len(reports)] * len(reports)
        say(f"Taken in: {len(receipts)} of {len(rows)}")
    whole_ms = _advance(receipts, say)
    cases = [receipt.case_id for receipt in receipts]
    worked = work_through(cases, WORKED, say)
    summary = _counts(cases)
    summary |= {
        "lost": len(rows) - len(refused) - summary["cases"],
        "refused": len(refused),
        "worked_to_archive": worked,
        "seconds": round(time.monotonic() - begun, 2),
        "places": f"anonymous places put onto Quzhou by a fixed rule, seed {SEED}",
        "steps": _steps(cases, intake_ms, whole_ms),
    }
    if refused:
        summary["error_file"] = str(_write_refused(refused))
    return summary


def _read(file: Path) -> list[dict[str, str]]:
    csv.field_size_limit(10 * 1024 * 1024)
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = {"msg_id", "time", "title", "detail"} - set(reader.fieldnames or ())
        if missing:
            raise NoRealInput(f"{file.name} lacks the column {', '.join(sorted(missing))}.")
        return [{"line": str(reader.line_num), **row} for row in reader]


def _places(rows: Sequence[dict[str, str]]) -> Places:
    areas = Area.objects.within(settings.CITY_CODE).values_list("code", "name")
    names = dict(areas)
    return Places(
        names[settings.CITY_CODE],
        {code: name for code, name in names.items() if len(code) == 6},
        {code: name for code, name in names.items() if len(code) == 9},
        (f"{row['title']} {row['detail']}" for row in rows),
    )


def _batches(rows: Sequence[dict[str, str]]) -> Iterator[Sequence[dict[str, str]]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _reports(
    rows: Sequence[dict[str, str]], places: Places, refused: list[tuple[int, str]]
) -> Iterator[Report]:
    """The rows as reports; what cannot be one goes to `refused` with its line and a sentence."""
    for row in rows:
        line = int(row["line"])
        try:
            at = dt.datetime.fromisoformat(row["time"]).replace(tzinfo=CHINA)
        except ValueError:
            refused.append((line, "The time is not of the form 2019-02-28 11:25:05."))
            continue
        report = Report(
            channel="file",
            account=MESSAGES,
            key=row["msg_id"],
            title=places.place(row["title"]),
            text=places.place(row["detail"]) or places.place(row["title"]),
            at=at,
            synthetic=True,
        )
        try:
            read_report(report)
        except ReportRefused as wrong:
            refused.append((line, str(wrong)))
            continue
        yield report


def _advance(receipts: Sequence[Opened], say: Progress) -> list[float]:
    """The automatic steps for every case, at the time it was reported; milliseconds for each."""
    taken: list[float] = []
    told = time.monotonic()
    opened = dict(
        Case.objects.filter(pk__in=[r.case_id for r in receipts]).values_list("pk", "opened_at")
    )
    for number, receipt in enumerate(receipts, start=1):
        started = time.perf_counter()
        at = opened[receipt.case_id] + dt.timedelta(seconds=1)
        if advance(receipt.case_id, at) is not None:
            taken.append((time.perf_counter() - started) * 1000)
        if time.monotonic() - told > 2:
            told = time.monotonic()
            say(f"Placed, classified, compared and routed: {number} of {len(receipts)}")
    return taken


def _counts(cases: Sequence[UUID]) -> dict[str, Any]:
    """How many each step decided and how many it left to a person; from the stored answers."""
    first = DecisionRecord.objects.filter(case_id__in=cases, by_person=False)
    twins = first.filter(step=Step.DEDUPE).exclude(value="").count()
    asked = {"place": 0, "kind": 0, "owner": 0}
    for facts in (
        Event.objects.filter(case_id__in=cases, move="triage").values_list("facts", flat=True)
    ).iterator():
        for name in facts.get("asks", []):
            asked[name] += 1
    total = Case.objects.filter(pk__in=cases).count()
    return {
        "cases": total,
        "located": total - asked["place"],
        "asked_place": asked["place"],
        "classified": total - asked["kind"],
        "asked_kind": asked["kind"],
        "twins_suggested": twins,
        "routed": total - asked["owner"],
        "asked_owner": asked["owner"],
    }


def _steps(
    cases: Sequence[UUID], intake_ms: Sequence[float], whole_ms: Sequence[float]
) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each step, in milliseconds."""
    steps = {"intake": list(intake_ms)}
    for step, micros in DecisionRecord.objects.filter(
        case_id__in=cases, by_person=False
    ).values_list("step", "micros"):
        steps.setdefault(step, []).append(micros / 1000)
    if whole_ms:
        steps["all_steps_and_write"] = list(whole_ms)
    order = ("intake", "locate", "classify", "dedupe", "route", "all_steps_and_write")
    return {name: _percentiles(steps[name]) for name in order if steps.get(name)}


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    if len(values) == 1:
        return {"p50_ms": round(values[0], 3), "p95_ms": round(values[0], 3)}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50_ms": round(cuts[49], 3), "p95_ms": round(cuts[94], 3)}


def _write_refused(refused: Sequence[tuple[int, str]]) -> Path:
    place = Path(settings.STATE) / f"{Path(MESSAGES).stem}-errors.csv"
    with place.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["line", "what is wrong", "read at"])
        writer.writerows((line, said, now().isoformat()) for line, said in refused)
    return place
