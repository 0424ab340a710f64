"""What is true of mediation alone: days, conflicts of interest, what an agreement must say."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from maplebridge.lib.text import normalise

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise
else:
    Words = str

# Days within which both may ask the court. Source: People's Mediation Law, article 33.
CONFIRM_DAYS = 30
# A dispute of the same cause at the same place so soon after an agreement is a repetition.
REPEAT_DAYS = 180
FAMILY = "0101"
CAUSE = re.compile(r"01\d\d")
# Causes that need people whom only the county centre has: requisition, medical, foreign trade.
FOR_THE_COUNTY = frozenset({"0105", "0109", "0113"})
GRAVE = "1"


class Refused(ValueError):
    """It cannot be done as it is; `problems` gives a sentence for each field, "" for the whole."""

    def __init__(self, problems: Mapping[str, str] | str) -> None:
        found = {"": problems} if isinstance(problems, str) else dict(problems)
        super().__init__(" ".join(found.values()))
        self.problems = found


def confirm_by(effective_on: dt.date, is_workday: Callable[[dt.date], bool]) -> dt.date:
    """The last day on which the parties may jointly ask the court to confirm an agreement.

    effective_on: the day it took effect, which is not counted itself; the thirtieth day after it,
    or the first working day after that when it is a day of rest.
    Source: People's Mediation Law, article 33; Civil Code, articles 201 and 203.
    """
    day = effective_on + dt.timedelta(days=CONFIRM_DAYS)
    while not is_workday(day):
        day += dt.timedelta(days=1)
    return day


def effective_on(
    signed: Mapping[int, dt.date],
    parties: Collection[int],
    mediator_on: dt.date | None,
    sealed_on: dt.date | None,
) -> dt.date | None:
    """The day a written agreement takes effect; None while a signature or the seal is missing.

    signed: by party, the day of signature, seal or fingerprint. It is the day of the last of them.
    Source: People's Mediation Law, article 29, paragraph 2. An oral one takes effect on the day it
    is reached (article 30).
    """
    if mediator_on is None or sealed_on is None or not parties or set(parties) - set(signed):
        return None
    return max([*(signed[party] for party in parties), mediator_on, sealed_on])  # fmt: skip


# -- who may mediate --------------------------------------------------------------------------


@dataclass(frozen=True)
class Party:
    """A party as it told of itself; household and unit as declared, both may be empty."""

    number: int
    name: str = field(repr=False)
    household: str = field(default="", repr=False)
    unit: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    helper: str = field(default="", repr=False)


@dataclass(frozen=True)
class Mediator:
    """A mediator as declared for one dispute. related: the person's own word on it."""

    name: str
    household: str = field(default="", repr=False)
    unit: str = ""
    related: bool = False


def conflict(mediator: Mediator, parties: Sequence[Party]) -> str:
    """Why this mediator may not mediate between these parties, in a sentence; empty when nothing.

    Source: People's Mediation Law, article 15 (no partiality); what was declared is compared as
    written, without spaces.
    """
    for party in parties:
        if _same(mediator.name, party.name):
            return _("%(name)s is a party to this dispute and cannot mediate it.") % {
                "name": mediator.name
            }
        if _same(mediator.household, party.household):
            return _("%(name)s lives in the household of party %(n)d and cannot mediate.") % {
                "name": mediator.name, "n": party.number,
            }  # fmt: skip
        if _same(mediator.unit, party.unit):
            return _("%(name)s is of the same unit as party %(n)d and cannot mediate.") % {
                "name": mediator.name, "n": party.number,
            }  # fmt: skip
    if mediator.related:
        return _("%(name)s declared a tie to a party; please choose somebody else.") % {
            "name": mediator.name
        }
    return ""


def _same(one: str, other: str) -> bool:
    plain = ["".join(normalise(said).split()).casefold() for said in (one, other)]
    return bool(plain[0]) and plain[0] == plain[1]


# -- whether it may begin ---------------------------------------------------------------------


def may_begin(
    parties: Collection[int],
    told: Collection[int],
    willing: Collection[int],
    violence: bool | None,
    balance: str,
    mediator: str,
) -> dict[str, str]:
    """What stands against beginning, a sentence for each field; empty when nothing does.

    Source: People's Mediation Law, articles 3 (voluntary, equal), 21 and 23 (rights told); Anti
    Domestic Violence Law, article 2 and 15: where there is violence, it is handed over.
    """  # fmt: skip
    wrong: dict[str, str] = {}
    if len(parties) < 2:
        wrong[""] = _("Please write down both sides first.")
    if not mediator:
        wrong[""] = _("Please choose the mediator first.")
    if set(parties) - set(told):
        wrong["told"] = _("Every party has to be told of its rights first.")
    if set(parties) - set(willing):
        wrong["willing"] = _("Mediation is voluntary: without every party's will it cannot begin.")
    if violence is None:
        wrong["violence"] = _("Please ask each party alone, and answer.")
    elif violence:
        wrong["violence"] = _(
            "Where there is violence nothing is mediated. Please stop and hand it over."
        )
    if balance == "uneven":
        wrong["balance"] = _(
            "Who is weaker must not sit alone: find a helper first, or hand it over."
        )
    return wrong


def needs_pause(category: str, balance: str) -> bool:
    """Whether nothing may be signed before a pause: in the family, and where one is weaker."""
    return category == FAMILY or balance == "helped"


# -- where it goes ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Suggested:
    """A committee's tier by the length of its area's code, with the reason."""

    length: int
    reason: str


def suggested(category: str, seriousness: str) -> Suggested:
    """Which tier's committee fits a cause and a weight (分流); a person decides."""
    if seriousness == GRAVE:
        return Suggested(6, _("Grave disputes go to the county's mediation centre."))
    if category in FOR_THE_COUNTY:
        return Suggested(6, _("This cause needs specialists of the county's mediation centre."))
    return Suggested(9, _("The township's committee is nearest."))


# -- the agreement ----------------------------------------------------------------------------

# What an agreement says, and why it is asked. Source: People's Mediation Law, article 29.
ARTICLE_29: tuple[tuple[str, Words], ...] = (
    ("facts", _l("Main facts of the dispute")),
    ("disputed", _l("What was disputed")),
    ("responsibility", _l("Responsibility of each party")),
    ("content", _l("What was agreed")),
    ("manner", _l("How it is performed")),
)
MOST_ITEMS = 12


@dataclass(frozen=True)
class Item:
    """One thing that somebody does by a day."""

    due_on: dt.date
    what: str


def read_items(typed: str) -> list[Item]:
    """The items of a plan, one a line: a day, a space, what is done by then.

    Raises Refused with a sentence that names the line.
    """
    items = []
    for number, line in enumerate(filter(None, map(str.strip, typed.splitlines())), start=1):
        day, _blank, what = line.partition(" ")
        try:
            items.append(Item(dt.date.fromisoformat(day), what.strip()))
        except ValueError:
            items.append(Item(dt.date.min, ""))
        if not items[-1].what:
            raise Refused(
                {"items": _("Line %(n)d: write a day as 2026-01-31, a space, and what is done.")
                 % {"n": number}}
            )  # fmt: skip
    if len(items) > MOST_ITEMS:
        raise Refused({"items": _("At most %(n)d items.") % {"n": MOST_ITEMS}})
    return sorted(items, key=lambda item: item.due_on)


def agreement_problems(said: Mapping[str, str], effective: dt.date | None) -> dict[str, str]:
    """What an agreement lacks of article 29, a sentence for each field; empty when it is whole."""
    wrong = {
        name: _("An agreement needs this: %(label)s.") % {"label": label}
        for name, label in ARTICLE_29
        if not said.get(name, "").strip()
    }
    try:
        items = read_items(said.get("items", ""))
    except Refused as refused:
        return wrong | refused.problems
    if not items:
        wrong["items"] = _("Write until when it is performed, at least one day.")
    elif effective is not None and items[0].due_on < effective:
        wrong["items"] = _("A day of performance lies before the agreement takes effect.")
    return wrong


def next_due(dues: Sequence[dt.date], done: Collection[int]) -> dt.date | None:
    """The day of the first item, counted from 1, that is not performed yet; None after the last."""
    return min((day for n, day in enumerate(dues, start=1) if n not in done), default=None)
