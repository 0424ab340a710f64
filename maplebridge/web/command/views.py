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
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine, leases, looks, permissions, reading
from maplebridge.cases.grades import Way
from maplebridge.cases.kinds import Move
from maplebridge.cases.models import Attachment, Case, Event
from maplebridge.journey import learn, proposals
from maplebridge.journey.models import Category, Step
from maplebridge.lib.papers import MEDIA_TYPES
from maplebridge.organisation.people import Actor
from maplebridge.web.command import rows, saved
from maplebridge.web.command.grants import not_open
from maplebridge.web.command.papers import slips_of
from maplebridge.web.parts import moves, position, together, words
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.behalf import behalf_words
from maplebridge.web.parts.beside import case_page
from maplebridge.web.parts.desk import at_a_desk, home_of
from maplebridge.web.parts.photos import read_photos, shown_photo

KEY_TAKEN = 400
SEQUENCE = re.compile(r"[0-9]{1,9}")
NO_SEQUENCE = -1
# From this share on a desk is warned that matters like this run late.
WARN_OF_LATENESS = 0.3
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
    """One page of one list of cases; who has none is sent to where the own work is."""
    if home_of(actor) != "desk":
        return HttpResponseRedirect(reverse(home_of(actor)))
    live_after = position.here()
    asked = request.GET
    tab = asked.get("tab", "waiting")
    if tab not in rows.TABS:
        tab = "waiting"
    filters = rows.Filters.read(asked)
    found, next_page = rows.page_of(rows.queue(actor, tab, filters), tab, asked.get("after", ""))
    more = {"tab": tab, **{k: v for k, v in vars(filters).items() if v}, "after": next_page}
    query, mine = saved.query_of(tab, filters), saved.saved_by(actor)
    shown = {
        "here": "queue",
        "here_tab": tab,
        "saved": mine,
        "query": query,
        "is_saved": any(one.query == query for one in mine),
        "batchable": tab != "closed",
        "tabs": [{"name": name, "words": label, "icon": icon} for name, label, icon in TABS],
        "filters": filters,
        "states": rows.state_names(),
        "groups": rows.category_groups(),
        "rows": rows.rows_of(actor, found, actor.unit_code if tab == "asked" else ""),
        "more": urlencode(more) if next_page else "",
        "live_after": live_after,
    }
    answer = render(request, "command/queue.html", shown)
    looks.note_list(actor, found)
    return answer


@require_safe
@at_a_desk
def case(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """A case with its timeline, its clocks and the moves this actor may make."""
    found = _seen(actor, case_id)
    return _case_page(request, actor, found) if found else not_open(request, actor, case_id)


@require_safe
@at_a_desk
def photo(request: HttpRequest, actor: Actor, case_id: UUID, number: int) -> HttpResponseBase:
    """A photo or voice note of a case this actor may see."""
    case = _visible(actor, case_id)
    found = get_object_or_404(Attachment, case_id=case.pk, number=number)
    event = get_object_or_404(Event, case_id=case.pk, sequence=found.sequence)
    if not rows.shows_photos(event, reading.readings(actor, [case])[case.pk]):
        raise Http404
    answer = shown_photo(found.sha256, found.media_type, request)
    looks.note(actor, case, Way.PHOTO)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@at_a_desk
def move(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """The form of a move, and the move itself; what was typed is kept whenever it is refused."""
    found = _seen(actor, case_id)
    if found is None:
        return not_open(request, actor, case_id)
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
            expected_sequence=_sequence(request),
            facts=moves.facts_from(declared, request.POST, Case.objects.visible_to(actor)),
            photos=kept.photos,
        )
    except engine.FactsError as wrong:
        return _refused(request, actor, found, declared, 422, "", wrong.problems, kept.tokens)
    except engine.Refused as refused:
        fresh = _seen(actor, case_id)
        if fresh is None:
            return not_open(request, actor, case_id)
        return _refused(
            request,
            actor,
            fresh,
            declared,
            _status(refused, request),
            str(refused),
            {},
            kept.tokens,
        )
    together.forget(actor, case_id, name)
    messages.success(request, _("Done: %(move)s.") % {"move": declared.label})
    return _back(actor, case_id)


@require_POST
@at_a_desk
def draft(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """Keeps what was typed into a move's form, or throws it away when `discard` is said.

    A script asks in between and gets when it was kept; a form leads back to the case.
    """
    found = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    declared = found.pinned_kind.move(name)
    if declared is None or not declared.plain:
        raise Http404
    if request.POST.get("discard"):
        together.forget(actor, case_id, name)
        messages.success(request, _("The draft is gone."))
        return _back(actor, case_id)
    try:
        drawn = _sequence(request)
        kept = together.keep(
            actor, found, declared, request.POST, found.sequence if drawn is None else max(drawn, 0)
        )
    except ValueError:
        said = _("This is too long to be kept as a draft; nothing was sent. Please shorten it.")
        return _refused(request, actor, found, declared, 422, said, {}, [])
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"at": words.when(kept.at) if kept else ""})
    messages.success(request, _("Kept as a draft for %(n)s days.") % {"n": together.DRAFT_DAYS})
    return _back(actor, case_id)


@require_POST
@at_a_desk
def leave_note(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """Keeps a note about a case that another node writes; it joins when files are exchanged."""
    found = _seen(actor, case_id)
    if found is None:
        return not_open(request, actor, case_id)
    if not found.lent_to:  # it came home meanwhile
        messages.warning(
            request, _("This case is written here; make a move instead of leaving a note.")
        )
        return _back(actor, case_id)
    text = request.POST.get("note", "")
    try:
        leases.leave_note(found, actor, text, move_key(request.POST))
    except leases.LeaseRefused as refused:
        form = {"left_text": text, "left_problem": str(refused)}
        return _case_page(request, actor, found, status=422, form=form)
    messages.success(request, _("Your note is kept; it joins when the township is back."))
    return _back(actor, case_id)


@require_POST
@at_a_desk
def at_the_case(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """A page's sign that it is still open; the answer says who else is at the case."""
    found = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    if request.POST.get("gone"):
        together.go(actor, case_id)
        return HttpResponse(status=204)
    beside = together.come(actor, found, narrowing(request.POST, "move"))
    return render(request, "command/together.html", {"beside": beside})


@require_POST
@at_a_desk
def overrule(request: HttpRequest, actor: Actor, case_id: UUID, step: str) -> HttpResponse:
    """A person's answer in place of an automatic step's."""
    found = _seen(actor, case_id)
    if found is None:
        return not_open(request, actor, case_id)
    if step not in OVERRULED:
        raise Http404
    try:
        learn.overrule(
            found.pk,
            Step(step),
            narrowing(request.POST, "value"),
            actor,
            key=move_key(request.POST),
            expected_sequence=_sequence(request),
            note=request.POST.get("note", ""),
        )
    except engine.FactsError as wrong:
        said = " ".join(wrong.problems.values())
        return _case_page(request, actor, found, status=422, headline=said)
    except engine.Refused as refused:
        fresh = _seen(actor, case_id)
        if fresh is None:
            return not_open(request, actor, case_id)
        return _case_page(
            request, actor, fresh, status=_status(refused, request), headline=str(refused)
        )
    messages.success(request, _("Your answer stands; the automatic one is kept beside it."))
    return _back(actor, case_id)


def _status(refused: engine.Refused, request: HttpRequest) -> int:
    """409 when somebody was faster (412 if the request said If-Match), 400 for a key of another
    move, 403 when the actor may not, 422 when a rule says no. Source: RFC 9110, 13.1.1."""
    if isinstance(refused, engine.StaleCase):
        return 412 if "If-Match" in request.headers else 409
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


def _seen(actor: Actor, case_id: UUID) -> Case | None:
    return Case.objects.visible_to(actor).filter(pk=case_id).first()


def _sequence(request: HttpRequest) -> int | None:
    """The sequence a form was drawn at, by `If-Match` or its own field; None when neither says so.

    What is no number is stale; `If-Match: *` asks nothing.
    """
    tag = request.headers.get("If-Match", "")
    sequence = (
        tag.removeprefix("W/").strip('"') if tag else request.POST.get("expected_sequence", "")
    )
    if not sequence or tag == "*":
        return None
    return int(sequence) if SEQUENCE.fullmatch(sequence) else NO_SEQUENCE


def _move_form(request: HttpRequest, actor: Actor, found: Case, declared: Move) -> HttpResponse:
    """The form alone for a page that is open already, else the page with the form in it."""
    file = rows.file_of(found)
    if declared not in moves.offered(actor, found, file.assignments):
        raise PermissionDenied
    typed = together.draft_of(actor, found, declared)
    form = {
        "case": found,
        "open_move": declared,
        "move": declared,
        "fields": moves.draw(declared, found, actor, together.as_typed(typed) if typed else None),
        "key": str(uuid.uuid4()),
        "draft": typed,
        "meanwhile": _since(found, file, actor, typed.sequence) if typed else [],
        "beside": together.come(actor, found, declared.name),
    }
    if request.headers.get("HX-Request") == "true":
        return _tagged(render(request, "command/move_form.html", form), found)
    return _case_page(request, actor, found, form=form)


def _tagged(answer: HttpResponse, found: Case) -> HttpResponse:
    """With the case's sequence as its entity tag, which `If-Match` may name."""
    answer["ETag"] = f'"{found.sequence}"'
    return answer


def _since(found: Case, file: rows.File, actor: Actor, sequence: int) -> list[rows.Happened]:
    """What happened after a sequence, newest first; nothing where nothing is known of it."""
    fresh = sum(event.sequence > sequence for event in file.events) if sequence >= 0 else 0
    read = reading.readings(actor, [found])[found.pk]
    return rows.timeline(file, read)[:fresh] if fresh else []


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
    drawn = _sequence(request)
    form = {
        "open_move": declared,
        "fields": moves.draw(declared, found, actor, request.POST, problems),
        # A key that belongs to another move would be refused for ever.
        "key": str(uuid.uuid4()) if status == KEY_TAKEN else form_key(request.POST),
        "gone": declared not in moves.offered(actor, found, file.assignments),
        "meanwhile": [] if drawn is None else _since(found, file, actor, drawn),
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
    file = rows.file_of(found)
    read = reading.readings(actor, [found])[found.pk]
    sent = [photo for photo in file.photos if photo.sequence == 1]
    first, others = moves.buttons(moves.offered(actor, found, file.assignments))
    clocks = rows.clocks(file)
    shows_reporter = permissions.may_see_reporter(actor, file.case, file.assignments)
    category = Category.objects.filter(pk=found.category).first() if found.category else None
    shown = {
        "case": found,
        "title": rows.title_of(file.words, read),
        "text": read.words(str(file.words.get("text", ""))),
        "about_words": read.words(str(file.words.get("about", ""))),
        "place_words": read.words(str(file.words.get("place", ""))),
        "masked": not read.full,
        "hidden_photos": bool(sent) and read.masked_photos,
        "category": category.shown_name if category else _("Not sorted yet"),
        "place": rows.place_names([found.area_code])[found.area_code],
        "lon": str(found.lon) if found.lon is not None else "",
        "lat": str(found.lat) if found.lat is not None else "",
        "photos": [] if read.masked_photos else sent,
        "reporter": file.reporter if shows_reporter else {},
        "shows_reporter": shows_reporter,
        "behalf": behalf_words(file.events[0].facts),
        "first": first,
        "others": others,
        "running": [shown for shown in clocks if shown.clock.ended_at is None],
        "ended": [shown for shown in clocks if shown.clock.ended_at is not None],
        "late_share": _late_share(found),
        "timeline": rows.timeline(file, read),
        "answers": _answers(actor, file, read),
        "assignments": file.assignments,
        "slips": slips_of(file.case, file.assignments),
        "may_hold": permissions.may_hold(actor, file.case),
        "formats": list(MEDIA_TYPES),
        "own_page": case_page(found.kind),
        "page_headline": headline,
        "live_after": live_after,
        "drafts": _drafts(actor, found),
        "lent_area": rows.place_names([found.lent_to])[found.lent_to] if found.lent_to else "",
        "left": leases.left_notes(found) if found.lent_to else [],
        "left_key": str(uuid.uuid4()),
        **(form or {}),
    }
    if request.headers.get("X-Live"):  # an open page draws itself anew; it has said it is there
        shown["beside"] = together.beside(actor, found)
    elif "beside" not in shown:
        opened = shown.get("open_move")
        shown["beside"] = together.come(actor, found, opened.name if opened else "")
    answer = _tagged(render(request, "command/case.html", shown, status=status), found)
    looks.note(actor, found, Way.PAGE)
    return answer


def _late_share(found: Case) -> float | None:
    """How often matters like this run late where it lies, if often enough to warn its desk."""
    if found.ended or found.late or found.due_at is None:
        return None
    share = proposals.late_share(found)
    return share if share is not None and share >= WARN_OF_LATENESS else None


def _drafts(actor: Actor, found: Case) -> list[dict[str, Any]]:
    """What this actor typed here and has not sent."""
    return [
        {"move": move, "at": draft.at}
        for draft in together.drafts_of(actor, found)
        if (move := found.pinned_kind.move(draft.move)) is not None
    ]


def _answers(actor: Actor, file: rows.File, read: reading.Reading) -> list[dict[str, Any]]:
    """The automatic answers, with the choices of the overrule form where this actor may use it."""
    case = file.case
    declared = case.pinned_kind.move("overrule")
    mine = declared is not None and permissions.may(actor, declared, case, file.assignments)
    shown = []
    for answer in rows.answers(file, actor, read):
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
