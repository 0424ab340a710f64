"""Letters to the village: taken in, found again for publishing, published, taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.applications.village import rules, writing
from maplebridge.applications.village.models import AnsweredLetter
from maplebridge.applications.village.writing import SORTS, WritingRefused
from maplebridge.cases import deadlines, engine, permissions, reading
from maplebridge.cases.grades import Confidentiality
from maplebridge.cases.models import Assignment, Case, Event, Payload
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise, printable
from maplebridge.organisation.people import Actor
from maplebridge.organisation.units import UnknownUnit, directory

LONGEST_TEXT = 5000
LONGEST = {"name": 60, "phone": 24}
FEWEST_DIGITS = 5
KIND = "letter"
MAY_PUBLISH = "may_publish"
MOST_LISTED = 50


class LetterRefused(WritingRefused):
    """The letter cannot be taken as it is."""


def answer_time() -> str:
    """How long the village has for an answer by the limits in force, in words."""
    found = deadlines.durations().find(rules.TIME_CLASS, "", "dispose", local_day(now()))
    return found.words() if found else ""


@dataclass(frozen=True)
class Letter:
    """What somebody writes to a village. about: one of `rules.CATEGORIES`."""

    village: str
    about: str
    text: str
    key: str
    name: str = ""
    phone: str = ""
    anonymous: bool = False
    may_publish: bool = False
    at: dt.datetime | None = None
    synthetic: bool = False


def take_in(letter: Letter) -> engine.Opened:
    """Opens a case for a letter; the same key again, the same receipt.

    Raises LetterRefused when something cannot be used; nothing was written then.
    """
    problems: dict[str, str] = {}
    text = printable(letter.text)
    reporter = {"name": normalise(letter.name), "phone": normalise(letter.phone)}
    long = _("The text has %(n)d characters; at most %(most)d are kept. Please shorten it.")
    if letter.about not in rules.CATEGORIES:
        problems["about"] = _("Please choose what your letter is about.")
    if not text:
        problems["text"] = _("Please write your letter; a few words are enough.")
    elif len(text) > LONGEST_TEXT:
        problems["text"] = long % {"n": len(text), "most": LONGEST_TEXT}
    for name, value in reporter.items():
        if len(value) > LONGEST[name]:
            problems[name] = long % {"n": len(value), "most": LONGEST[name]}
    if reporter["phone"] and sum(c.isdigit() for c in reporter["phone"]) < FEWEST_DIGITS:
        problems["phone"] = _("This is no telephone number; please give at least five digits.")
    try:
        unit = directory().room_of(letter.village).code
    except UnknownUnit:
        problems["text"] = _("No unit answers for this city yet; its operator must load the units.")
    if problems:
        raise LetterRefused(problems)
    if letter.anonymous:
        reporter = {}
    return engine.open(
        engine.Opening(
            kind=KIND,
            channel="web",
            account="village",
            key=letter.key,
            area_code=letter.village,
            unit_code=unit,
            words={"text": text},
            reporter={name: value for name, value in reporter.items() if value},
            anonymous=letter.anonymous,
            facts={
                "category": rules.CATEGORIES[letter.about],
                "sla_class": rules.TIME_CLASS,
                "confidentiality": str(Confidentiality.C1),
                MAY_PUBLISH: letter.may_publish,
            },
            at=letter.at,
            synthetic=letter.synthetic,
        )
    )


@dataclass(frozen=True)
class Ready:
    """An answered letter that its writer allows to be shown, and a first draft of what is shown."""

    case: Case
    text: str
    reply: str
    draft: Mapping[str, str]


def ready(actor: Actor, village: str) -> list[Ready]:
    """Answered letters of a village that the actor may publish now, the newest first.

    Only those the actor sees and reads as written; whoever lists them notes it.
    """
    cases = list(
        Case.objects.visible_to(actor)
        .filter(kind=KIND, state__in=("answered", "archived"), area_code=village)
        .exclude(confidentiality=Confidentiality.C2)
        .order_by("-changed_at")[:MOST_LISTED]
    )
    shown = {
        str(mark)
        for mark in AnsweredLetter.objects.filter(area_code=village).values_list("mark", flat=True)
    }
    read = reading.readings(actor, cases)
    found = []
    for case in cases:
        if not read[case.pk].full or mark_of(case) in shown or not _may_be_shown(case):
            continue
        if not _may_publish(actor, case):
            continue
        found.append(_ready(case))
    return found


def _ready(case: Case) -> Ready:
    said = {
        payload.sequence: payload.content or {}
        for payload in Payload.objects.filter(case_id=case.pk, part="words")
    }
    text = str(said.get(1, {}).get("text", ""))
    replies = [str(said[n]["reply"]) for n in sorted(said) if said[n].get("reply")]
    reply = replies[-1] if replies else ""
    draft = {
        "title": "",
        "text": rules.without_names(text),
        "answer": rules.without_names(reply),
    }
    return Ready(case, text, reply, draft)


def _may_be_shown(case: Case) -> bool:
    """Whether its writer allowed it and has not taken that back."""
    first = Event.objects.filter(case_id=case.pk, sequence=1).first()
    if first is None or first.facts.get(MAY_PUBLISH) is not True:
        return False
    return not Event.objects.filter(case_id=case.pk, move="keep_private").exists()


def _may_publish(actor: Actor, case: Case) -> bool:
    move = case.pinned_kind.move("publish")
    shares = list(Assignment.objects.filter(case_id=case.pk))
    return move is not None and permissions.may(actor, move, case, shares)


def mark_of(case: Case) -> str:
    """The mark of a letter's case."""
    return rules.mark_of(case.pk, settings.SECRET_KEY)


def publish(case: Case, said: Mapping[str, str], actor: Actor, key: str) -> AnsweredLetter:
    """Shows a letter with its answer to everybody, as the station has looked it over.

    Raises WritingRefused when the words cannot be shown or the writer does not want it, and what
    `engine.move` raises; nothing was written then.
    """
    values = writing.read(SORTS["letter"], said)
    with transaction.atomic():
        engine.move(case.pk, "publish", actor, key=key)
        if not _may_be_shown(case):
            raise WritingRefused({"": _("Its writer does not want this letter to be shown.")})
        values |= {"on": local_day(now()), "mark": mark_of(case), "unit_code": actor.unit_code}
        paper = writing.make(SORTS["letter"], case.area_code, values, actor, key)
    if not isinstance(paper, AnsweredLetter):
        raise TypeError(type(paper))
    return paper
