"""How long words, photos and places are kept, and how they go: listed, agreed to, destroyed.

A dispatcher lists the cases whose time is over; somebody else agrees; the worker destroys one case
after the other and leaves a tombstone. Source: PIPL, articles 19 and 47.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.cases import engine, permissions, wall
from maplebridge.cases.grades import LIVE, Wish
from maplebridge.cases.kinds import Aside
from maplebridge.cases.models import (
    Assignment,
    Case,
    Destruction,
    Doomed,
    Event,
    Hold,
    Request,
)
from maplebridge.journey.models import DecisionRecord, Fingerprint
from maplebridge.journey.originals import destroy_photos
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation import acts, editions
from maplebridge.organisation.editions import Cells, Said
from maplebridge.organisation.models import Deed
from maplebridge.organisation.people import SYSTEM, Actor

SEED = Path(__file__).parent / "seed" / "retention.csv"
CATEGORY = re.compile(r"(\d{2}(\d{2})?)?")
FEWEST_MONTHS, MOST_MONTHS = 1, 1200
# One list can be read by a person; the rest comes onto the next.
MOST_LISTED = 2000
AT_ONCE = 20
# Article 50: an answer without delay; here at most so many days.
ANSWER_DAYS = 15


class RetentionRefused(Exception):
    """Nothing was changed; the text is a sentence for whoever asked."""


@dataclass(frozen=True)
class Term:
    """How long a category is kept after its end. months: whole months; basis: law or rule."""

    months: int
    basis: str


@dataclass(frozen=True)
class Terms:
    """The terms by category, two-digit group, or "" for all."""

    rows: Mapping[str, Term]

    def of(self, category: str) -> Term | None:
        """The most specific term; None when there is none at all: then nothing is destroyed."""
        for key in (category, category[:2], ""):
            if key in self.rows:
                return self.rows[key]
        return None


def _check(cells: Cells) -> Iterable[Said]:
    if not CATEGORY.fullmatch(cells["category"]):
        yield (
            _("“%(said)s” is no code of a category.") % {"said": cells["category"]},
            _("Write four digits, two for a whole group, or nothing for all."),
        )
    months = cells["months"]
    if not (months.isascii() and months.isdigit()) or not (
        FEWEST_MONTHS <= int(months) <= MOST_MONTHS
    ):
        yield (
            _("“%(said)s” is no number of months.") % {"said": months},
            _("Write a whole number from 1 to 1200."),
        )
    if not cells["basis"].strip():
        yield _("The basis is missing."), _("Name the law or rule that sets the time.")
    if cells["checked"] not in ("0", "1"):
        yield editions.wrong_choice("checked", cells["checked"], "01")


def _build(_number: int, rows: Sequence[Cells]) -> Terms:
    return Terms({row["category"]: Term(int(row["months"]), row["basis"]) for row in rows})


TERMS = editions.Table(
    name="retention",
    label=_l("How long cases are kept"),
    columns=("category", "months", "basis", "checked"),
    key=("category",),
    check=_check,
    build=_build,
)


def open_terms() -> None:
    """Publishes the terms the product ships with where a city has none yet."""
    if not TERMS.number():
        editions.publish(
            TERMS,
            editions.read_file(TERMS, SEED).rows,
            begins=editions.ALWAYS,
            note=_("Rows that come with the product."),
            by=SYSTEM,
        )


def is_over(ended: dt.date, term: Term, today: dt.date) -> bool:
    """Whether the time after an end is over: the same day so many months later has passed."""
    year, month = divmod(ended.year * 12 + ended.month - 1 + term.months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(ended.day, last)) < today


def due(actor: Actor, today: dt.date) -> list[tuple[Case, Term]]:
    """The cases in an actor's area whose time is over, the oldest first, at most MOST_LISTED.

    Not those that are held, that a unit still owes something, into which an open case was merged,
    that were destroyed, or that stand on another list.
    """
    terms = TERMS.value()
    if not terms.rows or not actor.area_code:
        return []
    shortest = min(term.months for term in terms.rows.values())
    latest = now() - dt.timedelta(days=28 * shortest)
    own = {"case_id": OuterRef("pk")}
    cases = (
        Case.objects.inside(actor.area_code)
        .filter(ended=True, changed_at__lt=latest)
        .exclude(Exists(Hold.objects.filter(**own, lifted_at=None)))
        .exclude(Exists(Assignment.objects.filter(**own, progress__in=LIVE)))
        .exclude(Exists(Case.objects.filter(merged_into=OuterRef("pk"), ended=False)))
        .exclude(Exists(Event.objects.filter(**own, move=Aside.DESTROY)))
        .exclude(Exists(Doomed.objects.filter(**own, spared="")))
        .order_by("changed_at", "id")
    )
    found: list[tuple[Case, Term]] = []
    for case in cases.iterator(chunk_size=500):
        term = terms.of(case.category)
        if term is not None and is_over(local_day(case.changed_at), term, today):
            found.append((case, term))
            if len(found) == MOST_LISTED:
                break
    return found


def draw_up(actor: Actor) -> Destruction | None:
    """A list of what is due in the actor's area; None when nothing is. Raises RetentionRefused."""
    if not permissions.may_list_for_destruction(actor):
        raise RetentionRefused(_("Your post may not draw up a destruction list."))
    assert actor.account_id is not None  # noqa: S101  a dispatcher is a person
    today = local_day(now())
    with wall.standing(SYSTEM):
        found = due(actor, today)
        if not found:
            return None
        made = Destruction.objects.create(
            area_code=actor.area_code,
            until=today,
            count=len(found),
            made_by=actor.account_id,
            made_at=now(),
        )
        Doomed.objects.bulk_create(
            Doomed(
                case_id=case.pk,
                list_id=made.pk,
                area_code=case.area_code,
                number=case.number,
                category=case.category,
                ended_at=case.changed_at,
                basis=term.basis,
            )
            for case, term in found
        )
        acts.note(actor, Deed.DESTRUCTION, f"list:{made.pk}", {"made": len(found)})
    return made


def rule(actor: Actor, list_id: UUID, *, agrees: bool, note: str = "") -> Destruction:
    """The second pair of eyes agrees to a list or sends it back. Raises RetentionRefused."""
    if not permissions.may_agree_to_destruction(actor):
        raise RetentionRefused(_("Your post may not rule on a destruction list."))
    with wall.standing(SYSTEM):
        found = Destruction.objects.select_for_update().filter(pk=list_id).first()
        if found is None or not permissions.covers(actor.area_code, found.area_code):
            raise RetentionRefused(_("There is no such list in your area."))
        if found.made_by == actor.account_id:
            raise RetentionRefused(_("Nobody agrees to a list that they made themselves."))
        if found.agreed_at or found.refused_at:
            raise RetentionRefused(_("This list was ruled on already."))
        found.note = note.strip()[:400]
        found.agreed_by = actor.account_id
        if agrees:
            found.agreed_at = now()
        else:
            found.refused_at = now()
            Doomed.objects.filter(list_id=list_id).update(spared=_("The list was sent back."))
        found.save(update_fields=["note", "agreed_by", "agreed_at", "refused_at"])
        acts.note(actor, Deed.DESTRUCTION, f"list:{found.pk}", {"agreed": agrees}, done=agrees)
    return found


def carry_out() -> int:
    """Destroys the next cases of lists that were agreed to; returns how many it looked at.

    Several workers at once take different cases; whatever was begun and cut off is done again.
    """
    looked = 0
    agreed = Destruction.objects.filter(agreed_at__isnull=False, done_at=None, refused_at=None)
    for found in agreed.order_by("agreed_at")[:1]:
        for _n in range(AT_ONCE):
            if not _destroy_next(found.pk):
                break
            looked += 1
        waiting = Doomed.objects.filter(list_id=found.pk, destroyed_at=None, spared="")
        if not waiting.exists():
            Destruction.objects.filter(pk=found.pk, done_at=None).update(done_at=now())
            looked += 1
    return looked + fulfil()


def _destroy_next(list_id: UUID) -> bool:
    with transaction.atomic():
        waiting = Doomed.objects.filter(list_id=list_id, destroyed_at=None, spared="")
        row = waiting.select_for_update(skip_locked=True).order_by("case_id").first()
        if row is None:
            return False
        spared = destroy_case(row.case_id, list_id)
        Doomed.objects.filter(case_id=row.case_id, list_id=list_id).update(
            spared=spared[:200], destroyed_at=None if spared else now()
        )
    return True


def destroy_case(case_id: UUID, list_id: UUID) -> str:
    """Destroys words, photos, place and what steps kept of a case; "" or why it was spared.

    Again does whatever was left undone.
    """
    try:
        engine.aside(
            case_id,
            Aside.DESTROY,
            SYSTEM,
            key=f"destroy:{list_id}",
            facts={"list": str(list_id)},
        )
    except engine.Refused as refused:
        return str(refused)
    Fingerprint.objects.filter(pk=case_id).delete()
    DecisionRecord.objects.filter(case_id=case_id).update(evidence={}, reason="")
    destroy_photos(case_id)
    return ""


def ask(case_id: UUID, actor: Actor, wish: Wish, key: str) -> Request:
    """Keeps what a reporter asks about the own data; deletion is done at once where it can be.

    Raises engine.Refused for somebody else's case.
    """
    with wall.standing(SYSTEM):
        case = Case.objects.filter(pk=case_id).first()
        if case is None or actor.reporter_of != case_id:
            raise engine.UnknownCase(_("There is no such case."))
        made, _fresh = Request.objects.get_or_create(
            case_id=case_id,
            key=key,
            defaults={"area_code": case.area_code, "wish": wish, "at": now()},
        )
        if wish == Wish.DELETE and made.done_at is None:
            _delete(made)
    return made


def fulfil() -> int:
    """Carries out the deletions that waited for the end of their case or of a hold."""
    ready = Case.objects.filter(pk=OuterRef("case_id"), ended=True)
    held = Hold.objects.filter(case_id=OuterRef("case_id"), lifted_at=None)
    waits = Request.objects.filter(Exists(ready), ~Exists(held), wish=Wish.DELETE, done_at=None)
    done = 0
    for made in waits.order_by("at")[:AT_ONCE]:
        with transaction.atomic():
            done += _delete(made)
    return done


def _delete(made: Request) -> bool:
    try:
        key = f"erase:{made.request_id}"
        engine.aside(made.case_id, Aside.ERASE_REPORTER, SYSTEM, key=key)
    except engine.MoveNotPossible as later:
        said, done_at = str(later), None
    else:
        said, done_at = _("Name and telephone are erased; nobody can read them any more."), now()
    Request.objects.filter(case_id=made.case_id, request_id=made.request_id).update(
        answer=said[:400], done_at=done_at
    )
    made.answer, made.done_at = said, done_at
    return done_at is not None


def lists_seen_by(actor: Actor) -> Q:
    """The condition under which an actor sees destruction lists: who makes or rules, by area."""
    makes = permissions.may_list_for_destruction(actor)
    if not (makes or permissions.may_agree_to_destruction(actor)):
        return Q(pk__in=[])
    return permissions.within("area_code", actor.area_code)
