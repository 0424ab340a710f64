"""The log of acts: who let whom in, set up what, or signed in; nobody can change or skip it.

Source: GB/T 22239-2019, 8.1.4.3 and 8.1.5.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q

from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Account, Act, Deed
from maplebridge.organisation.people import Actor, Role

START = bytes(32)
# Any number will do, as long as everybody who adds a row takes the same.
LOCK = 330_803
LOCK_OUT_MINUTES = 10


def note(
    actor: Actor, deed: Deed, on: str, facts: Mapping[str, Any] | None = None, *, done: bool = True
) -> Act:
    """Adds an act to the log, in the transaction of the act itself.

    on: what it was done to, like "account:<id>" or "table:categories:3". facts: codes and numbers.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        last = Act.objects.order_by("-number").values("number", "hash").first()
        act = Act(
            number=last["number"] + 1 if last else 1,
            at=now(),
            account_id=actor.account_id,
            role=actor.role,
            unit_code=actor.unit_code,
            area_code=actor.area_code,
            deed=deed,
            on=on[:120],
            done=done,
            facts=dict(facts or {}),
            previous_hash=bytes(last["hash"]) if last else START,
        )
        act.hash = digest(act)
        act.save(force_insert=True)
    return act


def note_sign_in(account: Account | None, *, done: bool, by: str) -> None:
    """Adds that somebody signed in, or could not; by: "password", "codes", "passkey", "provider".

    Of a login name that nobody has nothing is kept.
    """
    if account is None:
        return
    who = Actor(role=Role.SYSTEM, account_id=account.pk)
    deed = Deed.SIGNED_IN if done else Deed.SIGN_IN_FAILED
    note(who, deed, f"account:{account.pk}", {"by": by}, done=done)


def note_lock_out(login: str, *, by: str) -> None:
    """Adds that an account had no try left; once in LOCK_OUT_MINUTES, however often it is tried."""
    account = Account.objects.filter(username=login).first()
    since = now() - dt.timedelta(minutes=LOCK_OUT_MINUTES)
    if (
        account is None
        or Act.objects.filter(account_id=account.pk, deed=Deed.LOCKED_OUT, at__gt=since).exists()
    ):
        return
    who = Actor(role=Role.SYSTEM, account_id=account.pk)
    note(who, Deed.LOCKED_OUT, f"account:{account.pk}", {"by": by}, done=False)


def digest(act: Act) -> bytes:
    """SHA-256 over a row and the hash of the row before."""
    core = [
        act.number,
        act.at.astimezone(dt.UTC).isoformat(),
        str(act.account_id or ""),
        str(act.role),
        act.unit_code,
        act.area_code,
        str(act.deed),
        act.on,
        act.done,
        act.facts,
    ]
    said = json.dumps(core, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(bytes(act.previous_hash) + said.encode()).digest()


def broken(acts: Iterable[Act]) -> list[int]:
    """Numbers of the acts, in their order, that were changed or stand behind a missing one."""
    wrong = []
    before, number = START, 0
    for act in acts:
        fits = act.number == number + 1 and bytes(act.previous_hash) == before
        if not fits or bytes(act.hash) != digest(act):
            wrong.append(act.number)
        before, number = bytes(act.hash), act.number
    return wrong


def seen_by(actor: Actor) -> Q:
    """The condition under which an auditor sees an act: done in the auditor's area, or under no
    post at all; nobody else sees any."""
    if actor.role != Role.AUDITOR or not actor.area_code:
        return Q(pk__in=[])
    code = actor.area_code
    inside = Q(area_code__gte=code, area_code__lt=code[:-1] + chr(ord(code[-1]) + 1))
    return inside | Q(area_code="")


def last_sign_ins(accounts: Iterable[UUID]) -> dict[UUID, dt.date]:
    """The last day on which each account signed in; only for closing what nobody uses."""
    rows = Act.objects.filter(account_id__in=list(accounts), deed=Deed.SIGNED_IN)
    last = rows.order_by().values_list("account_id").annotate(Max("at"))
    return {account_id: local_day(at) for account_id, at in last if account_id is not None}
