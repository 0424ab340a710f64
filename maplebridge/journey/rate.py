"""The reporter comes back with the query code: to follow, to answer, to rate, to object."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from maplebridge.cases import wall
from maplebridge.cases.models import Case
from maplebridge.lib.ids import tidy_code
from maplebridge.organisation.people import SYSTEM, Actor, reporter_of


@dataclass(frozen=True)
class Followed:
    """The reporter's own case, and the one where the work goes on when it was merged."""

    own: Case
    shown: Case
    actor: Actor


def follow(typed: str, account_id: UUID | None = None) -> Followed | None:
    """The case behind a query code, however it was typed; None for a code that finds nothing.

    A merged case is followed to where it went, however far. Of two that were merged into each
    other at the same moment each is shown itself, until the feed has parted them.
    """
    code = tidy_code(typed)
    if code is None:
        return None
    with wall.standing(SYSTEM):
        return _follow(code, account_id)


def _follow(code: str, account_id: UUID | None) -> Followed | None:
    own = Case.objects.filter(query_code=code).first()
    if own is None:
        return None
    shown = own
    passed = {own.pk}
    while shown.merged_into is not None:
        next_case = Case.objects.filter(pk=shown.merged_into).first()
        if next_case is None:
            break
        if next_case.pk in passed:
            shown = own
            break
        passed.add(next_case.pk)
        shown = next_case
    return Followed(own, shown, reporter_of(own.pk, account_id))
