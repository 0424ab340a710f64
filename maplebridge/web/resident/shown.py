"""What a receipt shows, gathered from a case; nothing of other parties, nothing internal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from maplebridge.cases import looks
from maplebridge.cases.kinds import FREE, Aside, Kind
from maplebridge.cases.models import Assignment, Attachment, Case, Event, Payload
from maplebridge.journey.models import Category
from maplebridge.journey.rate import Followed
from maplebridge.lib import clock
from maplebridge.web.parts import moves, words
from maplebridge.web.parts.asked import form_key
from maplebridge.web.parts.behalf import behalf_words

# Free words of a public move that are addressed to the reporter.
ADDRESSED = frozenset(
    {"reply", "question", "answer", "channel", "reason", "comment", "result", "note"}
)
# Words of units about the matter itself: what the reporter of a twin may read of another's case.
ABOUT_THE_MATTER = frozenset({"reply", "result"})
# What we ask of the reporter stands open; what the reporter may ask of us is one tap away.
ASKED = frozenset({"rate", "rate_twin", "supply"})
# Moves whose words are for colleagues, although the reporter sees that they happened.
INWARD = frozenset(
    {
        "dispatch", "delegate", "adjudicate", "sign_for", "accept", "file_case", "verify_pass",
        "hand_off",
    }
)  # fmt: skip


@dataclass(frozen=True)
class PublicStep:
    """One step of the matter that its reporter may know of."""

    at: Any
    label: str
    by: str
    said: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class OpenForm:
    """A move the reporter may make, with its form."""

    name: str
    label: str
    key: str
    fields: list[moves.DrawnField]
    is_open: bool


def receipt(
    found: Followed, tried: str, said: QueryDict | None, problems: Mapping[str, str]
) -> dict[str, Any]:
    """The values of the receipt page: at most eight statements."""
    own, case = found.own, found.shown
    steps, mine, facts = _told(own, is_own=True)
    is_secret = words.tells_only_its_state(own, case)
    if case.pk != own.pk and not is_secret:
        others, _words, _facts = _told(case, is_own=False)
        steps = [*others, *steps]
    shares = list(Assignment.objects.filter(case_id=own.pk).order_by("number"))
    sign = None if is_secret else words.clock_sign(case, clock.now())
    return {
        "case": own,
        "shown_case": case,
        "is_merged": case.pk != own.pk,
        "is_secret": is_secret,
        "text": mine.get("text", ""),
        "place": mine.get("place", ""),
        "photos": list(Attachment.objects.filter(case_id=own.pk, sequence=1).order_by("number")),
        "unit": "" if is_secret else words.unit_name(case.unit_code),
        "sentence": _sentence(case, sign, is_secret=is_secret),
        "behalf": behalf_words(facts),
        "needs_contact": own.anonymous and not own.ended and _needs_somebody(own.category),
        "clock": sign,
        "steps": steps,
        "looked": looks.looked(own),
        "forms": _forms(found, shares, tried, said, problems),
    }


def _sentence(case: Case, sign: words.Sign | None, *, is_secret: bool) -> str:
    """Who has it now, until when, and what happens next, in one plain sentence."""
    following = str(case.now.next)
    if is_secret or case.ended or sign is None or sign.at is None:
        return following
    if not words.reads_chinese():
        following = following[:1].lower() + following[1:]
    said = {
        "unit": words.unit_name(case.unit_code),
        "when": words.when(sign.at),
        "next": following,
    }
    if sign.icon == "pause":
        return _("%(unit)s has it now, and its clock stands still: %(next)s") % said
    if sign.icon == "overdue":
        return _("%(unit)s has it now and should have acted by %(when)s: %(next)s") % said
    return _("%(unit)s has it now and acts by %(when)s at the latest: %(next)s") % said


def _needs_somebody(category: str) -> bool:
    """Whether a matter cannot be handled for somebody nobody can reach; no until it is sorted."""
    return bool(category) and Category.objects.filter(pk=category, anonymous=False).exists()


def _told(
    case: Case, *, is_own: bool
) -> tuple[list[PublicStep], Mapping[str, Any], Mapping[str, Any]]:
    """A case's public steps, newest first, the words it was reported with, and its facts."""
    events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
    contents = {
        p.sequence: p.content or {} for p in Payload.objects.filter(case_id=case.pk, part="words")
    }
    facts = events[0].facts if events else {}
    return _steps(case.pinned_kind, events, contents, is_own=is_own), contents.get(1, {}), facts


def _steps(
    kind: Kind,
    events: list[Event],
    contents: Mapping[int, Mapping[str, Any]],
    *,
    is_own: bool,
) -> list[PublicStep]:
    """The public moves, newest first; units by name, never people.

    is_own: whether the reader reported this case. Of another's case only what units say about
    the matter is told, never what its reporter said or was asked.
    """
    reporter = _("You") if is_own else _("Another reporter")
    readable = ADDRESSED if is_own else ABOUT_THE_MATTER
    steps = []
    for event in events:
        if event.sequence == 1:
            steps.append(PublicStep(event.at, str(kind.opened), reporter))
            continue
        if event.move in Aside and is_own and Aside(event.move).is_of_a_reporter:
            steps.append(PublicStep(event.at, str(Aside(event.move).label), ""))
            continue
        move = kind.move(event.move)
        if move is None or not move.public:
            continue
        if event.role == "resident" and not is_own:
            steps.append(PublicStep(event.at, str(move.label), reporter))
            continue
        free = [
            (str(need.label), str(contents.get(event.sequence, {})[need.name]))
            for need in move.needs
            if need.type in FREE
            and need.name in readable
            and need.name in contents.get(event.sequence, {})
            and move.name not in INWARD
        ]
        facts = moves.said_in_words(move, event.facts) if is_own else []
        by = reporter if event.role == "resident" else words.unit_name(event.unit_code)
        steps.append(PublicStep(event.at, str(move.label), by, [*facts, *free]))
    return steps[::-1]


def _forms(
    found: Followed,
    shares: list[Assignment],
    tried: str,
    said: QueryDict | None,
    problems: Mapping[str, str],
) -> list[OpenForm]:
    forms = []
    for move in moves.offered(found.actor, found.own, shares):
        if move.name == "rate_twin" and found.shown.closed_at is None:
            continue  # the work on the common case is not done yet
        is_tried = move.name == tried
        forms.append(
            OpenForm(
                name=move.name,
                label=str(move.label),
                key=form_key(said if said and is_tried else {}),
                fields=moves.draw(
                    move,
                    found.own,
                    found.actor,
                    said if is_tried else None,
                    problems if is_tried else None,
                ),
                is_open=is_tried
                or (move.name in ASKED and not tried)
                # Who has just said that it is not solved finds the way on before their eyes.
                or (move.name == "reopen" and found.own.solved is False),
            )
        )
    return forms
