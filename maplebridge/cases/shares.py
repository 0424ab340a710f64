"""What a unit's share of a case owes while it stands as it does: a clock of its own."""

from __future__ import annotations

from collections.abc import Iterable

from maplebridge.cases import deadlines
from maplebridge.cases.grades import Duty, Progress
from maplebridge.cases.models import Assignment, Case

# The clock that runs for a share of this duty at this progress. The lead's work is measured by
# the clocks of the case itself, and a copy for information owes nothing.
CLOCKS: dict[tuple[str, str], str] = {
    (Duty.ASSIST, Progress.TO_SIGN): "assist",
    (Duty.ATTEND, Progress.TO_SIGN): "attend",
    (Duty.ATTEND, Progress.HANDLING): "assist",
    (Duty.ADVISE, Progress.TO_SIGN): "advise",
    (Duty.ANSWER, Progress.TO_SIGN): "receipt",
    (Duty.ANSWER, Progress.HANDLING): "reply",
    (Duty.RECEIVE, Progress.TO_SIGN): "handed",
}


def clock_of(case: Case, share: Assignment) -> deadlines.Clock | None:
    """The clock of a share since it came to its present progress; None when it owes nothing.

    It runs by the amounts of the case's class and the hours of the unit that was asked.
    """
    name = CLOCKS.get((share.duty, share.progress))
    if name is None:
        return None
    amount = deadlines.allowed_amount(case, name)
    if amount is None:
        return None
    hours = deadlines.hours_of(share.unit_code)
    due, provisional = deadlines.due_after(share.since, amount, hours)
    return deadlines.Clock(
        name, share.since, amount, due, hours, provisional=provisional, sla_class=case.sla_class
    )


def set_clocks(case: Case, shares: Iterable[Assignment]) -> list[Assignment]:
    """Brings the due times of shares in line with what they owe; returns those that changed."""
    changed = []
    for share in shares:
        clock = clock_of(case, share)
        due = (clock.due_at, clock.name) if clock else (None, "")
        if (share.due_at, share.due_clock) != due:
            share.due_at, share.due_clock = due
            changed.append(share)
    return changed
