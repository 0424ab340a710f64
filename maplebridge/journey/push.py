"""Which phones asked to hear of a case, and what they are told: its number and state, no words."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Final
from uuid import UUID

from django.db import models, transaction
from django.db.models import F
from django.utils import translation

from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import Case
from maplebridge.connectors import push
from maplebridge.connectors.push import Outcome
from maplebridge.journey.models import PushSubscription
from maplebridge.lib.clock import now

# A family follows from a few phones.
MOST_PHONES: Final = 5
AT_ONCE: Final = 20
# Longer than all of a round can take; whoever dies with it lets others go on after that.
LEASE: Final = dt.timedelta(minutes=5)
FIRST_PAUSE: Final = dt.timedelta(seconds=30)
MOST_TRIES: Final = 8
# After these nobody is to be told any more.
ENDINGS: Final = frozenset({str(Aside.ERASE_REPORTER), str(Aside.DESTROY)})


def subscribe(case_id: UUID, endpoint: str, p256dh: str, auth: str, language: str) -> bool:
    """Notes that a phone wants to hear of the case; again changes nothing. Inside the wall.

    Of more than MOST_PHONES the oldest gives way. False for what is no subscription.
    """
    if not push.is_sound(endpoint, p256dh, auth):
        return False
    PushSubscription.objects.update_or_create(
        case_id=case_id,
        mark=mark_of(endpoint),
        defaults={"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "language": language},
        create_defaults={
            "endpoint": endpoint,
            "p256dh": p256dh,
            "auth": auth,
            "language": language,
            "made_at": now(),
        },
    )
    known = PushSubscription.objects.filter(case_id=case_id).order_by("-made_at", "mark")
    for old in list(known[MOST_PHONES:]):
        old.delete()
    return True


def unsubscribe(case_id: UUID, endpoint: str) -> None:
    """Forgets a phone. Inside the wall."""
    PushSubscription.objects.filter(case_id=case_id, mark=mark_of(endpoint)).delete()


def mark_of(endpoint: str) -> str:
    """What a phone's row is named by."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def wish(case_id: UUID, sequence: int) -> int:
    """Notes that the phones of a case are to be told of an event; again changes nothing."""
    waiting = PushSubscription.objects.filter(case_id=case_id, wanted__lt=sequence)
    return waiting.update(wanted=sequence, next_try=now(), tries=0)


def forget(case_id: UUID) -> int:
    """Forgets every phone of a case; returns how many there were."""
    return PushSubscription.objects.filter(case_id=case_id).delete()[0]


def deliver(at: dt.datetime | None = None) -> int:
    """Tells the phones that wait, in the worker's own time; returns how many it tried.

    Each is told the state of that moment, so that a phone that was away hears of the last one.
    Several workers take different phones; a crash tells one a second time, and its own script
    shows that once.
    """
    at = at or now()
    with transaction.atomic():
        found = list(
            PushSubscription.objects.select_for_update(skip_locked=True)
            .filter(next_try__lte=at)
            .order_by("next_try")[:AT_ONCE]
        )
        for row in found:
            _of(row).update(next_try=at + LEASE)
    for row in found:
        _tell(row)
    return len(found)


def _of(row: PushSubscription) -> models.QuerySet[PushSubscription]:
    return PushSubscription.objects.filter(case_id=row.case_id, mark=row.mark)


def _tell(row: PushSubscription) -> None:
    case = Case.objects.filter(pk=row.case_id).first()
    if case is None:
        _of(row).delete()
        return
    with translation.override(row.language):
        state = str(case.now.label)
    said = {"number": case.number, "state": state, "sequence": str(row.wanted)}
    outcome = push.send(row.endpoint, row.p256dh, row.auth, said, case.pk.hex)
    if outcome == Outcome.GONE:
        _of(row).delete()
    elif outcome == Outcome.TAKEN or row.tries + 1 >= MOST_TRIES:
        # What happened meanwhile is told at once; else there is nothing to tell.
        _of(row).update(told=row.wanted, tries=0)
        _of(row).filter(wanted=row.wanted).update(next_try=None)
        _of(row).filter(wanted__gt=row.wanted).update(next_try=now())
    else:
        _of(row).update(tries=F("tries") + 1, next_try=now() + FIRST_PAUSE * 2**row.tries)
