"""Reports that come as a file: each row a report, bad rows told with their line."""

from __future__ import annotations

import datetime as dt
import re
import time
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from maplebridge.cases.engine import case_id_for
from maplebridge.cases.models import Payload
from maplebridge.journey.intake import Report, ReportRefused, read_report, take_in_many
from maplebridge.lib.clock import CHINA, now
from maplebridge.lib.tables import Problem, Row, read_table
from maplebridge.lib.text import printable

NEEDED = ("key", "text")
OPTIONAL = (
    "title",
    "place",
    "lon",
    "lat",
    "datum",
    "accuracy_metres",
    "name",
    "phone",
    "anonymous",
    "time",
)
BATCH = 500
KEY = re.compile(r"[^\s\x00-\x1f\x7f]{1,100}")
EARLIEST = dt.datetime(1949, 10, 1, tzinfo=CHINA)


@dataclass
class LoadedReports:
    """What became of a file of reports.

    rows: data rows. loaded: rows that are cases now, also those that were before. fresh: new ones.
    """

    rows: int = 0
    loaded: int = 0
    fresh: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """As `maplebridge load reports --json` prints it."""
        return {
            "rows": self.rows,
            "loaded": self.loaded,
            "fresh": self.fresh,
            "refused": len({problem.line for problem in self.problems}),
            "seconds": round(self.seconds, 3),
            "rate": round(self.loaded / self.seconds, 1) if self.seconds else 0.0,
        }


def load_reports(file: Path, channel: str, dry_run: bool = False) -> LoadedReports:
    """Opens a case for each good row of a CSV file; bad rows are told and nothing of them is kept.

    Columns: key, text, and any of OPTIONAL; `time` without a zone is China's. The file's name is
    the account, so the same file again, mended or whole, opens each key once.
    Raises OSError when the file cannot be read.
    """
    begun = time.perf_counter()
    table = read_table(file, NEEDED, OPTIONAL)
    done = LoadedReports(rows=table.lines, problems=list(table.problems))
    unreadable = {problem.line for problem in table.problems}
    reports: list[Report] = []
    lines: dict[str, int] = {}
    for row in table.rows:
        if row.line in unreadable:
            continue
        try:
            report = _report(row, file.name, channel)
            read_report(report)
            first = lines.setdefault(report.key, row.line)
            if first != row.line:
                said = _("The key stands in line %(line)d already.") % {"line": first}
                raise ReportRefused({"key": said})
        except ReportRefused as refused:
            done.problems += [
                Problem(
                    row.line, row.cells["key"], said, _("Mend the column %(name)s.") % {"name": n}
                )
                for n, said in refused.problems.items()
            ]
            continue
        reports.append(report)
    if dry_run:
        done.loaded = 0
    else:
        reports = _not_said_before(reports, lines, done)
        waiting = iter(reports)
        while batch := list(islice(waiting, BATCH)):
            receipts = take_in_many(batch)
            done.loaded += len(receipts)
            done.fresh += sum(receipt.fresh for receipt in receipts)
    done.seconds = time.perf_counter() - begun
    return done


def _not_said_before(
    reports: list[Report], lines: dict[str, int], done: LoadedReports
) -> list[Report]:
    """The reports whose key is new, or was used for the same words; the others are told."""
    ids = {case_id_for(report.channel, report.account, report.key): report for report in reports}
    known = Payload.objects.filter(case_id__in=list(ids), sequence=1, part="words")
    others = set()
    for payload in known.iterator():
        report = ids[payload.case_id]
        kept = (payload.content or {}).get("text")
        if payload.content is not None and kept != printable(report.text):
            others.add(report.key)
            said = _("This key was used for another report of a file of this name.")
            mend = _("Give the row another key, or the file another name.")
            done.problems.append(Problem(lines[report.key], report.key, said, mend))
    return [report for report in reports if report.key not in others]


def _report(row: Row, account: str, channel: str) -> Report:
    """A row as a report. Raises ReportRefused with a sentence for each column it cannot read."""
    cells = row.cells
    problems: dict[str, str] = {}
    if not KEY.fullmatch(cells["key"]):
        problems["key"] = _("Every row needs a key of its own, 1 to 100 visible characters.")
    numbers: dict[str, float | None] = {}
    for name in ("lon", "lat", "accuracy_metres"):
        said = cells.get(name, "")
        try:
            numbers[name] = float(said) if said else None
        except ValueError:
            problems[name] = _("%(said)s is no number.") % {"said": said[:40]}
    at = None
    if cells.get("time"):
        try:
            at = dt.datetime.fromisoformat(cells["time"])
            at = at if at.tzinfo else at.replace(tzinfo=CHINA)
            if not EARLIEST <= at <= now():
                problems["time"] = _("The time must lie between 1949 and now.")
        except (ValueError, OverflowError):
            problems["time"] = _("A time looks like 2026-01-31 09:30.")
    if problems:
        raise ReportRefused(problems)
    return Report(
        channel=channel,
        account=account,
        key=cells["key"],
        text=cells["text"],
        title=cells.get("title", ""),
        place=cells.get("place", ""),
        lon=numbers["lon"],
        lat=numbers["lat"],
        datum=cells.get("datum") or "WGS84",
        accuracy_metres=numbers["accuracy_metres"],
        name=cells.get("name", ""),
        phone=cells.get("phone", ""),
        anonymous=cells.get("anonymous", "").lower() in ("1", "yes", "true", "是"),
        at=at,
    )
