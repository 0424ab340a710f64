"""What is erased of a case: who reported, or all its words; never while a legal hold stands.

Numbers, codes, dates and the chain of events stay. Source: PIPL, articles 19 and 47.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.utils.translation import gettext as _

from maplebridge.cases import permissions, reporters
from maplebridge.cases.models import Case, Hold, Payload
from maplebridge.lib.clock import now
from maplebridge.organisation import acts
from maplebridge.organisation.models import Deed
from maplebridge.organisation.people import Actor

FEWEST_SIGNS = 4
LONGEST_REASON = 400


class HoldRefused(Exception):
    """Nothing was changed; the text is a sentence for whoever asked."""


def is_held(case_id: UUID) -> bool:
    """Whether a legal hold stands on a case; one statement."""
    return Hold.objects.filter(case_id=case_id, lifted_at=None).exists()


def holds_on(case: Case) -> list[Hold]:
    """The holds of a case, the newest first, lifted ones too."""
    return list(Hold.objects.filter(case_id=case.pk).order_by("-at"))


def set_hold(actor: Actor, case: Case, reason: str) -> Hold:
    """Sets a legal hold: nothing of the case is erased until it is lifted. Inside a transaction.

    Takes the case's lock, so that a hold and a destruction never pass one another.
    Raises HoldRefused.
    """
    said = _reason(actor, case, reason)
    assert actor.account_id is not None  # noqa: S101  `may_hold` is of people's posts
    Case.objects.select_for_update().get(pk=case.pk)
    standing = Hold.objects.filter(case_id=case.pk, lifted_at=None).first()
    if standing is not None:
        return standing
    hold = Hold.objects.create(
        case_id=case.pk,
        area_code=case.area_code,
        reason=said,
        account_id=actor.account_id,
        unit_code=actor.unit_code,
        at=now(),
    )
    acts.note(actor, Deed.HOLD_SET, f"case:{case.number}")
    return hold


def lift_hold(actor: Actor, case: Case, reason: str) -> int:
    """Lifts the hold that stands on a case; returns how many there were. Raises HoldRefused."""
    said = _reason(actor, case, reason)
    Case.objects.select_for_update().get(pk=case.pk)
    lifted = _lift(case.pk, actor.account_id, said)
    if lifted:
        acts.note(actor, Deed.HOLD_LIFTED, f"case:{case.number}")
    return lifted


def _lift(case_id: UUID, by: UUID | None, why: str) -> int:
    standing = Hold.objects.filter(case_id=case_id, lifted_at=None)
    return standing.update(lifted_by=by, lifted_at=now(), lifted_why=why)


def _reason(actor: Actor, case: Case, reason: str) -> str:
    if not permissions.may_hold(actor, case):
        raise HoldRefused(_("Your post may not set or lift a hold on this case."))
    said = " ".join(reason.split())
    if not FEWEST_SIGNS <= len(said) <= LONGEST_REASON:
        raise HoldRefused(_("Please give a reason of at least four signs."))
    return said


def erase_reporter(case_id: UUID, at: dt.datetime) -> None:
    """Destroys the keys of who reported and empties what they sealed. For the engine."""
    parts = Payload.objects.filter(case_id=case_id, part=reporters.PART)
    for sequence in list(parts.values_list("sequence", flat=True)):
        reporters.destroy(case_id, sequence)
    parts.filter(erased_at=None).update(salt=None, content=None, erased_at=at)


def erase_words(case_id: UUID, at: dt.datetime) -> None:
    """Destroys every key of a case and empties every word of its events. For the engine."""
    reporters.destroy(case_id)
    everything = Payload.objects.filter(case_id=case_id, erased_at=None)
    everything.update(salt=None, content=None, erased_at=at)
