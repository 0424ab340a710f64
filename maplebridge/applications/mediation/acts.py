"""What is done in a dispute: each act is checked against the file, then made as one move.

Each returns the event; the same key again changes nothing. Whoever calls stands behind the wall.
Raises rules.Refused with a sentence for each field, and what `engine.move` raises.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from maplebridge.applications.mediation import files, rules
from maplebridge.applications.mediation.manifest import GROUNDS, SERIOUSNESS
from maplebridge.applications.mediation.rules import Mediator, Refused
from maplebridge.cases import engine
from maplebridge.cases.models import Case, Event
from maplebridge.journey.models import Category
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise, printable
from maplebridge.organisation import calendar
from maplebridge.organisation.models import Account, actors_for
from maplebridge.organisation.people import Actor, Role, reporter_of
from maplebridge.organisation.units import UnknownUnit, directory

MOST_SUMMARY = 1000
TIME_CLASS = "S6"
P = ParamSpec("P")
SOURCES = ("application", "screening", "transfer")


@dataclass(frozen=True)
class Asking:
    """Somebody asks for mediation. text: what it is about, without names. parties: name, phone,
    household and unit of each, the one who asks first; sealed. campaign: that found it."""

    area_code: str
    category: str
    text: str
    parties: Sequence[Mapping[str, str]]
    key: str
    source: str = "application"
    campaign: str = ""
    at: dt.datetime | None = None
    synthetic: bool = False


def ask(asking: Asking, by: Actor | None = None) -> engine.Opened:
    """Opens a dispute at the room of its place, with the parties as told; a key again, the same.

    by: the desk that writes it down; None for the party itself.
    """
    wrong: dict[str, str] = {}
    text = printable(asking.text)
    first = dict(asking.parties[0]) if asking.parties else {}
    name = normalise(first.get("name", ""))
    category = Category.objects.filter(pk=asking.category).first()
    if not text:
        wrong["text"] = _("Please say in a sentence what it is about.")
    elif len(text) > MOST_SUMMARY:
        long = _("The text has %(n)d characters; at most %(most)d are kept. Please shorten it.")
        wrong["text"] = long % {"n": len(text), "most": MOST_SUMMARY}
    if not name:
        wrong["name"] = _("Mediation needs two known sides: please write who asks.")
    if category is None or not rules.CAUSE.fullmatch(asking.category):
        wrong["category"] = _("Please choose what it is about.")
    if asking.source not in SOURCES:
        wrong["source"] = _("Please choose one of the offered answers.")
    try:
        unit = directory().room_of(asking.area_code).code
    except UnknownUnit:
        wrong["place"] = _("Please choose the village.")
    if wrong or category is None:
        raise Refused(wrong)
    facts = {
        "category": category.code,
        "line": "MED",
        "sla_class": TIME_CLASS,
        "confidentiality": category.confidentiality,
        "source": asking.source,
        "campaign": asking.campaign,
    }
    with transaction.atomic():
        opened = engine.open(
            engine.Opening(
                kind=files.KIND, channel="desk" if by else "web",
                account=str(by.account_id) if by else "mediation", key=asking.key,
                area_code=asking.area_code, unit_code=unit, words={"text": text},
                reporter={"name": name, "phone": normalise(first.get("phone", ""))},
                facts=facts, at=asking.at, synthetic=asking.synthetic,
            )
        )  # fmt: skip
        actor = by or reporter_of(opened.case_id)
        for number, party in enumerate(asking.parties, start=1):
            if normalise(party.get("name", "")):
                name_party(
                    opened.case_id, actor, number, party, f"{asking.key}:party:{number}"[-120:],
                    at=asking.at,
                )  # fmt: skip
    return opened


def _page(said: Mapping[str, Any]) -> str:
    return json.dumps({k: v for k, v in said.items() if v != ""}, ensure_ascii=False)


def _move(
    case_id: UUID, name: str, actor: Actor, key: str, at: dt.datetime | None, **facts: Any
) -> Event:
    said = {n: v for n, v in facts.items() if v is not None}
    return engine.move(case_id, name, actor, key=key, facts=said, at=at)


def _once(act: Callable[P, Event]) -> Callable[P, Event]:
    """An act looks at the file and moves under one lock; the same key again gives the first event.

    The lock keeps what was looked at true until the move; the key is asked before any rule, since
    what was done once may not be possible again.
    """
    names = signature(act)

    @wraps(act)
    def done_once(*said: P.args, **more: P.kwargs) -> Event:
        bound = names.bind(*said, **more).arguments
        case_id, key = bound["case_id"], bound["key"]
        with transaction.atomic():
            if not Case.objects.select_for_update().filter(pk=case_id).exists():
                raise engine.UnknownCase(_("There is no such case."))
            made = Event.objects.filter(case_id=case_id, key=key, move=act.__name__).first()
            return made if made is not None else act(*said, **more)

    return done_once


def _file(case_id: UUID) -> files.File:
    return files.read(Case.objects.get(pk=case_id), opened=True)


@_once
def name_party(
    case_id: UUID, actor: Actor, number: int, said: Mapping[str, str], key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Writes down a party, or writes it down anew under its number."""
    party = {
        name: " ".join(printable(said.get(name, "")).split())[:120]
        for name in ("name", "phone", "household", "unit", "helper")
    }
    if not party["name"]:
        raise Refused({"name": _("Please fill in: %(label)s.") % {"label": _("Name")}})
    return _move(case_id, "name_party", actor, key, at, party=number, page=_page(party))


@_once
def split(
    case_id: UUID, actor: Actor, said: Mapping[str, str], key: str, at: dt.datetime | None = None
) -> Event:
    """Gives the dispute to a committee; its cause says how confidential it is from now on."""
    category = Category.objects.filter(pk=said.get("category", "")).first()
    if category is None or not rules.CAUSE.fullmatch(category.code):
        raise Refused({"category": _("Please choose what it is about.")})
    if said.get("seriousness") not in dict(SERIOUSNESS):
        raise Refused({"seriousness": _("Please choose one of the offered answers.")})
    return _move(
        case_id, "split", actor, key, at,
        unit=said.get("unit"), category=category.code, seriousness=said["seriousness"],
        confidentiality=category.confidentiality, note=said.get("note"),
    )  # fmt: skip


def mediators_of(unit_code: str, on: dt.date) -> list[tuple[UUID, str]]:
    """The mediators of a committee on a day, by name: work data of posts, nothing else."""
    accounts = Account.objects.filter(
        holdings__post__unit_id=unit_code, holdings__post__role=Role.MEDIATOR, is_active=True
    ).distinct()
    return [
        (account.pk, account.display_name)
        for account in accounts.order_by("display_name")
        if any(a.unit_code == unit_code and a.role == Role.MEDIATOR
               for a in actors_for(account, on))
    ]  # fmt: skip


def mediator_name(mediator: str) -> str:
    """The name of a chosen mediator; empty for none."""
    found = Account.objects.filter(pk=mediator).first() if mediator else None
    return found.display_name if found else ""


@_once
def choose_mediator(
    case_id: UUID, actor: Actor, mediator: str, declared: Mapping[str, str],
    chosen_by: Sequence[int], key: str, at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Names the mediator. declared: its own `household`, `unit`, and `related` as it declared them.

    A mediator who is a party, of a party's household or unit, or tied to one, is refused.
    """
    file = _file(case_id)
    offered = dict(mediators_of(file.case.unit_code, local_day(at or now())))
    name = next((n for pk, n in offered.items() if str(pk) == mediator), "")
    if not name:
        raise Refused({"mediator": _("Please choose a mediator of the committee.")})
    if not file.parties:
        raise Refused(_("Please write down both sides first."))
    person = Mediator(
        name, declared.get("household", ""), declared.get("unit", ""),
        related=bool(declared.get("related")),
    )  # fmt: skip
    against = rules.conflict(person, list(file.parties.values()))
    if against:
        raise Refused({"mediator": against})
    page = _page({"household": person.household, "unit": person.unit, "name": name})
    return _move(
        case_id, "choose_mediator", actor, key, at, mediator=mediator,
        chosen_by=[str(n) for n in chosen_by] or None, page=page,
    )  # fmt: skip


@_once
def refuse_mediator(
    case_id: UUID, actor: Actor, party: int, key: str, at: dt.datetime | None = None
) -> Event:
    """A party refuses the mediator; nobody asks why. Source: People's Mediation Law, article 19."""
    file = _file(case_id)
    _known(file, party)
    if not file.mediator:
        raise Refused(_("No mediator is named that could be refused."))
    return _move(case_id, "refuse_mediator", actor, key, at, party=party)


def _conducts(file: files.File, actor: Actor) -> None:
    if str(actor.account_id) != file.mediator:
        raise Refused(_("Only the mediator whom the parties accepted conducts the mediation."))


def _known(file: files.File, party: int) -> None:
    if party not in file.parties:
        raise Refused({"party": _("Please choose a party.")})


@_once
def begin(
    case_id: UUID, actor: Actor, told: Sequence[int], willing: Sequence[int],
    violence: bool | None, balance: str, key: str, at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Begins: both told, both willing, nobody afraid, nobody alone and weaker; else refused."""
    file = _file(case_id)
    wrong = rules.may_begin(file.parties, told, willing, violence, balance, file.mediator)
    declared = file.mediator_page
    person = Mediator(
        mediator_name(file.mediator), declared.get("household", ""), declared.get("unit", "")
    )
    # A party may have been written down since the mediator was chosen.
    if against := rules.conflict(person, list(file.parties.values())):
        wrong[""] = against
    if wrong:
        raise Refused(wrong)
    return _move(
        case_id, "begin", actor, key, at, told=[str(n) for n in told],
        willing=[str(n) for n in willing], violence=False, balance=balance,
    )  # fmt: skip


@_once
def protect(
    case_id: UUID, actor: Actor, service: str, seen: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Stops at once and hands over. seen: what was noticed, sealed."""
    page = _page({"seen": seen}) if seen else None
    return _move(case_id, "protect", actor, key, at, service=service, page=page)


@_once
def state(
    case_id: UUID, actor: Actor, party: int, words: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Takes down what a party says; sealed, for the mediator at work alone."""
    _known(_file(case_id), party)
    if not words.strip():
        raise Refused({"words": _("Please fill in: %(label)s.") % {"label": _("Statement")}})
    page = _page({"words": printable(words)})
    return _move(case_id, "state", actor, key, at, party=party, page=page)


@_once
def sit(
    case_id: UUID, actor: Actor, said: Mapping[str, str], attended: Sequence[int], key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Writes down a session. said: `held_on`, `way`, `where` (a place or a link), `minutes` (how
    long), `record`."""
    file = _file(case_id)
    _conducts(file, actor)
    wrong: dict[str, str] = {}
    if not attended or set(attended) - set(file.parties):
        wrong["attended"] = _("Please say which parties came.")
    if not said.get("where", "").strip():
        wrong["where"] = _("Please write the place, or the link of the meeting.")
    if not said.get("record", "").strip():
        wrong["record"] = _("Please fill in: %(label)s.") % {"label": _("Record")}
    minutes = said.get("minutes", "").strip()
    if not (minutes.isascii() and minutes.isdigit() and 0 < int(minutes) <= 1440):
        wrong["minutes"] = _("Please write the minutes it took, from 1 to 1440.")
    held_on = said.get("held_on", "")
    if held_on > local_day(at or now()).isoformat():
        wrong["held_on"] = _("A session is written down after it was held.")
    if wrong:
        raise Refused(wrong)
    page = _page({name: printable(said[name]) for name in ("where", "minutes", "record")})
    return _move(
        case_id, "sit", actor, key, at, held_on=held_on, way=said.get("way"),
        attended=[str(n) for n in attended], page=page,
    )  # fmt: skip


@_once
def propose(
    case_id: UUID, actor: Actor, words: str, key: str, at: dt.datetime | None = None
) -> Event:
    """A proposal to both sides; they read it under their own addresses."""
    _conducts(_file(case_id), actor)
    if not words.strip():
        raise Refused({"words": _("Please fill in: %(label)s.") % {"label": _("Proposal")}})
    return _move(case_id, "propose", actor, key, at, page=_page({"words": printable(words)}))


@_once
def answer_proposal(
    case_id: UUID, actor: Actor, party: int, answer: str, key: str, at: dt.datetime | None = None
) -> Event:
    """What a party says to the last proposal; it may say something else later."""
    file = _file(case_id)
    _known(file, party)
    if not file.proposals:
        raise Refused(_("There is no proposal to be answered."))
    return _move(case_id, "answer_proposal", actor, key, at, party=party, answer=answer)


@_once
def cool_off(
    case_id: UUID, actor: Actor, until: str, key: str, at: dt.datetime | None = None
) -> Event:
    """A pause until a day within the next thirty."""
    return _move(case_id, "cool_off", actor, key, at, review_on=until)


@_once
def go_on(case_id: UUID, actor: Actor, key: str, at: dt.datetime | None = None) -> Event:
    """Goes on, not before the day that was set."""
    file = _file(case_id)
    if file.pause_until is not None and local_day(at or now()) < file.pause_until:
        raise Refused(
            _("The pause lasts until %(day)s; before that nobody is asked to sign.")
            % {"day": file.pause_until.isoformat()}
        )
    return _move(case_id, "go_on", actor, key, at)


@_once
def draft_agreement(
    case_id: UUID, actor: Actor, said: Mapping[str, str], key: str, at: dt.datetime | None = None
) -> Event:
    """Puts a text before the parties, to be read and signed under their own addresses.

    said: the fields of `rules.ARTICLE_29` and `items`. A newer text takes the place of the one
    before, with its signatures.
    """
    file = _file(case_id)
    _conducts(file, actor)
    wrong = rules.agreement_problems(said, None) | _unready(file)
    if wrong:
        raise Refused(wrong)
    return _move(case_id, "draft_agreement", actor, key, at, page=_page(_text(said)))


@_once
def sign_draft(
    case_id: UUID, actor: Actor, party: int, draft: int, name: str, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """A party signs the newest text with its own name.

    draft: the number of the text that was read. Refused when a newer one is there since.
    Source: People's Mediation Law, article 29; Electronic Signature Law, articles 3 and 13: what it
    is worth rests on the parties wanting it, so paper stays possible for everybody.
    """
    file = _file(case_id)
    _known(file, party)
    if not file.drafts or file.drafts[-1].number != draft:
        raise Refused(_("The text has changed since. Please read it again before you sign."))
    if wrong := _unready(file):
        raise Refused(wrong)
    if party in file.drafts[-1].signed:
        raise Refused(_("You have signed this text already."))
    if normalise(name) != normalise(file.parties[party].name):
        raise Refused(
            {"name": _("Please write your name as it stands here: %(name)s.")
             % {"name": file.parties[party].name}}
        )  # fmt: skip
    return _move(case_id, "sign_draft", actor, key, at, party=party, draft=draft)


def _text(said: Mapping[str, str]) -> dict[str, str]:
    """The words of an agreement: article 29, and the plan."""
    names = [name for name, _label in rules.ARTICLE_29]
    return {name: printable(said.get(name, "")).strip() for name in [*names, "items"]}


def _unready(file: files.File) -> dict[str, str]:
    """Why nothing is signed yet; the last reason of several, under no field."""
    wrong: dict[str, str] = {}
    for party in file.proposals[-1].answers if file.proposals else ():
        if file.proposals[-1].answers[party] != "yes":
            wrong[""] = _("Party %(n)d does not agree to the proposal.") % {"n": party}
    if rules.needs_pause(file.case.category, file.balance) and not file.paused:
        wrong[""] = _("Here a pause for thinking it over comes before the signature.")
    return wrong


@_once
def agree(
    case_id: UUID, actor: Actor, said: Mapping[str, str], key: str, at: dt.datetime | None = None
) -> Event:
    """Puts an agreement in force once it says all of article 29 and everybody has signed.

    said: `form`, the fields of `rules.ARTICLE_29`, `items`, `signed_N` for each party N,
    `mediator_on`, `sealed_on`; an oral one needs `reached_on` and no signature. A party that signed
    the newest text under its own address has signed; then no other text is put in force.
    """
    file = _file(case_id)
    _conducts(file, actor)
    form = said.get("form", "")
    wrong: dict[str, str] = {}
    online = file.drafts[-1].signed if file.drafts and form == "written" else {}
    if online:
        said = {**said, **{f"signed_{n}": day.isoformat() for n, day in online.items()}}
        if _text(said) != file.drafts[-1].page:
            wrong["content"] = _(
                "The parties signed other words. Please put the changed text before them first."
            )
    if form == "oral":
        in_force = _day(said, "reached_on", wrong)
        signed = dict.fromkeys(file.parties, in_force)
    else:
        signed = {
            n: day for n in file.parties if (day := _day(said, f"signed_{n}", wrong)) is not None
        }
        by, shut = _day(said, "mediator_on", wrong), _day(said, "sealed_on", wrong)
        days = {n: day for n, day in signed.items() if day is not None}
        in_force = rules.effective_on(days, file.parties, by, shut)
    today = local_day(at or now())
    if in_force is not None and in_force > today:
        wrong[""] = _("A signature cannot be of a day to come.")
    wrong |= rules.agreement_problems(said, in_force)
    wrong |= _unready(file)
    if wrong or in_force is None:
        raise Refused(wrong or {"": _("A signature or the seal is missing.")})
    kept = {**_text(said), "online": ",".join(map(str, sorted(online)))}
    dues = [item.due_on for item in rules.read_items(said["items"])]
    days_said = {
        name: said[name] for name in said
        if name.startswith("signed_") or name in ("mediator_on", "sealed_on", "reached_on")
    }  # fmt: skip
    return _move(
        case_id, "agree", actor, key, at, form=form,
        effective_on=in_force.isoformat(),
        confirm_by=rules.confirm_by(in_force, calendar.is_workday).isoformat(),
        dues=[day.isoformat() for day in dues], signed=[str(n) for n in signed],
        review_on=max(dues[0], today).isoformat(), page=_page({**kept, **days_said}),
    )  # fmt: skip


def _day(said: Mapping[str, str], name: str, wrong: dict[str, str]) -> dt.date | None:
    if not said.get(name) and name.startswith(("signed_", "mediator_on", "sealed_on")):
        wrong[name] = _("A signature or the seal is missing.")
        return None
    try:
        return dt.date.fromisoformat(said.get(name, ""))
    except ValueError:
        wrong[name] = _("Please write the day; a date looks like 2026-01-31.")
        return None


def _agreed(file: files.File) -> files.Agreement:
    if file.agreement is None:
        raise Refused(_("There is no agreement in force."))
    return file.agreement


@_once
def note_performance(
    case_id: UUID, actor: Actor, item: int, kept: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Notes how an item was performed; the clock goes on to the next day on which one is due."""
    agreed = _agreed(_file(case_id))
    if not 1 <= item <= len(agreed.dues):
        raise Refused({"item": _("Please choose an item of the agreement.")})
    done = {*agreed.done, item} if kept == "whole" else {*agreed.done} - {item}
    following = rules.next_due(agreed.dues, done)
    today = local_day(at or now())
    day = max(following, today + dt.timedelta(days=1)).isoformat() if following else None
    return _move(case_id, "note_performance", actor, key, at, item=item, kept=kept, review_on=day)


@_once
def remind(
    case_id: UUID, actor: Actor, party: int, key: str, at: dt.datetime | None = None
) -> Event:
    """Notes that a party was reminded; it reads so under its own address, too."""
    file = _file(case_id)
    _known(file, party)
    _agreed(file)
    return _move(case_id, "remind", actor, key, at, party=party)


@_once
def ask_court(
    case_id: UUID, actor: Actor, together: Sequence[int], on: str, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Both parties together ask the court, in time. Source: People's Mediation Law, article 33."""
    file = _file(case_id)
    agreed = _agreed(file)
    wrong: dict[str, str] = {}
    day = _day({"asked_on": on}, "asked_on", wrong)
    if set(file.parties) - set(together):
        wrong["together"] = _("All parties ask together; one alone cannot.")
    if day is not None and not agreed.effective_on <= day <= agreed.confirm_by:
        wrong["asked_on"] = _(
            "The court is asked from %(first)s to %(last)s, within 30 days of the agreement."
        ) % {"first": agreed.effective_on.isoformat(), "last": agreed.confirm_by.isoformat()}
    if file.asked_court_on is not None:
        wrong[""] = _("The court has been asked already.")
    if wrong:
        raise Refused(wrong)
    return _move(
        case_id, "ask_court", actor, key, at, asked_on=on, together=[str(n) for n in together]
    )


@_once
def note_ruling(
    case_id: UUID, actor: Actor, ruling: str, on: str, key: str, at: dt.datetime | None = None
) -> Event:
    """What the court said; confirmed, the agreement can be enforced."""
    if _file(case_id).asked_court_on is None:
        raise Refused(_("The court has not been asked."))
    return _move(case_id, "note_ruling", actor, key, at, ruling=ruling, ruled_on=on)


@_once
def close(
    case_id: UUID, actor: Actor, reply: str, key: str, at: dt.datetime | None = None
) -> Event:
    """Closes a dispute whose agreement is performed, every item of it."""
    agreed = _agreed(_file(case_id))
    if agreed.next_due is not None:
        raise Refused(_("Not everything is performed yet; note each item first."))
    return _move(case_id, "close", actor, key, at, reply=reply)


@_once
def stop(
    case_id: UUID, actor: Actor, ground: str, key: str, *, party: int | None = None,
    told: Sequence[int] = (), note: str = "", at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """Ends it without an agreement. A party needs no ground; a desk tells of arbitration and court.

    told: parties that were told that the ways of arbitration and court stay open.
    Source: People's Mediation Law, articles 3 (3), 23 (3) and 26.
    """
    file = _file(case_id)
    if ground not in dict(GROUNDS):
        raise Refused({"ground": _("Please choose one of the offered answers.")})
    if party is not None:
        _known(file, party)
    if actor.role != Role.RESIDENT and set(file.parties) - set(told):
        raise Refused(
            {"told": _("Tell every party that arbitration and the court stay open to it.")}
        )
    return _move(
        case_id, "stop", actor, key, at, ground=ground, party=party,
        told=[str(n) for n in told] or None, note=note,
    )  # fmt: skip


@_once
def leave_to_others(case_id: UUID, actor: Actor, key: str, at: dt.datetime | None = None) -> Event:
    """Ends what was handed over for protection, once it was taken there."""
    return _move(case_id, "leave_to_others", actor, key, at, ground="unsafe")


@_once
def visit(
    case_id: UUID, actor: Actor, party: int, kept: str, words: str, key: str,
    at: dt.datetime | None = None,
) -> Event:  # fmt: skip
    """A revisit: what a party says of the performance; the words are sealed."""
    _known(_file(case_id), party)
    if not words.strip():
        raise Refused({"words": _("Please fill in: %(label)s.") % {"label": _("Note")}})
    page = _page({"words": printable(words)})
    return _move(case_id, "visit", actor, key, at, party=party, kept=kept, page=page)
