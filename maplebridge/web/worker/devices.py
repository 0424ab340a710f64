"""Which phones may keep work without a net, how one is signed off, and what points it stored."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from maplebridge.cases import wall
from maplebridge.cases.models import Case, Event
from maplebridge.lib import clock
from maplebridge.organisation import acts
from maplebridge.organisation.models import Account, Deed
from maplebridge.organisation.people import SYSTEM, Actor
from maplebridge.organisation.staff import accounts_of, may_manage
from maplebridge.web.parts import limits, sessions
from maplebridge.web.worker.models import Device

if TYPE_CHECKING:
    from django.http import HttpRequest

# Which phone a session is on, so that signing the phone off ends it.
IN_SESSION = "_outbox_device"
MOST_SHOWN = 200
POINT_DAYS = 3 * 365
# Reports made on the phone, by whatever way they were sent.
CHANNEL = "grid"


class Revoked(Exception):
    """This phone was signed off: it has to wipe what it keeps."""


@dataclass(frozen=True)
class Shown:
    """A phone of an account. is_this: the one that asks."""

    id: UUID
    words: str
    made_at: dt.datetime
    revoked_at: dt.datetime | None
    is_this: bool


@dataclass(frozen=True)
class Point:
    """A position that was stored with an act: longitude and latitude in WGS-84, metres."""

    what: str
    number: str
    at: dt.datetime
    lon: float
    lat: float
    accuracy_metres: float | None


def present(request: HttpRequest, account_id: UUID | None) -> Device | None:
    """The phone that asks, noted when it is new; None without its cookie, or signed out.

    Raises Revoked for one that was signed off. Whoever signs in on it afterwards, with password
    and all, begins anew.
    """
    known = limits.device_of(request)
    if known is None:
        return None
    rows = Device.objects.filter(mark=_mark(known.name))
    if account_id is None:
        found = list(rows)
        if found and all(row.revoked_at for row in found):
            raise Revoked
        return None
    own = list(rows.filter(account_id=account_id).order_by("made_at"))
    device = next((row for row in own if row.revoked_at is None), None)
    if device is None:
        # A session of which no request has been noted yet began with this one.
        began = request.session.get(sessions.BEGAN, clock.now().timestamp())
        if any(row.revoked_at and row.revoked_at.timestamp() >= began for row in own):
            raise Revoked
        device = _noted(request, account_id, known.name)
    if request.session.get(IN_SESSION) != str(device.pk):
        request.session[IN_SESSION] = str(device.pk)
    return device


def _noted(request: HttpRequest, account_id: UUID, name: str) -> Device:
    mark = _mark(name)
    words = sessions.device_words(request.headers.get("User-Agent", ""))
    try:
        with transaction.atomic():
            return Device.objects.create(
                account_id=account_id, mark=mark, name=words, made_at=clock.now()
            )
    except IntegrityError:  # another tab was faster
        return Device.objects.get(account_id=account_id, mark=mark, revoked_at=None)


def mine(actor: Actor, request: HttpRequest | None = None) -> list[Shown]:
    """The phones of the actor's account, the newest first."""
    return of_account(actor, actor.account_id, request) if actor.account_id else []


def of_account(actor: Actor, account_id: UUID, request: HttpRequest | None = None) -> list[Shown]:
    """The phones of an account: the own one's, or one a security officer looks after."""
    if not _may(actor, account_id):
        return []
    known = limits.device_of(request) if request is not None else None
    mark = _mark(known.name) if known else ""
    return [
        Shown(
            row.pk, row.name or _("A phone"), row.made_at, row.revoked_at,
            is_this=row.mark == mark and row.revoked_at is None,
        )
        for row in Device.objects.filter(account_id=account_id).order_by("-made_at")[:MOST_SHOWN]
    ]  # fmt: skip


def revoke(actor: Actor, device_id: UUID) -> bool:
    """Signs a phone off: it is wiped when it next meets the server, and its sessions end now.

    By its account, or by a security officer who looks after the account; that is noted. Returns
    False when there is no such phone for this actor. Again changes nothing.
    """
    device = Device.objects.filter(pk=device_id).first()
    if device is None or not _may(actor, device.account_id):
        return False
    with transaction.atomic():
        fresh = Device.objects.filter(pk=device_id, revoked_at=None).update(revoked_at=clock.now())
        if fresh:
            _end_sessions(device)
            if actor.account_id != device.account_id:
                said = {"device": str(device.pk)}
                acts.note(actor, Deed.SESSIONS_ENDED, f"account:{device.account_id}", said)
    return True


def _end_sessions(device: Device) -> None:
    for session in sessions.open_sessions(device.account_id):
        if session.get_decoded().get(IN_SESSION) == str(device.pk):
            sessions.end_sessions(device.account_id, only=session.session_key)


def _may(actor: Actor, account_id: UUID) -> bool:
    if actor.account_id == account_id:
        return True
    return may_manage(actor) and (
        Account.objects.filter(accounts_of(actor), pk=account_id).exists()
    )


def _mark(name: str) -> str:
    return hashlib.sha256(f"outbox:{name}".encode()).hexdigest()[:32]


def points(actor: Actor) -> list[Point]:
    """Every position stored with a report of this account from outside, the newest first.

    Moves carry none: the engine keeps no place of a move. At most MOST_SHOWN of three years, from
    the county of the actor's post.
    """
    if actor.account_id is None:
        return []
    own = Event.objects.filter(
        case_id=OuterRef("pk"), sequence=1, account_id=actor.account_id, role=actor.role
    )
    told: dict[str, Any] = {
        "channel": CHANNEL,
        "lon__isnull": False,
        "opened_at__gte": clock.now() - dt.timedelta(days=POINT_DAYS),
    }
    with wall.standing(SYSTEM):
        cases = Case.objects.inside(actor.area_code[:6]).filter(Exists(own), **told)
        rows = cases.order_by("-opened_at").values_list(
            "number", "opened_at", "lon", "lat", "accuracy_metres"
        )[:MOST_SHOWN]
        return [
            Point(_("Report on the spot"), number, at, lon, lat, accuracy)
            for number, at, lon, lat, accuracy in rows
            if lon is not None and lat is not None
        ]
