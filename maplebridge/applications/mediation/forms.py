"""The forms of a dispute's moves: which blanks each has, and which act it becomes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from maplebridge.applications.mediation import acts, rules
from maplebridge.applications.mediation import manifest as kind
from maplebridge.cases.models import Event
from maplebridge.organisation.people import Actor

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Words = str | _StrPromise
else:
    Words = str


@dataclass(frozen=True)
class Blank:
    """One field of a form. type: as `parts/move_fields.html` draws it. among: what it offers,
    where that depends on the file: parties, mediators, committees, causes, items."""

    name: str
    type: str
    label: Words
    required: bool = True
    most: int = 120
    choices: tuple[tuple[str, Words], ...] = ()
    among: str = ""


class Said:
    """What a form says: one value of a blank, or all of them."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = lists

    def one(self, name: str) -> str:
        """The last value said; empty for none."""
        found = self._lists.get(name, ())
        return str(found[-1]).strip() if found else ""

    def numbers(self, name: str) -> list[int]:
        """The numbers said; what is none is left out."""
        return [int(v) for v in self._lists.get(name, ()) if v.isascii() and v.isdigit()]

    def number(self, name: str) -> int:
        """The number said; 0 for none."""
        return next(iter(self.numbers(name)), 0)

    def flag(self, name: str) -> bool | None:
        """Yes or no; None when it was not answered."""
        return {"yes": True, "no": False}.get(self.one(name))

    def flat(self) -> dict[str, str]:
        """Every blank with its last value."""
        return {name: self.one(name) for name in self._lists}


Carry = Callable[[UUID, Actor, Said, str, dt.datetime | None], Event]


@dataclass(frozen=True)
class Form:
    """A move's form: its blanks, and the act it becomes."""

    blanks: tuple[Blank, ...]
    act: Carry
    hint: Words = ""


PARTY = Blank("party", "choice", _("Which party"), among="parties")
KEPT = Blank("kept", "choice", _("How it was performed"), choices=kind.KEPT)
LONG = 4000


def _long(name: str, label: Words, *, required: bool = True, most: int = LONG) -> Blank:
    return Blank(name, "note", label, required, most)


FORMS: dict[str, Form] = {
    "name_party": Form(
        (
            Blank("party", "number", _("Number of the party"), most=20),
            Blank("name", "line", _("Name")),
            Blank("phone", "line", _("Telephone"), required=False, most=24),
            Blank("household", "line", _("Household, as declared"), required=False),
            Blank("unit", "line", _("Unit, as declared"), required=False),
            Blank("helper", "line", _("Who helps"), required=False),
        ),
        lambda c, a, s, k, t: acts.name_party(c, a, s.number("party"), s.flat(), k, t),
        _("Sealed: only the committee at work reads it."),
    ),
    "split": Form(
        (
            Blank("unit", "unit", _("Mediation committee"), among="committees"),
            Blank("category", "category", _("Cause"), among="causes"),
            Blank("seriousness", "choice", _("How grave it is"), choices=kind.SERIOUSNESS),
            _long("note", _("Note"), required=False),
        ),
        lambda c, a, s, k, t: acts.split(c, a, s.flat(), k, t),
    ),
    "choose_mediator": Form(
        (
            Blank("mediator", "choice", _("Mediator"), among="mediators"),
            Blank("household", "line", _("The mediator's household, as declared"), required=False),
            Blank("unit", "line", _("The mediator's other unit, as declared"), required=False),
            Blank("related", "flag", _("Does the mediator declare a tie to a party?")),
            Blank("chosen_by", "units", _("Chosen by the parties"), required=False,
                  among="parties"),
        ),
        lambda c, a, s, k, t: acts.choose_mediator(
            c, a, s.one("mediator"),
            {"household": s.one("household"), "unit": s.one("unit"),
             "related": "yes" if s.flag("related") is not False else ""},
            s.numbers("chosen_by"), k, t,
        ),
        _("A mediator who is a party, or of a party's household or unit, is refused."),
    ),
    "refuse_mediator": Form(
        (PARTY,), lambda c, a, s, k, t: acts.refuse_mediator(c, a, s.number("party"), k, t),
        _("Nobody has to say why."),
    ),
    "begin": Form(
        (
            Blank("told", "units", _("Parties told of their rights"), among="parties"),
            Blank("willing", "units", _("Parties who want mediation"), among="parties"),
            Blank("violence", "flag", _("Violence or threats, asked of each party alone")),
            Blank("balance", "choice", _("How the parties stand to each other"),
                  choices=kind.BALANCE),
        ),
        lambda c, a, s, k, t: acts.begin(
            c, a, s.numbers("told"), s.numbers("willing"), s.flag("violence"), s.one("balance"),
            k, t,
        ),
    ),
    "protect": Form(
        (
            Blank("service", "choice", _("Service"), choices=kind.SERVICES),
            _long("seen", _("What was noticed"), required=False),
        ),
        lambda c, a, s, k, t: acts.protect(c, a, s.one("service"), s.one("seen"), k, t),
        _("Mediation stops at once. Call 110 or 120 first, then send this."),
    ),
    "leave_to_others": Form((), lambda c, a, _s, k, t: acts.leave_to_others(c, a, k, t)),
    "state": Form(
        (PARTY, _long("words", _("Statement"))),
        lambda c, a, s, k, t: acts.state(c, a, s.number("party"), s.one("words"), k, t),
        _("Sealed: it stands in no list, search or count."),
    ),
    "sit": Form(
        (
            Blank("held_on", "date", _("Day")),
            Blank("way", "choice", _("How they met"), choices=kind.WAYS),
            Blank("where", "line", _("Place, or link of the meeting")),
            Blank("minutes", "number", _("Minutes it took"), most=1440),
            Blank("attended", "units", _("Parties who came"), among="parties"),
            _long("record", _("Record"), most=8000),
        ),
        lambda c, a, s, k, t: acts.sit(c, a, s.flat(), s.numbers("attended"), k, t),
    ),
    "propose": Form(
        (_long("words", _("Proposal")),),
        lambda c, a, s, k, t: acts.propose(c, a, s.one("words"), k, t),
        _("Both parties read it under their own addresses and may answer there."),
    ),
    "answer_proposal": Form(
        (PARTY, Blank("answer", "choice", _("Answer"), choices=kind.ANSWERS)),
        lambda c, a, s, k, t: acts.answer_proposal(
            c, a, s.number("party"), s.one("answer"), k, t
        ),
    ),
    "cool_off": Form(
        (Blank("until", "date", _("Until")),),
        lambda c, a, s, k, t: acts.cool_off(c, a, s.one("until"), k, t),
        _("At most 30 days; nothing is signed before that day."),
    ),
    "go_on": Form((), lambda c, a, _s, k, t: acts.go_on(c, a, k, t)),
    "draft_agreement": Form(
        (
            *(_long(name, label, most=2000) for name, label in rules.ARTICLE_29),
            _long("items", _("What is due when: a line each, a day, a space, what is done"),
                  most=2000),
        ),
        lambda c, a, s, k, t: acts.draft_agreement(c, a, s.flat(), k, t),
        _("Both parties read it under their own addresses and may sign there, or on paper."),
    ),
    "agree": Form(
        (
            Blank("form", "choice", _("Form"), choices=kind.FORMS),
            *(_long(name, label, most=2000) for name, label in rules.ARTICLE_29),
            _long("items", _("What is due when: a line each, a day, a space, what is done"),
                  most=2000),
            Blank("signed", "date", _("Signed by party"), required=False, among="parties"),
            Blank("mediator_on", "date", _("Signed by the mediator"), required=False),
            Blank("sealed_on", "date", _("Sealed by the committee"), required=False),
            Blank("reached_on", "date", _("Reached on (oral)"), required=False),
        ),
        lambda c, a, s, k, t: acts.agree(c, a, s.flat(), k, t),
        _("It takes effect with the last signature or the seal. Each party and the committee "
          "keep one copy."),
    ),
    "note_performance": Form(
        (Blank("item", "choice", _("Which item"), among="items"), KEPT),
        lambda c, a, s, k, t: acts.note_performance(
            c, a, s.number("item"), s.one("kept"), k, t
        ),
    ),
    "remind": Form(
        (PARTY,), lambda c, a, s, k, t: acts.remind(c, a, s.number("party"), k, t)
    ),
    "ask_court": Form(
        (
            Blank("asked_on", "date", _("Asked on")),
            Blank("together", "units", _("Parties who ask"), among="parties"),
        ),
        lambda c, a, s, k, t: acts.ask_court(
            c, a, s.numbers("together"), s.one("asked_on"), k, t
        ),
    ),
    "note_ruling": Form(
        (
            Blank("ruling", "choice", _("What the court said"), choices=kind.RULINGS),
            Blank("ruled_on", "date", _("Day")),
        ),
        lambda c, a, s, k, t: acts.note_ruling(c, a, s.one("ruling"), s.one("ruled_on"), k, t),
    ),
    "close": Form(
        (_long("reply", _("Answer to the reporter")),),
        lambda c, a, s, k, t: acts.close(c, a, s.one("reply"), k, t),
    ),
    "stop": Form(
        (
            Blank("ground", "choice", _("Ground"), choices=kind.GROUNDS),
            Blank("party", "choice", _("Which party"), required=False, among="parties"),
            Blank("told", "units", _("Parties told of arbitration and court"), among="parties"),
            _long("note", _("Note"), required=False, most=1000),
        ),
        lambda c, a, s, k, t: acts.stop(
            c, a, s.one("ground"), k, party=s.number("party") or None, told=s.numbers("told"),
            note=s.one("note"), at=t,
        ),
    ),
    "visit": Form(
        (PARTY, KEPT, _long("words", _("What the party said"))),
        lambda c, a, s, k, t: acts.visit(
            c, a, s.number("party"), s.one("kept"), s.one("words"), k, t
        ),
    ),
}  # fmt: skip
