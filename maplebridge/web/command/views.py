"""The desk: the queue, a case, its moves, and the map of open cases."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    QueryDict,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine, looks, permissions
from maplebridge.cases.grades import Confidentiality, Way
from maplebridge.cases.kinds import Move, registry
from maplebridge.cases.models import Attachment, Case, CaseQuerySet
from maplebridge.journey import learn
from maplebridge.journey.models import Category, Step
from maplebridge.lib import clock
from maplebridge.lib.papers import MEDIA_TYPES
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows
from maplebridge.web.command.papers import slips_of
from maplebridge.web.parts import moves, position, words
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.photos import read_photos, shown_photo

MOST_POINTS = 5000
MAP_LIST_ROWS = 50
KEY_TAKEN = 400
SEQUENCE = re.compile(r"[0-9]{1,9}")
NO_SEQUENCE = -1
OVERRULED = (Step.LOCATE, Step.CLASSIFY, Step.ROUTE)
TABS = (
    ("waiting", gettext_lazy("Waiting for me"), "inbox"),
    ("asked", gettext_lazy("Asked of us"), "flag"),
    ("open", gettext_lazy("Open in my area"), "list"),
    ("overdue", gettext_lazy("Overdue"), "overdue"),
    ("closed", gettext_lazy("Ended"), "done"),
)


@require_safe
@at_a_desk
def queue(request: HttpRequest, actor: Actor) -> HttpResponse:
    """One page of one list of cases."""
    live_after = position.here()
    asked = request.GET
    tab = asked.get("tab", "waiting")
    if tab not in rows.TABS:
        tab = "waiting"
    filters = rows.Filters(
        state=narrowing(asked, "state"),
        category=narrowing(asked, "category"),
        number=narrowing(asked, "number"),
    )
    found, next_page = rows.page_of(rows.queue(actor, tab, filters), tab, asked.get("after", ""))
    more = {"tab": tab, **{k: v for k, v in vars(filters).items() if v}, "after": next_page}
    shown = {
        "here": "queue",
        "here_tab": tab,
        "tabs": [{"name": name, "words": label, "icon": icon} for name, label, icon in TABS],
        "filters": filters,
        "states": [(s.name, s.label) for s in registry.latest("matter").states],
        "groups": _groups(),
        "rows": rows.rows_of(found, actor.unit_code if tab == "asked" else ""),
        "more": urlencode(more) if next_page else "",
        "live_after": live_after,
    }
    return render(request, "command/queue.html", shown)


def _groups() -> list[tuple[str, str]]:
    """The two-digit groups of categories with their names."""
    groups = {category.code[:2]: category.shown_group for category in Category.objects.all()}
    return sorted(groups.items())


@require_safe
@at_a_desk
def case(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """A case with its timeline, its clocks and the moves this actor may make."""
    return _case_page(request, actor, _visible(actor, case_id))


@require_safe
@at_a_desk
def photo(_request: HttpRequest, actor: Actor, case_id: UUID, number: int) -> HttpResponseBase:
    """A photo of a case this actor may see."""
    case = _visible(actor, case_id)
    found = get_object_or_404(Attachment, case_id=case.pk, number=number)
    looks.note(actor, case, Way.PHOTO)
    return shown_photo(found.sha256, found.media_type)


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def move(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """The form of a move, and the move itself; what was typed is kept whenever it is refused."""
    found = _visible(actor, case_id)
    declared = found.pinned_kind.move(name)
    if declared is None or not declared.plain:
        raise Http404
    if request.method != "POST":
        return _move_form(request, actor, found, declared)
    kept = read_photos(request.FILES.getlist("photos"), request.POST.getlist("kept"))
    if kept.problem:
        return _refused(
            request, actor, found, declared, 422, "", {"photos": kept.problem}, kept.tokens
        )
    try:
        engine.move(
            case_id,
            name,
            actor,
            key=move_key(request.POST),
            expected_sequence=_sequence(request.POST),
            facts=moves.facts_from(declared, request.POST, Case.objects.visible_to(actor)),
            photos=kept.photos,
        )
    except engine.FactsError as wrong:
        return _refused(request, actor, found, declared, 422, "", wrong.problems, kept.tokens)
    except engine.Refused as refused:
        fresh = _visible(actor, case_id)
        return _refused(
            request, actor, fresh, declared, _status(refused), str(refused), {}, kept.tokens
        )
    messages.success(request, _("Done: %(move)s.") % {"move": declared.label})
    return _back(actor, case_id)


@require_POST
@at_a_desk
def overrule(request: HttpRequest, actor: Actor, case_id: UUID, step: str) -> HttpResponse:
    """A person's answer in place of an automatic step's."""
    found = _visible(actor, case_id)
    if step not in OVERRULED:
        raise Http404
    try:
        learn.overrule(
            found.pk,
            Step(step),
            narrowing(request.POST, "value"),
            actor,
            key=move_key(request.POST),
            expected_sequence=_sequence(request.POST),
            note=request.POST.get("note", ""),
        )
    except engine.FactsError as wrong:
        said = " ".join(wrong.problems.values())
        return _case_page(request, actor, found, status=422, headline=said)
    except engine.Refused as refused:
        fresh = _visible(actor, case_id)
        return _case_page(request, actor, fresh, status=_status(refused), headline=str(refused))
    messages.success(request, _("Your answer stands; the automatic one is kept beside it."))
    return _back(actor, case_id)


def _status(refused: engine.Refused) -> int:
    """409 when somebody was faster, 400 for a key of another move, 403 when the actor may not,
    422 when a rule says no."""
    if isinstance(refused, engine.StaleCase):
        return 409
    if isinstance(refused, engine.KeyReused):
        return KEY_TAKEN
    return 403 if isinstance(refused, engine.NotAllowed) else 422


def _back(actor: Actor, case_id: UUID) -> HttpResponse:
    """To the case, or to the queue when it has gone out of this actor's sight."""
    if Case.objects.visible_to(actor).filter(pk=case_id).exists():
        return HttpResponseRedirect(reverse("case", args=[case_id]))
    return HttpResponseRedirect(reverse("desk"))


def _visible(actor: Actor, case_id: UUID) -> Case:
    return get_object_or_404(Case.objects.visible_to(actor), pk=case_id)


def _sequence(said: QueryDict) -> int | None:
    """The sequence a form was drawn at; None when it has none. What is no number is stale."""
    sequence = said.get("expected_sequence", "")
    if not sequence:
        return None
    return int(sequence) if SEQUENCE.fullmatch(sequence) else NO_SEQUENCE


def _move_form(request: HttpRequest, actor: Actor, found: Case, declared: Move) -> HttpResponse:
    """The form alone for a page that is open already, else the page with the form in it."""
    file = rows.file_of(found)
    if declared not in moves.offered(actor, found, file.assignments):
        raise PermissionDenied
    form = {
        "case": found,
        "open_move": declared,
        "move": declared,
        "fields": moves.draw(declared, found, actor),
        "key": str(uuid.uuid4()),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "command/move_form.html", form)
    return _case_page(request, actor, found, form=form)


def _refused(
    request: HttpRequest,
    actor: Actor,
    found: Case,
    declared: Move,
    status: int,
    headline: str,
    problems: Mapping[str, str],
    tokens: list[str],
) -> HttpResponse:
    known = {need.name for need in declared.needs}
    others = [said for name, said in problems.items() if name not in known]
    file = rows.file_of(found)
    form = {
        "open_move": declared,
        "fields": moves.draw(declared, found, actor, request.POST, problems),
        # A key that belongs to another move would be refused for ever.
        "key": str(uuid.uuid4()) if status == KEY_TAKEN else form_key(request.POST),
        "gone": declared not in moves.offered(actor, found, file.assignments),
        "headline": " ".join([headline, *others]).strip()
        or _("Not saved yet. Please look at the marked fields; all you typed is still here."),
        "kept": tokens,
    }
    return _case_page(request, actor, found, status=status, form=form)


def _case_page(
    request: HttpRequest,
    actor: Actor,
    found: Case,
    *,
    status: int = 200,
    headline: str = "",
    form: Mapping[str, Any] | None = None,
) -> HttpResponse:
    live_after = position.here()
    # What is shown has to be read after the position from which its news go on.
    found.refresh_from_db()
    looks.note(actor, found, Way.PAGE)
    file = rows.file_of(found)
    first, others = moves.buttons(moves.offered(actor, found, file.assignments))
    clocks = rows.clocks(file)
    category = Category.objects.filter(pk=found.category).first() if found.category else None
    shown = {
        "case": found,
        "title": rows.title_of(file.words),
        "words": file.words,
        "category": category.shown_name if category else _("Not sorted yet"),
        "place": rows.place_names([found.area_code])[found.area_code],
        "lon": str(found.lon) if found.lon is not None else "",
        "lat": str(found.lat) if found.lat is not None else "",
        "photos": [photo for photo in file.photos if photo.sequence == 1],
        "reporter": file.reporter,
        "shows_reporter": permissions.may_see_reporter(actor, file.case, file.assignments),
        "first": first,
        "others": others,
        "running": [shown for shown in clocks if shown.clock.ended_at is None],
        "ended": [shown for shown in clocks if shown.clock.ended_at is not None],
        "timeline": rows.timeline(file),
        "answers": _answers(actor, file),
        "assignments": file.assignments,
        "slips": slips_of(file.case, file.assignments),
        "formats": list(MEDIA_TYPES),
        "page_headline": headline,
        "live_after": live_after,
        **(form or {}),
    }
    return render(request, "command/case.html", shown, status=status)


def _answers(actor: Actor, file: rows.File) -> list[dict[str, Any]]:
    """The automatic answers, with the choices of the overrule form where this actor may use it."""
    case = file.case
    declared = case.pinned_kind.move("overrule")
    mine = declared is not None and permissions.may(actor, declared, case, file.assignments)
    shown = []
    for answer in rows.answers(file, actor):
        groups: list[moves.Group] = []
        if mine and answer.step == Step.LOCATE:
            groups = moves.area_groups(actor, case)
        elif mine and answer.step == Step.CLASSIFY:
            groups = moves.category_groups()
        elif mine and answer.step == Step.ROUTE:
            groups = moves.unit_groups(case)
        taps = [
            {"code": code, "words": said, "share": share, "key": str(uuid.uuid4())}
            for code, said, share in answer.weighed
            if groups and code != answer.value
        ]
        shown.append({**vars(answer), "groups": groups, "taps": taps[:3], "key": str(uuid.uuid4())})
    return shown


def _mapped(actor: Actor) -> CaseQuerySet:
    """Open cases an actor may see on a map: never a confidential one."""
    open_cases = Case.objects.visible_to(actor).open()
    return open_cases.exclude(confidentiality=Confidentiality.C2).order_by("due_at", "id")


@require_safe
@at_a_desk
def case_map(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The map of open cases and the same as a list."""
    mapped = _mapped(actor)
    placed = mapped.filter(Q(lon__isnull=False)).count()
    shown = {
        "here": "map",
        "placed": placed,
        "unplaced": mapped.filter(lon=None).count(),
        "cut": placed > MOST_POINTS,
        "rows": rows.rows_of(list(mapped[:MAP_LIST_ROWS])),
        "cases_address": reverse("desk-map-cases"),
    }
    return render(request, "command/map.html", shown)


@require_safe
@at_a_desk
def case_points(_request: HttpRequest, actor: Actor) -> HttpResponse:
    """GeoJSON points (WGS-84) of the open cases an actor may see: number, kind, clock; no words."""
    found = list(_mapped(actor).filter(lon__isnull=False)[:MOST_POINTS])
    categories = {c.code: c.shown_name for c in Category.objects.all()}
    now = clock.now()
    features = []
    for case in found:
        sign = words.clock_sign(case, now)
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "title": case.number,
                    "address": reverse("case", args=[case.pk]),
                    "category": categories.get(case.category, ""),
                    "status": words.standing(case, now),
                    "clock": sign.words if sign else "",
                },
                "geometry": {"type": "Point", "coordinates": [case.lon, case.lat]},
            }
        )
    return JsonResponse({"type": "FeatureCollection", "features": features})
