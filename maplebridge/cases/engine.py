"""The only place that changes a case: `open`, `load` and `move`.

Each is one transaction: the case's row, one append-only event with its payload, the unit's
shares, and the feed row from which every consequence starts. A key that was used before
changes nothing and gives back what it made the first time.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from maplebridge.cases import chain, deadlines, permissions, shares, timers
from maplebridge.cases.effects import EFFECTS, GUARDS, Step
from maplebridge.cases.facts import FactsError, MissingFacts, read_facts
from maplebridge.cases.kinds import Move, registry
from maplebridge.cases.models import Assignment, Attachment, Case, Event, Feed, Payload
from maplebridge.cases.statements import OPEN_CASES
from maplebridge.lib import ids
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.people import Actor, Role
from maplebridge.organisation.units import directory

BATCH = 500
# What a key may be: it stands in a column of 120 characters and is shown to nobody.
KEY = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
__all__ = [
    "FactsError",
    "KeyReused",
    "MissingFacts",
    "MoveNotPossible",
    "NotAllowed",
    "Opened",
    "Opening",
    "Photo",
    "Refused",
    "StaleCase",
    "UnknownCase",
    "UnknownMove",
    "WrongKey",
    "load",
    "move",
    "open",
]


class Refused(Exception):
    """A request that changes nothing; its text is a sentence for the person who asked."""


class UnknownCase(Refused):
    """No such case, or none that this actor may know of."""


class UnknownMove(Refused):
    """The kind of this case has no such move."""


class NotAllowed(Refused):
    """The actor may not make this move on this case now."""


class MoveNotPossible(Refused):
    """A guard says no."""


class StaleCase(Refused):
    """The case has moved on since the actor looked at it; `sequence` is where it stands."""

    def __init__(self, said: str, sequence: int) -> None:
        super().__init__(said)
        self.sequence = sequence


class KeyReused(Refused):
    """The idempotency key belongs to another move, or to somebody else's."""


class WrongKey(Refused):
    """The idempotency key is empty, too long, or holds characters that cannot be kept."""


@dataclass(frozen=True)
class Photo:
    """A file that lies in storage already."""

    sha256: str
    media_type: str
    size: int


@dataclass(frozen=True)
class Opening:
    """A matter being reported.

    channel, account, key: who says it; with a key the case id follows from them, so that saying
    it again finds the first. area_code: the best that is known, at least the city's.
    unit_code: the room that answers for it from the first moment. words: title, text, place.
    reporter: name, phone; kept apart. lon, lat: WGS-84, whatever `datum` they came in.
    """

    kind: str
    channel: str
    account: str
    key: str
    area_code: str
    unit_code: str
    words: Mapping[str, Any]
    reporter: Mapping[str, Any] = field(default_factory=dict)
    anonymous: bool = False
    lon: float | None = None
    lat: float | None = None
    datum: str = ""
    accuracy_metres: float | None = None
    photos: Sequence[Photo] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    actor: Actor | None = None
    at: dt.datetime | None = None
    synthetic: bool = False


@dataclass(frozen=True)
class Opened:
    """The receipt. fresh: False when the key had been used before."""

    case_id: UUID
    number: str
    query_code: str
    fresh: bool


def case_id_for(channel: str, account: str, key: str) -> UUID:
    """The id that an opening with this key has, whenever it comes."""
    if not key:
        return ids.new_id()
    return ids.keyed_id(settings.SECRET_KEY, channel, account, key)


def open(opening: Opening) -> Opened:  # noqa: A001
    """Opens a case, or finds the one that the same key opened; one statement."""
    return load([opening])[0]


def load(openings: Iterable[Opening]) -> list[Opened]:
    """Opens many cases, in batches of one statement each; receipts in the order given."""
    receipts: list[Opened] = []
    for batch in _batches(openings):
        rows = rows_of(batch)
        first = {row["id"]: row for row in reversed(rows)}
        with connection.cursor() as cursor:
            # In one order everywhere, so that two batches of the same keys cannot block each other.
            cursor.execute(OPEN_CASES, [json.dumps(sorted(first.values(), key=itemgetter("id")))])
            fresh = {UUID(str(found[0])) for found in cursor.fetchall()}
        known = [UUID(case_id) for case_id in first if UUID(case_id) not in fresh]
        numbers = (
            dict(Case.objects.filter(pk__in=known).values_list("pk", "number")) if known else {}
        )
        for row in rows:
            case_id = UUID(row["id"])
            number = numbers.get(case_id, row["number"])
            receipts.append(Opened(case_id, number, row["query_code"], fresh=case_id in fresh))
            fresh.discard(case_id)
    return receipts


def rows_of(openings: Iterable[Opening]) -> list[dict[str, Any]]:
    """What the opening statement writes for each opening, as JSON values; nothing is written."""
    return [_opening_row(opening) for opening in openings]


def _batches(openings: Iterable[Opening]) -> Iterable[list[Opening]]:
    batch: list[Opening] = []
    for opening in openings:
        batch.append(opening)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _opening_row(opening: Opening) -> dict[str, Any]:
    """Everything the opening statement writes for one case, as JSON values."""
    if opening.key and not KEY.fullmatch(opening.key):
        raise WrongKey(_("The key of a request has 1 to 120 characters, none of them unseen."))
    kind = registry.latest(opening.kind)
    state = kind.state(kind.initial)
    at = opening.at or now()
    case_id = case_id_for(opening.channel, opening.account, opening.key)
    actor = opening.actor or Actor(role=Role.RESIDENT)
    sla_class = opening.facts.get("sla_class", "S4")
    edition = deadlines.edition_on(at)
    facts = {
        **opening.facts,
        "editions": {deadlines.DURATIONS.name: edition},
        "sla_class": sla_class,
        "channel": opening.channel,
        "area_code": opening.area_code,
        "unit": opening.unit_code,
        "photos": [photo.sha256 for photo in opening.photos],
    }
    payloads = []
    for part, content in (("words", opening.words), ("reporter", opening.reporter)):
        if content:
            salt = chain.fresh_salt()
            payloads.append(
                {
                    "part": part,
                    "salt": salt.hex(),
                    "content": dict(content),
                    "commitment": chain.commitment(salt, dict(content)),
                }
            )
    happened = deadlines.Happening(at, kind.opening, state.name, facts)
    clocks = deadlines.fold(kind, [happened], deadlines.durations(edition), deadlines.hours_of)
    clock = deadlines.next_due(clocks)
    event = Event(
        case_id=case_id,
        sequence=1,
        area_code=opening.area_code,
        move=kind.opening,
        from_state="",
        to_state=state.name,
        role=actor.role,
        account_id=actor.account_id,
        unit_code=actor.unit_code,
        facts=facts,
        commitments={p["part"]: p["commitment"] for p in payloads},
        key=opening.key or str(case_id),
        at=at,
    )
    hashed = chain.event_hash(chain.START, case_id, 1, at, chain.core_of(event))
    return {
        "id": str(case_id),
        "area_code": opening.area_code,
        "kind": kind.name,
        "kind_version": kind.version,
        "number": ids.case_number(opening.area_code, local_day(at).strftime("%Y%m%d"), case_id),
        "query_code": ids.query_code(settings.SECRET_KEY, case_id),
        "state": state.name,
        "channel": opening.channel,
        "anonymous": opening.anonymous,
        "at": at.isoformat(),
        "unit_code": opening.unit_code,
        "sla_class": sla_class,
        "category": opening.facts.get("category", ""),
        "line": opening.facts.get("line", ""),
        "confidentiality": opening.facts.get("confidentiality", "C1"),
        "lon": opening.lon,
        "lat": opening.lat,
        "datum": opening.datum,
        "accuracy_metres": opening.accuracy_metres,
        "due_at": clock.due_at.isoformat() if clock else None,
        "due_clock": clock.name if clock else "",
        "due_provisional": clock.provisional if clock else False,
        "synthetic": opening.synthetic,
        "move": kind.opening,
        "role": str(actor.role),
        "account_id": str(actor.account_id) if actor.account_id else None,
        "actor_unit": actor.unit_code,
        "facts": facts,
        "commitments": event.commitments,
        "key": event.key,
        "hash": hashed.hex(),
        "bucket": ids.bucket_of(case_id),
        "timers": [timers.timer_row(c, opening.unit_code) for c in clocks if c.is_running],
        "payloads": payloads,
        "photos": [
            {"number": n, "sha256": p.sha256, "media_type": p.media_type, "size": p.size}
            for n, p in enumerate(opening.photos, start=1)
        ],
    }


def move(
    case_id: UUID,
    name: str,
    actor: Actor,
    *,
    key: str,
    expected_sequence: int | None = None,
    facts: Mapping[str, Any] | None = None,
    photos: Sequence[Photo] = (),
    at: dt.datetime | None = None,
) -> Event:
    """Makes a move on a case and returns its event; the same key again returns the first event.

    expected_sequence: the case's sequence when the actor looked at it; None does not ask.
    facts: by field name, as the move's `needs` declare. at: for records of the past and for
    simulations; never before the case's last event.
    Raises UnknownCase, UnknownMove, KeyReused, StaleCase, NotAllowed, MoveNotPossible,
    MissingFacts or FactsError; then nothing was changed.
    """
    if not KEY.fullmatch(key):
        raise WrongKey(_("The key of a request has 1 to 120 characters, none of them unseen."))
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None:
            raise UnknownCase(_("There is no such case."))
        events = list(Event.objects.filter(case_id=case_id).order_by("sequence"))
        made = next((event for event in events if event.key == key), None)
        if made is not None:
            if not _is_repeated(made, name, actor):
                raise KeyReused(_("This request was used for another move already."))
            return made
        declared = case.pinned_kind.move(name)
        if declared is None:
            raise UnknownMove(_("This kind of case has no move %(name)s.") % {"name": name})
        if expected_sequence is not None and expected_sequence != case.sequence:
            raise StaleCase(
                _("Somebody moved this case meanwhile; look at it again before you decide."),
                case.sequence,
            )
        assignments = list(Assignment.objects.filter(case_id=case_id).order_by("number"))
        if not permissions.may(actor, declared, case, assignments):
            raise NotAllowed(
                _("%(move)s is not possible here: the case is %(state)s and held by %(unit)s.")
                % {
                    "move": declared.label,
                    "state": case.now.label,
                    "unit": _unit_name(case.unit_code),
                }
            )
        return _make(case, declared, actor, key, facts or {}, photos, at, events, assignments)


def _is_repeated(made: Event, name: str, actor: Actor) -> bool:
    """Whether the same person asks again for the move that an event tells of."""
    if actor.reporter_of not in (None, made.case_id):
        return False
    said = (name, str(actor.role), actor.account_id)
    return (made.move, made.role, made.account_id) == said


def _knows(actor: Actor, case: Case, other: UUID) -> bool:
    """Whether an actor may name another case beside this one.

    It must be seen by the actor, open or closed in the usual way, not merged away itself, and no
    more confidential than this.
    """
    if actor.role == Role.SYSTEM:
        return True
    stands = Q(ended=False) | Q(closed_at__isnull=False)
    seen = Case.objects.visible_to(actor).filter(stands, pk=other, merged_into=None)
    return seen.filter(confidentiality__lte=case.confidentiality).exists()


def _unit_name(code: str) -> str:
    units = directory()
    return units.unit(code).name if code in units else code


def _make(
    case: Case,
    declared: Move,
    actor: Actor,
    key: str,
    said: Mapping[str, Any],
    photos: Sequence[Photo],
    at: dt.datetime | None,
    events: list[Event],
    assignments: list[Assignment],
) -> Event:
    """The move itself, under the case's lock: guards, effects, clocks, and the rows."""
    units = directory()
    known = dict(vars(case))
    facts, words = read_facts(declared, said, units, lambda other: _knows(actor, case, other))
    at = max(at or now(), events[-1].at)
    counting = deadlines.counting(case, events)
    before = counting.clocks()
    owed = {} if declared.recounts else timers.known(case, before, assignments)
    step = Step(
        case,
        declared,
        actor,
        facts,
        at,
        units,
        assignments,
        due={c.name: c.due_at for c in before if c.ended_at is None}.get,
        allows=lambda clock: deadlines.allowed(case, clock),
    )
    for guard in declared.guards:
        sentence = GUARDS[guard](step)
        if sentence is not None:
            raise MoveNotPossible(sentence)
    from_state = case.state
    if declared.target is not None:
        case.state = declared.target
        case.ended = case.now.ended
    for effect in declared.effects:
        EFFECTS[effect](step)
    if photos:
        facts["photos"] = [photo.sha256 for photo in photos]
    facts["unit"] = case.unit_code  # who answers for the case after each event
    case.sequence += 1
    event = Event(
        case_id=case.pk,
        sequence=case.sequence,
        area_code=case.area_code,
        move=declared.name,
        from_state=from_state,
        to_state=case.state,
        role=actor.role,
        account_id=actor.account_id,
        unit_code=actor.unit_code,
        facts=facts,
        key=key,
        at=at,
        previous_hash=case.last_hash,
    )
    payload = _seal(case, event, words)
    case.changed_at = at
    counting.add(deadlines.happening(event))
    clocks = counting.clocks()
    clock = None if case.ended else deadlines.next_due(clocks)
    case.late = any(c.name == "dispose" and not c.was_kept(at) for c in clocks)
    case.due_at = clock.due_at if clock else None
    case.due_clock = clock.name if clock else ""
    case.due_provisional = bool(clock and clock.provisional)
    step.changed += shares.set_clocks(case, assignments)
    _write(case, event, payload, photos, step.changed, known)
    owed_now = timers.standing(case, clocks, assignments)
    timers.follow(case, owed, owed_now, clocks, assignments)
    return event


def _seal(case: Case, event: Event, words: Mapping[str, Any]) -> Payload | None:
    """Hangs an event on the case's chain; returns its free words, which it commits to."""
    payload = None
    if words:
        salt = chain.fresh_salt()
        event.commitments = {"words": chain.commitment(salt, words)}
        payload = Payload(
            case_id=case.pk,
            sequence=event.sequence,
            part="words",
            area_code=case.area_code,
            salt=salt,
            content=words,
        )
    event.hash = case.last_hash = chain.event_hash(
        bytes(case.last_hash), case.pk, event.sequence, event.at, chain.core_of(event)
    )
    return payload


def _write(
    case: Case,
    event: Event,
    payload: Payload | None,
    photos: Sequence[Photo],
    changed: list[Assignment],
    known: Mapping[str, Any],
) -> None:
    """The rows of one move, all of one case; known: the case's columns before it."""
    case.save(update_fields=[name for name in known if getattr(case, name) != known[name]])
    event.save(force_insert=True)
    if payload is not None:
        payload.save(force_insert=True)
    if photos:
        there = Attachment.objects.filter(case_id=case.pk).count()
        Attachment.objects.bulk_create(
            Attachment(
                case_id=case.pk,
                number=there + n,
                area_code=case.area_code,
                sequence=event.sequence,
                sha256=photo.sha256,
                media_type=photo.media_type,
                size=photo.size,
            )
            for n, photo in enumerate(photos, start=1)
        )
    if changed:
        Assignment.objects.bulk_create(
            {share.number: share for share in changed}.values(),
            update_conflicts=True,
            unique_fields=["case_id", "number"],
            update_fields=["progress", "since", "ended_at", "due_at", "due_clock", "rating"],
        )
    Feed(
        case_id=case.pk,
        sequence=event.sequence,
        area_code=case.area_code,
        bucket=ids.bucket_of(case.pk),
        kind=case.kind,
        move=event.move,
        to_state=event.to_state,
        at=event.at,
    ).save(force_insert=True)
