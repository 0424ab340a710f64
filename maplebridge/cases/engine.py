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
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from maplebridge.cases import (
    chain,
    deadlines,
    erasure,
    leads,
    permissions,
    reporters,
    sealed,
    shares,
    timers,
    wall,
)
from maplebridge.cases.effects import EFFECTS, GUARDS, Step
from maplebridge.cases.facts import FactsError, MissingFacts, read_facts
from maplebridge.cases.kinds import Aside, Effect, Move, registry
from maplebridge.cases.models import Assignment, Attachment, Case, Event, Feed, Payload, Seal
from maplebridge.cases.statements import OPEN_CASES
from maplebridge.lib import ids
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import SYSTEM, Actor, Role
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
    "WrittenElsewhere",
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


class WrittenElsewhere(Refused):
    """Another node holds the right to write the case; a note may be left, see `leases`."""


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
    reporter: name, phone; kept apart. about_unit: the unit it complains about, if the reporter
    said so; it is out of that unit's sight from the first moment. lon, lat: WGS-84, whatever
    `datum` they came in.
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
    about_unit: str = ""


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
        wall.see_again()
        known = [UUID(case_id) for case_id in first if UUID(case_id) not in fresh]
        numbers = _numbers(known) if known else {}
        for row in rows:
            case_id = UUID(row["id"])
            number = numbers.get(case_id, row["number"])
            receipts.append(Opened(case_id, number, row["query_code"], fresh=case_id in fresh))
            fresh.discard(case_id)
    return receipts


def _numbers(known: list[UUID]) -> dict[UUID, str]:
    with wall.standing(SYSTEM):
        return dict(Case.objects.filter(pk__in=known).values_list("pk", "number"))


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
    if opening.about_unit:
        facts["about"] = opening.about_unit
    payloads = [_said("words", dict(opening.words))] if opening.words else []
    seals = []
    if opening.reporter:
        shut = reporters.seal_part(case_id, 1, opening.reporter)
        payloads.append(_said(reporters.PART, shut.content))
        seals.append(
            {
                "key_id": shut.key_id,
                "wrapped": shut.wrapped.hex(),
                "blind": shut.blind,
                "blind_key_id": shut.blind_key_id,
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
        "about_unit": opening.about_unit,
        "move": kind.opening,
        "role": str(actor.role),
        "account_id": str(actor.account_id) if actor.account_id else None,
        "actor_unit": actor.unit_code,
        "facts": facts,
        "commitments": event.commitments,
        "key": event.key,
        "hash": hashed.hex(),
        "bucket": ids.bucket_of(case_id),
        "timers": [
            timers.timer_row(c, opening.unit_code, about_unit=opening.about_unit)
            for c in clocks
            if c.is_running
        ],
        "payloads": payloads,
        "seals": seals,
        "photos": [
            {"number": n, "sha256": p.sha256, "media_type": p.media_type, "size": p.size}
            for n, p in enumerate(opening.photos, start=1)
        ],
    }


def _said(part: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """A payload of an opening with its commitment: to what is stored, sealed or not."""
    salt = chain.fresh_salt()
    return {
        "part": part,
        "salt": salt.hex(),
        "content": content,
        "commitment": chain.commitment(salt, content),
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
    reporter: Mapping[str, Any] | None = None,
    at: dt.datetime | None = None,
) -> Event:
    """Makes a move on a case and returns its event; the same key again returns the first event.

    expected_sequence: the case's sequence when the actor looked at it; None does not ask.
    facts: by field name, as the move's `needs` declare. reporter: name and phone as they stand from
    this move on, sealed. at: for records of the past and for simulations; never before the case's
    last event.
    Raises UnknownCase, UnknownMove, KeyReused, StaleCase, NotAllowed, MoveNotPossible,
    MissingFacts or FactsError; then nothing was changed.
    """
    if not KEY.fullmatch(key):
        raise WrongKey(_("The key of a request has 1 to 120 characters, none of them unseen."))
    # What the gate allows may end beyond the actor's sight, so it is written as the system.
    with wall.standing(SYSTEM):
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None:
            raise UnknownCase(_("There is no such case."))
        events = list(Event.objects.filter(case_id=case_id).order_by("sequence"))
        made = next((event for event in events if event.key == key), None)
        if made is not None:
            if not _is_repeated(made, name, actor):
                raise KeyReused(_("This request was used for another move already."))
            return made
        _is_here(case)
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
        return _make(
            case, declared, actor, key, facts or {}, photos, reporter, at, events, assignments
        )


def aside(
    case_id: UUID,
    what: Aside,
    actor: Actor,
    *,
    key: str,
    facts: Mapping[str, Any] | None = None,
    words: Mapping[str, Any] | None = None,
    reporter: Mapping[str, Any] | None = None,
    photos: Sequence[Photo] = (),
) -> Event:
    """What happens beside the moves: who reported is corrected or erased, all is destroyed, the
    right to write goes to another node or comes back, or what was written there joins.

    Whether the actor may is asked before; only a reporter corrects, and only the own case. Nothing
    is erased before the case has ended, or while a hold stands. The same key again returns the
    first event. Raises UnknownCase, KeyReused, NotAllowed, MoveNotPossible or WrittenElsewhere;
    then nothing was changed.
    """
    if not KEY.fullmatch(key):
        raise WrongKey(_("The key of a request has 1 to 120 characters, none of them unseen."))
    with wall.standing(SYSTEM):
        case = Case.objects.select_for_update().filter(pk=case_id).first()
        if case is None or actor.reporter_of not in (None, case_id):
            raise UnknownCase(_("There is no such case."))
        events = list(Event.objects.filter(case_id=case_id).order_by("sequence"))
        made = next((event for event in events if event.key == key), None)
        if made is not None:
            if not _is_repeated(made, what, actor):
                raise KeyReused(_("This request was used for another move already."))
            return made
        if any(event.move == Aside.DESTROY for event in events):
            raise MoveNotPossible(_("This case was destroyed; there is nothing left to change."))
        known = dict(vars(case))
        at = max(now(), events[-1].at)
        if what not in (Aside.RECALL, Aside.RETURN):
            _is_here(case)
        if what == Aside.CORRECT_REPORTER:
            if actor.reporter_of != case_id:
                raise NotAllowed(_("Only whoever reported corrects that."))
        elif what in (Aside.ERASE_REPORTER, Aside.DESTROY):
            _erase(case, what, at)
        elif what in (Aside.LEND, Aside.RETURN, Aside.RECALL):
            _hand_right(case, facts or {})
        case.sequence += 1
        event = Event(
            case_id=case.pk,
            sequence=case.sequence,
            area_code=case.area_code,
            move=what,
            from_state=case.state,
            to_state=case.state,
            role=actor.role,
            account_id=actor.account_id,
            unit_code=actor.unit_code,
            facts={**(facts or {}), "unit": case.unit_code},
            key=key,
            at=at,
            previous_hash=case.last_hash,
        )
        parts = _seal(case, event, words or {}, {reporters.PART: reporter})
        _write(case, event, parts, photos, [], known)
        return event


def _is_here(case: Case) -> None:
    if case.lent_to:
        raise WrittenElsewhere(
            _("This case is written at the node of %(area)s now; leave a note, it joins later.")
            % {"area": Area.objects.filter(pk=case.lent_to).first() or case.lent_to}
        )
    if case.lent_until is not None and case.is_away(now()):
        until = case.lent_until.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")
        raise WrittenElsewhere(
            _("The time in which this node may write the case ended at %(until)s; bring it home.")
            % {"until": until}
        )


def _hand_right(case: Case, said: Mapping[str, Any]) -> None:
    """to: the area whose node may write now, empty: this one; until: for how long, if it ends."""
    case.lent_to = str(said.get("to", ""))
    until = said.get("until")
    case.lent_until = dt.datetime.fromisoformat(until) if until else None


def _erase(case: Case, what: Aside, at: dt.datetime) -> None:
    if not case.ended:
        raise MoveNotPossible(_("Nothing is erased while the matter is still being worked on."))
    if erasure.is_held(case.pk):
        raise MoveNotPossible(_("A legal hold stands on this case; nothing of it is erased."))
    if what == Aside.ERASE_REPORTER:
        erasure.erase_reporter(case.pk, at)
    else:
        erasure.erase_words(case.pk, at)
        case.lon = case.lat = case.accuracy_metres = None
        case.datum = ""


def _is_repeated(made: Event, name: str, actor: Actor) -> bool:
    """Whether the same person asks again for the move that an event tells of."""
    if actor.reporter_of not in (None, made.case_id):
        return False
    said = (name, str(actor.role), actor.account_id)
    return (made.move, made.role, made.account_id) == said


def _knows(actor: Actor, case: Case, other: UUID) -> bool:
    """Whether an actor may name another case beside this one.

    It must be seen by the actor, open or closed in the usual way, not merged away itself, no more
    confidential than this, and complain about the same unit or, like this, about none.
    """
    if actor.role == Role.SYSTEM:
        return True
    stands = Q(ended=False) | Q(closed_at__isnull=False)
    seen = Case.objects.visible_to(actor).filter(stands, pk=other, merged_into=None)
    seen = seen.filter(about_unit=case.about_unit)
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
    reporter: Mapping[str, Any] | None,
    at: dt.datetime | None,
    events: list[Event],
    assignments: list[Assignment],
) -> Event:
    """The move itself, under the case's lock: guards, effects, clocks, and the rows."""
    units = directory()
    known = dict(vars(case))
    facts, words = read_facts(declared, said, units, lambda other: _knows(actor, case, other))
    words, apart = sealed.parted(declared, words)
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
    case.ended = case.now.ended  # an effect may have taken the work out of somebody's hands
    facts["unit"] = case.unit_code  # who answers for the case after each event
    lead = None
    if Effect.UNSEAL in declared.effects:
        words |= leads.give_back(case.pk, at)
    if Effect.DESTROY_SEAL in declared.effects:
        leads.destroy(case.pk, at)
    if Effect.SEAL_OVER in declared.effects:
        lead, words = leads.close(case.pk, case.sequence + 1, words, at), {}
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
    closed = {reporters.PART: reporter, leads.PART: lead, sealed.PART: apart}
    parts = _seal(case, event, words, closed)
    case.changed_at = at
    counting.add(deadlines.happening(event))
    clocks = counting.clocks()
    clock = None if case.ended else deadlines.next_due(clocks)
    case.late = any(c.name == "dispose" and not c.was_kept(at) for c in clocks)
    case.due_at = clock.due_at if clock else None
    case.due_clock = clock.name if clock else ""
    case.due_provisional = bool(clock and clock.provisional)
    step.changed += shares.set_clocks(case, assignments)
    _write(case, event, parts, photos, step.changed, known)
    owed_now = timers.standing(case, clocks, assignments)
    timers.follow(case, owed, owed_now, clocks, assignments)
    return event


def _seal(
    case: Case,
    event: Event,
    words: Mapping[str, Any],
    closed: Mapping[str, Mapping[str, Any] | None],
) -> list[Payload | Seal]:
    """Hangs an event on the case's chain; returns what it commits to, and the seal of it.

    closed: by part, what is sealed before it is written; at most one of them.
    """
    said: list[tuple[str, Mapping[str, Any]]] = [("words", words)] if words else []
    rows: list[Payload | Seal] = []
    for part, plain in closed.items():
        if not plain:
            continue
        shut = reporters.seal_part(case.pk, event.sequence, plain, part)
        said.append((part, shut.content))
        rows.append(
            Seal(
                case_id=case.pk,
                sequence=event.sequence,
                area_code=case.area_code,
                key_id=shut.key_id,
                wrapped=shut.wrapped,
                blind=shut.blind,
                blind_key_id=shut.blind_key_id,
                made_at=event.at,
            )
        )
    for part, content in said:
        salt = chain.fresh_salt()
        event.commitments[part] = chain.commitment(salt, content)
        rows.append(
            Payload(
                case_id=case.pk,
                sequence=event.sequence,
                part=part,
                area_code=case.area_code,
                salt=salt,
                content=content,
            )
        )
    event.hash = case.last_hash = chain.event_hash(
        bytes(case.last_hash), case.pk, event.sequence, event.at, chain.core_of(event)
    )
    return rows


def _write(
    case: Case,
    event: Event,
    parts: Sequence[Payload | Seal],
    photos: Sequence[Photo],
    changed: list[Assignment],
    known: Mapping[str, Any],
) -> None:
    """The rows of one move, all of one case; known: the case's columns before it."""
    case.save(update_fields=[name for name in known if getattr(case, name) != known[name]])
    event.save(force_insert=True)
    for part in parts:
        part.save(force_insert=True)
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
