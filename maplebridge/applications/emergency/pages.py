"""The pages of an emergency: the list of an area, one emergency, its forms, its reports."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.applications.emergency import (
    acts,
    callout,
    cap,
    papers,
    resources,
    rules,
    shown,
)
from maplebridge.applications.emergency.manifest import COMMAND, HELPERS, ROOMS, STAFF
from maplebridge.applications.emergency.models import (
    Ability,
    Cause,
    Resource,
    Sort,
    Stock,
    StockEntry,
)
from maplebridge.applications.emergency.rules import Entry
from maplebridge.cases import engine, looks, permissions
from maplebridge.cases.grades import Way
from maplebridge.cases.kinds import Field, Move
from maplebridge.cases.models import Assignment, Case, Event
from maplebridge.connectors import sensors
from maplebridge.connectors.models import Station
from maplebridge.lib import papers as setting
from maplebridge.lib.clock import local_day, now
from maplebridge.lib.text import normalise
from maplebridge.organisation import readiness
from maplebridge.organisation.models import Account, Area, actors_for
from maplebridge.organisation.people import Actor
from maplebridge.organisation.readiness import ResponseLevel
from maplebridge.organisation.units import directory
from maplebridge.web.parts import moves, position
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.beside import DeskPage, WallPanel, offer, offer_panel
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.moves import DrawnField
from maplebridge.web.parts.words import unit_name

MOST_LISTED = 50
MOST_READY = 200
MOST_NEEDED = 50
MOST_BUTTONS = 8
# What the forms of the dispatching page do.
MOVE_OF = {"send": "send_resource", "release": "release_resource", "draw": "move_stock"}
# The one step forward of each state comes first and in the house's colour.
FORWARD = {"proposed": "take_command", "responding": "report_situation", "stood_down": "close",
           "closed": "review"}  # fmt: skip
GRAVE = frozenset({"stand_down", "drop", "reopen"})
# These have pages of their own, or are made by programs.
ELSEWHERE = frozenset({"send_resource", "release_resource", "move_stock", "ring_duty"})
# Only whoever commands has a use for these.
OF_THE_COMMANDER = frozenset({"set_level", "hand_command", "stand_down"})


def works_here(actor: Actor) -> bool:
    """Whether a post has the pages of emergencies."""
    return actor.role in STAFF and bool(actor.unit_code)


def proposes(actor: Actor) -> bool:
    """Whether a post may propose an emergency, or begin a drill, by hand."""
    return actor.role in ROOMS | COMMAND and bool(actor.area_code)


@require_safe
@at_a_desk
def emergencies(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The emergencies that a post sees, those that run first, and the gauges of its area."""
    if not works_here(actor):
        raise Http404
    return _list(request, actor, {"key": str(uuid.uuid4())})


@require_POST
@at_a_desk
def propose(request: HttpRequest, actor: Actor) -> HttpResponse:
    """An emergency, or a drill, proposed by hand; what is refused keeps its words."""
    if not proposes(actor):
        raise Http404
    said = {name: request.POST.get(name, "") for name in ("text", "drill", "key")}
    try:
        opened = acts.propose_by_hand(
            actor, said["text"], move_key(said), drill=said["drill"] == "yes"
        )
    except rules.Refused as refused:
        return _list(request, actor, said, {"text": str(refused)})
    return HttpResponseRedirect(reverse("emergency", args=[opened.case_id]))


@require_POST
@at_a_desk
def read_gauge(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A level read by hand; it follows the same rules as a sensor's."""
    if not works_here(actor):
        raise Http404
    station = get_object_or_404(Station, pk=narrowing(request.POST, "station"))
    if not permissions.covers(actor.area_code, station.area_code):
        raise Http404
    typed = narrowing(request.POST, "level")
    back = request.POST.get("case", "")
    try:
        taken, opened = acts.hear(station.pk, typed, now(), source=sensors.HAND)
    except sensors.NotTaken as refused:
        messages.error(request, str(refused))
    else:
        said = {
            "level": taken.observation.value,
            "quality": taken.observation.get_quality_display(),
        }
        messages.success(request, _("Taken in: %(level)s m. %(quality)s.") % said)
        if opened is not None:
            back = str(opened.case_id)
    try:
        return HttpResponseRedirect(reverse("emergency", args=[UUID(back)]))
    except ValueError:
        return HttpResponseRedirect(reverse("emergencies"))


def _list(
    request: HttpRequest, actor: Actor, said: Mapping[str, str],
    problems: Mapping[str, str] | None = None,
) -> HttpResponse:  # fmt: skip
    ended = request.GET.get("tab") == "ended"
    seen = Case.objects.visible_to(actor).filter(kind=acts.KIND, ended=ended)
    cases = list(seen.order_by("-opened_at", "id")[:MOST_LISTED])
    rows = []
    for case in cases:
        log = acts.log_of(case.pk)
        rows.append(
            {"case": case, "level": shown.level_of(log), "drill": rules.is_drill(log),
             "lines": shown.lines(acts.situation(case.pk, now()))}
        )  # fmt: skip
    values = {
        "here": "emergency", "rows": rows, "ended": ended, "may_propose": proposes(actor),
        "stations": Station.objects.filter(area_code__startswith=actor.area_code)[:MOST_LISTED]
        if actor.area_code else [],
        "said": said, "problems": problems or {}, "key": form_key(said),
    }  # fmt: skip
    looks.note_list(actor, cases)
    return render(request, "emergency/list.html", values, status=422 if problems else 200)


def _case(actor: Actor, case_id: UUID) -> Case:
    return get_object_or_404(Case.objects.visible_to(actor), pk=case_id, kind=acts.KIND)


@require_safe
@at_a_desk
def emergency(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """One emergency: where it stands, every number with its source, the log, what may be done."""
    return _page(request, actor, _case(actor, case_id))


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def act(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """The form of a move, and the move; what was typed is kept whenever it is refused."""
    case = _case(actor, case_id)
    move = case.pinned_kind.move(name)
    if move is None or name in ELSEWHERE:
        raise Http404
    if request.method != "POST":
        return _page(request, actor, case, name)
    facts = moves.facts_from(move, request.POST, Case.objects.visible_to(actor))
    facts = {k: v for k, v in facts.items() if v != ""}
    problems: Mapping[str, str]
    status = 422
    try:
        _carry(case_id, move, actor, facts, move_key(request.POST.dict()))
    except rules.Refused as refused:
        problems = {"": str(refused)}
    except engine.FactsError as wrong:
        problems = wrong.problems
    except engine.Refused as refused:
        problems = {"": str(refused)}
        status = 403 if isinstance(refused, engine.NotAllowed) else 422
    else:
        messages.success(request, _("Recorded: %(move)s.") % {"move": move.label})
        return HttpResponseRedirect(reverse("emergency", args=[case_id]))
    case.refresh_from_db()
    return _page(request, actor, case, name, request.POST, problems, status)


def _carry(case_id: UUID, move: Move, actor: Actor, facts: dict[str, Any], key: str) -> Event:
    missing = {
        need.name: _("Please fill in: %(label)s.") % {"label": need.label}
        for need in move.needs
        if need.required and not str(facts.get(need.name, "")).strip()
    }
    if missing:
        raise engine.FactsError(missing)
    match move.name:
        case "take_command" | "set_level":
            declared = acts.take_command if move.name == "take_command" else acts.set_level
            if facts["level"] not in {str(one.value) for one in ResponseLevel if one}:
                raise engine.FactsError({"level": _("Please choose one of the offered answers.")})
            level = ResponseLevel(int(facts["level"]))
            return declared(case_id, actor, level, facts["reason"], key)
        case "stand_down":
            return acts.stand_down(case_id, actor, facts["reason"], key)
        case "hand_command":
            to = Account.objects.filter(pk=_uuid(facts["to"])).first()
            if to is None:
                raise engine.FactsError({"to": _("Please choose one of the offered answers.")})
            return acts.hand_command(case_id, actor, to, facts["reason"], key)
        case "call_duty":
            return callout.begin(case_id, actor, facts["called"], key)
        case "answer_duty":
            call = _amount({"amount": str(facts["call"])})
            return callout.acknowledge(case_id, actor, call, key)
        case "report_situation":
            return acts.report(case_id, actor, facts["stage"], key, note=facts.get("note", ""))[0]
    return acts.note(case_id, move.name, actor, key, **facts)


def _uuid(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise Http404 from None


def _page(
    request: HttpRequest, actor: Actor, case: Case, open_move: str = "",
    said: QueryDict | None = None, problems: Mapping[str, str] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    live_after = position.here()
    at = now()
    log = acts.log_of(case.pk)
    shares = list(Assignment.objects.filter(case_id=case.pk))
    name, held = shown.commander_of(log)
    mine = held == str(actor.account_id)
    possible = [
        move
        for move in case.pinned_kind.moves
        if move.name not in ELSEWHERE
        and permissions.may(actor, move, case, shares)
        and _makes_sense(move, actor, case, log, mine)
    ]
    chosen = next((move for move in possible if move.name == open_move), None)
    wrong = dict(problems or {})
    if open_move and chosen is None and not wrong:
        wrong[""] = _("This cannot be done now.")
    known = acts.situation(case.pk, at)
    asked = rules.requests(log)
    forward = FORWARD.get(case.state, "")
    values = {
        "here": "emergency", "case": case, "live_after": live_after, "drill": rules.is_drill(log),
        "level": shown.level_of(log), "commander": name, "mine": mine,
        "lines": shown.lines(known), "log": shown.told(case, log),
        "water": shown.water(str(log[0].facts.get("station", "")), log[0].at, at),
        "requests": [(one, dict(HELPERS)[one.entry.facts["helper"]], one.is_late(at))
                     for one in asked],
        "reports": [(entry, shown.stage_words(entry.facts["stage"]))
                    for entry in log if entry.move == "report_situation"],
        "calls": shown.called(log, actor.unit_code),
        "alerts": [(one, cap.KINDS[one.move]) for one in cap.alerts(log)],
        "took": shown.took(rules.intervals(log)),
        "buttons": [
            {"name": move.name, "label": move.label,
             "tone": "main" if move.name == forward else "grave" if move.name in GRAVE else ""}
            for move in sorted(possible, key=lambda move: move.name != forward)
        ],
        "open_move": chosen, "problems": wrong,
        "fields": _fields(chosen, case, actor, log, said, wrong) if chosen else [],
        "key": form_key({"key": said.get("key", "")}) if said else str(uuid.uuid4()),
        "may_read_gauge": permissions.covers(actor.area_code, case.area_code),
        "width": shown.WIDTH, "height": shown.HEIGHT,
    }  # fmt: skip
    looks.note(actor, case, Way.PAGE)
    status = 422 if wrong and status == 200 else status
    return render(request, "emergency/emergency.html", values, status=status)


def _makes_sense(move: Move, actor: Actor, case: Case, log: list[Entry], mine: bool) -> bool:
    """Whether it has come to the point where a move can be made, and by this person."""
    match move.name:
        case "take_command":
            return readiness.may_declare(actor, case.area_code)
        case name if name in OF_THE_COMMANDER:
            return mine
        case "answer_duty":
            return bool(callout.open_for(log, actor.unit_code))
        case "report_situation":
            return bool(rules.next_stage(log, case.state != "responding"))
        case "answer_help" | "note_arrival":
            return any(entry.move == "ask_help" for entry in log)
        case "note_filling":
            return any(entry.move == "note_breach" for entry in log)
    return True


def _fields(
    move: Move, case: Case, actor: Actor, log: list[Entry], said: QueryDict | None,
    problems: Mapping[str, str],
) -> list[DrawnField]:  # fmt: skip
    """The fields of a form, with what only the log can offer."""
    drawn = []
    for need, field in zip(move.needs, moves.draw(move, case, actor, said, problems), strict=True):
        offered = _offered(need, move, case, actor, log)
        if offered is None:
            drawn.append(field)
        elif offered:
            value = field.value or (offered[0][0] if len(offered) == 1 and need.required else "")
            # A long list opens by a touch instead of filling a phone.
            drawn_as = "unit" if len(offered) > MOST_BUTTONS else "choice"
            drawn.append(
                replace(field, type=drawn_as, groups=[("", offered)], value=value, values=[value])
            )
    return drawn


def _offered(
    need: Field, move: Move, case: Case, actor: Actor, log: list[Entry]
) -> list[tuple[str, str]] | None:
    """What a field offers; None when it is drawn as it is declared, empty when not at all."""
    match need.name:
        case "corrects":
            newer = rules.corrected(log)
            return [
                (str(one.number), _("entry %(n)d") % {"n": one.number})
                for one in log
                if one.move == move.name and one.number not in newer
            ]
        case "stage":
            stage = rules.next_stage(log, case.state != "responding")
            stages = dict.fromkeys([stage, "final"] if stage == "follow_up" else [stage])
            return [(one, shown.stage_words(one)) for one in stages]
        case "helper" if move.name != "ask_help":
            asked = dict.fromkeys(one.facts["helper"] for one in log if one.move == "ask_help")
            return [(one, str(dict(HELPERS)[one])) for one in asked]
        case "called":
            return [(one.code, unit_name(one.code)) for one in callout.rooms(case.area_code)]
        case "call":
            return [
                (str(one.entry.number), _("entry %(n)d") % {"n": one.entry.number})
                for one in callout.open_for(log, actor.unit_code)
            ]
        case "to":
            return _who_may_command(case, actor)
    return None


def _who_may_command(case: Case, actor: Actor) -> list[tuple[str, str]]:
    """Those on whose posts command may be handed over here, but for oneself."""
    held = Account.objects.filter(
        holdings__post__role__in=[str(role) for role in COMMAND], is_active=True
    ).distinct()
    today = local_day(now())
    return [
        (str(one.pk), f"{one.display_name} · {unit_name(post.unit_code)}")
        for one in held.order_by("display_name")
        if one.pk != actor.account_id
        for post in actors_for(one, today)[:1]
        if readiness.may_declare(post, case.area_code)
    ]


@require_safe
@at_a_desk
def report(
    request: HttpRequest, actor: Actor, case_id: UUID, number: int, form: str
) -> HttpResponse:
    """A situation report as it was sent, printed; each number with its source."""
    case = _case(actor, case_id)
    entry = next((one for one in acts.log_of(case_id) if one.number == number), None)
    if form not in setting.MEDIA_TYPES or entry is None or entry.move != "report_situation":
        raise Http404
    # A paper for the tiers above, in their language.
    with translation.override(settings.LANGUAGE_CODE):
        made = papers.report(case, acts.situation(case_id, entry.at), entry.facts["stage"],
                             drill=rules.is_drill(acts.log_of(case_id)))  # fmt: skip
    return _printed(actor, case, made, form)


@require_safe
@at_a_desk
def review(request: HttpRequest, actor: Actor, case_id: UUID, form: str) -> HttpResponse:
    """The after-action review, built from the log."""
    case = _case(actor, case_id)
    if form not in setting.MEDIA_TYPES:
        raise Http404
    log = acts.log_of(case_id)
    with translation.override(settings.LANGUAGE_CODE):
        made = papers.review(case, shown.told(case, log)[::-1], shown.took(rules.intervals(log)),
                             at=now(), drill=rules.is_drill(log))  # fmt: skip
    return _printed(actor, case, made, form)


@require_safe
@at_a_desk
def duty_list(request: HttpRequest, actor: Actor, case_id: UUID, form: str) -> HttpResponse:
    """Who is on duty now in the rooms of an emergency, by post and telephone of the desk."""
    case = _case(actor, case_id)
    if form not in setting.MEDIA_TYPES or not permissions.covers(actor.area_code, case.area_code):
        raise Http404
    with translation.override(settings.LANGUAGE_CODE):
        units = [unit.code for unit in callout.rooms(case.area_code)]
        made = papers.duty_list(case, units, at=now(),
                                drill=rules.is_drill(acts.log_of(case_id)))  # fmt: skip
    return _printed(actor, case, made, form)


@require_safe
@at_a_desk
def alert(request: HttpRequest, actor: Actor, case_id: UUID, number: int) -> HttpResponse:
    """The alert of a declared level as a CAP file."""
    case = _case(actor, case_id)
    log = acts.log_of(case_id)
    entry = next((one for one in cap.alerts(log) if one.number == number), None)
    if entry is None:
        raise Http404
    lon, lat = _where(case) or (None, None)
    with translation.override(settings.LANGUAGE_CODE):
        name = Area.objects.filter(pk=case.area_code).values_list("name", flat=True).first()
        place = cap.Place(name or case.area_code, case.area_code, lon, lat)
        made = cap.alert(case, log, number, acts.situation(case_id, entry.at), place,
                         directory().name_of(case.unit_code))  # fmt: skip
    looks.note(actor, case, Way.EXPORT)
    answer = HttpResponse(made, content_type=cap.MEDIA_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{case.number}-{number}.xml"'
    return answer


def _printed(actor: Actor, case: Case, made: setting.Paper, form: str) -> HttpResponse:
    looks.note(actor, case, Way.PAPER)
    answer = HttpResponse(setting.render(made, form), content_type=setting.MEDIA_TYPES[form])
    name = quote(f"{made.title} {case.number}.{form}", safe="")
    answer["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    answer["Cache-Control"] = "private, no-store"
    return answer


# -- what stands ready --------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def ready(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What stands ready within reach of the own area; stores and shelters with their entries."""
    if not works_here(actor) or not actor.area_code:
        raise Http404
    said = {name: str(value) for name, value in request.POST.items()}
    problem = ""
    if request.method == "POST":
        try:
            if said.get("act") == "standing":
                one = get_object_or_404(_own(actor), pk=_uuid(said.get("resource", "")))
                resources.set_standing(actor, one.pk, said.get("standing", ""))
            elif said.get("act") == "enter":
                resources.enter(actor, _entered(request), move_key(said))
            else:
                stock = get_object_or_404(_stocks(actor), pk=_uuid(said.get("stock", "")))
                resources.change(stock.pk, actor, said.get("cause", ""), _amount(said),
                                 move_key(said), note=said.get("note", ""))  # fmt: skip
        except rules.Refused as refused:
            problem = str(refused)
        else:
            messages.success(request, _("Entered."))
            return HttpResponseRedirect(reverse("emergency-ready"))
    found = Resource.objects.filter(resources.within_reach(actor.area_code))
    stocks = _stocks(actor).annotate(room=F("most") - F("held"))
    entries = StockEntry.objects.filter(stock__in=_stocks(actor)).select_related("stock")
    values = {
        "here": "emergency", "problem": problem, "said": said, "key": str(uuid.uuid4()),
        "resources": found.order_by("standing", "area_code", "code")[:MOST_READY],
        "abilities": dict(Ability.choices), "stocks": stocks.order_by("sort", "code"),
        "own": set(_own(actor).values_list("pk", flat=True)),
        "sorts": Sort.choices, "neighbours": resources.neighbours(actor.area_code),
        "picked": request.POST.getlist("ability"), "lent": request.POST.getlist("lent_to"),
        "causes": Cause.choices, "entries": entries.order_by("-at", "-number")[:MOST_LISTED],
    }  # fmt: skip
    return render(request, "emergency/ready.html", values, status=422 if problem else 200)


def _entered(request: HttpRequest) -> resources.Entered:
    said = request.POST
    point = (normalise(said.get("lon", "")), normalise(said.get("lat", "")))
    typed = said.get("lent_until", "")
    try:
        place = (float(point[0]), float(point[1])) if any(point) else None
        until = dt.date.fromisoformat(typed) if typed else None
        people, most = (int(normalise(said.get(name, "")) or 0) for name in ("people", "most"))
    except ValueError:
        raise rules.Refused(_("Please write numbers as 119.23 and days as 2026-11-24.")) from None
    if min(people, most) < 0 or max(people, most) > resources.MOST_MOVED:
        raise rules.Refused(_("Please write how much, a whole number of at least 1."))
    return resources.Entered(
        name=said.get("name", ""), place=place, abilities=said.getlist("ability"), people=people,
        lent_to=said.getlist("lent_to"), lent_until=until, sort=said.get("sort", ""),
        measure=said.get("measure", ""), most=most or None,
    )  # fmt: skip


def _stocks(actor: Actor) -> QuerySet[Stock]:
    return Stock.objects.filter(area_code__startswith=actor.area_code)


def _own(actor: Actor) -> QuerySet[Resource]:
    return Resource.objects.filter(area_code__startswith=actor.area_code)


def _amount(said: Mapping[str, str]) -> int:
    """What was typed as a number; -1 for what is none, which is refused with a sentence."""
    typed = normalise(said.get("amount", ""))
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def dispatching(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """What to send to an emergency: recommended for what is needed, and sent by a person."""
    case = _case(actor, case_id)
    shares = list(Assignment.objects.filter(case_id=case.pk))
    may = {
        move.name for move in case.pinned_kind.moves if permissions.may(actor, move, case, shares)
    }
    problems: list[str] = []
    if request.method == "POST":
        if MOVE_OF.get(request.POST.get("act", ""), "") not in may:
            raise PermissionDenied
        problems = _dispatched(request, actor, case)
        if not problems:
            return HttpResponseRedirect(request.get_full_path())
    asked = {one: _amount({"amount": request.GET.get(str(one), "")}) for one in Ability}
    needs = {ability: min(n, MOST_NEEDED) for ability, n in asked.items() if n > 0}
    where = _where(case)
    found = resources.recommend(case.area_code, *where, needs) if where and needs else None
    here = Resource.objects.filter(sent_for=case.pk).order_by("sent_at")
    values = {
        "here": "emergency", "case": case, "drill": rules.is_drill(acts.log_of(case.pk)),
        "level": shown.level_of(acts.log_of(case.pk)), "problems": problems,
        "may_send": "send_resource" in may, "may_release": "release_resource" in may,
        "may_draw": "move_stock" in may,
        "needs": [(one, one.label, needs.get(one, "")) for one in Ability], "found": found,
        "where": where, "sent": here, "factor": resources.ROAD_FACTOR,
        "stocks": Stock.objects.filter(area_code__startswith=case.area_code[: resources.COUNTY]),
        "key": str(uuid.uuid4()),
    }  # fmt: skip
    looks.note(actor, case, Way.PAGE)
    return render(request, "emergency/dispatch.html", values, status=422 if problems else 200)


def _dispatched(request: HttpRequest, actor: Actor, case: Case) -> list[str]:
    """Sends what was chosen, or releases, or draws; each by itself, what is refused is said."""
    said = request.POST
    key = move_key(said.dict())
    problems = []
    try:
        match said.get("act"):
            case "send":
                for typed in said.getlist("resource"):
                    try:
                        resources.send(case.pk, actor, _uuid(typed), f"{key}:{typed[:36]}"[-120:])
                    except rules.Refused as refused:
                        problems.append(str(refused))
                if not said.getlist("resource"):
                    problems.append(_("Please choose what is sent."))
            case "release":
                resources.release(case.pk, actor, _uuid(said.get("resource", "")), key)
            case "draw":
                stock = get_object_or_404(Stock, pk=_uuid(said.get("stock", "")))
                way = Cause.IN if stock.sort == Sort.SHELTER else Cause.OUT
                way = Cause(said["way"]) if said.get("way") in ("in", "out") else way
                resources.draw(case.pk, actor, stock.pk, way, _amount(said.dict()), key)
            case _:
                raise Http404
    except (rules.Refused, engine.Refused, engine.FactsError) as refused:
        problems.append(str(refused))
    if not problems:
        messages.success(request, _("Recorded; it stands in the command log."))
    return problems


def _where(case: Case) -> tuple[float, float] | None:
    """Where help is needed: the case's point, else the gauge's, else the room's own stores."""
    if case.lon is not None and case.lat is not None:
        return case.lon, case.lat
    log = acts.log_of(case.pk)
    station = Station.objects.filter(pk=log[0].facts.get("station", "")).first()
    if station is not None and station.lon is not None and station.lat is not None:
        return station.lon, station.lat
    near = Stock.objects.filter(area_code__startswith=case.area_code).order_by("code").first()
    return (near.lon, near.lat) if near else None


offer(DeskPage("emergencies", "emergency", gettext_lazy("Emergencies"), "alert", works_here))
offer_panel(WallPanel("emergency/panel.html", shown.panels))

urlpatterns = [
    path("", emergencies, name="emergencies"),
    path("propose/", propose, name="emergency-propose"),
    path("gauge/", read_gauge, name="emergency-gauge"),
    path("ready/", ready, name="emergency-ready"),
    path("<uuid:case_id>/", emergency, name="emergency"),
    path("<uuid:case_id>/dispatch/", dispatching, name="emergency-dispatch"),
    path("<uuid:case_id>/report-<int:number>.<slug:form>", report, name="emergency-report"),
    path("<uuid:case_id>/alert-<int:number>.xml", alert, name="emergency-alert"),
    path("<uuid:case_id>/duty.<slug:form>", duty_list, name="emergency-duty"),
    path("<uuid:case_id>/review.<slug:form>", review, name="emergency-review"),
    path("<uuid:case_id>/<slug:name>/", act, name="emergency-act"),
]
