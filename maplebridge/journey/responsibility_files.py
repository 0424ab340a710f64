"""A responsibility table from a file: checked whole, tried, and published as an edition."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from maplebridge.journey.configuration import publish, try_out
from maplebridge.journey.route import RESPONSIBILITIES
from maplebridge.lib.tables import Problem
from maplebridge.organisation.editions import EditionRefused, read_file
from maplebridge.organisation.people import Actor


@dataclass
class LoadedResponsibilities:
    """What became of a file.

    rows: data rows. loaded: rows in the edition that holds them, 0 when refused or only tried.
    added, removed, changed: against the edition before. edition: its number; None without a new
    one. notes: what it would have done to past cases, in the user's language.
    """

    rows: int
    dry_run: bool
    loaded: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    edition: int | None = None
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, Any]:
        """As `maplebridge load responsibilities --json` prints it."""
        return {
            "rows": self.rows,
            "loaded": self.loaded,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "edition": self.edition,
            "refused": len({problem.line for problem in self.problems}),
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "rate": round(self.rows / self.seconds, 1) if self.seconds else 0.0,
        }


def load_responsibilities(
    file: Path, by: Actor, *, note: str = "", begins: dt.date | None = None, dry_run: bool = False
) -> LoadedResponsibilities:
    """Publishes the rows of a CSV file as the whole table; rows it does not name are gone.

    A file equal to the edition in force publishes nothing. Raises OSError when it cannot be read.
    """
    began = time.perf_counter()
    read = read_file(RESPONSIBILITIES, file)
    done = LoadedResponsibilities(read.lines, dry_run, problems=list(read.problems))
    if not done.problems and not read.rows:
        said = _("The file names no rows."), _("Add a line for each responsibility.")
        done.problems.append(Problem(0, "", *said))
    if not done.problems:
        trial = try_out(RESPONSIBILITIES, read.rows, begins)
        counts = trial.differences.counts
        done.added, done.removed, done.changed = (
            counts["added"], counts["removed"], counts["changed"],
        )  # fmt: skip
        if trial.effect is not None:
            done.notes.append(
                _(
                    "Of %(cases)d cases of %(days)d days %(changed)d would have had another owner, "
                    "%(unowned)d of them nobody."
                )
                % {
                    "cases": trial.effect.cases,
                    "days": trial.effect.days,
                    "changed": trial.effect.changed,
                    "unowned": trial.effect.unowned,
                }
            )
        if not dry_run:
            try:
                made = publish(
                    RESPONSIBILITIES, read.rows, note=note or file.name, by=by, begins=begins
                )
                done.edition = made.number if made else None
                done.loaded = len(read.rows)
            except EditionRefused as refused:
                done.problems.append(Problem(0, "", str(refused), ""))
    done.seconds = time.perf_counter() - began
    return done
