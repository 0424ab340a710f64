"""The pages of mediation: asking for it, a party's own page, the desk, screenings, figures."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from maplebridge.applications.mediation import acts, figures, files, papers, rules, screening
from maplebridge.applications.mediation.forms import FORMS, Blank, Form, Said
from maplebridge.applications.mediation.manifest import ANSWERS, GROUNDS, KEPT, SERIOUSNESS
from maplebridge.cases import engine, looks, permissions, reading, wall
from maplebridge.cases.grades import Way
from maplebridge.cases.kinds import Move
from maplebridge.cases.models import Assignment, Case, Event, Payload
from maplebridge.insight.indicators import percent
from maplebridge.insight.paper_words import COMMITTEE
from maplebridge.insight.periods import Period
from maplebridge.insight.scope import scope_of, sight_of
from maplebridge.journey.gazetteer import gazetteer
from maplebridge.journey.locate import is_decided, locate
from maplebridge.journey.models import Category
from maplebridge.lib import papers as setting
from maplebridge.lib.clock import local_day, now
from maplebridge.organisation.models import Area
from maplebridge.organisation.people import SYSTEM, Actor, Role, reporter_of
from maplebridge.organisation.units import directory
from maplebridge.web.parts import limits
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.beside import (
    DeskPage,
    FigureLines,
    FirstPage,
    ReceiptPage,
    offer,
    offer_figures,
    offer_first,
    offer_receipt,
)
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.moves import DrawnField, Group, unit_groups
from maplebridge.web.parts.words import first_words

ASKING = ("category", "text", "place", "name", "phone", "household", "unit", "other", "other_phone",
          "other_household")  # fmt: skip
MOST_LISTED = 50
MOST_PLACES = 12
VILLAGE = 12
AT_DESKS = frozenset({Role.STATION, Role.CLERK, Role.DISPATCHER, Role.MEDIATOR})
LOOKING = AT_DESKS | {Role.LEADER, Role.SUPERVISOR}
CALM, GRAVE = "", "grave"
# Moves that are seldom made; they stand behind the others.
RARE = frozenset({"name_party", "refuse_mediator", "answer_proposal", "remind", "note_ruling"})
GRAVE_MOVES = frozenset({"protect", "stop"})


# -- asking for mediation ---------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """What mediation is, and the form that asks for it; what is refused keeps every word."""
    if request.method != "POST":
        return _asking(request, {"key": str(uuid.uuid4())})
    said = {name: request.POST.get(name, "") for name in (*ASKING, "village", "key")}
    said["key"] = form_key(said)
    try:
        with wall.standing(SYSTEM):
            village = _village(said)
            limits.spend_report(request, None)
            opened = acts.ask(_read(said, village))
    except rules.Refused as refused:
        return _asking(request, said, refused.problems, 422)
    except limits.TooMany as full:
        waits = {"": limits.sentence(limits.REPORT_WAITS, full)}
        answer = _asking(request, said, waits, 429)
        answer["Retry-After"] = str(full.seconds)
        return answer
    answer = HttpResponseRedirect(reverse("receipt", args=[opened.query_code]))
    limits.remember_device(request, answer)
    return answer


def _read(said: Mapping[str, str], village: str, **more: Any) -> acts.Asking:
    first = {name: said.get(name, "") for name in ("name", "phone", "household", "unit")}
    other = {name: said.get(f"other_{name}", "") for name in ("phone", "household")}
    return acts.Asking(
        village, said["category"], said["text"], (first, {"name": said["other"], **other}),
        said["key"], **more,
    )  # fmt: skip


def _village(said: Mapping[str, str], within: str = "") -> str:
    """The code of the village that was chosen, or named so that only one is meant; else empty."""
    if said.get("village"):
        if Area.objects.filter(pk=said["village"][:12]).exists():
            return said["village"][:12]
    elif len(found := _places(said["place"], within)) == 1:
        return found[0][0]
    return ""


def _places(typed: str, within: str = "") -> list[tuple[str, str]]:
    """Villages by their names, with or without their township's: at most a dozen."""
    words = narrowing({"place": typed}, "place").split()
    if not words:
        return []
    found = Area.objects.filter(code__regex=r"^\d{12}$", name__contains=words[-1].rstrip("村"))
    rows = list(found.filter(code__startswith=within).order_by("code")[:60])
    # Written in one go, as in 龙游县社阳乡社阳村, it is read as the place of a report is.
    told = locate(None, None, "WGS84", "".join(words), within or None, places=gazetteer(60.0))
    if not rows and told.value and len(told.value) >= VILLAGE and is_decided(told):
        rows = list(Area.objects.filter(pk=told.value[:VILLAGE], code__startswith=within))
        words = []
    towns = {a.code: a.name for a in Area.objects.filter(code__in={r.code[:9] for r in rows})}
    said = [(row.code, f"{towns.get(row.code[:9], '')} {row.name}") for row in rows]
    return [one for one in said if all(word.rstrip("村") in one[1] for word in words)][:MOST_PLACES]


def _asking(
    request: HttpRequest, said: Mapping[str, str], problems: Mapping[str, str] | None = None,
    status: int = 200, **more: Any,
) -> HttpResponse:  # fmt: skip
    wrong = dict(problems or {})
    with wall.standing(SYSTEM):
        places = _places(said.get("place", ""), more.get("within", "")) if wrong else []
    values = {
        "said": said, "problems": wrong, "anchors": ASKING, "causes": _causes(),
        "places": places if len(places) > 1 or said.get("village") else [],
        "most": acts.MOST_SUMMARY, **more,
    }  # fmt: skip
    return render(request, more.get("template", "mediation/start.html"), values, status=status)


def _causes() -> list[tuple[str, str]]:
    found = Category.objects.filter(code__startswith="01")
    return [(category.code, category.shown_name) for category in found]


# -- a party's own page -----------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def party(request: HttpRequest, case_id: UUID, what: str) -> HttpResponse:
    """A party's page: rights, mediator, proposal, agreement; to refuse, to answer, to stop."""
    tries = limits.follower(request)
    try:
        limits.check(*tries)
    except limits.TooMany as full:
        said = limits.sentence(limits.FOLLOW_WAITS, full)
        return render(request, "resident/follow.html", {"code": "", "error": said}, status=429)
    actor = reporter_of(case_id)
    with wall.standing(actor):
        case = Case.objects.filter(pk=case_id, kind=files.KIND).first()
        found = files.read(case, opened=True) if case else None
        number = files.party_of(case_id, what, found.parties) if found else None
        if case is not None and found is not None and number is not None:
            return _at_party(request, actor, case, found, number)
    # Outside the transaction, so that the try stays counted.
    with suppress(limits.TooMany):
        limits.spend(*tries)
    raise Http404


def _at_party(
    request: HttpRequest, actor: Actor, case: Case, found: files.File, number: int
) -> HttpResponse:
    if request.method != "POST":
        return _party_page(request, case, found, number, "")
    said = Said(dict(request.POST.lists()))
    try:
        _of_party(case.pk, actor, number, said, move_key(request.POST.dict()))
    except (rules.Refused, engine.Refused, engine.FactsError) as refused:
        return _party_page(request, case, found, number, str(refused))
    messages.success(request, _("Thank you; it is recorded."))
    return HttpResponseRedirect(request.path)


def _of_party(case_id: UUID, actor: Actor, number: int, said: Said, key: str) -> Event:
    match said.one("act"):
        case "refuse":
            return acts.refuse_mediator(case_id, actor, number, key)
        case "answer":
            return acts.answer_proposal(case_id, actor, number, said.one("answer"), key)
        case "sign":
            return acts.sign_draft(
                case_id, actor, number, said.number("draft"), said.one("name"), key
            )
        case "stop":
            return acts.stop(case_id, actor, "party", key, party=number)
    raise rules.Refused(_("Please choose one of the offered answers."))


def _party_page(
    request: HttpRequest, case: Case, file: files.File, number: int, problem: str
) -> HttpResponse:
    can = {
        name: (move := case.pinned_kind.move(name)) is not None and move.leads_from(case.state)
        for name in ("refuse_mediator", "answer_proposal", "sign_draft", "stop")
    }
    values = {
        "case": case, "file": file, "number": number, "me": file.parties[number],
        "mediator": acts.mediator_name(file.mediator), "problem": problem,
        "way": way_of(file.events), "answers": ANSWERS,
        "proposal": file.proposals[-1] if file.proposals else None,
        "answered": file.proposals[-1].answers.get(number, "") if file.proposals else "",
        "may_refuse": can["refuse_mediator"] and bool(file.mediator),
        "may_answer": can["answer_proposal"] and bool(file.proposals),
        "draft": file.drafts[-1] if file.drafts and can["sign_draft"] else None,
        "draft_words": _draft_words(file), "signed": number in _signed(file),
        "may_stop": can["stop"], "keys": [str(uuid.uuid4()) for _n in range(4)],
    }  # fmt: skip
    answer = render(request, "mediation/party.html", values, status=422 if problem else 200)
    answer["Cache-Control"] = "private, no-store"
    answer["Referrer-Policy"] = "same-origin"
    return answer


def _signed(file: files.File) -> dict[int, dt.date]:
    return file.drafts[-1].signed if file.drafts else {}


def _draft_words(file: files.File) -> list[tuple[str, str]]:
    """The words of the newest text, each under what it tells."""
    page = file.drafts[-1].page if file.drafts else {}
    return [(str(label), page.get(name, "")) for name, label in rules.ARTICLE_29 if page]


def way_of(events: list[Event]) -> list[tuple[str, dt.datetime]]:
    """The layers a dispute went through, village to county: each unit that held it, since when."""
    way: list[tuple[str, dt.datetime]] = []
    for event in events:
        unit = str(event.facts.get("unit", ""))
        if unit and (not way or way[-1][0] != unit):
            way.append((unit, event.at))
    return way


@require_safe
def follow(request: HttpRequest, code: str) -> HttpResponse:
    """解纷码: the whole way of one dispute over all layers, without a word of it."""
    try:
        found = limits.followed(limits.follower(request), code)
    except limits.TooMany as full:
        said = limits.sentence(limits.FOLLOW_WAITS, full)
        return render(request, "resident/follow.html", {"code": code, "error": said}, status=429)
    if found is None or found.own.kind != files.KIND:
        raise Http404
    with wall.standing(found.actor):
        file = files.read(found.own, opened=False)
        steps = [
            (str(move.label), event.at)
            for event in file.events
            if (move := found.own.pinned_kind.move(event.move)) is not None and move.public
        ]
        values = {"case": found.own, "way": way_of(file.events), "steps": steps[::-1]}
        return render(request, "mediation/follow.html", values)


# -- the desk ---------------------------------------------------------------------------------


def works_here(actor: Actor) -> bool:
    """Whether a post has the desk of mediation."""
    return actor.role in LOOKING and bool(actor.unit_code)


@require_safe
@at_a_desk
def desk(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The disputes that a post sees, the newest first; nothing sealed stands here."""
    if not works_here(actor):
        raise Http404
    ended = narrowing(request.GET, "tab") == "ended"
    found = Case.objects.visible_to(actor).filter(kind=files.KIND, ended=ended)
    cases = list(found.order_by("-changed_at")[:MOST_LISTED])
    read = reading.readings(actor, cases)
    texts = {
        payload.case_id: str((payload.content or {}).get("text", ""))
        for payload in Payload.objects.filter(
            case_id__in=[case.pk for case in cases], sequence=1, part="words"
        )
    }
    names = dict(_causes())
    rows = [
        {
            "case": case, "cause": names.get(case.category, case.category),
            "title": first_words(read[case.pk].words(texts.get(case.pk, ""))) or case.number,
        }
        for case in cases
    ]  # fmt: skip
    values = {
        "here": "mediation",
        "rows": rows,
        "ended": ended,
        "may_open": actor.role in AT_DESKS - {Role.MEDIATOR},
        "screens": screening.screens(actor),
        "counts": _counts(actor),
    }  # fmt: skip
    answer = render(request, "mediation/desk.html", values)
    looks.note_list(actor, cases)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def desk_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A dispute written down at a desk: asked for there, found by screening, or passed on."""
    if actor.role not in AT_DESKS - {Role.MEDIATOR}:
        raise Http404
    more: dict[str, Any] = {
        "here": "mediation", "template": "mediation/new.html", "within": actor.area_code,
        "sources": SOURCES, "campaigns": screening.shown_to(actor, 5),
    }  # fmt: skip
    if request.method != "POST":
        said = {"key": str(uuid.uuid4()), "source": "application"}
        if chosen := narrowing(request.GET, "campaign"):
            said |= {"source": "screening", "campaign": chosen}
        return _asking(request, said, **more)
    said = {n: request.POST.get(n, "") for n in (*ASKING, "village", "key", "source", "campaign")}
    said["key"] = form_key(said)
    try:
        own = actor.area_code if len(actor.area_code) == 12 else ""
        village = own or _village(said, actor.area_code)
        here = village if permissions.covers(actor.area_code, village) else ""
        asked = _read(said, here, source=said["source"], campaign=said["campaign"][:40])
        opened = acts.ask(asked, actor)
    except rules.Refused as refused:
        return _asking(request, said, refused.problems, 422, **more)
    messages.success(request, _("Written down; its code is %(code)s.") % {
        "code": opened.query_code})  # fmt: skip
    if Case.objects.visible_to(actor).filter(pk=opened.case_id).exists():
        return HttpResponseRedirect(reverse("mediation-file", args=[opened.case_id]))
    return HttpResponseRedirect(reverse("mediation-desk"))


def _counts(actor: Actor) -> bool:
    """Whether a post has the figures of an area."""
    scope = scope_of(actor)
    return scope is not None and not scope.unit_code


SOURCES = (
    ("application", gettext_lazy("A party asks")),
    ("screening", gettext_lazy("Found by screening")),
    ("transfer", gettext_lazy("Passed on by another body")),
)


def opens(actor: Actor, case: Case) -> bool:
    """Whether an actor reads what is sealed: the posts of the unit that holds the dispute now."""
    return actor.unit_code == case.unit_code and actor.role in AT_DESKS


def _case(actor: Actor, case_id: UUID) -> Case:
    return get_object_or_404(Case.objects.visible_to(actor), pk=case_id, kind=files.KIND)


@require_safe
@at_a_desk
def file(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """One file: who, what was said, agreed, performed; and what may be done now."""
    case = _case(actor, case_id)
    return _file_page(request, actor, case)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def act(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """The form of a move, and the move; what was typed is kept whenever it is refused."""
    case = _case(actor, case_id)
    form = FORMS.get(name)
    move = case.pinned_kind.move(name)
    if form is None or move is None:
        raise Http404
    if request.method != "POST":
        return _file_page(request, actor, case, name)
    said = Said(dict(request.POST.lists()))
    problems: Mapping[str, str]
    status = 422
    try:
        form.act(case_id, actor, said, move_key(request.POST.dict()), None)
    except (rules.Refused, engine.FactsError) as refused:
        problems = refused.problems
    except engine.Refused as refused:
        problems = {"": str(refused)}
        status = 403 if isinstance(refused, engine.NotAllowed) else 422
    else:
        messages.success(request, _("Recorded: %(move)s.") % {"move": move.label})
        if Case.objects.visible_to(actor).filter(pk=case_id).exists():
            return HttpResponseRedirect(reverse("mediation-file", args=[case_id]))
        return HttpResponseRedirect(reverse("mediation-desk"))
    case.refresh_from_db()
    return _file_page(request, actor, case, name, request.POST, problems, status)


def _file_page(
    request: HttpRequest, actor: Actor, case: Case, open_move: str = "",
    said: QueryDict | None = None, problems: Mapping[str, str] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    opened = opens(actor, case)
    found = files.read(case, opened=opened)
    shares = list(Assignment.objects.filter(case_id=case.pk))
    possible = [m for m in case.pinned_kind.moves if permissions.may(actor, m, case, shares)]
    mine = [m for m in possible if not m.plain and m.name in FORMS and opened]
    read = reading.readings(actor, [case])[case.pk]
    first = Payload.objects.filter(case_id=case.pk, sequence=1, part="words").first()
    chosen = next((move for move in mine if move.name == open_move), None)
    wrong = dict(problems or {})
    if open_move and chosen is None and not wrong:
        wrong[""] = _("This cannot be done now.")
    values = {
        "here": "mediation", "case": case, "file": found, "opened": opened,
        "text": read.words(str(((first.content if first else None) or {}).get("text", ""))),
        "cause": dict(_causes()).get(case.category, case.category),
        "weight": dict(SERIOUSNESS).get(found.seriousness, ""),
        "source": dict(SOURCES).get(found.source, ""),
        "mediator": acts.mediator_name(found.mediator),
        "buttons": [b for b in _buttons(mine, found) if b["name"] not in RARE],
        "rare": [b for b in _buttons(mine, found) if b["name"] in RARE],
        "others": [m for m in possible if m.plain],
        "open_move": chosen, "form": FORMS.get(open_move) if chosen else None,
        "fields": _drawn(FORMS[open_move], found, said, wrong) if chosen else [],
        "key": form_key({"key": said.get("key", "")}) if said else str(uuid.uuid4()),
        "problems": wrong, "anchors": [],
        "links": _links(request, found) if opened else [],
        "statements": found.statements if actor.role == Role.MEDIATOR else [],
        "sealed_statements": len(found.statements) if actor.role != Role.MEDIATOR else 0,
        "papers": papers.ready(found) if opened and actor.role == Role.MEDIATOR else [],
        "way": way_of(found.events), "today": local_day(now()),
        "suggested": rules.suggested(case.category, found.seriousness or "3").reason
        if case.state == "accepted" else "",
        "draft": found.drafts[-1] if opened and found.drafts and not found.agreement else None,
        "draft_words": _draft_words(found),
        "signed": [(n, _signed(found).get(n)) for n in sorted(found.parties)],
        "kept_words": dict(KEPT), "grounds": dict(GROUNDS), "answer_words": dict(ANSWERS),
        "follow": request.build_absolute_uri(reverse("mediation-follow", args=[case.query_code]))
        if opened else "",
    }  # fmt: skip
    status = 422 if wrong and status == 200 else status
    answer = render(request, "mediation/file.html", values, status=status)
    looks.note(actor, case, Way.PAGE)
    answer["Cache-Control"] = "private, no-store"
    return answer


def _makes_sense(move: Move, found: files.File) -> bool:
    """Whether the file has come to the point where a move can be made at all."""
    agreed = found.agreement
    match move.name:
        case "begin" | "refuse_mediator":
            return bool(found.mediator)
        case "answer_proposal":
            return bool(found.proposals)
        case "close":
            return agreed is not None and agreed.next_due is None
        case "note_performance" | "remind":
            return agreed is not None and agreed.next_due is not None
        case "ask_court":
            return agreed is not None and found.asked_court_on is None
        case "note_ruling":
            return found.asked_court_on is not None and not found.ruling
    return True


def _step_forward(found: files.File) -> str:
    """The one move that carries the dispute on; drawn in the house's colour."""
    match found.case.state:
        case "accepted":
            return "split"
        case "choosing":
            return "begin" if found.mediator else "choose_mediator"
        case "mediating":
            answers = found.proposals[-1].answers if found.proposals else {}
            agree = bool(answers) and set(answers.values()) == {"yes"}
            if agree:
                return "agree" if found.drafts else "draft_agreement"
            return "propose" if found.sittings else "sit"
        case "cooling":
            return "go_on"
        case "performing":
            due = found.agreement is not None and found.agreement.next_due is not None
            return "note_performance" if due else "close"
        case "protected":
            return "leave_to_others"
    return ""


def _buttons(mine: list[Move], found: files.File) -> list[dict[str, str]]:
    forward = _step_forward(found)
    drawn = [
        {
            "name": move.name, "label": str(move.label),
            "tone": "main" if move.name == forward
            else GRAVE if move.name in GRAVE_MOVES else CALM,
        }
        for move in mine
        if _makes_sense(move, found)
    ]  # fmt: skip
    return sorted(drawn, key=lambda one: (one["tone"] == GRAVE, one["tone"] != "main"))


def _links(request: HttpRequest, found: files.File) -> list[tuple[rules.Party, str]]:
    case_id = found.case.pk
    return [
        (
            one,
            request.build_absolute_uri(
                reverse("mediation-party", args=[case_id, files.token_of(case_id, number)])
            ),
        )
        for number, one in sorted(found.parties.items())
    ]


def _drawn(
    form: Form, found: files.File, said: QueryDict | None, wrong: Mapping[str, str]
) -> list[DrawnField]:
    drawn: list[DrawnField] = []
    for blank in form.blanks:
        if blank.among == "parties" and blank.type == "date":
            for number in sorted(found.parties):
                label = _("Party %(n)d signed on") % {"n": number}
                one = Blank(f"{blank.name}_{number}", "date", label, required=False)
                drawn.append(_field(one, found, said, wrong))
            continue
        drawn.append(_field(blank, found, said, wrong))
    return drawn


def _field(
    blank: Blank, found: files.File, said: QueryDict | None, wrong: Mapping[str, str]
) -> DrawnField:
    values = said.getlist(blank.name) if said is not None else _offered(blank, found)
    return DrawnField(
        name=blank.name, type=blank.type, label=str(blank.label), required=blank.required,
        most=blank.most, value=values[0] if values else "", values=values,
        error=wrong.get(blank.name, ""), groups=_groups(blank, found),
    )  # fmt: skip


def _offered(blank: Blank, found: files.File) -> list[str]:
    """What a form proposes; never an answer about will, safety or rights."""
    if found.drafts and blank.name in found.drafts[-1].page:
        return [found.drafts[-1].page[blank.name]]
    match blank.name:
        case "form" if found.drafts:
            return ["written"]
        case name if name.startswith("signed_"):
            day = _signed(found).get(int(name.removeprefix("signed_")))
            return [day.isoformat()] if day else []
        case "party" if blank.type == "number":
            return [str(max(found.parties, default=0) + 1)]
        case "category":
            return [found.case.category]
        case "seriousness":
            return ["3"]
        case "held_on" | "asked_on" | "mediator_on" | "sealed_on":
            return [local_day(now()).isoformat()]
        case "unit" if blank.among == "committees":
            length = rules.suggested(found.case.category, "3").length
            area = found.case.area_code[:length]
            return [
                unit.code for unit in directory().all()
                if unit.kind == "mediation_committee" and unit.area_code == area
            ][:1]  # fmt: skip
    return []


def _groups(blank: Blank, found: files.File) -> list[Group]:
    if blank.choices:
        return [("", [(code, str(words)) for code, words in blank.choices])]
    match blank.among:
        case "parties":
            named = [
                (str(n), f"{n} {one.name}".strip()) for n, one in sorted(found.parties.items())
            ]
            return [("", named)]
        case "mediators":
            people = acts.mediators_of(found.case.unit_code, local_day(now()))
            return [("", [(str(pk), name) for pk, name in people])]
        case "committees":
            return unit_groups(found.case, ("mediation_committee",))
        case "causes":
            return [("", _causes())]
        case "items" if found.agreement is not None:
            return [("", [(str(n), f"{item.due_on} {item.what}")
                          for n, item, _kept in found.agreement.items])]  # fmt: skip
    return [("", [("yes", _("Yes")), ("no", _("No"))])] if blank.type == "flag" else []


@require_safe
@at_a_desk
def paper(request: HttpRequest, actor: Actor, case_id: UUID, name: str, form: str) -> HttpResponse:
    """One of the papers of a file, for the mediators of the committee that holds it."""
    case = _case(actor, case_id)
    if form not in setting.MEDIA_TYPES or not opens(actor, case) or actor.role != Role.MEDIATOR:
        raise Http404
    found = files.read(case, opened=True)
    if name not in {one.name for one in papers.ready(found)}:
        raise Http404
    # A paper of the city, in the language of its courts.
    with translation.override(settings.LANGUAGE_CODE):
        made = papers.paper(name, found, now())
    looks.note(actor, case, Way.PAPER)
    answer = HttpResponse(setting.render(made, form), content_type=setting.MEDIA_TYPES[form])
    shown = quote(f"{made.title} {case.number}.{form}", safe="")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{shown}"
    answer["Cache-Control"] = "private, no-store"
    return answer


# -- screenings and figures -------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def screenings(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The screenings of an area: a new one is called, one's own part is answered."""
    if not screening.screens(actor):
        raise Http404
    said = {name: str(value) for name, value in request.POST.items()}
    problems: dict[str, str] = {}
    if request.method == "POST":
        key = move_key(said)
        try:
            if said.get("act") == "answer":
                shown = screening.one(actor, _uuid(said.get("campaign", "")))
                if shown is None:
                    raise Http404
                screening.answer(actor, shown.campaign, said.get("found", ""))
                done = _("Recorded. Finding nothing is an answer, too.")
            else:
                screening.call(actor, said, key)
                done = _("Called; each unit finds it on this page.")
        except rules.Refused as refused:
            problems = refused.problems
        else:
            messages.success(request, done)
            return HttpResponseRedirect(reverse("mediation-screenings"))
    values = {
        "here": "mediation", "campaigns": screening.shown_to(actor), "said": said,
        "may_call": screening.may_call(actor), "problems": problems,
        "anchors": ("title", "begins", "ends"), "key": str(uuid.uuid4()),
        "today": local_day(now()), "tried": said.get("campaign", ""),
    }  # fmt: skip
    return render(request, "mediation/screenings.html", values, status=422 if problems else 200)


def _uuid(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise Http404 from None


@require_safe
@at_a_desk
def counted(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The figures of an area and a year, by area and by cause."""
    scope = scope_of(actor)
    if scope is None or scope.unit_code:
        raise Http404
    asked = narrowing(request.GET, "area") or scope.area_code
    area = Area.objects.filter(pk=asked).first() if scope.holds(asked) else None
    if area is None:
        raise Http404
    today = local_day(now())
    year = narrowing(request.GET, "year")
    chosen = int(year) if year.isascii() and year.isdigit() and 2000 <= int(year) <= 2100 else (
        today.year
    )  # fmt: skip
    period = Period(dt.date(chosen, 1, 1), dt.date(chosen, 12, 31))
    rows = figures.rows(area.code, period, sight_of(actor))
    below = figures.by_area(rows, area.code, today)
    names = {one.code: COMMITTEE.sub("", one.name) for one in Area.objects.filter(code__in=below)}
    causes = dict(_causes())
    values = {
        "here": "mediation", "area": area, "year": chosen, "years": range(today.year, 2023, -1),
        "lines": _lines(figures.count(rows, today)),
        "by_area": [(names.get(code, code), _lines(n)) for code, n in below.items()],
        "by_cause": [
            (causes.get(code, code), _lines(n))
            for code, n in figures.by_cause(rows, today).items()
        ],
    }  # fmt: skip
    return render(request, "mediation/figures.html", values)


def _lines(counts: figures.Counts) -> list[dict[str, Any]]:
    """The indicators as rows: a share of fewer than five is shown as what it rests on."""
    return [
        {
            "label": line.label, "excluded": line.excluded, "numerator": line.numerator,
            "of": line.denominator,
            "shown": line.numerator if line.denominator is None
            else f"{line.numerator}/{line.denominator}" if line.is_few and line.denominator
            else percent(line.value),
        }
        for line in figures.lines(counts)
    ]  # fmt: skip


offer(DeskPage("mediation-desk", "mediation", gettext_lazy("Mediation"), "chat", works_here))
offer_first(
    FirstPage(
        "mediation", gettext_lazy("Ask for mediation"),
        gettext_lazy("A quarrel settled by agreement, free of charge"), "chat", "amber",
    )
)  # fmt: skip
offer_figures(FigureLines(figures.NAME, gettext_lazy("Mediation"), figures.lines_of))
offer_receipt(
    ReceiptPage(
        files.KIND, "mediation-follow", gettext_lazy("The whole way of one dispute"), "route"
    )
)

urlpatterns = [
    path("", start, name="mediation"),
    path("desk/", desk, name="mediation-desk"),
    path("desk/new/", desk_new, name="mediation-new"),
    path("desk/screening/", screenings, name="mediation-screenings"),
    path("desk/figures/", counted, name="mediation-figures"),
    path("desk/<uuid:case_id>/", file, name="mediation-file"),
    path("desk/<uuid:case_id>/papers/<slug:name>.<slug:form>", paper, name="mediation-paper"),
    path("desk/<uuid:case_id>/<slug:name>/", act, name="mediation-act"),
    path("party/<uuid:case_id>/<slug:what>/", party, name="mediation-party"),
    path("<str:code>/", follow, name="mediation-follow"),
]
