"""What is written for a village: forms read and checked, published, corrected, withdrawn.

Each act is one transaction with its row in `Writing`; the same form sent again writes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.applications.village import rules
from maplebridge.applications.village.models import (
    Activity,
    AnsweredLetter,
    Covenant,
    CovenantVersion,
    Deed,
    Flow,
    Ledger,
    LedgerEntry,
    Notice,
    Shown,
    Topic,
    Writing,
)
from maplebridge.lib.clock import CHINA, local_day, now
from maplebridge.lib.text import normalise, printable
from maplebridge.organisation.people import Actor

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise
else:
    Words = str

MOST_YUAN = Decimal("999999999999.99")
LONGEST_WHY = 200
EARLIEST = dt.date(1949, 10, 1)


class WritingRefused(ValueError):
    """It cannot be written as it is; `problems` gives a sentence for each field."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class Stale(WritingRefused):
    """Somebody wrote meanwhile."""


@dataclass(frozen=True)
class Blank:
    """One field of a form: its column, how it is typed, what it is called, how long it may be."""

    name: str
    type: str
    label: Words
    required: bool = True
    most: int = 80
    hint: Words = ""
    choices: tuple[tuple[str, Words], ...] = ()


@dataclass(frozen=True)
class Sort:
    """Something that can be written. icon: of its button."""

    name: str
    model: type[Shown]
    label: Words
    icon: str
    blanks: tuple[Blank, ...]


TITLE = Blank("title", "line", _l("Title"))
SORTS = {
    sort.name: sort
    for sort in (
        Sort(
            "notice",
            Notice,
            _l("Notice or news"),
            "flag",
            (
                Blank("topic", "choice", _l("What it is"), choices=tuple(Topic.choices)),
                TITLE,
                Blank("text", "text", _l("Text"), most=5000),
                Blank("on", "day", _l("Date")),
            ),
        ),
        Sort(
            "entry",
            LedgerEntry,
            _l("Entry of a public ledger"),
            "list",
            (
                Blank("ledger", "choice", _l("Ledger"), choices=tuple(Ledger.choices)),
                Blank("title", "line", _l("What was decided or paid")),
                Blank("on", "day", _l("Date")),
                Blank(
                    "amount",
                    "amount",
                    _l("Amount in yuan"),
                    required=False,
                    most=20,
                    hint=_l("Empty where no money moved."),
                ),
                Blank(
                    "flow", "choice", _l("Which way"), required=False, choices=tuple(Flow.choices)
                ),
                Blank(
                    "text",
                    "text",
                    _l("Decision or explanation"),
                    required=False,
                    most=5000,
                    hint=_l("Who decided, how the vote went, what it was for. No private numbers."),
                ),
                Blank(
                    "document",
                    "line",
                    _l("Document"),
                    required=False,
                    most=120,
                    hint=_l("Name and number of the paper it rests on."),
                ),
            ),
        ),
        Sort(
            "activity",
            Activity,
            _l("Activity"),
            "star",
            (
                TITLE,
                Blank("begins_at", "time", _l("Begins")),
                Blank("ends_at", "time", _l("Ends"), required=False),
                Blank("place", "line", _l("Place")),
                Blank("text", "text", _l("Text"), most=5000),
            ),
        ),
        Sort(
            "covenant",
            CovenantVersion,
            _l("Covenant"),
            "note",
            (
                TITLE,
                Blank("on", "day", _l("Adopted on")),
                Blank("adopted_by", "line", _l("Adopted by")),
                Blank("text", "text", _l("Text"), most=20_000),
                Blank("changes", "text", _l("What is new in it"), required=False, most=2000),
            ),
        ),
        Sort(
            "letter",
            AnsweredLetter,
            _l("Answered letter"),
            "chat",
            (
                TITLE,
                Blank("text", "text", _l("Question"), most=5000),
                Blank("answer", "text", _l("Answer"), most=5000),
            ),
        ),
    )
}
# Made on pages of their own: an answered letter comes from a letter.
MADE_BY_FORM = ("notice", "entry", "activity", "covenant")


def sort_of(paper: Shown) -> Sort:
    """The sort of something shown."""
    return next(sort for sort in SORTS.values() if isinstance(paper, sort.model))


def said_of(paper: Shown) -> dict[str, str]:
    """Its fields as a form shows them, and as `Writing` keeps them."""
    return {blank.name: _typed(getattr(paper, blank.name)) for blank in sort_of(paper).blanks}


def _typed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")
    return str(value)


def read(sort: Sort, said: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form as values. Raises WritingRefused with a sentence for each wrong one."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for blank in sort.blanks:
        try:
            values[blank.name] = _read(blank, said.get(blank.name, ""))
        except ValueError as wrong:
            problems[blank.name] = str(wrong)
    if not problems:
        problems = _together(sort, values)
    if problems:
        raise WritingRefused(problems)
    if sort.name == "activity":
        values["on"] = local_day(values["begins_at"])
    return values


def _read(blank: Blank, typed: str) -> Any:
    text = printable(typed)
    if blank.type != "text":
        # One line, with the full-width marks of Chinese as they were typed.
        text = " ".join(text.split())
    if not text:
        if blank.required:
            raise ValueError(_("Please fill in: %(label)s.") % {"label": blank.label})
        return None if blank.type in ("amount", "time") else ""
    if len(text) > blank.most:
        said = _("The text has %(n)d characters; at most %(most)d are kept. Please shorten it.")
        raise ValueError(said % {"n": len(text), "most": blank.most})
    match blank.type:
        case "choice":
            if text not in {code for code, _label in blank.choices}:
                raise ValueError(_("Please choose one of the offered answers."))
            return text
        case "day":
            return _day(text)
        case "time":
            return _time(text)
        case "amount":
            return _amount(text)
    if rules.numbers_of_persons(text):
        raise ValueError(
            _("This looks like an identity number or a bank card. Everybody will read it: please "
              "take it out.")
        )  # fmt: skip
    return text


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("A date looks like 2026-01-31.")) from None
    if not EARLIEST <= day <= local_day(now()) + dt.timedelta(days=366):
        raise ValueError(_("This day is too far away; please look at the year."))
    return day


def _time(text: str) -> dt.datetime:
    try:
        at = dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)
    except ValueError:
        raise ValueError(_("Please choose a day and a time.")) from None
    _day(at.date().isoformat())
    return at


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(normalise(text).replace(",", "").removesuffix("元").strip())
        if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")):
            raise InvalidOperation
    except InvalidOperation:
        raise ValueError(_("An amount looks like 12800.50, in yuan.")) from None
    if not 0 <= amount <= MOST_YUAN:
        raise ValueError(_("Write the amount without a sign, and choose which way it went."))
    return amount


def _together(sort: Sort, values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with fields beside each other."""
    if sort.name == "entry":
        if values["amount"] is not None and not values["flow"]:
            return {"flow": _("Please say whether it is income or expense.")}
        if values["amount"] is None and values["flow"]:
            return {"amount": _("Please write the amount, or leave both empty.")}
        if values["amount"] is None and values["ledger"] == Ledger.FINANCE:
            return {"amount": _("An entry of the finance ledger needs its amount.")}
    if sort.name == "activity" and values["ends_at"] and values["ends_at"] <= values["begins_at"]:
        return {"ends_at": _("It ends before it begins; please look at both times.")}
    return {}


def make(
    sort: Sort,
    village: str,
    values: Mapping[str, Any],
    actor: Actor,
    key: str,
    *,
    covenant: UUID | None = None,
    synthetic: bool = False,
    at: dt.datetime | None = None,
) -> Shown:
    """Publishes something; the same key again gives back the first.

    Whether the actor may is asked before (`rules.may_write`). covenant: of which this is a new
    version.
    """
    with transaction.atomic():
        _one_after_the_other(actor, key)
        known = _written_before(actor, key)
        if known is not None:
            found: Shown = sort.model.objects.get(pk=known.paper_id)
            return found
        at = at or now()
        more: dict[str, Any] = {}
        if sort.name == "covenant":
            more = _version_of(village, covenant, at)
        paper: Shown = sort.model.objects.create(
            area_code=village,
            made_at=at,
            changed_at=at,
            synthetic=synthetic,
            **more,
            **values,
        )
        _write_down(paper, Deed.MADE, "", actor, key, at)
        return paper


def _version_of(village: str, covenant: UUID | None, at: dt.datetime) -> dict[str, Any]:
    if covenant is None:
        head = Covenant.objects.create(area_code=village, made_at=at)
    else:
        head = Covenant.objects.select_for_update().get(pk=covenant, area_code=village)
    last = head.versions.order_by("-number").first()
    return {"covenant": head, "number": (last.number if last else 0) + 1}


def correct(
    paper: Shown, values: Mapping[str, Any], why: str, actor: Actor, key: str, expected: int
) -> Shown:
    """Writes something anew and keeps what stood there; again with the same key changes nothing.

    expected: how many corrections it had when the form was drawn. Raises WritingRefused or Stale.
    """
    why = _why(why)
    with transaction.atomic():
        held = _held(paper)
        if _written_before(actor, key) is not None:
            return held
        if held.withdrawn_at is not None or held.corrections != expected:
            raise Stale({"": _("Somebody wrote here meanwhile. Please look at it again.")})
        for name, value in values.items():
            setattr(held, name, value)
        held.corrections += 1
        held.changed_at = now()
        held.save()
        _write_down(held, Deed.CORRECTED, why, actor, key, held.changed_at)
        return held


def withdraw(paper: Shown, why: str, actor: Actor, key: str) -> Shown:
    """Takes something off the pages; it is kept. Again changes nothing. Raises WritingRefused."""
    why = _why(why)
    with transaction.atomic():
        held = _held(paper)
        if held.withdrawn_at is None and _written_before(actor, key) is None:
            held.withdrawn_at = held.changed_at = now()
            held.save()
            _write_down(held, Deed.WITHDRAWN, why, actor, key, held.changed_at)
        return held


def _why(said: str) -> str:
    why = " ".join(printable(said).split())
    if not why:
        raise WritingRefused({"why": _("Please say why; readers see it beside the correction.")})
    if len(why) > LONGEST_WHY:
        said = _("The text has %(n)d characters; at most %(most)d are kept. Please shorten it.")
        raise WritingRefused({"why": said % {"n": len(why), "most": LONGEST_WHY}})
    return why


def _held(paper: Shown) -> Shown:
    """The row as it stands, held until the end of the transaction."""
    found: Shown = type(paper).objects.select_for_update().get(pk=paper.pk)
    return found


def is_written(actor: Actor, key: str) -> bool:
    """Whether a form was carried out before."""
    return _written_before(actor, key) is not None


def _one_after_the_other(actor: Actor, key: str) -> None:
    """The same form sent twice at once waits for itself, and then finds what was written."""
    with connection.cursor() as cursor:
        said = f"village:{actor.unit_code}:{key}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [said])


def _written_before(actor: Actor, key: str) -> Writing | None:
    return Writing.objects.filter(unit_code=actor.unit_code, key=key).first()


def _write_down(
    paper: Shown, deed: Deed, why: str, actor: Actor, key: str, at: dt.datetime
) -> None:
    last = Writing.objects.filter(paper_id=paper.pk).order_by("-number").first()
    Writing.objects.create(
        paper_id=paper.pk,
        sort=sort_of(paper).name,
        number=(last.number if last else 0) + 1,
        area_code=paper.area_code,
        deed=deed,
        content=said_of(paper),
        why=why,
        account_id=actor.account_id,
        role=actor.role,
        unit_code=actor.unit_code,
        key=key,
        at=at,
    )
