"""Who is on duty: the shifts of a unit's posts, the gaps between them, and what one hands over.

A roster of posts at work. It counts no hours and says nothing of any person. What a shift leaves
open is written down when it ends, and taken over by somebody else.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.lib.text import normalise, printable
from maplebridge.organisation import calendar
from maplebridge.organisation.areas import LENGTHS
from maplebridge.organisation.calendar import Hours, Stretch
from maplebridge.organisation.models import Post, Shift, ShiftNote
from maplebridge.organisation.people import OFFICERS, Actor, Role
from maplebridge.organisation.units import ROOMS, UnknownUnit, directory

# Posts at a desk that somebody has to keep.
AT_A_DESK = frozenset({Role.CLERK, Role.DISPATCHER, Role.STATION, Role.OFFICER})
PLANNING = AT_A_DESK | {Role.LEADER}
LONGEST = dt.timedelta(hours=36)
MOST_DAYS = 31
LOOKED_AHEAD = dt.timedelta(days=7)
# A note may be written so long before the end, and is asked for so long after it.
BEFORE_THE_END = dt.timedelta(hours=1)
ASKED_FOR = dt.timedelta(days=3)
LONGEST_WORDS = 2000
# Shorter gaps are the moments in which one gets up and another sits down.
SHORTEST_GAP = dt.timedelta(minutes=1)


class RosterRefused(ValueError):
    """It cannot be planned or handed over so; `problems` gives a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class OnDuty:
    """A post on duty, from when until when, and the telephone of its desk."""

    unit_code: str
    post_code: str
    title: str
    role: Role
    begins_at: dt.datetime
    ends_at: dt.datetime
    desk_phone: str
    shift_id: UUID


def may_read(actor: Actor) -> bool:
    """Whether an actor reads the roster and the notes of the own unit: not the three officers."""
    return actor.role not in OFFICERS and bool(actor.unit_code) and actor.account_id is not None


def may_plan(actor: Actor) -> bool:
    """Whether an actor plans the roster of the own unit."""
    return actor.role in PLANNING and bool(actor.unit_code) and actor.account_id is not None


def may_hand_over(actor: Actor) -> bool:
    """Whether an actor writes and takes over what a shift of the own unit hands on."""
    return actor.role in AT_A_DESK and bool(actor.unit_code) and actor.account_id is not None


def takes_calls(actor: Actor) -> bool:
    """Whether an actor takes calls of 12345: clerks and dispatchers of a room or centre."""
    if actor.role not in (Role.CLERK, Role.DISPATCHER) or actor.account_id is None:
        return False
    try:
        return directory().unit(actor.unit_code).kind in ROOMS
    except UnknownUnit:
        return False


def on_duty(unit_code: str, at: dt.datetime) -> list[OnDuty]:
    """Which posts of a unit are on duty at a moment, the longest there first; one statement."""
    return _shown(_standing(unit_code).filter(begins_at__lte=at, ends_at__gt=at))


def shifts(unit_code: str, since: dt.datetime, until: dt.datetime) -> list[OnDuty]:
    """The shifts of a unit that touch a time, in their order; one statement."""
    return _shown(_standing(unit_code).filter(ends_at__gt=since, begins_at__lt=until))


def rooms_on_duty(area_code: str, at: dt.datetime) -> list[tuple[str, list[OnDuty]]]:
    """The rooms of an area and of those right below it, by code, with who is on duty in each.

    One statement.
    """
    below = [length for length in LENGTHS if length >= len(area_code)][:2]
    rooms = [
        unit.code
        for unit in directory().all()
        if unit.kind in ROOMS
        and unit.area_code.startswith(area_code)
        and len(unit.area_code) in below
    ]
    found: dict[str, list[OnDuty]] = {code: [] for code in rooms}
    rows = Shift.objects.filter(
        unit_code__in=rooms, begins_at__lte=at, ends_at__gt=at, taken_back_at=None
    )
    for each in _shown(rows):
        found[each.unit_code].append(each)
    return list(found.items())


def _standing(unit_code: str) -> QuerySet[Shift]:
    return Shift.objects.filter(unit_code=unit_code, taken_back_at=None)


def _shown(rows: QuerySet[Shift]) -> list[OnDuty]:
    return [
        OnDuty(
            row.unit_code,
            row.post_id,
            row.post.title,
            Role(row.post.role),
            row.begins_at,
            row.ends_at,
            row.desk_phone,
            row.pk,
        )
        for row in rows.select_related("post").order_by("begins_at", "post_id")
    ]


def gaps(unit_code: str, since: dt.datetime, length: dt.timedelta = LOOKED_AHEAD) -> list[Stretch]:
    """When nobody is on duty although the unit is open, in order; one statement.

    A unit that never closes is open on every day, a holiday too; another one in its hours of the
    working calendar. Shorter than a minute counts as none. Times are aware, in China's zone.
    """
    until = since + length
    taken = [(each.begins_at, each.ends_at) for each in shifts(unit_code, since, until)]
    try:
        hours = directory().unit(unit_code).hours
    except UnknownUnit:
        return []
    found: list[Stretch] = []
    for opens, closes in _open(hours, since, until):
        found += _uncovered(opens, closes, taken)
    return found


def _open(hours: Hours, since: dt.datetime, until: dt.datetime) -> list[Stretch]:
    if hours.around_the_clock:
        return [(since.astimezone(CHINA), until.astimezone(CHINA))]
    known, day, found = calendar.in_force(), local_day(since), []
    while day <= local_day(until):
        for opens, closes in known.opened(day, hours):
            first, last = max(opens, since), min(closes, until)
            if first < last:
                found.append((first.astimezone(CHINA), last.astimezone(CHINA)))
        day += dt.timedelta(days=1)
    return found


def _uncovered(
    opens: dt.datetime, closes: dt.datetime, taken: Sequence[tuple[dt.datetime, dt.datetime]]
) -> list[Stretch]:
    """What of one open time no shift covers. taken: in the order of their beginnings."""
    found: list[Stretch] = []
    at = opens
    for begins, ends in taken:
        if ends <= at:
            continue
        if begins >= closes:
            break
        if begins - at >= SHORTEST_GAP:
            found.append((at, begins.astimezone(CHINA)))
        at = max(at, ends.astimezone(CHINA))
    if closes - at >= SHORTEST_GAP:
        found.append((at, closes))
    return found


def plan(
    actor: Actor,
    post_code: str,
    begins_at: dt.datetime | None,
    ends_at: dt.datetime | None,
    *,
    key: str,
    desk_phone: str = "",
    days: int = 1,
) -> int:
    """Plans a shift of the actor's own unit, or one at the same time on each of several days.

    key: the form's; the same again plans nothing more. Returns how many there are now of it.
    Raises RosterRefused with a sentence for each field that cannot be used.
    """
    problems: dict[str, str] = {}
    post = Post.objects.filter(pk=post_code, unit_id=actor.unit_code).first()
    if not may_plan(actor) or post is None:
        problems["post"] = _("Please choose a post of your own unit.")
    if begins_at is None or ends_at is None:
        problems["begins_at"] = _("Please say when the shift begins and when it ends.")
    elif ends_at <= begins_at:
        problems["ends_at"] = _("The shift ends before it begins.")
    elif ends_at - begins_at > LONGEST:
        problems["ends_at"] = _("A shift is at most %(n)d hours long.") % {
            "n": LONGEST // dt.timedelta(hours=1)
        }
    if not 1 <= days <= MOST_DAYS:
        problems["days"] = _("It can be planned for 1 to %(n)d days at once.") % {"n": MOST_DAYS}
    phone = normalise(desk_phone)
    if len(phone) > 24:
        problems["desk_phone"] = _("This is too long for a telephone number.")
    if problems or post is None or begins_at is None or ends_at is None:
        raise RosterRefused(problems)
    made = [
        Shift(
            pk=uuid.uuid5(uuid.NAMESPACE_OID, f"shift {actor.account_id} {key} {n}"),
            unit_code=actor.unit_code,
            post=post,
            begins_at=begins_at + dt.timedelta(days=n),
            ends_at=ends_at + dt.timedelta(days=n),
            desk_phone=phone,
            made_by=actor.account_id,
            made_at=now(),
        )
        for n in range(days)
    ]
    Shift.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def take_back(actor: Actor, shift_id: UUID) -> bool:
    """Takes a planned shift of the own unit back; False when there is none that has not begun."""
    if not may_plan(actor):
        return False
    at = now()
    found = _standing(actor.unit_code).filter(pk=shift_id, begins_at__gt=at)
    return bool(found.update(taken_back_by=actor.account_id, taken_back_at=at))


@dataclass(frozen=True)
class Change:
    """A shift and what it hands over. note: None until it is written."""

    shift: Shift
    note: ShiftNote | None

    @property
    def is_taken(self) -> bool:
        """Whether somebody has taken it over."""
        return self.note is not None and self.note.taken_at is not None


def changes(unit_code: str, at: dt.datetime) -> list[Change]:
    """The shifts of a unit that end soon or ended lately, the latest first; one statement."""
    rows = (
        _standing(unit_code)
        .filter(ends_at__gt=at - ASKED_FOR, ends_at__lte=at + BEFORE_THE_END, begins_at__lte=at)
        .select_related("post", "note")
        .order_by("-ends_at", "post_id")
    )
    return [Change(row, getattr(row, "note", None)) for row in rows]


def unfinished(unit_code: str, at: dt.datetime) -> list[Change]:
    """Those of the changes that nobody has written or taken over yet."""
    return [change for change in changes(unit_code, at) if not change.is_taken]


def write_note(actor: Actor, shift_id: UUID, words: str, matters: Collection[UUID]) -> ShiftNote:
    """Writes what a shift hands over; may be written anew until somebody has taken it.

    matters: the cases to be watched, which the writer sees. Raises RosterRefused.
    """
    said = printable(words)
    if len(said) > LONGEST_WORDS:
        raise RosterRefused(
            {
                "words": _(
                    "The text has %(n)d characters; at most %(most)d are kept. Please shorten it."
                )
                % {"n": len(said), "most": LONGEST_WORDS}
            }
        )
    with transaction.atomic():
        change = _change(actor, shift_id)
        if change.is_taken:
            raise RosterRefused({"words": _("This note was taken over already; nothing changed.")})
        values = {
            "unit_code": actor.unit_code,
            "matters": sorted(matters),
            "words": said,
            "written_by": actor.account_id,
            "written_at": now(),
        }
        note, _made = ShiftNote.objects.update_or_create(shift=change.shift, defaults=values)
    return note


def take_note(actor: Actor, shift_id: UUID) -> ShiftNote:
    """Takes over what a shift hands on; by somebody other than who wrote it. Again changes nothing.

    Raises RosterRefused.
    """
    with transaction.atomic():
        change = _change(actor, shift_id)
        note = change.note
        if note is None:
            raise RosterRefused({"words": _("Nothing has been written for this shift yet.")})
        if note.taken_at is not None:
            return note
        if note.written_by == actor.account_id:
            raise RosterRefused(
                {"words": _("Who wrote a note cannot take it over, too; the next shift does.")}
            )
        note.taken_by, note.taken_at = actor.account_id, now()
        note.save(update_fields=["taken_by", "taken_at"])
    return note


def _change(actor: Actor, shift_id: UUID) -> Change:
    """A shift of the actor's unit that may hand over now, locked. Raises RosterRefused."""
    at = now()
    shift = None
    if may_hand_over(actor):
        found = _standing(actor.unit_code).select_for_update().filter(pk=shift_id)
        shift = found.filter(ends_at__lte=at + BEFORE_THE_END).first()
    if shift is None:
        raise RosterRefused({"words": _("There is no shift of your unit to hand over now.")})
    return Change(shift, ShiftNote.objects.filter(pk=shift.pk).first())
