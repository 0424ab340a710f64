"""Two people at one case: who else has it open, and what was typed and not yet sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import QueryDict

from maplebridge.cases.kinds import Move, Type
from maplebridge.cases.models import Case
from maplebridge.cases.permissions import WORKING
from maplebridge.lib import clock
from maplebridge.organisation.models import Account
from maplebridge.organisation.people import Actor
from maplebridge.web.parts.doorstep import post_name
from maplebridge.web.parts.models import Draft, OpenPage
from maplebridge.web.parts.words import unit_name

# A page that has not said so for this long is no longer open; it says so every 15 s.
GONE_AFTER = dt.timedelta(seconds=40)
DRAFT_DAYS = 7
SWEPT_EVERY = dt.timedelta(minutes=1)
MOST_CHARACTERS = 40_000


@dataclass(frozen=True)
class Beside:
    """Somebody else at the case. who: unit and name. writing: the form that is open, in words."""

    who: str
    writing: str = ""


def come(actor: Actor, case: Case, move: str = "") -> list[Beside]:
    """Says that this actor has the case open, and who else has. Three or four statements.

    Only posts that work on cases are shown to each other; who merely looks over a case is not.
    move: the name of the move whose form is open.
    """
    if actor.account_id is not None and actor.role in WORKING:
        here = OpenPage(
            case_id=case.pk,
            account_id=actor.account_id,
            unit_code=actor.unit_code,
            move=move,
            seen_at=clock.now(),
        )
        OpenPage.objects.bulk_create(
            [here],
            update_conflicts=True,
            unique_fields=["case_id", "account_id"],
            update_fields=["unit_code", "move", "seen_at"],
        )
    return beside(actor, case)


def beside(actor: Actor, case: Case) -> list[Beside]:
    """Who else has the case open; two statements."""
    here = OpenPage.objects.filter(case_id=case.pk, seen_at__gt=clock.now() - GONE_AFTER)
    others = [one for one in here.order_by("account_id") if one.account_id != actor.account_id]
    names = Account.objects.in_bulk([one.account_id for one in others]) if others else {}
    return [
        Beside(
            f"{unit_name(one.unit_code)} · {names[one.account_id].display_name}",
            _label(case, one.move),
        )
        for one in others
        if one.account_id in names
    ]


def _account(actor: Actor) -> UUID:
    """Who sits at a desk is signed in. Raises ValueError for an actor without an account."""
    if actor.account_id is None:
        raise ValueError(actor.role)
    return actor.account_id


def go(actor: Actor, case_id: UUID) -> None:
    """Says that this actor's page is closed."""
    OpenPage.objects.filter(case_id=case_id, account_id=_account(actor)).delete()


def _label(case: Case, name: str) -> str:
    move = case.pinned_kind.move(name) if name else None
    return str(move.label) if move else ""


def keep(actor: Actor, case: Case, move: Move, said: QueryDict, sequence: int) -> Draft | None:
    """Keeps what was typed, in place of an earlier draft; None when nothing was typed.

    Raises ValueError for more than MOST_CHARACTERS.
    """
    typed = {
        need.name: values
        for need in move.needs
        if need.type != Type.PHOTOS and any(values := said.getlist(need.name))
    }
    if sum(len(value) for values in typed.values() for value in values) > MOST_CHARACTERS:
        raise ValueError(move.name)
    if not typed:
        forget(actor, case.pk, move.name)
        return None
    draft, _fresh = Draft.objects.update_or_create(
        case_id=case.pk,
        account_id=_account(actor),
        post=post_name(actor),
        move=move.name,
        defaults={"said": typed, "sequence": sequence, "at": clock.now()},
    )
    return draft


def draft_of(actor: Actor, case: Case, move: Move) -> Draft | None:
    """What this actor typed for this move before; one statement."""
    return next((one for one in drafts_of(actor, case) if one.move == move.name), None)


def drafts_of(actor: Actor, case: Case) -> Sequence[Draft]:
    """All this actor typed for this case and has not sent, the newest first; one statement."""
    return list(
        Draft.objects.filter(
            case_id=case.pk, account_id=_account(actor), post=post_name(actor)
        ).order_by("-at")
    )


def forget(actor: Actor, case_id: UUID, move: str) -> None:
    """The draft was sent, or is not wanted any more."""
    Draft.objects.filter(
        case_id=case_id, account_id=_account(actor), post=post_name(actor), move=move
    ).delete()


def as_typed(draft: Draft) -> QueryDict:
    """A draft as the form said it."""
    typed = QueryDict(mutable=True)
    said: Mapping[str, Any] = draft.said
    for name, values in said.items():
        typed.setlist(name, [str(value) for value in values])
    return typed


_swept = dt.datetime.min.replace(tzinfo=dt.UTC)


def sweep() -> int:
    """Removes drafts older than DRAFT_DAYS and closed pages, once a minute in each process.

    Returns 0: there is never more to do at once. It may run twice.
    """
    global _swept  # noqa: PLW0603
    now = clock.now()
    if now - _swept < SWEPT_EVERY:
        return 0
    _swept = now
    with transaction.atomic():
        Draft.objects.filter(at__lt=now - dt.timedelta(days=DRAFT_DAYS)).delete()
        OpenPage.objects.filter(seen_at__lt=now - GONE_AFTER).delete()
    return 0
