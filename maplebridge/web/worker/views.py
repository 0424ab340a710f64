"""The grid worker's door: my grid, my tasks, the report on the spot, and what works without a net.

Every page's main part is also told by `caseload`, so that a phone can keep it sealed and show it
in flight mode; nothing is drawn twice. What a phone sends later comes in by `receiving`.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.staticfiles import finders
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import check_for_language, get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maplebridge.cases import engine, looks, reading
from maplebridge.cases.grades import Way
from maplebridge.cases.models import Attachment, Case, Event
from maplebridge.journey.intake import LONGEST_TEXT, MOST_PHOTOS, Report, ReportRefused, take_in
from maplebridge.lib import clock
from maplebridge.organisation.people import Actor
from maplebridge.web.parts import limits, moves
from maplebridge.web.parts.asked import form_key, move_key, narrowing
from maplebridge.web.parts.desk import at_a_desk
from maplebridge.web.parts.photos import read_photos, shown_photo
from maplebridge.web.worker import devices, shown, spoken

P = ParamSpec("P")
KEY_TAKEN = 400
# What a phone keeps besides the pages, so that they look the same without a net.
ASSETS = (
    "bundle/app.js",
    "bundle/worker.js",
    "bundle/app-style.css",
    "bundle/worker-style.css",
    "parts/icons.svg",
    "parts/mark.svg",
    "parts/worker-192.png",
)
OFFLINE = "bundle/worker-offline.js"
SAID = ("text", "what", "place", "lon", "lat", "accuracy_metres")
NUMBERS = ("lon", "lat", "accuracy_metres")


def outside(
    view: Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Gives the view its actor, as `at_a_desk`; a post without such work gets a sentence."""

    @wraps(view)
    def asked(
        request: HttpRequest, actor: Actor, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponseBase:
        if not shown.is_outside(actor):
            return render(request, "worker/not_here.html", status=403)
        return view(request, actor, *args, **kwargs)

    return at_a_desk(asked)


def _page(
    request: HttpRequest, actor: Actor, name: str, values: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """A page whose main part stands in `worker/<name>.html`."""
    context = {
        **values,
        "part": f"worker/{name}.html",
        "here": name,
        "keeper": shown.keeper_of(actor),
        "words": spoken.sentences(),
    }
    return render(request, "worker/page.html", context, status=status)


# -- pages -----------------------------------------------------------------------------------


@require_safe
@outside
def home(request: HttpRequest, actor: Actor) -> HttpResponse:
    """My grid and what waits for me."""
    cases = shown.open_cases(actor)
    answer = _page(request, actor, "home", _home(actor, shown.tasks_of(actor, cases)))
    looks.note_list(actor, cases)
    return answer


def _home(actor: Actor, tasks: list[shown.Task]) -> dict[str, Any]:
    grid, above = shown.grid_names(actor.area_code)
    return {
        "title": _("My grid"),
        "grid": grid,
        "above": above,
        "mine": [task for task in tasks if task.is_mine],
        "spot": [task for task in tasks if not task.is_mine],
        "is_full": len(tasks) == shown.MOST_TASKS,
        "drawing": shown.drawing(actor.area_code, tasks),
        "shortcuts": shown.shortcuts(),
        "most": shown.MOST_TASKS,
    }


@require_safe
@outside
def task(request: HttpRequest, actor: Actor, case_id: UUID) -> HttpResponse:
    """A task: what was said, where, until when, and what I may do now."""
    found = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    return _task_page(request, actor, found)


def _task_page(
    request: HttpRequest,
    actor: Actor,
    case: Case,
    tried: shown.PhoneMove | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    [own] = shown.tasks_of(actor, [case])
    if tried is not None:
        own = replace(own, moves=[tried if m.name == tried.name else m for m in own.moves])
    values = {**_task(own), "tried": tried.name if tried else "", **more}
    answer = _page(request, actor, "task", values, status)
    looks.note(actor, case, Way.PAGE)
    return answer


def _task(own: shown.Task) -> dict[str, Any]:
    return {"title": own.title, "task": own, "key": str(uuid.uuid4()), "most_photos": MOST_PHOTOS}


@require_safe
@outside
def photo(request: HttpRequest, actor: Actor, case_id: UUID, number: int) -> HttpResponseBase:
    """A photo of a task."""
    case = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    found = get_object_or_404(Attachment, case_id=case.pk, number=number)
    event = get_object_or_404(Event, case_id=case.pk, sequence=found.sequence)
    if not shown.shows_photos(event, reading.readings(actor, [case])[case.pk]):
        raise Http404
    answer = shown_photo(found.sha256, found.media_type, request)
    looks.note(actor, case, Way.PHOTO)
    return answer


@require_POST
@outside
def move(request: HttpRequest, actor: Actor, case_id: UUID, name: str) -> HttpResponse:
    """A move sent by a page without script; with script it goes by the outbox."""
    found = get_object_or_404(Case.objects.visible_to(actor), pk=case_id)
    declared = found.pinned_kind.move(name)
    if declared is None or not declared.plain or name not in shown.FITS_A_PHONE:
        raise Http404
    kept = read_photos(request.FILES.getlist("photos"), request.POST.getlist("kept"))
    problems: Mapping[str, str] = {"photos": kept.problem} if kept.problem else {}
    status, headline = 422, ""
    if not problems:
        try:
            engine.move(
                case_id,
                name,
                actor,
                key=move_key(request.POST),
                facts=moves.facts_from(declared, request.POST, Case.objects.visible_to(actor)),
                photos=kept.photos,
            )
        except engine.FactsError as wrong:
            problems = wrong.problems
        except engine.Refused as refused:
            status, headline = _status(refused), str(refused)
        else:
            messages.success(request, _("Done: %(move)s.") % {"move": declared.label})
            return HttpResponseRedirect(reverse("worker"))
    fields = [
        shown.PhoneField(**vars(drawn), move=name)
        for drawn in moves.draw(declared, found, actor, request.POST, problems)
    ]
    tone = "grave" if name in moves.GRAVE else "main"
    tried = shown.PhoneMove(name, str(declared.label), tone, fields)
    return _task_page(
        request,
        actor,
        found,
        tried,
        status,
        headline=headline
        or _("Not saved yet. Please look at the marked fields; all you typed is still here."),
        key=str(uuid.uuid4()) if status == KEY_TAKEN else form_key(request.POST),
        kept=kept.tokens,
    )


def _status(refused: engine.Refused) -> int:
    """400 for a key of another move, 403 when the actor may not, 422 when a rule says no."""
    if isinstance(refused, engine.KeyReused):
        return KEY_TAKEN
    return 403 if isinstance(refused, engine.NotAllowed) else 422


@require_http_methods(["GET", "HEAD", "POST"])
@outside
def report(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The report on the spot; sent here only by a page without script."""
    if request.method != "POST":
        what = narrowing(request.GET, "what")
        return _page(request, actor, "report", _report(actor, {"what": what}))
    said = {name: request.POST.get(name, "") for name in SAID}
    kept = read_photos(request.FILES.getlist("photos"), request.POST.getlist("kept"))
    problems = {"photos": kept.problem} if kept.problem else {}
    status = 422
    try:
        numbers = _numbers(said, problems)
        if problems:
            raise ReportRefused(problems)
        limits.spend_report(request, actor.account_id)
        receipt = take_in(
            Report(
                channel="grid",
                account=str(actor.account_id),
                key=form_key(request.POST),
                text=said["text"] or dict(shown.shortcuts()).get(said["what"], ""),
                place=said["place"],
                photos=kept.photos,
                area_code=actor.area_code,
                actor=actor,
                lon=numbers["lon"],
                lat=numbers["lat"],
                accuracy_metres=numbers["accuracy_metres"],
            )
        )
    except ReportRefused as refused:
        problems |= refused.problems
    except limits.TooMany as full:
        status, problems[""] = 429, limits.sentence(limits.REPORT_WAITS, full)
    else:
        messages.success(request, _("Reported under number %(number)s.") % vars(receipt))
        return HttpResponseRedirect(reverse("worker"))
    values = {
        **_report(actor, said),
        "key": form_key(request.POST),
        "problems": problems,
        "kept": kept.tokens,
    }
    return _page(request, actor, "report", values, status)


def _numbers(said: Mapping[str, str], problems: dict[str, str]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in NUMBERS:
        try:
            found[name] = float(said[name]) if said[name].strip() else None
        except ValueError:
            found[name] = None
            problems["place"] = _("The place could not be read. Please choose it again.")
    return found


def _report(actor: Actor, said: Mapping[str, str]) -> dict[str, Any]:
    grid, above = shown.grid_names(actor.area_code)
    chosen = shown.shortcuts()
    what = said.get("what", "")
    return {
        "title": _("Report on the spot"),
        "grid": grid,
        "above": above,
        "shortcuts": chosen,
        "said": {"place": grid, "text": dict(chosen).get(what, ""), **said},
        "problems": {},
        "key": str(uuid.uuid4()),
        "longest_text": LONGEST_TEXT,
        "most_photos": MOST_PHOTOS,
    }


@require_safe
@outside
def box(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is still on the phone, and how each piece stands."""
    return _page(request, actor, "box", {"title": _("Outbox")})


@require_http_methods(["GET", "HEAD", "POST"])
@outside
def phone(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What this phone keeps, and the own devices; a POST signs one of them off."""
    if request.method == "POST":
        try:
            done = devices.revoke(actor, UUID(request.POST.get("device", "")))
        except ValueError:
            done = False
        if not done:
            raise Http404
        messages.success(request, _("Signed off. It is wiped when it next meets the network."))
        return HttpResponseRedirect(reverse("worker-phone"))
    values = {"title": _("This phone"), "devices": devices.mine(actor, request)}
    return _page(request, actor, "phone", values)


@require_safe
@outside
def positions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Every position stored with an act of this person, and what it is for."""
    values = {"title": _("My positions"), "positions": devices.points(actor)}
    return _page(request, actor, "positions", values)


# -- what works without a net ----------------------------------------------------------------


@require_safe
@outside
def caseload(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The main parts of the own pages, for a phone that keeps them sealed for 72 hours.

    Of a confidential case (C2) nothing is told: it is read with a connection only.
    """
    cases = shown.open_cases(actor)
    tasks = shown.tasks_of(actor, cases)
    parts: dict[str, tuple[str, dict[str, Any]]] = {
        reverse("worker"): ("home", _home(actor, tasks)),
        reverse("worker-report"): ("report", _report(actor, {})),
    }
    for own in tasks:
        if not own.is_secret:
            parts[reverse("worker-task", args=[own.case.pk])] = ("task", _task(own))
    said = {
        "keeper": shown.keeper_of(actor),
        "drawn_at": clock.now().isoformat(),
        "kept_hours": shown.KEPT_HOURS,
        "language": get_language(),
        "pages": {
            path: {
                "title": values["title"],
                # Without the request: no token of this session is kept on a phone.
                "html": render_to_string(f"worker/{name}.html", {**values, "kept_page": True}),
            }
            for path, (name, values) in parts.items()
        },
    }
    looks.note_list(actor, cases)
    answer = JsonResponse(said)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The frame without anybody's words: what a phone shows first when there is no net.

    It is asked for without the session, so the page says the language.
    """
    language = request.GET.get("language", "")
    if not check_for_language(language):
        language = get_language() or settings.LANGUAGE_CODE
    with override(language):
        context = {
            "title": _("My grid"),
            "part": "worker/waiting.html",
            "here": "shell",
            "words": spoken.sentences(),
            "shortcuts": shown.shortcuts(),
            "said": {"place": "", "text": ""},
            "key": "",
            "longest_text": LONGEST_TEXT,
            "most_photos": MOST_PHOTOS,
            "devices": None,
        }
        answer = render(request, "worker/page.html", context)
    answer["Content-Language"] = language
    return answer


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """What a telephone needs to put the pages among its apps."""
    said = {
        "id": reverse("worker"),
        "name": _("Maplebridge for grid workers"),
        "short_name": _("Maplebridge"),
        "description": _("My grid, my tasks, one entry; works in flight mode."),
        "lang": get_language(),
        "start_url": reverse("worker"),
        "scope": reverse("worker"),
        "display": "standalone",
        "background_color": "#f8f5ef",
        "theme_color": "#fffefb",
        "icons": [
            {
                "src": static(f"parts/worker-{side}.png"),
                "sizes": f"{side}x{side}",
                "type": "image/png",
                "purpose": "any maskable",
            }
            for side in (192, 512)
        ],
        "shortcuts": [{"name": _("Report on the spot"), "url": reverse("worker-report")}],
    }
    answer = HttpResponse(
        json.dumps(said, ensure_ascii=False), content_type="application/manifest+json"
    )
    answer["Cache-Control"] = "no-cache"
    return answer


@require_safe
def offline(_request: HttpRequest) -> HttpResponse:
    """The service worker, with the list of what it keeps and a mark of their present contents."""
    paths = [Path(str(finders.find(name))) for name in (*ASSETS, OFFLINE)]
    if not all(path.is_file() for path in paths):
        raise Http404
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in paths)
    answer = HttpResponse(_script(stamps), content_type="text/javascript; charset=utf-8")
    answer["Service-Worker-Allowed"] = reverse("worker")
    answer["Cache-Control"] = "no-cache"
    return answer


@lru_cache(maxsize=2)
def _script(stamps: tuple[tuple[str, int], ...]) -> bytes:
    digest = hashlib.sha256()
    for path, _changed in stamps:
        digest.update(Path(path).read_bytes())
    kept = {
        "version": digest.hexdigest()[:16],
        "scope": reverse("worker"),
        "shell": reverse("worker-shell"),
        "assets": [static(name) for name in ASSETS],
    }
    return f"self.KEPT={json.dumps(kept)};\n".encode() + Path(stamps[-1][0]).read_bytes()
