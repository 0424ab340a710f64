"""One dispute's file, read from its events and from what is sealed in it."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from maplebridge.applications.mediation import rules
from maplebridge.applications.mediation.rules import Party
from maplebridge.cases import sealed
from maplebridge.cases.models import Case, Event
from maplebridge.lib.clock import local_day

KIND = "dispute"
TOKEN_SIGNS = 20


@dataclass
class Sitting:
    """A session: page has `where`, `minutes`, `record`."""

    number: int
    on: dt.date
    way: str
    attended: list[int]
    page: Mapping[str, str]


@dataclass
class Proposal:
    """A proposal and who answered how, by party."""

    number: int
    at: dt.datetime
    page: Mapping[str, str]
    answers: dict[int, str] = field(default_factory=dict)


@dataclass
class Draft:
    """A text put before the parties: the form of article 29, and who signed it when."""

    number: int
    at: dt.datetime
    page: Mapping[str, str]
    signed: dict[int, dt.date] = field(default_factory=dict)

    @property
    def items(self) -> list[rules.Item]:
        """What would be due when."""
        return rules.read_items(self.page.get("items", ""))


@dataclass
class Agreement:
    """An agreement in force. dues: days of its items, in order; page: the form of article 29."""

    form: str
    effective_on: dt.date
    confirm_by: dt.date
    dues: list[dt.date]
    signed: list[int]
    page: Mapping[str, str]
    performed: dict[int, str] = field(default_factory=dict)

    @property
    def done(self) -> list[int]:
        """The numbers of the items that were performed wholly."""
        return [n for n, kept in self.performed.items() if kept == "whole"]

    @property
    def items(self) -> list[tuple[int, rules.Item, str]]:
        """Number, item and how it was performed so far."""
        read = rules.read_items(self.page.get("items", ""))
        return [(n, item, self.performed.get(n, "")) for n, item in enumerate(read, start=1)]

    @property
    def next_due(self) -> dt.date | None:
        """The day of the first item that is not performed."""
        return rules.next_due(self.dues, self.done)


@dataclass
class File:
    """What the moves of a dispute have said so far."""

    case: Case
    events: list[Event]
    source: str = "application"
    seriousness: str = ""
    parties: dict[int, Party] = field(default_factory=dict)
    mediator: str = ""
    chosen_by: list[int] = field(default_factory=list)
    mediator_page: Mapping[str, str] = field(default_factory=dict)
    told: list[int] = field(default_factory=list)
    balance: str = ""
    paused: bool = False
    pause_until: dt.date | None = None
    statements: list[tuple[int, dt.datetime, Mapping[str, str]]] = field(default_factory=list)
    sittings: list[Sitting] = field(default_factory=list)
    proposals: list[Proposal] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    agreement: Agreement | None = None
    asked_court_on: dt.date | None = None
    ruling: str = ""
    visits: list[tuple[int, dt.datetime, str, Mapping[str, str]]] = field(default_factory=list)
    end: tuple[str, int, list[int], dt.datetime] | None = None

    def last(self, move: str) -> Event | None:
        """The newest event of a move."""
        return next((event for event in reversed(self.events) if event.move == move), None)


def read(case: Case, *, opened: bool) -> File:
    """The file of a case that the reader sees. opened: with what is sealed in it.

    Whoever opens it reads the case in full and notes the look. Three statements at most. Raises
    reporters.Unreadable when a seal does not open.
    """
    events = list(Event.objects.filter(case_id=case.pk).order_by("sequence"))
    pages = {page.sequence: page.content for page in sealed.pages(case.pk)} if opened else {}
    return fold(case, events, pages)


def fold(case: Case, events: Iterable[Event], pages: Mapping[int, Mapping[str, str]]) -> File:
    """The file, event by event."""
    file = File(case, list(events))
    for event in file.events:
        raw = pages.get(event.sequence, {}).get("page", "")
        _add(file, event, json.loads(raw) if raw else {})
    return file


def _numbers(facts: Mapping[str, Any], name: str) -> list[int]:
    return [int(code) for code in facts.get(name, [])]


def _add(file: File, event: Event, page: dict[str, str]) -> None:
    facts = event.facts
    match event.move:
        case "apply":
            file.source = str(facts.get("source", "application"))
        case "split":
            file.seriousness = str(facts.get("seriousness", ""))
        case "name_party":
            number = int(facts["party"])
            file.parties[number] = Party(number, **page) if page else Party(number, "")
        case "choose_mediator":
            file.mediator = str(facts["mediator"])
            file.chosen_by = _numbers(facts, "chosen_by")
            file.mediator_page = page
        case "refuse_mediator" | "escalate":
            file.mediator, file.chosen_by = "", []
        case "begin":
            file.told = _numbers(facts, "told")
            file.balance = str(facts.get("balance", ""))
        case "state":
            file.statements.append((int(facts["party"]), event.at, page))
        case "sit":
            file.sittings.append(
                Sitting(
                    len(file.sittings) + 1, dt.date.fromisoformat(facts["held_on"]),
                    str(facts["way"]), _numbers(facts, "attended"), page,
                )
            )  # fmt: skip
        case "propose":
            file.proposals.append(Proposal(len(file.proposals) + 1, event.at, page))
        case "answer_proposal":
            if file.proposals:
                file.proposals[-1].answers[int(facts["party"])] = str(facts["answer"])
        case "draft_agreement" | "sign_draft":
            _draft(file, event, page)
        case "cool_off":
            file.paused = True
            file.pause_until = dt.date.fromisoformat(facts["review_on"])
        case "agree":
            file.agreement = Agreement(
                str(facts["form"]),
                dt.date.fromisoformat(facts["effective_on"]),
                dt.date.fromisoformat(facts["confirm_by"]),
                [dt.date.fromisoformat(day) for day in facts.get("dues", [])],
                _numbers(facts, "signed"),
                page,
            )
        case "note_performance":
            if file.agreement is not None:
                file.agreement.performed[int(facts["item"])] = str(facts["kept"])
        case "ask_court":
            file.asked_court_on = dt.date.fromisoformat(facts["asked_on"])
        case "note_ruling":
            file.ruling = str(facts["ruling"])
        case "visit":
            file.visits.append((int(facts["party"]), event.at, str(facts["kept"]), page))
        case "stop" | "leave_to_others":
            ground, party = str(facts["ground"]), int(facts.get("party") or 0)
            file.end = (ground, party, _numbers(facts, "told"), event.at)
        case "reopen" | "resume":
            # What was agreed or asked before counts no longer; the events keep it.
            file.end = file.agreement = file.asked_court_on = file.pause_until = None
            file.paused, file.ruling, file.drafts = False, "", []


def _draft(file: File, event: Event, page: dict[str, str]) -> None:
    if event.move == "draft_agreement":
        file.drafts.append(Draft(len(file.drafts) + 1, event.at, page))
    else:
        file.drafts[-1].signed[int(event.facts["party"])] = local_day(event.at)


def token_of(case_id: UUID, party: int) -> str:
    """What a party's own address ends with; nobody finds it from the dispute's code."""
    said = f"mediation party {case_id} {party}".encode()
    found = hmac.new(settings.SECRET_KEY.encode(), said, hashlib.sha256).hexdigest()
    return found[:TOKEN_SIGNS]


def party_of(case_id: UUID, token: str, parties: Iterable[int]) -> int | None:
    """Which party an address belongs to; None for one that is none's."""
    for party in parties:
        if hmac.compare_digest(token_of(case_id, party).encode(), token.encode()):
            return party
    return None
