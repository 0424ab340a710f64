"""What the grid worker's pages show: the own grid, its tasks, and the moves that fit a phone."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from maplebridge.cases import deadlines, reading
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.kinds import FREE
from maplebridge.cases.models import Assignment, Attachment, Case, Event, Payload
from maplebridge.journey.models import Category
from maplebridge.lib import clock
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import Actor, Role
from maplebridge.web.parts import moves, words
from maplebridge.web.parts.desk import post_name

# Posts that work outside, with a telephone in the hand.
OUTSIDE = frozenset({Role.GRID_WORKER, Role.STATION})
# What can be done standing in the street, in the order of its buttons.
FITS_A_PHONE = (
    "sign_for", "handle_on_spot", "feedback", "verify_pass", "verify_fail", "pre_verify", "attend",
    "finish_assist", "log_progress", "log", "return_back",
)  # fmt: skip
# Where and what may be settled on the spot. Source: domain guide, 2.2, row 2.
SPOT, SPOT_CLASS = ("reported", "accepted"), "S2"
MAIN = frozenset({"sign_for", "handle_on_spot", "feedback", "verify_pass", "attend"})
# So many tasks are carried on a phone, the most pressing first.
MOST_TASKS = 40
MOST_TOLD = 8
KEPT_HOURS = 72
# What a grid worker meets most: a tap says it. Source: domain guide, section 3.
SHORTCUTS = ("0901", "0902", "0301", "0502", "1001", "1002", "0905", "0303")
# 金龙村村民委员会 is said 金龙村, 东门社区居民委员会 is said 东门社区.
COMMITTEE = re.compile(r"(村民|居民)委员会$")
# The drawing of the grid: its longer side, and the edge around it.
SIDE, EDGE = 320.0, 14.0
FEWEST_METRES = 1e-5


@dataclass(frozen=True)
class PhoneField(moves.DrawnField):
    """A field of a move; its anchor is its own among several forms of one page."""

    move: str = ""

    @property
    def anchor(self) -> str:
        """The id of its input on the page."""
        return f"f-{self.move}-{self.name}"

    @property
    def alone(self) -> list[PhoneField]:
        """Itself, for the part of a page that draws a list of fields."""
        return [self]


@dataclass(frozen=True)
class PhoneMove:
    """A move with its form. empty_note: whether “nothing found” is offered as a note."""

    name: str
    label: str
    tone: str
    fields: list[PhoneField]
    empty_note: str = ""


@dataclass(frozen=True)
class RunningClock:
    """A clock that runs, with its name, how it stands, and why it ends then."""

    label: str
    sign: words.Sign
    said: list[str]


@dataclass(frozen=True)
class Told:
    """One thing that happened, as far as this reader may know it."""

    at: dt.datetime
    label: str
    by: str
    said: list[tuple[str, str]] = field(default_factory=list)
    photos: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A case that waits for this post, ready for a row and for its page.

    is_mine: it waits for this unit; else it may be settled on the spot. is_secret: no word of it
    stands in a list or stays on a phone. pin: its number on the drawing.
    """

    case: Case
    title: str
    text: str
    place: str
    place_words: str
    category: str
    is_mine: bool
    is_secret: bool
    is_masked: bool
    hides_photos: bool
    asked: Assignment | None
    photos: list[Attachment]
    clocks: list[RunningClock]
    moves: list[PhoneMove]
    told: list[Told]
    pin: int = 0


@dataclass(frozen=True)
class Pin:
    """A task on the drawing: where its mark stands, and its number in the list."""

    number: int
    x: float
    y: float
    tone: str
    case_id: UUID


@dataclass(frozen=True)
class Drawing:
    """A grid's outline as a path of a drawing of `width` by `height`, with its tasks."""

    width: float
    height: float
    path: str
    pins: list[Pin]


def is_outside(actor: Actor) -> bool:
    """Whether these pages are made for a post: grid workers and village stations."""
    return actor.role in OUTSIDE


def keeper_of(actor: Actor) -> str:
    """Whose tasks and outbox a phone keeps: the account under this post, told apart, no more."""
    said = f"{actor.account_id}:{post_name(actor)}"
    return hashlib.sha256(said.encode()).hexdigest()[:24]


def open_cases(actor: Actor) -> list[Case]:
    """What waits for the actor, was asked of its unit or can be settled on the spot in its area.

    The most pressing first; what was waited for stands before what can be settled.
    """
    seen = Case.objects.visible_to(actor)
    on_the_spot = seen.open().inside(actor.area_code).filter(state__in=SPOT, sla_class=SPOT_CLASS)
    found: dict[UUID, Case] = {}
    for cases in (seen.waiting_for(actor), seen.asked_of(actor), on_the_spot):
        ordered = cases.order_by(F("due_at").asc(nulls_last=True), "id")
        for case in ordered[: MOST_TASKS - len(found)]:
            found.setdefault(case.pk, case)
    last = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(found.values(), key=lambda case: (case.due_at or last, case.pk))


def tasks_of(actor: Actor, cases: Sequence[Case]) -> list[Task]:
    """The tasks with all that their pages show: eight statements, however many they are."""
    ids = [case.pk for case in cases]
    events: dict[UUID, list[Event]] = defaultdict(list)
    for event in Event.objects.filter(case_id__in=ids).order_by("case_id", "sequence"):
        events[event.case_id].append(event)
    said: dict[UUID, dict[int, dict[str, Any]]] = defaultdict(dict)
    for payload in Payload.objects.filter(case_id__in=ids, part="words"):
        said[payload.case_id][payload.sequence] = payload.content or {}
    shares: dict[UUID, list[Assignment]] = defaultdict(list)
    for share in Assignment.objects.filter(case_id__in=ids).order_by("case_id", "number"):
        shares[share.case_id].append(share)
    photos: dict[UUID, list[Attachment]] = defaultdict(list)
    for photo in Attachment.objects.filter(case_id__in=ids).order_by("case_id", "number"):
        photos[photo.case_id].append(photo)
    read = reading.readings(actor, cases)
    names = _area_names(case.area_code for case in cases)
    categories = Category.objects.in_bulk({case.category for case in cases if case.category})
    shown: list[Task] = []
    pin = 0
    for case in cases:
        has_pin = case.lon is not None and not is_secret(case)
        pin += has_pin
        category = categories.get(case.category)
        shown.append(
            _task(
                actor, case, events[case.pk], said[case.pk], shares[case.pk], photos[case.pk],
                read[case.pk], names, category.shown_name if category else "",
                pin if has_pin else 0,
            )
        )  # fmt: skip
    return shown


def is_secret(case: Case) -> bool:
    """Whether no word of a case stands in a list or is kept on a phone."""
    return case.confidentiality == Confidentiality.C2


def shows_photos(event: Event, read: reading.Reading) -> bool:
    """Whether a viewer sees the photos of an event: of a masked case not those of its reporter."""
    return not (read.masked_photos and (event.sequence == 1 or reading.is_of_reporter(event.role)))


def _task(
    actor: Actor,
    case: Case,
    events: list[Event],
    said: Mapping[int, Mapping[str, Any]],
    shares: list[Assignment],
    photos: list[Attachment],
    read: reading.Reading,
    names: Mapping[str, str],
    category: str,
    pin: int,
) -> Task:
    own = said.get(1, {})
    text = read.words(str(own.get("text", "")))
    # Masked before it is cut: half a telephone number would not be known for one.
    title = read.words(str(own.get("title") or "")) or words.first_words(text, 40)
    owed = [share for share in shares if share.unit_code == actor.unit_code and share.due_at]
    first = [photo for photo in photos if photo.sequence == 1]
    return Task(
        case=case,
        title=title or _("(the words were erased)"),
        text=text,
        place=names.get(case.area_code, ""),
        place_words=read.words(str(own.get("place", ""))),
        category=category or _("Not sorted yet"),
        is_mine=bool(owed) or case.unit_code == actor.unit_code or case.state not in SPOT,
        is_secret=is_secret(case),
        is_masked=not read.full,
        hides_photos=bool(first) and read.masked_photos,
        asked=owed[-1] if owed else None,
        photos=[] if read.masked_photos else first,
        clocks=_clocks(case, events),
        moves=_moves(actor, case, shares),
        told=_told(case, events, said, photos, read),
        pin=pin,
    )


def _clocks(case: Case, events: list[Event]) -> list[RunningClock]:
    now = clock.now()
    shown = []
    for running in deadlines.clocks_of(case, events):
        if running.ended_at is not None:
            continue
        sign = (
            words.Sign(_("Clock paused"), "stone", "pause", running.due_at)
            if running.paused
            else words.due_sign(running.due_at, now)
        )
        shown.append(
            RunningClock(deadlines.label(running.name), sign, list(deadlines.explain(running)))
        )
    return shown


def _moves(actor: Actor, case: Case, shares: list[Assignment]) -> list[PhoneMove]:
    fitting = [m for m in moves.offered(actor, case, shares) if m.name in FITS_A_PHONE]
    shown = []
    for move in sorted(fitting, key=lambda each: FITS_A_PHONE.index(each.name)):
        tone = "grave" if move.name in moves.GRAVE else "main" if move.name in MAIN else ""
        fields = [PhoneField(**vars(f), move=move.name) for f in moves.draw(move, case, actor)]
        empty = _("Nothing found.") if move.name == "log" else ""
        shown.append(PhoneMove(move.name, str(move.label), tone, fields, empty))
    return shown


def _told(
    case: Case,
    events: list[Event],
    said: Mapping[int, Mapping[str, Any]],
    photos: list[Attachment],
    read: reading.Reading,
) -> list[Told]:
    """What people did, the newest first; without the automatic steps."""
    kind = case.pinned_kind
    shown: list[Told] = []
    for event in reversed(events):
        if event.role == Role.SYSTEM or len(shown) == MOST_TOLD:
            continue
        move = kind.move(event.move)
        if event.sequence == 1:
            label, free = str(kind.opened), []
        elif move is None:
            continue
        else:
            label = str(move.label)
            own = said.get(event.sequence, {})
            free = [
                (str(need.label), read.words(str(own[need.name])))
                for need in move.needs
                if need.type in FREE and own.get(need.name)
            ]
        of_reporter = reading.is_of_reporter(event.role)
        shown.append(
            Told(
                at=event.at,
                label=label,
                by=_("Reporter") if of_reporter else words.unit_name(event.unit_code),
                said=free,
                photos=[p for p in photos if p.sequence == event.sequence and event.sequence > 1]
                if shows_photos(event, read)
                else [],
            )
        )
    return shown


# -- the grid --------------------------------------------------------------------------------


def _area_names(codes: Iterable[str]) -> dict[str, str]:
    """Village and grid of each code, in one string; one statement."""
    wanted = set(codes)
    parts = {code[:n] for code in wanted for n in (4, 6, 9, 12, 15) if n <= len(code)}
    names = dict(Area.objects.filter(code__in=parts).values_list("code", "name"))
    return {code: _area_name(code, names) for code in wanted}


def _area_name(code: str, names: Mapping[str, str]) -> str:
    shown = [_short(names[code[:n]]) for n in (9, 12) if n <= len(code) and code[:n] in names]
    if len(code) == 15 and code in names:
        # A grid's name often begins with its village's; once is enough.
        last = shown[-1] if shown else ""
        shown.append(names[code].removeprefix(last).strip())
    return " · ".join(filter(None, shown[-2:])) or names.get(code, code)


def _short(name: str) -> str:
    return COMMITTEE.sub("", name)


def grid_names(area_code: str) -> tuple[str, str]:
    """An area's own name, and the name of what it lies in."""
    names = dict(
        Area.objects.filter(code__in=[area_code, area_code[:12], area_code[:9]]).values_list(
            "code", "name"
        )
    )
    own = _short(names.get(area_code, area_code))
    codes = [
        code for code in (area_code[:9], area_code[:12]) if code in names and code != area_code
    ]
    # A grid's name often begins with its village's; once is enough.
    above = [_short(names[code]) for code in codes]
    return own, " · ".join(name for name in above if not own.startswith(name))


def drawing(area_code: str, tasks: Sequence[Task]) -> Drawing | None:
    """An area's outline with the tasks that have a place in it; None where no outline is known."""
    area = Area.objects.filter(pk=area_code).first()
    rings = _rings(area.outline) if area and area.outline else []
    if not rings:
        return None
    lons = [lon for ring in rings for lon, _lat in ring]
    lats = [lat for ring in rings for _lon, lat in ring]
    west, south = min(lons), min(lats)
    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    narrow = math.cos(math.radians((south + max(lats)) / 2))
    wide, high = (max(lons) - west) * narrow, max(lats) - south
    scale = SIDE / max(wide, high, FEWEST_METRES)

    def point(lon: float, lat: float) -> tuple[float, float]:
        x = EDGE + (lon - west) * narrow * scale
        return round(x, 1), round(EDGE + (high - (lat - south)) * scale, 1)

    path = " ".join(
        "M" + " L".join(f"{x} {y}" for x, y in (point(lon, lat) for lon, lat in ring)) + "Z"
        for ring in rings
    )
    width, height = round(wide * scale + 2 * EDGE, 1), round(high * scale + 2 * EDGE, 1)
    pins = []
    for task in tasks:
        case = task.case
        if not task.pin or case.lon is None or case.lat is None:
            continue
        x, y = point(case.lon, case.lat)
        if 0 <= x <= width and 0 <= y <= height:
            tone = words.standing(case, clock.now())
            pins.append(Pin(task.pin, x, y, tone, case.pk))
    return Drawing(width, height, path, pins)


def _rings(outline: Mapping[str, Any]) -> list[list[tuple[float, float]]]:
    """The rings of a GeoJSON polygon or of several."""
    found = outline.get("coordinates", [])
    polygons = found if outline.get("type") == "MultiPolygon" else [found]
    return [[(lon, lat) for lon, lat, *_more in ring] for polygon in polygons for ring in polygon]


def shortcuts() -> list[tuple[str, str]]:
    """What is met most, as (code, name) in the reader's language; one statement."""
    known = Category.objects.in_bulk(SHORTCUTS)
    return [(code, known[code].shown_name) for code in SHORTCUTS if code in known]
